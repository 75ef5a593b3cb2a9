# SPDX-License-Identifier: Apache-2.0
import contextlib
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.data.load import load
from analysis.report import writer
from analysis.report.charts import forest, frame
from analysis.report.comparison import format
from analysis.report.model.figure import Caption, Forest
from analysis.stats.family import compare_family
from analysis.stats.sample import Metric, Sample, SamplePair
from analysis.summary.provenance import describe_kernels
from analysis.tests.conftest import KERNEL, record


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


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0, 10_000), ["0", "2,500", "5,000", "7,500", "10,000"]),
        ((1535, 1536), ["1,535.00", "1,535.25", "1,535.50", "1,535.75", "1,536.00"]),
        ((9e5, 9e5 + 1), [f"900,000.{part}" for part in ("00", "25", "50", "75")] + ["900,001.00"]),
        ((0, 2), ["0.0", "0.5", "1.0", "1.5", "2.0"]),
    ],
)
def test_ticks_have_as_many_places_as_tell_them_apart(ends, said):
    axes = Figure().add_subplot()
    axes.set_xlim(ends)
    axes.set_xticks(np.linspace(*ends, 5))
    frame.plain_ticks(axes.xaxis)
    ticks = axes.xaxis.get_majorticklocs()
    assert axes.xaxis.get_major_formatter().format_ticks(ticks) == said


@pytest.mark.parametrize("count", [1, 3, 8, 20])
def test_a_legend_that_is_too_wide_has_more_lines(tmp_path, count):
    entries = [Line2D([], [], label=f"a mark of some letters {number}") for number in range(count)]
    titles = ["a panel"]
    with frame.panels(Caption("T", "S"), titles, 1, 2.0, tmp_path / "chart", entries) as (axes,):
        figure = axes.figure
        width = figure.get_size_inches()[0] * figure.dpi
        boxes = [legend.get_window_extent() for legend in figure.legends]
        above = axes.get_window_extent()
    assert [len(legend.get_texts()) for legend in figure.legends] and sum(
        len(legend.get_texts()) for legend in figure.legends
    ) == count
    assert all(0 <= box.x0 < box.x1 <= width and box.y0 > above.y1 for box in boxes)
    assert (len(boxes) > 1) == (count > 3)


def test_samples_have_a_title_for_each_axis(write_campaign):
    several = [record("elsewhere/fork_exit", boot, 5000 + boot, exact=False) for boot in (1, 2)]
    folder = write_campaign(several)
    writer.write_report(folder)
    words = [
        text.text for text in ElementTree.parse(folder / "charts" / "samples-icount.svg").iter()
    ]
    assert "share of samples" in words and "instructions an operation (emulated)" in words
    assert "largest: 5,002" in words


def test_many_kernels_of_one_release_are_counted_above_a_chart(write_campaign):
    source = {"packages": {"linux-source-6.12": "6.12.1"}}
    kernels = {name: KERNEL | source | {"release": f"6.12.117-{name}"} for name in "abcdef"} | {
        "z": KERNEL
    }
    folder = write_campaign(
        [record(variant=name) for name in kernels], header={"variants": kernels}
    )
    campaign = load(folder)
    assert describe_kernels(campaign, "abcdef") == "Linux 6.12.117: 6 kernels"
    assert describe_kernels(campaign, "abz") == "Linux 6.12.117: a, b; Linux 6.12.0-test: z"
