# SPDX-License-Identifier: Apache-2.0
"""Writes the report of a campaign: report.txt, report/index.html, charts/."""

from dataclasses import dataclass
from pathlib import Path

from analysis.data.load import load
from analysis.report.builder import build_report
from analysis.report.charts.drawing import draw_figures
from analysis.report.html.page import render_page
from analysis.report.text.render import render_text


@dataclass(frozen=True)
class Written:
    """A report that was written."""

    text: str  # of report.txt
    problems: list[str]  # why no result in it can be trusted


def write_report(folder: Path) -> Written:
    """Reads the campaign in a folder, and writes its report there."""
    model = build_report(load(folder))
    text = render_text(model)
    (folder / "report.txt").write_text(text)
    charts = draw_figures(model.figures, folder / "charts")
    page = render_page(model, charts)
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "index.html").write_text(page)
    return Written(text, model.problems)
