# SPDX-License-Identifier: Apache-2.0
"""kcidb.json: a gate for KCIDB, the kernel community's database of test results, in version 5.3 of
its format: what was checked out, what was built of it, and what was tested of that.

A case of HEAD passes or fails. Of BASE it is only measured, which KCIDB calls DONE.
Source: kcidb_io/schema of the kcidb-io library.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from analysis.compare import gate
from analysis.compare.engine import SourcePair
from analysis.gate.function_changes import FunctionChange
from analysis.gate.gate_folder import SIDES, GateFolder
from analysis.gate.judgement import Check, Judgement
from analysis.report.comparison import format
from analysis.report.comparison.as_json import finite
from analysis.stats.comparison import Comparison
from analysis.summary.provenance import emulator
from formats import exit_codes
from formats.case_names import NEVER_EXACT
from formats.gate_files import BASE, HEAD

_VERSION = {"major": 5, "minor": 3}
_EXCERPT = 16384  # letters of a log
_NO_PART = re.compile(r"[^a-zA-Z0-9_-]")
# What 40 hexadecimal digits name; of a repository with longer hashes KCIDB knows no commit.
_COMMIT = re.compile(r"[0-9a-f]{40}")
_OF_A_GATE = {exit_codes.OK: "PASS", exit_codes.FAILED: "FAIL", exit_codes.UNRESOLVED: "ERROR"}

Object = dict[str, Any]


def write_kcidb(asked: GateFolder, found: Judgement, functions: list[FunctionChange]) -> str:
    """The document. functions: those in which the changed cases differ."""
    report = _Report(asked, found, functions)
    value = {
        "version": _VERSION,
        "checkouts": [report.checkout(side) for side in SIDES],
        "builds": [report.build(side) for side in SIDES],
        "tests": list(report.tests()),
    }
    return json.dumps(finite(_without_nul(value)), indent=1, allow_nan=False) + "\n"


class _Report:
    """The objects of a gate. Names of tests begin with the moment at which it was asked for."""

    def __init__(self, asked: GateFolder, found: Judgement, functions: list[FunctionChange]):
        self._asked, self._found, self._functions = asked, found, functions
        self._origin = asked.facts["origin"]
        self._started = asked.facts["started"]
        # one gate's tests are told from another's of the same kernel
        self._run = f"{self._started}-{'-'.join(map(self._name, SIDES))}"

    def checkout(self, side: str) -> Object:
        """The source of a side."""
        said = self._asked.facts["sides"][side]
        is_known = _COMMIT.fullmatch(said.get("commit", "")) and not said.get("work")
        known = {"git_commit_hash": said["commit"]} if is_known else {}
        if is_known or "patchset" in said:
            known["patchset_hash"] = said.get("patchset", "")
        misc = {name: said[name] for name in ("commit", "content", "work") if name in said}
        return {
            "id": self._id(self._name(side)),
            "origin": self._origin,
            **known,
            "comment": self._asked.describe(side),
            "start_time": self._started,
            "valid": True,
            "misc": {"kmapbench": misc | {"side": side}},
        }

    def build(self, side: str) -> Object:
        """The kernel of a side."""
        check = next(
            (one for one in self._found.checks if (one.side, one.verb) == (side, "builds")), None
        )
        described = self._described(side)
        value: Object = {
            "id": self._build_id(side),
            "checkout_id": self._id(self._name(side)),
            "origin": self._origin,
            "architecture": "x86_64",
            "config_name": self._asked.facts["config"] or "lab",
            "misc": {"kmapbench": {"side": side}},
        }
        if compiler := described.get("module_compiler"):
            value["compiler"] = compiler
        if check and check.passed is not None:
            value["status"] = "PASS" if check.passed else "FAIL"
        if check and check.passed is False:
            value["log_excerpt"] = check.why[:_EXCERPT]
        return value

    def tests(self) -> Iterator[Object]:
        """Boots and protection of both, cases of both, and the answer, which is HEAD's."""
        for check in self._found.checks:
            if check.verb != "builds":
                yield self._test(check.side, check.verb, _status_of(check), check.why)
        if self._found.group:
            yield from self._cases(self._found.group)
        status = _OF_A_GATE.get(self._found.code, "MISS")
        yield self._test(HEAD, "gate", status, self._found.answer)

    def _cases(self, group: SourcePair) -> Iterator[Object]:
        for row in group.rows:
            unit = row.metric.unit
            name = f"{row.case}/{row.metric.name}"
            sides = {BASE: ("DONE", row.old), HEAD: (self._status(row), row.new)}
            for side, (status, value) in sides.items():
                number = {"number": {"value": value, "unit": unit}} if value == value else {}
                said = f"{format.label(row)}: {format.format_change(row)}, {format.word(row)}"
                test = self._test(side, name, status, said if side == HEAD else "")
                if side == HEAD:
                    test["misc"]["kmapbench"] |= self._difference(row)
                yield test | number
        for lost in group.lost:
            yield self._test(HEAD, lost.case, "MISS", lost.why)

    def _difference(self, row: Comparison) -> Object:
        functions = {
            one.function: float(one.new - one.old)
            for one in self._functions
            if one.case == row.case
        }
        return {
            "base": row.old,
            "change": row.difference,
            "verdict": str(row.verdict),
            "exact": row.exact,
            "functions": functions,
        }

    def _status(self, row: Comparison) -> str:
        if gate.fails(row, self._asked.facts["fail_on"]):
            return "FAIL"
        if not gate.why_unjudged(row):
            return "PASS"
        return "DONE" if row.case in NEVER_EXACT else "MISS"

    def _test(self, side: str, name: str, status: str, comment: str) -> Object:
        parts = ["kmapbench", *(_NO_PART.sub("_", part) for part in name.split("/") if part)]
        campaign = self._found.campaign
        where = f"{emulator(campaign)}, -icount" if campaign else "QEMU, -icount"
        return {
            "id": self._id(self._run, side, ".".join(parts)),
            "build_id": self._build_id(side),
            "origin": self._origin,
            "environment": {"comment": f"emulated: {where}", "misc": {"emulated": True}},
            "path": ".".join(parts),
            "status": status,
            "start_time": self._started,
            **({"comment": comment} if comment else {}),
            "misc": {"kmapbench": {"side": side}},
        }

    def _name(self, side: str) -> str:
        """What tells the source of a side from any other."""
        said = self._asked.facts["sides"][side]
        if "built" in said:
            return str(self._described(side).get("kernel") or said["built"])
        work = [said["content"]] if said.get("work") else []
        patched = [said["patchset"]] if "patchset" in said else []
        return "-".join([said["commit"], *work, *patched])

    def _described(self, side: str) -> Object:
        """A side as campaign.json has it; empty where no campaign was begun."""
        found: Object = (self._asked.header or {"variants": {}})["variants"].get(side, {})
        return found

    def _build_id(self, side: str) -> str:
        """By all that went into a kernel, which is the name that it has in the cache."""
        return self._id(self._name(side), str(self._described(side).get("kernel", "not-built")))

    def _id(self, *parts: str) -> str:
        return f"{self._origin}:{'/'.join(parts)}"


def _status_of(check: Check) -> str:
    return {True: "PASS", False: "FAIL", None: "MISS"}[check.passed]


def _without_nul(value: Any) -> Any:
    """The value as KCIDB takes it, which has no NUL in any text."""
    if isinstance(value, dict):
        return {name: _without_nul(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    return value.replace("\0", "?") if isinstance(value, str) else value
