# SPDX-License-Identifier: Apache-2.0
"""Reads KTAP, the kernel's format for test results (Documentation/dev-tools/ktap.rst). Pure."""

import re
from dataclasses import dataclass, field
from enum import Enum

_PLAN = re.compile(r"1\.\.(\d+)(?:\s+#.*)?$")
_RESULT = re.compile(r"(ok|not ok)\s+(\d+)\s*(?:- )?([^#]*?)\s*(?:#\s*(\w+)\s*(.*?)\s*)?$")


class Status(Enum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """One result line: of a test."""

    number: int
    name: str
    status: Status
    reason: str = ""  # why it was skipped, or what the diagnostics say of its failure


@dataclass
class Report:
    """One KTAP document. Indented lines (tests within a test) are left to the line that sums them
    up.
    """

    planned: int | None = None
    tests: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # where the document is not what it should be

    def of(self, status: Status) -> list[Result]:
        return [test for test in self.tests if test.status is status]

    @property
    def passed(self) -> bool:
        """Whole, nothing failed, and not everything was skipped."""
        return not self.problems and not self.of(Status.FAILED) and bool(self.of(Status.PASSED))


def parse(text: str) -> Report:
    """The document in a text; what stands before its version line is not part of it."""
    lines = text.splitlines()
    starts = [
        index for index, line in enumerate(lines) if re.fullmatch(r"K?TAP version \d+\s*", line)
    ]
    report = Report()
    if not starts:
        report.problems.append("no KTAP version line")
        return report
    for line in lines[starts[0] + 1 :]:
        _take(report, line)
    if report.planned is None:
        report.problems.append("no plan")
    elif report.planned != len(report.tests):
        report.problems.append(
            f"{report.planned} tests were planned, and {len(report.tests)} reported"
        )
    return report


def _take(report: Report, line: str) -> None:
    if plan := _PLAN.match(line):
        if report.planned is not None:
            report.problems.append("a second plan")
        report.planned = int(plan[1])
    elif result := _RESULT.match(line):
        _result(report, result)
    elif line.startswith("Bail out!"):
        report.problems.append(line)
    elif line.startswith("# "):
        _diagnostic(report, line[2:])


def _result(report: Report, match: re.Match) -> None:
    verdict, number, name, directive, reason = match.groups()
    status = Status.PASSED if verdict == "ok" else Status.FAILED
    if status is Status.PASSED and (directive or "").upper() == "SKIP":
        status = Status.SKIPPED
    if int(number) != len(report.tests) + 1:
        report.problems.append(f"test {number} stands where test {len(report.tests) + 1} should")
    report.tests.append(Result(int(number), name, status, reason or ""))


def _diagnostic(report: Report, text: str) -> None:
    """`# NAME: what went wrong`, behind the result line that it is about."""
    if not report.tests:
        return
    last = report.tests[-1]
    if last.status is Status.FAILED and not last.reason and text.startswith(f"{last.name}: "):
        report.tests[-1] = Result(
            last.number, last.name, last.status, text.removeprefix(f"{last.name}: ")
        )
