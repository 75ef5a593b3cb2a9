# SPDX-License-Identifier: Apache-2.0
"""report/index.html: one file that needs no other, nor a network."""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from analysis.report import style
from analysis.report.table import Table, Value

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Chart:
    """A drawn chart and the data behind it."""

    svg: str
    description: str  # in place of the picture, for who cannot see it
    data: Table

    @classmethod
    def drawn(cls, target: Path, title: str, data: Table) -> "Chart":
        """Of a file that was drawn; target: without suffix."""
        return cls(
            target.with_name(target.name + ".svg").read_text(), f"{title}. {data.caption}", data
        )


@dataclass(frozen=True)
class KeyFigure:
    """One figure that a reader is to see first."""

    figure: str
    of: str
    detail: str


@dataclass(frozen=True)
class Page:
    """All that the page says, from top to bottom."""

    title: str
    problems: list[str]  # why no figure can be trusted
    facts: list[str]
    headlines: list[KeyFigure]
    charts: list[Chart]
    sheets: list[Table]
    quality: dict[str, list[str]]  # by variant
    notes: list[str]


def render(page: Page) -> str:
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
        page=page,
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
    """A path that may be broken after a slash, and is broken nowhere else as long as
    that will do.
    """
    return Markup("/<wbr>").join(name.split("/"))


def _data_uri(text: str) -> str:
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


def _variable(colour: str) -> str:
    return f"--{colour.removeprefix('#')}"


def _inline(svg: str) -> Markup:
    """A chart of ours as part of a page: it takes the page's colours, and leaves out ids that
    nothing refers to.
    """
    svg = svg[svg.index("<svg") :]  # the XML prologue has no place inside HTML
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    referred = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in referred else "", svg)
    for colour in style.ON_DARK:
        svg = re.sub(rf"(fill|stroke): {colour}", rf"\1: var({_variable(colour)})", svg)
    return Markup(svg)
