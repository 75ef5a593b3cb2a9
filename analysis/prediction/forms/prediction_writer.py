# SPDX-License-Identifier: Apache-2.0
"""Writes the files of a prediction into its folder."""

from pathlib import Path

from analysis.prediction.forms import prediction_json, prediction_markdown, prediction_text
from analysis.prediction.predicted_cycles import read_prediction
from analysis.prediction.prediction_figure import make_figure
from analysis.report.charts.drawing import draw_figures
from formats.prediction_file import NAME

_FORMS = {
    "text": (prediction_text, "txt"),
    "md": (prediction_markdown, "md"),
    "json": (prediction_json, "json"),
}


def write_prediction(folder: Path, campaign: Path, form: str) -> str:
    """Writes text, Markdown, JSON and a chart of each CPU; the text of one form, of _FORMS. BadData
    where the prediction or the campaign is broken.
    """
    prediction = read_prediction(folder, campaign)
    texts = {}
    for name, (module, suffix) in _FORMS.items():
        texts[name] = module.export(prediction)
        (folder / f"{NAME}.{suffix}").write_text(texts[name])
    if any(not one.refused for one in prediction.cases):
        draw_figures([make_figure(prediction, cpu) for cpu in prediction.cpus], folder)
    return texts[form]
