# SPDX-License-Identifier: Apache-2.0
"""Writes the report of a campaign: report.txt, details.txt, report/index.html, charts/."""

from dataclasses import dataclass
from pathlib import Path

from analysis.data.load import load
from analysis.report.builder import build_report
from analysis.report.charts.drawing import draw_figures
from analysis.report.html.page import render_page
from analysis.report.text.end_of_run import render_summary
from analysis.report.text.mail import render_mail
from analysis.report.text.render import render_text
from analysis.summary.provenance import maker


@dataclass(frozen=True)
class Written:
    """A report that was written."""

    summary: str  # a sentence, and where the report is
    mail: str  # of report.txt
    details: str  # of details.txt
    problems: list[str]  # why no result in it can be trusted


def write_report(folder: Path) -> Written:
    """Reads the campaign in a folder, and writes its report there."""
    campaign = load(folder)
    model = build_report(campaign)
    mail, details = render_mail(model.answer, model.alerts), render_text(model)
    (folder / "report.txt").write_text(mail)
    (folder / "details.txt").write_text(details)
    charts = draw_figures(model.figures, folder / "charts")
    page = render_page(model, charts)
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "index.html").write_text(page)
    summary = render_summary(model.answer, model.alerts, folder, maker(campaign))
    return Written(summary, mail, details, model.problems)
