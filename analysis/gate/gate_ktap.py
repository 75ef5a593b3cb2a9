# SPDX-License-Identifier: Apache-2.0
"""result.ktap: a gate as the kernel's own test results are written, for CI systems that read these.

A case that was not judged is skipped. As a reader takes what is skipped for good, the last test
says whether the gate as a whole is passed.
"""

from analysis.gate.gate_folder import SIDES, WORDS, GateFolder
from analysis.gate.judgement import Judgement
from analysis.report.comparison.as_ktap import VERSION, list_pair, plain, result_line
from formats import exit_codes


def write_ktap(asked: GateFolder, found: Judgement) -> str:
    """The document."""
    lines: list[str] = []
    number = 0
    for check in found.checks:
        number += 1
        if check.why:
            lines.append(f"# {plain(check.why)}")
        is_failed = check.passed is False
        skipped = check.why if check.passed is None else ""
        lines.append(result_line(not is_failed, number, check.name, skipped))
    if found.group:
        number += 1
        lines += list_pair(found.group, number, asked.facts["fail_on"])
    number += 1
    lines += [f"# {plain(line)}" for line in (found.answer, *found.unjudged, *found.notes)]
    lines.append(result_line(found.code == exit_codes.OK, number, "gate"))
    sides = [f"# {WORDS[side]}: {plain(asked.describe(side))}" for side in SIDES]
    return "\n".join([VERSION, f"1..{number}", *sides, *lines]) + "\n"
