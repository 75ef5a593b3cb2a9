# SPDX-License-Identifier: Apache-2.0
"""A page of its own: no script, nothing loaded, light and dark as the reader has it."""

from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from analysis.compare.engine import SourcePair
from analysis.data.bad_data import printable
from analysis.report.comparison import format
from analysis.report.comparison.comparison_table import build_table

_TEMPLATES = Path(__file__).with_name("templates")


def export(groups: Sequence[SourcePair], notes: Sequence[str]) -> str:
    endings = [
        sentence
        for sentence in (format.describe_test(groups), format.describe_aa(groups), *notes)
        if sentence
    ]
    return (
        environment(_TEMPLATES)
        .get_template("comparison.html.j2")
        .render(groups=groups, endings=endings, cells=format, build_table=build_table)
    )


def environment(templates: Path) -> jinja2.Environment:
    """What fills templates, so that no name becomes markup or steers a terminal."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, _TEMPLATES]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.filters["arrows"] = _with_arrows
    return made


def _printable(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _with_arrows(text: str) -> Markup:
    """-> as one letter: a browser breaks lines behind the hyphen."""
    return Markup(str(escape(printable(text))).replace("-&gt;", "&rarr;"))
