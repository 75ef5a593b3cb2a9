# SPDX-License-Identifier: Apache-2.0
from analysis.data.load import load
from analysis.report import writer
from analysis.report.contents.diagnostics import describe_measurement
from analysis.summary.cases import summarize_cases
from analysis.tests.conftest import HEADER, counted_windows, record


def said(write_campaign, *records) -> list[str]:
    return describe_measurement(summarize_cases(load(write_campaign(list(records)))))


def test_it_says_what_a_sample_and_the_system_call_take(write_campaign):
    first, second = {"sample": 204.0, "ioctl_share": 0.0002}, {
        "sample": 348.4,
        "ioctl_share": 0.0005,
    }
    overhead, *_ = said(write_campaign, record(overhead=first), record("kernel/x", overhead=second))
    assert "204 to 348 instructions" in overhead and "0.05 % of a record" in overhead


def test_the_dearest_boot_counts(write_campaign):
    boots = [
        record(boot=boot, overhead={"sample": 100.0 * boot, "ioctl_share": 0.001 * boot})
        for boot in (1, 2)
    ]
    overhead, *_ = said(write_campaign, *boots)
    assert "takes 200 instructions" in overhead and "0.2 % of a record" in overhead


def test_alignments_that_agree_are_said_to(write_campaign):
    (alignment,) = said(write_campaign, record(cost_shifted=5))
    assert alignment.endswith("costs the same in every case.")


def test_an_exact_case_may_not_differ_by_one(write_campaign):
    (alignment,) = said(
        write_campaign, record(cost_shifted=6), record("kernel/other", cost_shifted=5)
    )
    assert "kernel/kmap_local/dram 5 and 6" in alignment and "kernel/other" not in alignment


def test_a_timed_case_may_differ_by_a_twentieth(write_campaign):
    timed = {"clock": "tsc", "unit": "ticks", "exact": False}
    inside = record(cost=100, cost_shifted=104, **timed)
    outside = record("kernel/far", cost=100, cost_shifted=94, **timed)
    (alignment,) = said(write_campaign, inside, outside)
    assert "kernel/far 100 and 94" in alignment and "kmap_local" not in alignment


def test_a_timed_case_of_a_few_ticks_may_differ_by_one(write_campaign):
    (alignment,) = said(
        write_campaign, record(cost=3, cost_shifted=3.9, clock="tsc", unit="ticks", exact=False)
    )
    assert "within 5 % in every case" in alignment


def test_thrown_away_samples_are_counted_by_cause(write_campaign):
    boots = [record(boot=boot, rejected={"interrupt": 2, "nmi": 0}) for boot in (1, 2)]
    (rejected,) = said(
        write_campaign, *boots, record("kernel/x", rejected={"interrupt": 1, "nmi": 1})
    )
    assert (
        rejected
        == "Samples thrown away and taken again: 5 for interrupt, 1 for nmi; interrupt, nmi looked"
        " for."
    )


def test_none_thrown_away_says_what_was_looked_for(write_campaign):
    assert said(write_campaign, record(rejected={"interrupt": 0})) == [
        "Samples thrown away: none (interrupt looked for)."
    ]


def test_it_is_in_both_reports(write_campaign):
    folder = write_campaign([record(rejected={"interrupt": 0})])
    assert "looked for" in writer.write_report(folder).details
    assert "looked for" in (folder / "report" / "index.html").read_text()


def test_cases_skipped_for_one_reason_are_one_note(write_campaign):
    skipped = {
        "cost": None,
        "status": "skipped",
        "reason": "too large",
        "samples": [],
        "exact": False,
    }
    text = writer.write_report(
        write_campaign([record(), record("a/b/c", **skipped), record("a/b/d", **skipped)])
    ).details
    assert "- skipped: too large: a/b/c, a/b/d\n" in text
    assert text.count("a/b") == 2  # not in the tables


def test_a_note_names_its_variant_where_there_are_several(write_campaign):
    skipped = {
        "cost": None,
        "status": "skipped",
        "reason": "too large",
        "samples": [],
        "exact": False,
    }
    records = [record(), record("a/b/c", **skipped), record("a/b/c", variant="idle", **skipped)]
    header = {"variants": {name: HEADER["variants"]["stock"] for name in ("stock", "idle")}}
    text = writer.write_report(write_campaign(records, header=header)).details
    assert "- stock, idle: a/b/c: skipped: too large\n" in text


TIMED = {"clock": "tsc", "unit": "ticks", "exact": False, "chain": 2.0}


def test_the_pmu_is_held_against_the_clock(write_campaign):
    (pmu,) = said(
        write_campaign,
        record(cost=20, cost_core_cycles=10.0, **TIMED, **counted_windows(10.2, 5)),
        record("kernel/far", cost=80, cost_core_cycles=40.0, **TIMED, **counted_windows(41.5, 21)),
    )
    assert "counted in 2 cases" in pmu and "instructions were counted in 2" in pmu
    assert "by 1.5 an operation at most (kernel/far: 41.5 and 40.0)" in pmu


def test_counts_that_something_is_wrong_with_are_named_and_not_used(write_campaign):
    wrong = counted_windows(
        90, 5, problem="an operation takes 90.0 cycles by the PMU and 10.0 by the clock"
    )
    lines = [record(boot=boot, cost=20, cost_core_cycles=10.0, **TIMED, **wrong) for boot in (1, 2)]
    campaign = load(write_campaign(lines))
    (row,) = summarize_cases(campaign)
    assert (row.counted_cycles, row.counted_instructions) == (None, 5)
    (said_of_it,) = describe_measurement([row])
    assert said_of_it.startswith("PMU, not to be trusted: kernel/kmap_local/dram: an operation")
    assert said_of_it.count("90.0") == 1


def test_a_pmu_that_is_not_there_is_no_sentence(write_campaign):
    none = {"unavailable": "no PMU here counts cycles"}
    lines = [record(**TIMED, counted_windows={"cycles": none, "instructions": none})]
    assert said(write_campaign, *lines) == []
