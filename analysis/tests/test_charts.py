# SPDX-License-Identifier: Apache-2.0
import contextlib
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from analysis.report import writer
from analysis.report.charts import forest, frame
from analysis.report.comparison import format
from analysis.report.model.figure import Caption, Forest
from analysis.stats.family import compare_family
from analysis.stats.sample import Metric, Sample, SamplePair
from analysis.tests.conftest import record


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (13816.4, "13,816"),
        (1000, "1,000"),
        (999.96, "1000"),
        (3.14159, "3.142"),
        (-2500, "-2,500"),
        (0.000123456, "0.0001235"),
    ],
)
def test_figures_are_written_as_people_write_them(value, said):
    assert frame.plain(value) == said


def test_labels_stand_further_in_than_their_heading_by_place(tmp_path):
    """Not by blanks, which a browser takes together."""
    with frame.rows(
        Caption("T", "S"), [frame.HeadedRows("heading", ["label"])], [], tmp_path / "chart"
    ):
        pass
    found = {
        text.text: text
        for text in ElementTree.parse(tmp_path / "chart.svg").iter()
        if text.text in ("heading", "label")
    }
    heading, label = (float(found[name].get("x")) for name in ("heading", "label"))
    assert label > heading + 5


def compared(case: str, old: float, new: float, boots: int, spread: float, cycle: float = 1.0):
    """Boots around two levels, wobbling alike on both sides."""
    wobble = spread * np.cos(np.arange(boots) * 2.4)
    return SamplePair(
        case,
        Metric("cost", "ticks", "lower", "tsc", cycle),
        Sample("old", old * (1 + wobble)),
        Sample("new", new * (1 + wobble[::-1])),
    )


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """The ends of the axis of a forest plot of these pairs."""
    kept = []
    scale = forest._scale

    def kept_scale(axes, drawn):
        scale(axes, drawn)
        kept.append((*axes.get_xlim(), axes.get_xscale()))

    monkeypatch.setattr(forest, "_scale", kept_scale)

    def of(*pairs):
        rows = compare_family(pairs)
        drawing = Forest([("all", [(row.case, row) for row in rows])], "ratio")
        forest.draw(Caption("T", "S"), drawing, tmp_path / "forest")
        return kept.pop()

    return of


def test_a_margin_of_a_cycle_on_a_short_path_does_not_hide_the_others(limits):
    short, long = compared("short", 4, 4, 10, 0.001), compared("long", 1000, 1000, 10, 0.001)
    low, high, _ = limits(short, long)
    assert (
        0.98 < low < 1 / 1.01 and 1.01 < high < 1.02
    )  # the longer path's margin; the short one's is 25 %


def test_an_interval_of_two_boots_does_not_set_the_scale(limits):
    low, high, _ = limits(
        compared("noisy", 1000, 1020, 2, 0.3), compared("quiet", 1000, 1000, 10, 0.001)
    )
    assert 0.9 < low and high < 1.1


@pytest.mark.filterwarnings("error")  # matplotlib's, of an axis without extent
def test_an_axis_has_two_ends_where_nothing_differs(limits):
    low, high, scale = limits(compared("one boot", 1000, 1000, 1, 0))
    assert low < 1 < high and scale == "linear"


def test_large_ratios_have_a_logarithmic_axis(limits):
    low, high, scale = limits(compared("dear", 10, 60, 10, 0.001))
    assert scale == "log" and low < 1 and high > 6


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.01554, "+1.55"),
        (0.99999999, "+0.00"),
        (1.0, "+0.00"),
        (0.98, "-2.00"),
        (1.12345, "+12.3"),
        (0.5, "-50.0"),
        (2.0, "+100"),
        (13.0, "+1200"),
        (5000.0, "+5e+05"),
    ],
)
def test_what_a_ratio_adds_fits_a_cell(ratio, said):
    assert format.format_percent(ratio) == said and len(said) <= 6


def test_each_launch_of_a_user_model_is_a_dot(write_campaign, monkeypatch):
    """On one axis from 0, with the median and the reach of the launches in words."""
    cycles = {
        "user/kmap_local/protected/delay": [385.3, 400.9, 396.2],
        "user/kmap_local_slim/dram": [3.0, 3.1, 2.9],
    }
    records = [
        record(case, launch=launch, variant="host", exact=False) | {"cost_core_cycles": figure}
        for case, figures in cycles.items()
        for launch, figure in enumerate(figures, 1)
    ] + [record("user/known/adds1000", launch=launch, variant="host") for launch in (1, 2, 3)]
    kept = []
    rows = frame.rows

    @contextlib.contextmanager
    def kept_rows(words, groups, *rest):
        with rows(words, groups, *rest) as (axes, positions):
            yield axes, positions
            kept.append((groups, axes))

    monkeypatch.setattr(frame, "rows", kept_rows)
    folder = write_campaign(records, header={"variants": {}})
    writer.write_report(folder)
    ((groups, axes),) = kept
    assert [(group.heading, group.labels) for group in groups] == [
        ("user/kmap_local", ["protected/delay"]),
        ("user/kmap_local_slim", ["dram"]),
    ]
    assert [list(line.get_xdata()) for line in axes.lines] == list(cycles.values())
    assert axes.get_xlim()[0] == 0 and axes.get_xlim()[1] > 400.9
    words = [text.get_text() for text in axes.texts]
    assert words == ["396.2  [385.3, 400.9]", "3.0  [2.9, 3.1]"]
