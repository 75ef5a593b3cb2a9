# SPDX-License-Identifier: Apache-2.0
"""A history as a page of its own: no script, nothing loaded, light and dark as the reader has it.
"""

from pathlib import Path

from analysis.history.case_history import History
from analysis.report.comparison.as_html import environment
from analysis.report.history import history_sentences as sentences

_TEMPLATES = Path(__file__).with_name("templates")


def export(history: History) -> str:
    return (
        environment(_TEMPLATES)
        .get_template("history.html.j2")
        .render(history=history, sentences=sentences)
    )
