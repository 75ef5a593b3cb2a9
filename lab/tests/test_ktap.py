# SPDX-License-Identifier: Apache-2.0
import tarfile

import pytest

from lab.core.dirs import build_dir
from lab.tests.support import ktap
from lab.tests.support.cases import FROM_USER_SPACE, MEASURED, SKIPPED
from lab.tests.support.ktap import Result, Status
from lab.vm import initramfs

pytestmark = pytest.mark.guest

GOOD = """KTAP version 1
1..3
ok 1 abi
ok 2 msr/wrpkrs/toggle # SKIP this CPU has no PKS
ok 3 empty
"""


def test_results_are_read():
    report = ktap.parse(GOOD)
    assert report.tests == [
        Result(1, "abi", Status.PASSED),
        Result(2, "msr/wrpkrs/toggle", Status.SKIPPED, "this CPU has no PKS"),
        Result(3, "empty", Status.PASSED),
    ]
    assert report.problems == [] and report.passed


def test_what_a_console_prints_around_them_is_left_out():
    report = ktap.parse(
        "[    1.0] booting\nok 7 not ours\n"
        + GOOD.replace("ok 3", "    ok 1 - inner\n# a remark\nok 3")
    )
    assert [test.number for test in report.tests] == [1, 2, 3]
    assert report.passed


def test_a_failure_carries_its_diagnostic():
    report = ktap.parse(
        GOOD.replace("ok 3 empty", "not ok 3 empty\n# empty: policy 1: a window took no tick")
    )
    assert report.of(Status.FAILED) == [
        Result(3, "empty", Status.FAILED, "policy 1: a window took no tick")
    ]
    assert not report.passed


def test_a_failure_that_says_skip_is_a_failure():
    report = ktap.parse(GOOD.replace("ok 2", "not ok 2"))
    assert [test.number for test in report.of(Status.FAILED)] == [2]
    assert not report.passed


def test_a_skip_of_everything_is_no_pass():
    report = ktap.parse("KTAP version 1\n1..2\nok 1 a # SKIP no PKS\nok 2 b # skip no PKS\n")
    assert len(report.of(Status.SKIPPED)) == 2 and report.problems == []
    assert not report.passed
    assert not ktap.parse("KTAP version 1\n1..0 # SKIP nothing to test\n").passed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no KTAP version line"),
        ("1..1\nok 1 a\n", "no KTAP version line"),
        ("KTAP version 1\nok 1 a\n", "no plan"),
        (GOOD.replace("1..3", "1..4"), "4 tests were planned, and 3 reported"),
        (GOOD.replace("1..3", "1..2"), "2 tests were planned, and 3 reported"),
        (GOOD.replace("ok 3", "ok 2"), "test 2 stands where test 3 should"),
        (GOOD + "1..3\n", "a second plan"),
        (GOOD + "Bail out! the module is gone\n", "Bail out! the module is gone"),
    ],
)
def test_a_broken_document_is_no_pass(text, problem):
    report = ktap.parse(text)
    assert problem in report.problems
    assert not report.passed


def run_in_guest(boot_job, options: str = "", before: str = "", **changes) -> ktap.Report:
    program = build_dir() / "bench" / "tools" / "kmap_ktap"
    libraries = {str(path): path for path in initramfs.libraries(program)}
    booted = boot_job(
        (
            f"{before}insmod /kmapbench.ko\n/kmap_ktap {options} /dev/kmapbench > /tmp/ktap\n"
            'event "\\"ended\\", \\"code\\": $?"\nsend /tmp/ktap\nrmmod kmapbench\n'
        ),
        {"kmap_ktap": program, **libraries},
        **changes,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    with tarfile.open(booted.outcome.files, ignore_zeros=True) as archive:
        report = ktap.parse(archive.extractfile("ktap").read().decode())
    failed = report.of(Status.FAILED)
    assert {"event": "ended", "code": 1 if failed else 0} in booted.events, failed
    return report


def test_the_module_keeps_its_promises(boot_job):
    options = "--dax-file=$PMEM_FILE --dax-device=$PMEM_DEVICE"
    report = run_in_guest(boot_job, options, "step pmem pmem\n")
    assert report.of(Status.FAILED) == [] and report.passed, report.problems
    assert {test.name for test in report.of(Status.SKIPPED)} == set(SKIPPED)
    assert {test.name for test in report.of(Status.PASSED)} > set(MEASURED) - set(FROM_USER_SPACE)


def test_what_a_machine_lacks_is_skipped_for_that(boot_job):
    report = run_in_guest(boot_job, cpu="max,-pks", cpus=2)
    assert report.of(Status.FAILED) == [] and report.passed, report.problems
    skipped = {test.name: test.reason for test in report.of(Status.SKIPPED)}
    assert skipped["model/kmap_local/protected"] == "this CPU has no PKS"
    assert skipped["msr/wrpkrs/toggle"] == "this CPU has no PKS"
    assert skipped["kernel/kmap_local/devmap"] == "no page of a DAX file or device was given"
    assert "kernel/kmap_local/dram" not in skipped
