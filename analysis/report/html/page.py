# SPDX-License-Identifier: Apache-2.0
"""report/index.html: one file that needs no other file, and no network."""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from analysis.report.charts import style
from analysis.report.charts.drawing import DrawnChart
from analysis.report.model.report_model import ReportModel
from analysis.report.model.table import Value

_TEMPLATES = Path(__file__).with_name("templates")


def render_page(model: ReportModel, charts: Sequence[DrawnChart]) -> str:
    """The whole file. Every name in it is escaped; the page's own script is the only one that may
    run, by its hash.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": _figure,
        "data_uri": _data_uri,
        "inline": _inline,
        "breakable": _breakable,
    }
    script = (_TEMPLATES / "page.js").read_text()
    return environment.get_template("index.html.j2").render(
        page=model,
        charts=charts,
        sheet_style=Markup((_TEMPLATES / "page.css").read_text()),
        colours=style.ON_DARK,
        variable=_variable,
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _figure(value: Value) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.6g}"


def _breakable(name: str) -> Markup:
    """A case name that browsers break after a slash rather than elsewhere."""
    return Markup("/<wbr>").join(name.split("/"))


def _data_uri(text: str) -> str:
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


def _variable(colour: str) -> str:
    return f"--{colour.removeprefix('#')}"


def _inline(svg: str) -> Markup:
    """A drawn chart as part of the page: in its colours, without ids that nothing refers to."""
    svg = svg[svg.index("<svg") :]  # the XML prologue has no place inside HTML
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    referred = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in referred else "", svg)
    for colour in style.ON_DARK:
        svg = re.sub(rf"(fill|stroke): {colour}", rf"\1: var({_variable(colour)})", svg)
    return Markup(svg)
