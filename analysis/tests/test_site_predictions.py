# SPDX-License-Identifier: Apache-2.0
"""The page of predicted cycles: the figures of `predict`, and what was measured beside them."""

import json
import re
from pathlib import Path

import pytest

from analysis.prediction import prediction_words as words
from analysis.prediction.predicted_cycles import FENCE, read_prediction
from analysis.site.prediction_pages import describe_prediction
from analysis.site.site_build import build_site
from analysis.tests.conftest import record
from analysis.tests.support.predictions import HERE, MODEL, THERE, document, launches, predicted
from analysis.tests.support.sites import data

PROTECTED, DRAM = "kernel/kmap_local/protected", "kernel/kmap_local/dram"
PATHS = (predicted(PROTECTED, 44, writes=2), predicted(DRAM, 10), predicted(MODEL, 15, "host"))


@pytest.fixture
def results(write_campaign, tmp_path, monkeypatch):
    """A campaign with a prediction, in a folder of results."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))

    def write(raw: dict, *more: dict) -> Path:
        measured = [*launches(FENCE, 17, 17, 17), *launches(MODEL, 27, 28, 26), *more]
        folder = write_campaign(measured)
        (folder / "predicted").mkdir()
        (folder / "predicted" / "llvm-mca.json").write_text(json.dumps(raw))
        (tmp_path / "results").mkdir()
        return folder.rename(tmp_path / "results" / "one").parent

    return write


def cycles(case: str, *figures: float) -> list[dict]:
    """Records of the running kernel, a boot each."""
    return [
        record(
            case, boot, figure, clock="tsc", unit="ticks", exact=False, cost_core_cycles=figure + 1
        )
        for boot, figure in enumerate(figures, 1)
    ]


def test_the_page_has_the_figures_and_the_fitness_that_predict_prints(results, tmp_path):
    given = results(document(*PATHS))
    build_site([given], tmp_path / "public")
    page = (tmp_path / "public" / "predictions.html").read_text()
    folder = given / "one"
    prediction = read_prediction(folder / "predicted", folder)
    text = re.sub(r"<wbr>|&#8203;|\u200b", "", page)
    assert words.fitness(prediction).replace("'", "&#39;") in text
    for cpu in (HERE, THERE):
        for case in prediction.cases:
            for cell in words.case_cells(case, cpu):
                assert f">{cell}<" in text
    assert ">40 + 2W<" in text and ">410<" in text  # 44 - 4, and with two writes of 185
    assert ">+10%<" in text  # 15 - 4 against 27 - 17
    assert "graniterapids" in text and "measured, in a loop" not in text
    assert 'href="predictions.html"' in (tmp_path / "public" / "index.html").read_text()


def test_what_was_measured_of_a_path_stands_beside_this_machines_prediction_only(results):
    raw = document(*PATHS)
    given = results(raw, *cycles(PROTECTED, 400, 410, 405))
    here, there = describe_prediction(given / "one" / "predicted")["cpus"][::-1]
    assert here["columns"][-1] == "measured, in a loop"
    assert {row[0]: row[-1] for row in here["rows"]} == {
        PROTECTED: "406.0 [401.0, 411.0], n 3",
        DRAM: "-",
    }
    assert "measured" not in " ".join(there["columns"])


def test_a_chart_has_lines_and_cpus_that_are_the_same_share_one(results, tmp_path):
    given = results(document(*PATHS, same={THERE: [HERE], HERE: [THERE]}))
    build_site([given], tmp_path / "public")
    (id,) = (row[0] for row in data(tmp_path / "public", "campaigns")["rows"])
    lines, models = data(tmp_path / "public", f"prediction/{id}")
    assert lines["title"] == f"kernel/kmap_local (stock) on {THERE}, predicted"
    drawn = {line["name"]: (line["alone"], line["writes"]) for line in lines["lines"]}
    assert drawn == {"protected": (40, 2), "dram": (6, 0)}
    (model,) = models["models"]
    assert (model["case"], model["predicted"], model["measured"]) == (MODEL, 11, 10)


def test_a_prediction_that_is_broken_is_named_and_the_campaign_is_shown(results, tmp_path):
    given = results(document(*PATHS, format=9))
    built = build_site([given], tmp_path / "public")
    (where,) = built.left_out
    assert where == "results/one/predicted" and "format" in built.left_out[where]
    assert built.campaigns == 1 and not (tmp_path / "public" / "predictions.html").exists()
    assert "predictions.html" not in (tmp_path / "public" / "index.html").read_text()
