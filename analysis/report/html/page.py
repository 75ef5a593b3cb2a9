# SPDX-License-Identifier: Apache-2.0
"""report/index.html: one file that needs no other file, and no network."""

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from analysis.report.charts import style
from analysis.report.charts.drawing import DrawnChart
from analysis.report.model.report_model import ReportModel
from analysis.report.model.table import Table, Value
from analysis.summary import cost_parts

_MOST_PLACES = 9  # behind the point
TEMPLATES = Path(__file__).with_name("templates")


def render_page(model: ReportModel, charts: Sequence[DrawnChart]) -> str:
    """The whole file. Every name in it is escaped; the page's own script is the only one that may
    run, by its hash.
    """
    environment = new_environment(TEMPLATES)
    script = (TEMPLATES / "page.js").read_text()
    return environment.get_template("index.html.j2").render(
        page=model,
        longest=max((bar.total for bar in model.answer.bars), default=0),
        drawn_parts={
            part for bar in model.answer.bars for part, count in bar.parts.items() if count
        },
        part_colours=style.PART_COLOURS,
        part_titles=cost_parts.TITLES,
        charts=charts,
        sheet_style=Markup((TEMPLATES / "page.css").read_text()),
        colours=style.ON_DARK,
        variable=name_variable,
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def new_environment(*folders: Path) -> jinja2.Environment:
    """An environment that escapes all text, for the templates in these folders."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": _figure,
        "data_uri": _data_uri,
        "inline": _inline,
        "row_ids": _row_ids,
        "count": _count,
        "signed": _signed,
        "breakable": _breakable,
        "is_number": _is_number,
    }
    return environment


def _figure(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else _five_digits(value)


def _five_digits(value: float) -> str:
    """A figure below 100: its first five digits, without an exponent."""
    places = 4 - math.floor(math.log10(abs(value)))
    return f"{value:.{min(places, _MOST_PLACES)}f}".rstrip("0").rstrip(".")


def _count(value: float | None, sign: str = "") -> str:
    """With separators of thousands, and digits behind the point only where there are few before."""
    if value is None:
        return "-"
    digits = 0 if value == round(value) or abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:{sign},.{digits}f}"


def _signed(value: float | None) -> str:
    return _count(value, "+" if value else "")


def _is_number(text: str) -> bool:
    """Whether it is written as a figure, as the difference of exact counts is."""
    return bool(re.fullmatch(r"[+-]?[0-9][0-9.,]*", text))


def _breakable(text: str) -> Markup:
    """Words that are joined by a slash may be on two lines."""
    return Markup("/<wbr>").join(map(escape, text.split("/")))


def _row_ids(table: Table) -> list[str]:
    """An id for each row, by its words; a number follows where they are the same."""
    seen: Counter[str] = Counter()
    ids = []
    for row in table.rows:
        words = [value for value in row[:2] if isinstance(value, str)]
        name = re.sub(r"[^A-Za-z0-9]+", "-", "-".join([table.name, *words])).strip("-")
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return ids


def _data_uri(text: str) -> str:
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


def name_variable(colour: str) -> str:
    """The name of the variable of a colour of charts, which is another one on a dark page."""
    return f"--{colour.removeprefix('#')}"


def _inline(svg: str) -> Markup:
    """A drawn chart as part of the page: in its colours, without ids that nothing refers to."""
    svg = svg[svg.index("<svg") :]  # the XML prologue has no place inside HTML
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    referred = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in referred else "", svg)
    for colour in style.ON_DARK:
        svg = re.sub(rf"(fill|stroke): {colour}", rf"\1: var({name_variable(colour)})", svg)
    return Markup(svg)
