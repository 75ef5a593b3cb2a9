# SPDX-License-Identifier: Apache-2.0
"""The chart of a prediction: predicted cycles of each state of the path over what a write takes."""

from analysis.prediction import prediction_words as words
from analysis.prediction.predicted_cycles import (
    PUBLISHED_SOURCE,
    PUBLISHED_WRITE,
    WRITE_CYCLES,
    PredictedCase,
    Prediction,
)
from analysis.report.model.figure import Caption, Figure, WriteLine, WriteLines, WritePanel
from analysis.report.model.table import Table
from formats.prediction_file import NAME


def make_figure(prediction: Prediction, cpu: str) -> Figure:
    """Of one CPU: a panel per form of the path and kernel, of those that write the register."""
    cases = [one for one in prediction.cases if not one.refused]
    panels: dict[str, dict[str, WriteLine]] = {}
    for case in cases:
        form, _, state = case.case.rpartition("/")
        cycles = case.cycles[cpu]
        line = WriteLine(cycles.alone, cycles.low, cycles.high, case.writes)
        panels.setdefault(f"{form} ({case.variant})", {})[state] = line
    written = {
        title: lines
        for title, lines in panels.items()
        if any(line.writes for line in lines.values())
    }
    low, high = WRITE_CYCLES
    return Figure(
        Caption(
            f"Predicted cycles of a map/unmap pair on {cpu}",
            f"Predicted by llvm-mca {prediction.llvm}, not measured."
            f" {words.fitness(prediction)}",
            "W is unknown. Band: from pairs that overlap to a pair whose loads wait for all stores"
            f" before them. Dotted: W = {PUBLISHED_WRITE}, the only published number that we found"
            f" ({PUBLISHED_SOURCE}).",
        ),
        _table(cases, cpu),
        WriteLines(
            [WritePanel(title, lines) for title, lines in (written or panels).items()],
            (low, high),
            PUBLISHED_WRITE,
        ),
    )


def _table(cases: list[PredictedCase], cpu: str) -> Table:
    return Table(
        f"{NAME}-{cpu}",
        f"Predicted cycles on {cpu}",
        "Predicted, not measured. Each write adds what a PKRS write takes.",
        ("case", "variant", "writes", "predicted cycles without writes", "low", "high"),
        tuple(
            (
                one.case,
                one.variant,
                one.writes,
                one.cycles[cpu].alone,
                one.cycles[cpu].low,
                one.cycles[cpu].high,
            )
            for one in cases
        ),
    )
