# SPDX-License-Identifier: Apache-2.0
"""The charts of fio's figures: what is drawn is what scipy makes of the same boots."""

import base64
import contextlib
import csv
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from scipy import stats

from analysis.report import writer
from analysis.report.charts import frame, style
from analysis.stats.tests import reference_method
from analysis.tests.conftest import by_coin
from analysis.tests.support import dax_campaign
from analysis.tests.support.dax_campaign import DRAM, OUTERMOST, SIZES, TOGGLE, VARIANTS, call

pytestmark = pytest.mark.program

BOOTS, ADDED = 8, 80.0
SERIES = ["off", "idle", "protected"]


@pytest.fixture
def records():
    return dax_campaign.matrix(BOOTS, ADDED)


@pytest.fixture
def axes(monkeypatch):
    """Of each chart of panels that is drawn, by the file's name: panels by title."""
    kept = {}
    panels = frame.panels

    @contextlib.contextmanager
    def kept_panels(words, titles, columns, height, target, *rest):
        with panels(words, titles, columns, height, target, *rest) as drawn:
            yield drawn
            kept[target.name] = list(zip(titles, drawn))

    monkeypatch.setattr(frame, "panels", kept_panels)
    return kept


def boots_of(records: list[dict], variant: str, case: str) -> np.ndarray:
    return np.array(
        [one["cost"] for one in records if (one["variant"], one["case"]) == (variant, case)]
    )


def of_mean(boots: np.ndarray) -> tuple[float, float, float]:
    """Geometric mean and its interval, by scipy."""
    logs = np.log(boots)
    low, high = stats.t.interval(0.95, len(logs) - 1, logs.mean(), stats.sem(logs))
    return stats.gmean(boots), np.exp(low), np.exp(high)


def of_ratio(old: np.ndarray, new: np.ndarray) -> tuple[float, float, float]:
    """Ratio and its interval over pairs of boots, by the independent implementation."""
    estimate, (low, high) = reference_method.interval(np.log(new) - np.log(old))
    return np.exp(estimate), np.exp(low), np.exp(high)


def difference_in_units(old: np.ndarray, new: np.ndarray) -> tuple[float, ...]:
    """The ratio's in units, around the sides' common level."""
    level = np.exp(np.median(np.log(old) + np.log(new)) / 2)
    return tuple(level * (np.sqrt(ratio) - 1 / np.sqrt(ratio)) for ratio in of_ratio(old, new))


def words_of(svg) -> list[str]:
    return [
        element.text
        for element in ElementTree.parse(svg).iter()
        if element.text and element.text.strip()
    ]


def written(write_campaign, records: list[dict], **header):
    header = {"variants": VARIANTS} | by_coin(records) | header
    folder = write_campaign(records, header=header)
    writer.write_report(folder)
    return folder


def added_at(panel, variant: str) -> dict[str, tuple[float, tuple[float, float] | None]]:
    """What a variant adds by block size, and its interval, as drawn."""
    colour, marker = style.looks(variant, SERIES)
    points = [line for line in panel.lines if line.get_marker() == marker]
    bars = [
        line
        for line in panel.lines
        if line.get_color() == colour
        and line.get_marker() == "None"
        and line.get_xdata()[0] == line.get_xdata()[-1]
    ]
    drawn = {}
    for size, point in zip(SIZES, points, strict=True):
        (x,), (y,) = point.get_xdata(), point.get_ydata()
        interval = next((tuple(bar.get_ydata()) for bar in bars if bar.get_xdata()[0] == x), None)
        drawn[size] = y, interval
    return drawn


@pytest.mark.parametrize("clock", [{}, {"clock": "wall", "unit": "ns"}], ids=["counted", "by time"])
def test_what_is_added_stands_against_the_block_size_with_its_interval(
    write_campaign, records, axes, clock
):
    folder = written(write_campaign, [one | clock for one in records])
    ((title, panel),) = axes["dax-added-cost"]
    assert title == "ext4 psync randread latency, 1 job"
    assert panel.get_ylabel() == ("ns added" if clock else "instructions added")
    assert panel.get_xscale() == "log" and panel.xaxis.get_transform().base == 2
    low, high = panel.get_ylim()
    for variant in ("idle", "protected"):
        for size, (added, interval) in added_at(panel, variant).items():
            case = f"dax/ext4/psync/randread/{size}/jobs1/latency"
            expected = difference_in_units(
                boots_of(records, "off", case), boots_of(records, variant, case)
            )
            assert added == pytest.approx(np.clip(expected[0], low, high), rel=1e-6, abs=1e-6)
            assert interval == pytest.approx(expected[1:], rel=1e-6, abs=1e-6)
    words = " ".join(words_of(folder / "charts" / "dax-added-cost.svg"))
    assert ("emulated" in words.lower()) != bool(clock)


def test_what_is_far_off_does_not_set_the_scale_and_is_said_in_figures(
    write_campaign, records, axes
):
    far = "dax/ext4/psync/randread/2m/jobs1/latency"
    for one in records:
        if (one["case"], one["variant"]) == (far, "protected"):
            one["cost"] += 50_000
    folder = written(write_campaign, records)
    ((_, panel),) = axes["dax-added-cost"]
    low, high = panel.get_ylim()
    assert high < 500
    (added,) = [y for size, (y, _) in added_at(panel, "protected").items() if size == "2m"]
    assert added == high
    words = words_of(folder / "charts" / "dax-added-cost.svg")
    assert any(re.fullmatch(r"\+[45]\d,\d{3}", word) for word in words)


def test_counted_what_is_added_stands_against_the_number_of_jobs(write_campaign, records, axes):
    folder = written(write_campaign, records)
    ((title, panel),) = axes["dax-added-cost-by-jobs"]
    assert title == "ext4 psync randread throughput, 4k"
    _, marker = style.looks("protected", SERIES)
    points = [line for line in panel.lines if line.get_marker() == marker]
    for jobs, point in zip((1, 4), points, strict=True):
        case = f"dax/ext4/psync/randread/4k/jobs{jobs}/throughput"
        sides = (boots_of(records, variant, case) for variant in ("off", "protected"))
        assert point.get_ydata() == pytest.approx(difference_in_units(*sides)[:1], rel=1e-6)
        assert point.get_xdata()[0] == pytest.approx(jobs, rel=0.1)  # beside the other variant
    words = words_of(folder / "charts" / "dax-added-cost-by-jobs.svg")
    assert {"1", "4", "jobs, a file each"} <= set(words) and "share one CPU" in " ".join(words)
    assert not (folder / "charts" / "dax-by-jobs-icount.svg").exists()


def test_the_heat_map_has_each_overhead_its_interval_and_verdict(write_campaign, records):
    folder = written(write_campaign, records)
    drawing = folder / "charts" / "dax-overhead-cost-protected.svg"
    words = words_of(drawing)
    places = {
        text.text: float(text.get("x"))
        for text in ElementTree.parse(drawing).iter()
        if text.get("x") and text.get("y") and text.text
    }
    for size in SIZES:
        case = f"dax/ext4/psync/randread/{size}/jobs1/latency"
        ratio, low, high = (
            (one - 1) * 100
            for one in of_ratio(
                boots_of(records, "off", case), boots_of(records, "protected", case)
            )
        )
        assert f"{low:+.2f} to {high:+.2f}" in words
        percent = f"({ratio:+.2f} %)"
        (place,) = [place for word, place in places.items() if word.endswith(percent)]
        head = "512 bytes" if size == "512" else size
        width = places["64k"] - places["4k"]
        assert abs(place - places[head]) < width / 2  # in its column
    assert {
        "ext4",
        "psync randread latency, 1 job",
        "ext4, 4k alone",
        "psync randread throughput, 4 jobs",
        "512 bytes",
        *list(SIZES)[1:],
    } <= set(words)
    assert {"more", "same"} <= set(words)  # 4 % of 512 bytes, nothing of 2 MiB
    assert "What protected adds to an I/O, against off" in words
    assert (folder / "charts" / "dax-overhead-cost-idle.svg").exists()


def lines_of(panel, looks: str) -> list[list[float]]:
    """Lines over all block sizes."""
    return [
        list(line.get_ydata())
        for line in panel.lines
        if line.get_linestyle() == looks and list(line.get_xdata()) == list(SIZES.values())
    ]


@pytest.mark.parametrize(
    ("clock", "model"),
    [({}, OUTERMOST - DRAM["off"]), ({"clock": "wall", "unit": "ns"}, TOGGLE)],
    ids=["counted", "by time"],
)
def test_the_model_stands_beside_what_is_added(write_campaign, records, axes, clock, model):
    """Counted it is a whole pair, for a PKRS write is one instruction among others."""
    written(write_campaign, [one | clock for one in records + dax_campaign.path(BOOTS)])
    panels = axes["dax-added-cost"]
    assert [title for title, _ in panels] == ["ext4 psync randread latency, 1 job"]
    assert lines_of(panels[0][1], "--") == [[0] * 4, [model] * 4]


def test_what_was_counted_of_single_calls_is_a_line_beside_the_model(write_campaign, records, axes):
    counted = {
        variant: {size: count + 900 + 10 * number for size, count in SIZES.items()}
        for number, variant in enumerate(SERIES)
    }
    paths = [
        call(f"dax/ext4/pread/{size}", variant, copy=instructions)
        for variant, sizes in counted.items()
        for size, instructions in sizes.items()
    ]
    folder = write_campaign(
        records + dax_campaign.path(BOOTS), paths, header={"variants": VARIANTS}
    )
    writer.write_report(folder)
    assert lines_of(axes["dax-added-cost"][0][1], "-") == [[10] * 4, [20] * 4]
    assert "one call, counted from outside" in words_of(folder / "charts" / "dax-added-cost.svg")


def test_without_figures_of_the_path_no_model_is_drawn_and_the_page_says_so(
    write_campaign, records
):
    folder = written(write_campaign, records)
    words = words_of(folder / "charts" / "dax-added-cost.svg")
    assert "protected" in words and "the cost model" not in words
    assert (
        "No model of idle, protected: it is made of msr/wrpkrs/toggle"
        in (folder / "report" / "index.html").read_text()
    )


def test_the_page_has_the_charts_with_what_was_measured_on_what_and_the_model_in_words(
    write_campaign, records
):
    folder = written(write_campaign, records + dax_campaign.path(BOOTS))
    page = (folder / "report" / "index.html").read_text()
    captions = page.split("<figcaption>")[1:]
    fio = [
        caption.split("</figcaption>")[0]
        for caption in captions
        if "by fio" in caption.split("</figcaption>")[0]
    ]
    assert len(fio) == 4  # two heat maps, what is added by block size and by jobs
    for caption in fio:
        assert (
            "Emulated" in caption
            and "Clock: icount" in caption
            and "Linux 6.12.0-test: off, " in caption
            and "boots" in caption
        )
    doubt = "Where a model is excluded, it lacks something there, or the measurement is wrong."
    assert fio[2].count(doubt) == 1


def test_one_boot_of_one_kernel_has_figures_and_no_band(write_campaign, axes):
    boots = [one for one in dax_campaign.matrix(1, ADDED) if one["variant"] == "off"]
    written(write_campaign, boots, variants={"off": VARIANTS["off"]})
    ((_, panel),) = axes["dax-by-jobs-icount"]
    assert len(panel.lines) == 1 and not panel.collections


def test_one_boot_has_what_is_added_and_no_interval(write_campaign, axes):
    written(write_campaign, dax_campaign.matrix(1, ADDED))
    ((_, panel),) = axes["dax-added-cost"]
    assert {interval for _, interval in added_at(panel, "protected").values()} == {None}


def test_one_variant_alone_has_its_figures_and_nothing_that_is_added(write_campaign, records):
    alone = [one for one in records if one["variant"] == "off"]
    folder = written(write_campaign, alone, variants={"off": VARIANTS["off"]})
    assert sorted(path.name for path in (folder / "charts").glob("*.png")) == [
        "dax-by-jobs-icount.png",
    ]


def test_a_variant_that_the_campaign_does_not_describe_is_drawn_too(write_campaign, records):
    folder = written(
        write_campaign,
        records,
        variants={"off": VARIANTS["off"], "protected": VARIANTS["protected"]},
    )
    words = words_of(folder / "charts" / "dax-added-cost.svg")
    assert "idle" in words and any(
        word.startswith("Linux 6.12.0-test: off, protected; idle.") for word in words
    )


def test_runs_of_fio_are_in_their_own_charts_and_not_in_the_forest_plot(write_campaign, records):
    forks = [
        one
        for name in SERIES
        for one in dax_campaign.fio("elsewhere/fork_exit", name, dax_campaign.wobbling(9e4, BOOTS))
    ]
    folder = written(write_campaign, records + dax_campaign.path(BOOTS) + forks)
    words = words_of(folder / "charts" / "forest-cost.svg")
    assert "elsewhere/fork_exit" in words and not any(word.startswith("dax/") for word in words)
    assert "kernel/kmap_local/dram" not in words  # it is exact


def test_figures_by_time_are_on_charts_of_their_own_and_nothing_there_says_emulated(
    write_campaign, records
):
    time = {"clock": "wall", "unit": "ns"}
    timed = [one | time for one in records if one["variant"] != "protected"]
    folder = written(
        write_campaign, timed + [one for one in records if one["variant"] == "protected"]
    )
    by_time, counted = (
        words_of(folder / "charts" / f"dax-by-jobs-{clock}.svg") for clock in ("wall", "icount")
    )
    assert (
        "protected" in counted
        and "off" not in counted
        and "off" in by_time
        and "protected" not in by_time
    )
    assert "MB/s" in by_time and not any("emulated" in word.lower() for word in by_time)


def test_throughput_by_time_is_in_megabytes_a_second(write_campaign, records, axes):
    time = {"clock": "wall", "unit": "ns"}
    written(write_campaign, [one | time for one in records])
    ((_, panel),) = axes["dax-by-jobs-wall"]
    assert panel.get_ylabel() == "MB/s"
    for variant, line, band in zip(
        SERIES,
        panel.lines,
        [one for one in panel.collections if isinstance(one, PolyCollection)],
        strict=True,
    ):
        for at, figure in zip(line.get_xdata(), line.get_ydata()):
            mean, low, high = of_mean(
                4.096e6
                / boots_of(records, variant, f"dax/ext4/psync/randread/4k/jobs{at}/throughput")
            )
            heights = [height for place, height in band.get_paths()[0].vertices if place == at]
            assert (figure, min(heights), max(heights)) == pytest.approx(
                (mean, low, high), rel=1e-9
            )


def test_the_data_behind_a_chart_is_all_of_it(write_campaign, records):
    alone = [one for one in records if one["variant"] == "off"]
    folder = written(write_campaign, alone, variants={"off": VARIANTS["off"]})
    page = (folder / "report" / "index.html").read_text()
    (link,) = re.findall(
        (
            r'download="dax-by-jobs-icount.csv"'
            r' href="data:text/csv;charset=utf-8;base64,([^"]*)"'
        ),
        page,
    )
    rows = list(csv.DictReader(base64.b64decode(link).decode().splitlines()))
    assert len(rows) == 2
    first = rows[0]
    expected = of_mean(boots_of(records, "off", "dax/ext4/psync/randread/4k/jobs1/throughput"))
    assert [float(first[name]) for name in ("figure", "95 % from", "to")] == pytest.approx(
        expected, rel=1e-9
    )
