# SPDX-License-Identifier: Apache-2.0
import random

import numpy as np
import pytest

from analysis.report import writer
from analysis.tests.conftest import HEADER, by_coin, record
from analysis.tests.support.comparisons import groups

CASE = "dax/ext4_cache/psync/randwrite/64k/jobs1/direct/throughput"
KERNEL = HEADER["variants"]["stock"]


def dax_record(variant: str, cost: float | None, boot: int = 1, **changes) -> dict:
    return (
        record(
            CASE, boot, cost, variant=variant, exact=False, empty=None, samples=[], empty_samples=[]
        )
        | changes
    )


@pytest.fixture
def lines(write_campaign):
    """Writes a campaign of two variants and gives the lines of its report."""

    def write(*records: dict) -> list[str]:
        folder = write_campaign(
            list(records),
            header={"variants": {"off": KERNEL, "protected": KERNEL}} | by_coin(list(records)),
        )
        text = writer.write_report(folder).details
        assert (
            "fio on persistent memory (emulated)" in (folder / "report" / "index.html").read_text()
        )
        return text.splitlines()

    return write


def test_variants_stand_below_their_case_with_how_far_boots_differ(lines):
    said = lines(
        dax_record("off", 1000.0, 1),
        dax_record("off", 1002.0, 2),
        dax_record("protected", 2100000.0),
    )
    at = said.index("    psync/randwrite/64k/jobs1/direct/throughput")
    assert said[at - 1] == "  dax/ext4_cache/"
    assert said[at + 1].split() == ["off", "1001.0", "0.20", "%", "in", "2", "boots"]
    assert said[at + 2].split() == ["protected", "2100000.0", "1", "boot"]
    assert max(map(len, said)) <= 72


def test_what_protection_adds_is_a_line_with_its_interval_and_verdict(lines):
    old, new = ([level + boot / 8 for boot in range(1, 7)] for level in (1000.0, 1100.0))
    said = lines(
        *(dax_record("off", cost, boot) for boot, cost in enumerate(old, 1)),
        *(dax_record("protected", cost, boot) for boot, cost in enumerate(new, 1)),
    )
    assert "6+6 boots. Percent added and its 95% interval; > slower" in " ".join(said)
    at = next(number for number, line in enumerate(said) if line.startswith("  > "))
    _, case, added, low, high = said[at].split()
    assert said[at - 1] == "  dax/ext4_cache/" and case == CASE.split("/", 2)[2]
    # of six pairs the interval goes from the least difference to the largest
    differences = np.log(new) - np.log(old)
    expected = np.expm1([np.median(differences), differences.min(), differences.max()]) * 100
    assert [float(word.strip("[],")) for word in (added, low, high)] == pytest.approx(
        expected, abs=0.05
    )  # to the last digit that is shown
    assert max(map(len, said)) <= 72


@pytest.mark.parametrize(
    ("level", "boots", "mark"), [(900, 6, "<"), (1000, 6, "="), (1100, 3, ".")]
)
def test_each_verdict_has_a_mark_that_is_explained(lines, level, boots, mark):
    said = lines(
        *(
            dax_record(variant, cost + boot / 8, boot)
            for variant, cost in (("off", 1000.0), ("protected", level))
            for boot in range(1, boots + 1)
        )
    )
    assert any(line.startswith(f"  {mark} psync/") for line in said)
    assert (
        f"interval; {mark} {dict(zip('<=.', ('faster', 'same', 'exploratory')))[mark]}"
        in " ".join(said)
    )


def test_runs_of_fio_beside_exact_cases_are_counted_and_not_named_one_by_one(write_campaign):
    exact = [record("kernel/kmap_local/dram", boot, 5, variant="off") for boot in (1, 2)]
    runs = [
        dax_record("off", 1000.0 + boot, boot, case=CASE.replace("jobs1", f"jobs{number}"))
        for boot in (1, 2)
        for number in range(1, 7)
    ]
    words = " ".join(
        writer.write_report(
            write_campaign([*exact, *runs], header={"variants": {"off": KERNEL}})
        ).details.split()
    )
    assert "2 boots, identical to the digit but for 6 of 7 cases" in words


def test_a_case_without_a_figure_is_there_and_the_notes_say_why(lines):
    said = lines(
        dax_record("off", None, status="flagged", reason="fio met error 5"),
        dax_record("protected", 5.0),
    )
    assert "      off                            -" in said
    assert any("flagged: fio met error 5" in line for line in said)


def fio_records(p99_of_new: float) -> list[dict]:
    """Ten pairs of boots whose mean and median are alike."""
    chooser = random.Random(7)
    return [
        record(
            "dax/ext4/psync/randread/4k/jobs1/latency",
            boot,
            5000 * chooser.gauss(1, 0.001),
            variant=variant,
            exact=False,
            empty=None,
            samples=[],
            percentiles={
                "p50": 4900 * chooser.gauss(1, 0.001),
                "p99": tail * chooser.gauss(1, 0.001),
            },
        )
        for boot in range(1, 11)
        for variant, tail in (("off", 9000), ("on", p99_of_new))
    ]


@pytest.mark.parametrize(
    ("p99_of_new", "word"), [(9000, "same"), (9450, "slower"), (8550, "faster")]
)
def test_the_tail_of_the_ios_is_looked_at_beside_their_mean(campaign, p99_of_new, word):
    records = fio_records(p99_of_new)
    (row,) = groups(campaign("c", records, header=by_coin(records)))[0].rows
    assert [str(look.kind) for look in row.looks] == [
        "median",
        "median of the I/Os",
        "99th percentile of the I/Os",
    ]
    assert row.verdict == word
    assert ("by the 99th percentile of the I/Os" in row.reason) == (word != "same")
    assert row.looks[2].estimate == pytest.approx(p99_of_new / 9000, rel=0.002)


def test_older_campaigns_have_no_percentiles(campaign):
    records = [one | {"percentiles": {}} for one in fio_records(9450)]
    (row,) = groups(campaign("c", records, header=by_coin(records)))[0].rows
    assert len(row.looks) == 1 and row.verdict == "same"
