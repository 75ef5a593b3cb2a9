# SPDX-License-Identifier: Apache-2.0
"""Whichever side stands first: what was slower is faster, by every metric there is."""

import json
import random

import pytest

from analysis.compare import engine, inputs
from analysis.report.comparison import format
from analysis.stats.verdict import Verdict
from analysis.tests.conftest import HEADER, by_coin, environment, record
from analysis.tests.support.foreign_files import benchmark_file, fio_file

pytestmark = pytest.mark.program

BOOTS = 6
COUNTERS = ("instructions:k", "cpu-cycles:u", "page-faults")
# Which way is better, by where it comes from and the metric's name.
LOWER = [
    *[
        ("counted", "cost"),
        ("emulated", "cost"),
        ("timed", "cost"),
        ("timed", "core_cycles"),
        ("timed", "ns"),
    ],
    *[("timed", name) for name in COUNTERS],
    *[("emulated", name) for name in COUNTERS],
    *[("benchmark", "real_time"), ("benchmark", "cpu_time"), ("fio", "clat_mean")],
]
HIGHER = [
    ("benchmark", "bytes_per_second"),
    ("fio", "iops"),
    ("fio", "bandwidth"),
    ("rated", "cost"),
    ("rated", "core_cycles"),
]
CHANGES = (0.96, 1.04)


@pytest.fixture
def folders(tmp_path):
    """Two sides of a kind, the second with all figures that many times as large; of throughput the
    time is that many times as short.
    """

    def write(kind: str, times: float) -> list[str]:
        if kind == "benchmark":
            # its time and its throughput go opposite ways, as they do
            for number in range(BOOTS):
                benchmark_file(tmp_path / "old" / f"{number}.json", 100 + number / 8, seed=number)
                benchmark_file(
                    tmp_path / "new" / f"{number}.json", (100 + number / 8) * times, seed=number
                )
            return [str(tmp_path / "old"), str(tmp_path / "new")]
        if kind == "fio":
            for number in range(BOOTS):
                fio_file(tmp_path / "old" / f"{number}.json", 6000.0 + number, 1)
                fio_file(tmp_path / "new" / f"{number}.json", (6000.0 + number) * times, 1)
            return [str(tmp_path / "old"), str(tmp_path / "new")]
        return _campaign(tmp_path / "campaign", kind, times)

    return write


def _campaign(folder, kind: str, times: float) -> list[str]:
    chooser = random.Random(1)
    order = [
        {"variant": one, "boot": boot} for boot in range(1, BOOTS + 1) for one in ("old", "new")
    ]
    for step in order:
        place = folder / step["variant"] / f"boot-{step['boot']:02d}"
        place.mkdir(parents=True)
        level = (
            1000
            * (times if step["variant"] == "new" else 1)
            * (1 if kind == "counted" else chooser.gauss(1, 0.001))
        )
        counters = {name: {"value": level * 30, "enabled": 2, "running": 1} for name in COUNTERS}
        clock = (
            {"clock": "tsc", "unit": "ticks", "chain": 1.0, "cost_core_cycles": level}
            if kind in ("timed", "rated")
            else {}
        )
        exact = kind == "counted"
        one = record(
            "kernel/kmap_local/dram",
            step["boot"],
            level,
            variant=step["variant"],
            exact=exact,
            better="higher" if kind == "rated" else "lower",
            counters=counters,
            **clock,
        )
        (place / "micro.jsonl").write_text(json.dumps(one) + "\n")
        (place / "environment.json").write_text(json.dumps(environment()))
    kernel = HEADER["variants"]["stock"]
    (folder / "campaign.json").write_text(
        json.dumps(HEADER | {"variants": {"old": kernel, "new": kernel}} | by_coin(order))
    )
    return [f"{folder}:old", f"{folder}:new"]


def judged(first: str, second: str, metric: str):
    (group,) = engine.compare(inputs.pair_sources([first, second], None)[0], metrics=[metric])
    (row,) = group.rows
    return row


@pytest.mark.parametrize("times", CHANGES)
@pytest.mark.parametrize(("kind", "metric"), LOWER + HIGHER)
def test_an_exchange_of_sides_exchanges_the_words_by_every_metric(folders, kind, metric, times):
    old, new = folders(kind, times)
    one, other = judged(old, new, metric), judged(new, old, metric)
    grew = one.new > one.old
    # of a foreign file `times` is of its time, and its throughput is the inverse; of a record it is
    # of the figure
    assert grew is ((times > 1) is not ((kind, metric) in HIGHER and kind != "rated"))
    worse = grew is not ((kind, metric) in HIGHER)
    words = [
        format.describe_verdict(row).removeprefix("exploratory: looks ").split(" by ")[0]
        for row in (one, other)
    ]
    directions = ["more", "fewer"] if kind in ("counted", "emulated") else ["slower", "faster"]
    assert words == (directions if worse else directions[::-1])
    is_foreign = kind in ("benchmark", "fio")
    assert is_foreign is (one.verdict is Verdict.EXPLORATORY is other.verdict)
    assert other.difference == -one.difference and other.ratio == pytest.approx(
        1 / one.ratio, rel=1e-12
    )
    assert one.exact is (kind == "counted")


def test_there_is_no_other_metric(folders, tmp_path):
    """One that is added belongs into the lists above."""
    found = set()
    for kind in ("timed", "benchmark", "fio"):
        (pair,) = inputs.pair_sources(folders(kind, 1.04), None)[0]
        found |= {(kind, name) for _, name in pair[0].figures}
        for left in (tmp_path / "old", tmp_path / "new"):
            for path in left.glob("*") if left.exists() else ():
                path.unlink()
    assert found == {one for one in LOWER + HIGHER if one[0] in ("timed", "benchmark", "fio")}
