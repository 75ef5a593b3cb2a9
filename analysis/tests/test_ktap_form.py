# SPDX-License-Identifier: Apache-2.0
"""compare --format ktap, as a reader of the kernel's test results has it."""

import textwrap

from analysis.report.comparison import as_ktap
from analysis.tests.conftest import by_coin, record
from analysis.tests.support.comparisons import boots, groups, in_turn, run
from lab.tests.support import ktap
from lab.tests.support.ktap import Status

DRAM = "kernel/kmap_local/dram"


def counted(off: float, on: float, case: str) -> list[dict]:
    return [
        record(case, boot, cost, variant=variant)
        for boot in (1, 2)
        for variant, cost in (("off", off), ("on", on))
    ]


def subtests(text: str) -> ktap.Report:
    """The only pair's."""
    return ktap.parse(
        textwrap.dedent("".join(line for line in text.splitlines(True) if line.startswith("  ")))
    )


def test_more_fails_and_no_more_passes(campaign):
    records = counted(5, 56, DRAM) + counted(9, 9, "kernel/same") + counted(9, 8, "kernel/fewer")
    result = run(campaign("c", records), "--format", "ktap")
    (pair,) = ktap.parse(result.stdout).tests
    assert pair.status is Status.FAILED and ":off against " in pair.name
    found = subtests(result.stdout)
    assert found.problems == []
    assert {test.name: test.status for test in found.tests} == {
        f"{DRAM} cost": Status.FAILED,
        "kernel/same cost": Status.PASSED,
        "kernel/fewer cost": Status.PASSED,
    }
    assert f"# {DRAM}: 5 -> 56 instructions, +51" in result.stdout


def test_what_was_not_judged_is_skipped_with_the_reason(campaign):
    few = in_turn(*(boots(side, level, 3) for side, level in (("off", 300), ("on", 600))))
    lone = counted(5, 5, "kernel/counted") + counted(7, 7, "kernel/gone")[::2]
    text = run(campaign("c", few + lone, header=by_coin(few)), "--format", "ktap").stdout
    found = subtests(text)
    assert found.problems == [] and ktap.parse(text).passed
    skipped = {test.name: test.reason for test in found.of(Status.SKIPPED)}
    assert any("fewer than" in reason for name, reason in skipped.items() if name != "kernel/gone")
    assert skipped["kernel/gone"]
    assert [test.name for test in found.of(Status.PASSED)] == ["kernel/counted cost"]


def test_a_name_says_nothing_to_the_reader(campaign):
    """Names of a foreign or damaged file: a directive, a second line."""
    names = ("kernel/a # SKIP me", "kernel/b\nnot ok 9 c")
    records = [one for name in names for one in counted(5, 5, name)]
    (group,) = groups(campaign("c", records))
    text = as_ktap.export([group], [])
    whole, found = ktap.parse(text), subtests(text)
    assert whole.problems == [] and len(whole.tests) == 1
    assert found.problems == [] and len(found.of(Status.PASSED)) == len(names)
