# SPDX-License-Identifier: Apache-2.0
"""Predictions of campaigns (`kmapbench predict`) as a page: predicted cycles, and what was measured
beside them where anything was.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.prediction import prediction_words as words
from analysis.prediction.predicted_cycles import (
    Measured,
    PredictedCase,
    Prediction,
    read_prediction,
)
from analysis.prediction.prediction_figure import make_figure
from analysis.report.charts import style
from analysis.report.model.figure import WriteLines
from formats import prediction_file

Context = dict[str, Any]

_MEASURED = "measured, in a loop"


def find_predictions(campaign: Path, where: str) -> dict[str, Path]:
    """The folder of what was predicted beside a campaign, if anything was, by where it lies."""
    folder = campaign / prediction_file.FOLDER
    is_there = (folder / prediction_file.FILE).is_file()
    return {f"{where}/{prediction_file.FOLDER}": folder} if is_there else {}


def describe_prediction(folder: Path) -> Context:
    """What a page says of a prediction, with its charts. BadData where it is broken."""
    prediction = read_prediction(folder, folder.parent)
    charts = [chart for cpu in _drawn(prediction) for chart in _panels(prediction, cpu)]
    return {
        "title": words.title(prediction),
        "fitness": words.fitness(prediction),
        "is_fit": prediction.is_fit,
        "cpus": [_cpu(prediction, cpu) for cpu in prediction.cpus],
        "notes": words.notes(prediction),
        "refusals": words.refusals(prediction),
        "errors": {
            "heading": words.errors_heading(prediction),
            "columns": list(words.ERROR_COLUMNS),
            "rows": [list(words.error_cells(one)) for one in prediction.errors],
        },
        "charts": charts + ([_comparison(prediction)] if prediction.errors else []),
    }


def _drawn(prediction: Prediction) -> list[str]:
    """CPUs that have a chart: of those that are the same to LLVM one."""
    drawn: list[str] = []
    for cpu in prediction.cpus:
        if not any(cpu in prediction.same.get(other, ()) for other in drawn):
            drawn.append(cpu)
    return drawn if any(not one.refused for one in prediction.cases) else []


def _cpu(prediction: Prediction, cpu: str) -> Context:
    """The table of a CPU; what was measured is beside the CPU of this machine."""
    cases = [one for one in prediction.cases if not one.refused]
    here = prediction.measured if cpu == prediction.here else {}
    with_measured = any((one.case, one.variant) in here for one in cases)
    return {
        "heading": words.cases_heading(prediction, cpu),
        "columns": [*words.CASE_COLUMNS, *([_MEASURED] if with_measured else [])],
        "rows": [
            [*words.case_cells(one, cpu), *([_cell(here, one)] if with_measured else [])]
            for one in cases
        ],
    }


def _cell(measured: Mapping[tuple[str, str], Measured], case: PredictedCase) -> str:
    one = measured.get((case.case, case.variant))
    return f"{one.median:.1f} [{one.low:.1f}, {one.high:.1f}], n {one.records}" if one else "-"


def _panels(prediction: Prediction, cpu: str) -> list[Context]:
    """A chart for each form of the path: lines over what a write takes."""
    drawing = make_figure(prediction, cpu).drawing
    assert isinstance(drawing, WriteLines)
    states = list(dict.fromkeys(name for panel in drawing.panels for name in panel.lines))
    low, high = drawing.span
    return [
        {
            "title": f"{panel.title} on {cpu}, predicted",
            "span": [low, high],
            "published": drawing.published,
            "lines": [
                {
                    "name": state,
                    "colour": style.looks(state, states)[0],
                    "alone": line.alone,
                    "low": line.low,
                    "high": line.high,
                    "writes": line.writes,
                }
                for state, line in panel.lines.items()
            ],
        }
        for panel in drawing.panels
    ]


def _comparison(prediction: Prediction) -> Context:
    """The chart of predicted and measured user models."""
    names: Sequence[str] = ("predicted", "measured")
    rows = [
        {
            "case": one.case,
            "predicted": one.predicted.alone,
            "low": one.predicted.low,
            "high": one.predicted.high,
            "measured": one.measured,
            "error": f"{one.error:+.0%}",
        }
        for one in prediction.errors
    ]
    return {
        "title": "User models on this machine, predicted and measured",
        "colours": [style.looks(name, names)[0] for name in names],
        "models": rows,
    }
