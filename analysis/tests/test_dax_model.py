# SPDX-License-Identifier: Apache-2.0
"""The model of what protection adds to an I/O, and the controls: figures that are planted, and what
is said of them.
"""

import json
from collections.abc import Sequence

import pytest

from analysis.compare import within_campaign
from analysis.data.load import load
from analysis.fio_model import cost_model
from analysis.fio_model.cost_model import CopyUnit
from analysis.fio_model.fio_calls import Call
from analysis.report import writer
from analysis.report.contents.model_sentences import describe_checks
from analysis.summary.cases import Row, summarize_cases
from analysis.tests.conftest import by_coin, environment
from analysis.tests.support import dax_campaign
from analysis.tests.support.dax_campaign import DRAM, OUTERMOST, TOGGLE, VARIANTS, fio, wobbling
from formats.case_names import FioCase, parse_fio

pytestmark = pytest.mark.program

READ = "dax/ext4/psync/randread/4k/jobs1/latency"
MMAP = "dax/xfs/mmap/randwrite/4k/jobs1/latency"
CACHE = "dax/xfs_cache/psync/randread/64k/jobs1/latency"
PAIR = OUTERMOST - DRAM["off"]
BOOTS = 8


@pytest.fixture
def held(write_campaign):
    """The comparisons of a campaign, by case and variant; and what is said of all."""

    def of(*groups: list[dict], calls: Sequence[Call] = ()):
        records = [one for group in groups for one in group]
        header = {"variants": VARIANTS} | by_coin(records)
        campaign = load(write_campaign(records, header=header))
        table = summarize_cases(campaign)
        found = [
            one
            for family in within_campaign.compare_variants(campaign).families
            for one in cost_model.check_model(table, family, runs_of(table), calls)
        ]
        return {
            (one.comparison.case, one.comparison.pair.new.label): one for one in found
        }, " ".join(describe_checks(found))

    return of


def runs_of(table: list[Row]) -> dict[str, FioCase]:
    return {row.case: run for row in table if (run := parse_fio(row.case))}


def three(case: str, idle: float, protected: float, level: float = 6000) -> list[dict]:
    """A case of all variants, with what two of them add; boots wobble alike, so that the difference
    is what is planted.
    """
    boots = wobbling(level, BOOTS)
    added = {"off": 0.0, "idle": idle, "protected": protected}
    return [
        one
        for variant, more in added.items()
        for one in fio(case, variant, [boot + more for boot in boots])
    ]


@pytest.mark.parametrize(
    ("case", "run", "met"),
    [
        (
            READ,
            FioCase("ext4", "psync", "randread", 4096, 1, False, "latency"),
            (CopyUnit.RANGE, 1),
        ),
        (
            "dax/xfs/psync/randrw/2m/jobs16/throughput",
            FioCase("xfs", "psync", "randrw", 2 << 20, 16, False, "throughput"),
            (CopyUnit.RANGE, 1),
        ),
        (
            "dax/ext4/psync/read/512/jobs1/latency",
            FioCase("ext4", "psync", "read", 512, 1, False, "latency"),
            (CopyUnit.RANGE, 1),
        ),
        (
            "dax/ext4/psync/read/4m/jobs1/latency",
            FioCase("ext4", "psync", "read", 4 << 20, 1, False, "latency"),
            (None, 0),
        ),
        (
            "dax/block/psync/read/64k/jobs1/direct/latency",
            FioCase("block", "psync", "read", 65536, 1, True, "latency"),
            (CopyUnit.DEVICE_PAGE, 16),
        ),
        (
            "dax/block/psync/read/64k/jobs1/latency",
            FioCase("block", "psync", "read", 65536, 1, False, "latency"),
            (None, 0),
        ),
        (
            CACHE,
            FioCase("xfs_cache", "psync", "randread", 65536, 1, False, "latency"),
            (CopyUnit.CACHED_PAGE, 16),
        ),
        (
            "dax/ext4_cache/psync/read/512/jobs1/latency",
            FioCase("ext4_cache", "psync", "read", 512, 1, False, "latency"),
            (CopyUnit.CACHED_PAGE, 1),
        ),
        (
            "dax/device/dev_dax/randread/4k/jobs1/latency",
            FioCase("device", "dev_dax", "randread", 4096, 1, False, "latency"),
            (CopyUnit.MAPPING, 0),
        ),
        (
            MMAP,
            FioCase("xfs", "mmap", "randwrite", 4096, 1, False, "latency"),
            (CopyUnit.MAPPING, 0),
        ),
    ],
)
def test_what_an_io_meets_on_its_way(case, run, met):
    assert parse_fio(case) == run and cost_model.copy_units(run) == met
    assert (run.name, run.size) == (case, case.split("/")[4])


@pytest.mark.parametrize(
    "case", ["kernel/kmap_local/dram", "dax/ext4", "dax/ext4/psync/randread/4k/jobs1"]
)
def test_other_cases_are_no_run_of_fio(case):
    assert parse_fio(case) is None


def test_counted_the_model_is_a_pair_a_range_and_nothing_where_nothing_is_protected(held):
    found, said = held(dax_campaign.path(BOOTS), three(READ, 0, PAIR))
    protected, idle = found[READ, "protected"], found[READ, "idle"]
    assert (protected.expected, protected.map_unmap) == (TOGGLE, PAIR)
    assert (idle.expected, idle.map_unmap) == (0, 0)
    assert (protected.modelled, protected.other) == (PAIR, TOGGLE)  # instructions are counted
    assert protected.residual == pytest.approx(0, abs=0.1) and idle.residual == pytest.approx(
        0, abs=0.1
    )
    assert not protected.beyond(protected.modelled) and not idle.beyond(idle.modelled)
    assert (
        "Residuals of a map/unmap pair beyond their 95% interval, as 1 in 20 is by chance: idle 0"
        " of 1; protected 0 of 1." in said
    )
    assert "is wrong" not in said and "Residuals of 2 PKRS writes" not in said
    assert "idle nothing, as it protects nothing; protected 8 and 55 instructions" in said


def test_a_residual_beyond_the_interval_is_called_out_in_words(held):
    found, said = held(dax_campaign.path(BOOTS), three(READ, 0, PAIR + 50))
    assert found[READ, "protected"].residual == pytest.approx(50, abs=0.1)
    assert (
        "protected 1 of 1 (+50 instructions left over" in said.replace(" to +50 ", " ")
        and said.count("it lacks something there, or the measurement is wrong") == 1
    )


def test_an_overhead_is_held_against_what_single_calls_take_more(held):
    """Counted from outside: what the model leaves over there is no mistake of the measurement."""
    calls = [
        Call("dax/ext4/pread/4k", variant, 5600 + more, 0, {}, True)
        for variant, more in (("off", 0), ("idle", 22), ("protected", 92))
    ]
    others = [
        MMAP,
        READ.replace("randread", "randrw"),
        READ.replace("randread", "randwrite"),
        READ.replace("psync", "libaio"),
    ]
    found, said = held(
        dax_campaign.path(BOOTS),
        three(READ, 0, 92),
        *(three(case, 0, 92) for case in others),
        calls=calls,
    )
    assert (found[READ, "protected"].counted, found[READ, "idle"].counted) == (92, 22)
    assert [one.counted for (case, _), one in found.items() if case != READ] == [None] * 8
    assert (
        "Of what one such call takes more, counted from outside, beyond their 95% interval, as 1 in"
        " 20 is by chance: idle 1 of 1 (-22 to -22" in said
    )
    assert "left over); protected 0 of 1." in said


def test_a_device_pays_by_the_page(held):
    case = "dax/block/psync/randread/64k/jobs1/direct/latency"
    found, said = held(dax_campaign.path(BOOTS), three(case, 0, 16 * PAIR))
    protected = found[case, "protected"]
    assert (protected.expected, protected.modelled) == (16 * TOGGLE, 16 * PAIR)
    assert "protected 8 and 55 instructions" in said and "protected 0 of 1." in said


def test_the_page_cache_pays_for_memory_by_the_page(held):
    memory = 16 * (DRAM["protected"] - DRAM["off"])
    found, said = held(
        dax_campaign.path(BOOTS),
        three(CACHE, 16 * (DRAM["idle"] - DRAM["off"]), memory + 700, level=90000),
    )
    assert (
        found[CACHE, "protected"].expected == memory and found[CACHE, "protected"].map_unmap is None
    )
    assert found[CACHE, "protected"].residual == pytest.approx(700, abs=1)
    assert (
        "what kernel/kmap_local/dram adds (idle +2, protected +15 instructions). Residuals of that"
        in said
    )
    assert "idle 0 of 1; protected 1 of 1 (+700.1 to +700.1 instructions left over)" in said


def test_accesses_by_mmap_are_said_to_be_within_the_margin_or_which_are_not(held):
    _, said = held(three(MMAP, 0, 1))
    assert (
        "Control, accesses by mappings of user space, which must not change: within the 1% margin"
        " in all 2 comparisons." in said
    )


def test_a_mapping_that_does_change_is_named(held):
    _, said = held(three(MMAP, 0, 300))
    assert (
        f"not shown to be within the 1% margin in 1 of 2 comparisons: protected {MMAP} (more)."
        in said
    )


def test_too_few_boots_for_a_verdict_are_no_control(held):
    _, said = held([one for one in three(MMAP, 0, 0) if one["boot"] <= 3])
    assert (
        "not shown to be within the 1% margin in 2 of 2 comparisons" in said
        and "(exploratory)" in said
    )


@pytest.mark.parametrize(
    ("lacks", "without"),
    [
        ("msr/wrpkrs/toggle", "protected"),
        ("kernel/kmap_local/protected", "idle, protected"),
        ("kernel/kmap_local/dram", "idle, protected"),
    ],
)
def test_without_figures_of_the_path_there_is_no_model_and_it_is_said(held, lacks, without):
    found, said = held(
        [one for one in dax_campaign.path(BOOTS) if one["case"] != lacks], three(READ, 0, TOGGLE)
    )
    assert found[READ, "protected"].expected is None and found[READ, "protected"].residual is None
    assert f"No model of {without}: it is made of msr/wrpkrs/toggle," in said


def test_figures_of_the_path_by_another_clock_make_no_model(held):
    time = {"clock": "tsc", "unit": "ticks", "exact": False, "chain": 1.0, "cost_core_cycles": 1.0}
    found, _ = held(dax_campaign.path(BOOTS, **time), three(READ, 0, TOGGLE))
    assert found[READ, "protected"].expected is None


def test_by_time_the_model_is_the_nanoseconds_of_ticks_and_of_one_job_alone(write_campaign):
    """A tick is half a nanosecond here."""
    ticks = {"clock": "tsc", "unit": "ticks", "exact": False, "chain": 1.0, "cost_core_cycles": 1.0}
    alone, together = READ, READ.replace("jobs1", "jobs4")
    timed = [
        one | {"clock": "wall", "unit": "ns"}
        for case in (alone, together)
        for one in three(case, 0, TOGGLE / 2)
    ]
    folder = write_campaign(
        [*dax_campaign.path(BOOTS, **ticks), *timed], header={"variants": VARIANTS}
    )
    for variant in VARIANTS:
        (folder / variant / "boot-01" / "environment.json").write_text(
            json.dumps(environment(hz=2e9))
        )
    campaign = load(folder)
    table = summarize_cases(campaign)
    found = {
        (one.run.jobs, one.comparison.pair.new.label): one
        for family in within_campaign.compare_variants(campaign).families
        for one in cost_model.check_model(table, family, runs_of(table))
    }
    assert (
        found[1, "protected"].expected == TOGGLE / 2
        and found[1, "protected"].map_unmap == (OUTERMOST - DRAM["off"]) / 2
    )
    assert found[1, "protected"].modelled == TOGGLE / 2 and found[1, "idle"].modelled == 0
    assert found[4, "protected"].expected is None
    assert "No model" not in " ".join(describe_checks(list(found.values())))


def test_of_very_many_the_text_says_how_many_are_in_the_page_alone(write_campaign):
    cases = [
        f"dax/ext4/psync/randwrite/2m/jobs{number}/direct/throughput" for number in range(1, 60)
    ]
    records = [
        *dax_campaign.path(1),
        *(
            one
            for case in cases
            for one in fio(case, "off", [9e5])
            + fio(case, "protected", [9.1e5])
            + fio(case, "idle", [9e5])
        ),
    ]
    text = writer.write_report(write_campaign(records, header={"variants": VARIANTS})).details
    assert "  and 18 more, in the page's table" in text.splitlines()
    assert max(map(len, text.splitlines())) <= 72


def test_the_text_has_the_model_and_what_is_left_of_each_and_fits_a_mail(write_campaign):
    records = [
        *dax_campaign.path(BOOTS),
        *three(READ, 0, PAIR + 50),
        *three(CACHE, 0, 0, level=90000),
        *three(MMAP, 0, 0),
    ]
    text = writer.write_report(write_campaign(records, header={"variants": VARIANTS})).details
    assert max(map(len, text.splitlines())) <= 72
    block = text[text.index("  protected dax/ext4/") :].splitlines()
    assert block[1].split() == ["psync/randread/4k/jobs1/latency", "+105.0", "+55", "+50.0*"]
    assert "  protected dax/xfs_cache/" in block and "Control, accesses by mappings of user" in text
