# SPDX-License-Identifier: Apache-2.0
"""What is made of llvm-mca's cycles: sums and errors that are worked out here by hand, and that
nothing predicted is shown as measured.
"""

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from analysis.data.bad_data import BadData
from analysis.prediction import prediction_words
from analysis.prediction.forms import (
    prediction_json,
    prediction_markdown,
    prediction_text,
    prediction_writer,
)
from analysis.prediction.predicted_cycles import FENCE, LARGEST_ERROR, read_prediction
from analysis.prediction.prediction_figure import make_figure
from analysis.tests.support.predictions import (
    HERE,
    LOOP,
    MODEL,
    THERE,
    document,
    estimate,
    launches,
    predicted,
)
from formats import prediction_file


@pytest.fixture
def prediction(tmp_path, write_campaign):
    """A prediction of this document, with the folder of its campaign."""

    def make(raw: dict, records: list[dict] | None = None) -> tuple[Path, Path]:
        measured = [*launches(FENCE, 17, 17.5, 16), *launches(MODEL, 27, 28, 26)]
        campaign = write_campaign(measured if records is None else records)
        folder = tmp_path / "predicted"
        folder.mkdir()
        (folder / prediction_file.FILE).write_text(json.dumps(raw))
        return folder, campaign

    return make


def test_the_loops_end_and_the_fence_are_taken_away(prediction):
    """Predicted 15 - 4, measured 27 - 17."""
    found = read_prediction(*prediction(document(predicted(MODEL, 15, "host"))))
    (one,) = found.errors
    assert (one.predicted.alone, one.measured, one.launches) == (11, 10, 3)
    assert (one.low, one.high) == (9, 11)
    assert one.error == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("alone", "is_fit"),
    [(14, True), (15, True), (16, False), (12, False)],  # 10, 11, 12 and 8 of 10
)
def test_a_prediction_is_fit_up_to_its_largest_error(prediction, alone, is_fit):
    found = read_prediction(*prediction(document(predicted(MODEL, alone, "host"))))
    assert found.is_fit == is_fit == (abs((alone - 4) / 10 - 1) <= LARGEST_ERROR)
    said = prediction_words.fitness(found)
    assert said.startswith("NOT FIT") != is_fit
    for export in (prediction_text.export, prediction_markdown.export):
        assert ("NOT FIT" in export(found)) != is_fit


def test_one_bad_model_of_many_is_enough(prediction):
    paths = [predicted(MODEL, 14, "host"), predicted("user/kmap_local/dram/alone", 20, "host")]
    measured = [
        *launches(FENCE, 17),
        *launches(MODEL, 27),
        *launches("user/kmap_local/dram/alone", 27),
    ]
    said = prediction_words.fitness(read_prediction(*prediction(document(*paths), measured)))
    assert "1 are predicted worse than by 15%" in said
    assert "user/kmap_local/dram/alone is off by +60%" in said


def test_a_model_that_could_not_be_predicted_makes_it_unfit(prediction):
    paths = [
        predicted(MODEL, 14, "host"),
        predicted("user/kmap_local/dram/alone", 0, "host", refused="no order has these counts"),
    ]
    found = read_prediction(*prediction(document(*paths)))
    assert not found.misses and not found.is_fit
    text = prediction_text.export(found)
    assert "1 more could not be compared" in " ".join(text.split())
    assert "no order has these counts" in " ".join(text.split())


def test_without_a_comparison_nothing_is_called_fit(prediction):
    """LLVM does not know the CPU, or no model was measured."""
    unknown = document(predicted("model/kmap_local/dram", 30), here=None)
    found = read_prediction(*prediction(unknown))
    assert not found.is_fit and found.errors == []
    assert prediction_words.fitness(found).startswith("NOT CHECKED: LLVM does not know")


@pytest.mark.parametrize("cycles", [(), (16,)])  # not measured; no longer than the fence alone
def test_a_model_that_is_compared_with_nothing_is_said_and_makes_it_unfit(prediction, cycles):
    other = "user/kmap_local/dram/alone"
    paths = [predicted(MODEL, 14, "host"), predicted(other, 20, "host")]
    measured = [*launches(FENCE, 17), *launches(MODEL, 27), *launches(other, *cycles)]
    found = read_prediction(*prediction(document(*paths), measured))
    assert not found.misses and not found.is_fit and found.unmeasured == [other]
    assert f"{other}: not compared" in " ".join(prediction_text.export(found).split())


def test_no_measured_model_is_said(prediction):
    found = read_prediction(
        *prediction(document(predicted(MODEL, 15, "host")), launches(FENCE, 17))
    )
    assert prediction_words.fitness(found).startswith("NOT CHECKED: no user model")


def test_a_flagged_launch_is_left_out(prediction):
    measured = [*launches(FENCE, 17), *launches(MODEL, 27, 27, 90)]
    measured[-1] |= {"status": "flagged", "reason": "control: off"}
    found = read_prediction(*prediction(document(predicted(MODEL, 15, "host")), measured))
    assert (found.errors[0].high, found.errors[0].launches) == (10, 2)


def test_a_campaign_without_the_fence_is_refused(prediction):
    with pytest.raises(BadData, match=FENCE):
        read_prediction(*prediction(document(predicted(MODEL, 15, "host")), launches(MODEL, 27)))


PROTECTED = "model/kmap_local/protected"


def test_each_write_adds_w(prediction):
    paths = [
        predicted(PROTECTED, 44, writes=2),
        predicted("msr/wrpkrs/same", 6, writes=1),
        predicted("model/kmap_local/dram", 26),
    ]
    found = read_prediction(*prediction(document(*paths)))
    cells = {one.case: prediction_words.case_cells(one, THERE) for one in found.cases}
    assert cells[PROTECTED][3:] == ("40 + 2W", "2 to 40", str(40 + 2 * 185))
    assert cells["msr/wrpkrs/same"][3] == "2 + W"
    assert cells["model/kmap_local/dram"][3] == "22"


def test_the_range_holds_all_three_figures(prediction):
    """From the rate of pairs that overlap to loads that wait for all stores."""
    path = predicted(
        PROTECTED, 44, estimates={cpu: estimate(44, 94, 21.5) for cpu in (THERE, HERE)}
    )
    (one,) = read_prediction(*prediction(document(path))).cases
    cycles = one.cycles[THERE]
    assert (cycles.low, cycles.alone, cycles.high) == (20.5, 40, 90)


def test_what_llvm_mca_does_not_know_is_refused(prediction):
    why = "llvm-mca does not know how long rdpkru takes on znver4"
    path = predicted(PROTECTED, 44, estimates={THERE: estimate(44), HERE: why})
    found = read_prediction(*prediction(document(path)))
    assert found.cases[0].refused == why and found.cases[0].cycles == {}
    assert why in " ".join(prediction_text.export(found).split())
    assert "40 + 2W" not in prediction_text.export(found)


def everything(prediction) -> tuple[Path, Path]:
    states = {"key_off": 12, "dram": 26, "devmap": 30, "protected_nested": 36}
    paths = [
        predicted(f"model/{form}/{state}", cycles)
        for form in ("kmap_local", "kmap_local_slim")
        for state, cycles in states.items()
    ]
    slow = {cpu: estimate(44, 94, 21.5) for cpu in (THERE, HERE)}
    paths += [
        predicted(f"model/{form}/protected", 44, writes=2, estimates=slow)
        for form in ("kmap_local", "kmap_local_slim")
    ]
    return prediction(document(*paths, predicted(MODEL, 15, "host")))


def test_everything_that_is_printed_calls_itself_predicted(prediction):
    folder, campaign = everything(prediction)
    printed = prediction_writer.write_prediction(folder, campaign, "text")
    assert printed == (folder / "prediction.txt").read_text()
    for suffix in ("txt", "md", "json"):
        text = (folder / f"prediction.{suffix}").read_text()
        assert "Predicted, not measured" in " ".join(text.split())
    for cpu in (THERE, HERE):
        words = "".join(ElementTree.parse(folder / f"prediction-{cpu}.svg").getroot().itertext())
        assert f"Predicted cycles of a map/unmap pair on {cpu}" in words
        assert "Predicted by llvm-mca 19.1.7, not measured" in words
        assert words.count("predicted cycles") == 2  # each axis


def test_what_llvm_mca_was_not_given_is_said(prediction):
    paths = [predicted(PROTECTED, 44, stripped={"wrmsr": 2, "callq": 4})]
    paths.append(predicted(MODEL, 15, "host", stripped={"lfence": 1}))
    text = " ".join(prediction_text.export(read_prediction(*prediction(document(*paths)))).split())
    assert "left out of what llvm-mca was given: callq, lfence, wrmsr." in text


def test_equal_cpus_the_load_and_the_published_figure_are_said(prediction):
    text = " ".join(prediction_text.export(read_prediction(*everything(prediction))).split())
    assert f"the same figures for {THERE} and graniterapids, alderlake" in text
    assert f"the same figures for {HERE}" not in text
    assert "0.5 before, 1.25 after" in text
    assert "185 cycles (i7-12700H; BULKHEAD, NDSS 2025, table III)" in text


def test_a_line_rises_by_its_writes(prediction, monkeypatch):
    """As drawn, from W = 20 to 300: by 560 where there are two writes, else not at all."""
    from matplotlib.axes import Axes

    drawn = {}
    plot = Axes.plot

    def kept(self, x, y, *words, **options):
        drawn.setdefault(self, []).append((list(x), list(y)))
        return plot(self, x, y, *words, **options)

    monkeypatch.setattr(Axes, "plot", kept)
    prediction_writer.write_prediction(*everything(prediction), "text")
    lines = [line for panel in drawn.values() for line in panel]
    assert {(x[0], x[-1]) for x, _ in lines} == {(20, 300)} and all(185 in x for x, _ in lines)
    rises = sorted(y[-1] - y[0] for _, y in lines)
    assert rises == [0] * 16 + [560] * 4


def test_the_table_behind_the_chart_has_what_is_drawn(prediction):
    found = read_prediction(*everything(prediction))
    rows = {row[0]: row for row in make_figure(found, THERE).table.rows}
    assert rows[PROTECTED] == (PROTECTED, "stock", 2, 40, 20.5, 90)


def test_json_has_the_figures_of_the_text(prediction):
    value = json.loads(prediction_json.export(read_prediction(*everything(prediction))))
    assert value["fit"] is True
    (model,) = value["models"]
    assert (model["measured"], model["predicted"]["alone"]) == (10, 11)
    assert math.isclose(model["error"], 0.1)
    protected = next(one for one in value["predicted"] if one["case"] == PROTECTED)
    assert (protected["writes"], protected["cycles"][THERE]["in_order"]) == (2, 90)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        json.dumps(document() | {"format": 2}),
        json.dumps(document() | {"loop": 5}),
        json.dumps(document(predicted(MODEL, 15, estimates={HERE: {"alone": -1}}))),
        json.dumps(document(predicted("a | b", 15))),
        json.dumps(document(cpus=["../elsewhere"])),
        json.dumps(document(cpus=["skylake"])),  # of which there is no loop
        json.dumps(document(here="skylake")),
        json.dumps(document(loop={HERE: "why not", THERE: LOOP})),
        json.dumps(document(predicted(MODEL, 10**400))),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(prediction, broken):
    folder, campaign = prediction(document())
    file = folder / prediction_file.FILE
    file.write_text(broken)
    with pytest.raises(BadData, match=str(file)) as caught:
        read_prediction(folder, campaign)
    assert "\n" not in str(caught.value)


@pytest.mark.program
def test_the_program_prints_the_form_that_is_asked_for(prediction):
    folder, campaign = everything(prediction)
    command = [sys.executable, "-m", "analysis", "predict", folder, campaign, "--format", "md"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (folder / "prediction.md").read_text()
    (folder / prediction_file.FILE).unlink()
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "kmapbench predict makes it" in result.stderr
