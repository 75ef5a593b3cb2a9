# SPDX-License-Identifier: Apache-2.0
"""What a terminal shows at the end: the answer in a sentence, and where to go from there."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from analysis.report.model.answer import Answer
from analysis.report.text.layout import wrapped


def render_summary(answer: Answer, alerts: Sequence[str], folder: Path, command: str) -> str:
    """A few lines, with a last newline. folder: the campaign's; command: what has made it."""
    place = shlex.quote(str(folder))
    lines = [line for sentence in [*alerts, answer.claim] for line in wrapped(sentence)]
    lines += [
        "",
        f"page     {folder / 'report' / 'index.html'}",
        f"mail     {folder / 'report.txt'}",
    ]
    if (folder / "plan.toml").is_file():
        lines.append(f"again    {command} --plan {place}/plan.toml")
    lines.append(f"compare  ./kmapbench compare {_sides(answer, place)}")
    return "\n".join(lines) + "\n"


def _sides(answer: Answer, place: str) -> str:
    """Baseline and subject of the campaign, or the campaign and another."""
    columns = list(answer.compared)
    return f"{place}:{columns[0]} {place}:{columns[-1]}" if len(columns) > 1 else f"{place} OTHER"
