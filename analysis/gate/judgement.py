# SPDX-License-Identifier: Apache-2.0
"""Whether HEAD passes: by the builds, the boots and the comparison. What was not judged never
passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.compare import engine, gate, inputs
from analysis.compare.engine import SourcePair
from analysis.data.bad_data import BadData
from analysis.data.load import Campaign, load
from analysis.gate.gate_folder import SIDES, WORDS, GateFolder
from analysis.report.comparison import format
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import CHANGED, OPEN, Verdict
from analysis.summary import controls
from formats import exit_codes
from formats.gate_files import BASE, HEAD

# A sentence names so many cases.
_NAMED = 3


@dataclass(frozen=True)
class Check:
    """One thing that was looked at in a side, beside the cases."""

    side: str
    verb: str  # builds, boots, protects
    passed: bool | None  # None: nobody knows
    why: str = ""
    sentence: str = ""  # what is said of it; empty where it passed, or another check says why

    @property
    def name(self) -> str:
        """As in KTAP."""
        return f"{WORDS[self.side]} {self.verb}"


@dataclass(frozen=True)
class Judgement:
    """An exit code, and all that led to it."""

    code: int
    answer: str  # a sentence
    checks: list[Check] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    group: SourcePair | None = None  # None: nothing was compared
    campaign: Campaign | None = None

    @property
    def word(self) -> str:
        """The answer in a word."""
        words = {exit_codes.OK: "PASS", exit_codes.FAILED: "FAIL"}
        return words.get(self.code, "NOT JUDGED")


def judge(asked: GateFolder) -> Judgement:
    """The judgement of a gate that has ended."""
    if asked.facts["same"]:
        answer = "BASE and HEAD are the same content, so that nothing was measured"
        return Judgement(exit_codes.OK, answer)
    checks = [*_builds(asked), *_boots(asked)]
    campaign, group = None, None
    found = gate.Gate(exit_codes.OK)
    unjudged = _without_side(asked)
    if asked.header:
        try:
            campaign = load(asked.campaign)
            if untrusted := controls.problems(campaign):
                raise BadData(f"NOT VALID: {untrusted[0]}")
            checks += _protections(campaign)
            group, found = _compare(asked)
        except BadData as error:
            is_known = any(check.verb == "boots" and check.sentence for check in checks)
            unjudged += [] if is_known else [str(error)]
    failures, open_checks = _sort(checks)
    unjudged = [*open_checks, *unjudged]
    unjudged += [line.removeprefix("not judged: ") for line in found.unjudged]
    if failed := _failed(group, asked.facts["fail_on"]):
        failures.insert(0, _taking_more(failed, group))
    if not failures and not unjudged:
        unjudged += asked.facts["problems"]
    code = _code(asked, failures, unjudged)
    answer = [*failures, *unjudged][0] if code else _passing(group)
    return Judgement(code, answer, checks, failures, unjudged, found.notes, group, campaign)


def changed_rows(group: SourcePair) -> list[Comparison]:
    """What is more or less than it was, and what may be."""
    return [row for row in group.rows if row.verdict in CHANGED + OPEN]


def describe_change(row: Comparison) -> str:
    """A row in a few words: the case, by how much, from what to what."""
    figures = f"{format.format_value(row.old)} to {format.format_value(row.new)}"
    return f"{format.label(row)} {format.format_change(row)} ({figures} {row.metric.unit})"


def _code(asked: GateFolder, failures: Sequence[str], unjudged: Sequence[str]) -> int:
    fault = asked.facts["fault"]
    if fault and fault["of_machine"]:
        return exit_codes.UNMET
    if failures:
        return exit_codes.FAILED
    return exit_codes.UNRESOLVED if unjudged else exit_codes.OK


def _builds(asked: GateFolder) -> Iterator[Check]:
    """Whether both kernels were built; nothing is said of one that was there. BASE is first."""
    fault = asked.facts["fault"]
    broken = fault["side"] if fault and fault["step"] == "build" else None
    for side in SIDES if asked.facts["tree"] else ():
        if side == broken:
            why = fault["why"]
            yield Check(side, "builds", False, why, f"{WORDS[side]} does not build: {why}")
        elif broken == BASE:
            yield Check(side, "builds", None, "BASE does not build")
        else:
            yield Check(side, "builds", True)


def _without_side(asked: GateFolder) -> list[str]:
    """What ended the gate and is a matter of neither kernel's build."""
    fault = asked.facts["fault"]
    if fault:
        return [] if fault["step"] == "build" else [fault["why"]]
    return [] if asked.header else ["no campaign was made"]


def _boots(asked: GateFolder) -> Iterator[Check]:
    """Whether all boots of a side came to their end, each the first time."""
    for side in SIDES:
        word, steps = WORDS[side], asked.steps(side)
        crashed = [step for step in steps if step["status"] == "crashed"]
        missing = asked.missing_boots(side)
        if crashed:
            why = crashed[-1].get("reason", "nobody knows why")
            ended = any(step["status"] == "ok" for step in steps)
            how = f"crashed in {len(crashed)} of {len(steps)} boots" if ended else "does not boot"
            yield Check(side, "boots", False, why, f"{word} {how}: {why}")
        elif missing:
            numbers = ", ".join(map(str, missing))
            yield Check(side, "boots", None, "not booted", f"{word}: no boot {numbers}")
        else:
            yield Check(side, "boots", True if steps else None, "" if steps else "not booted")


def _protections(campaign: Campaign) -> Iterator[Check]:
    """Whether the protection check held, of a side that has a protected page."""
    records = campaign.records
    oracles = np.array(records.names["oracle"])[records.column("oracle")]
    variants = np.array(records.names["variant"])[records.column("variant")]
    cases = np.array(records.names["case"])[records.column("case")]
    for side in SIDES:
        of_side = variants == side
        failed = cases[of_side & (oracles == "failed")].tolist()
        if failed:
            why = f"the protection check failed for {gate.listed(failed)}"
            yield Check(side, "protects", False, why, f"{WORDS[side]}: {why}")
        elif (oracles[of_side] == "held").any():
            yield Check(side, "protects", True)


def _sort(checks: Sequence[Check]) -> tuple[list[str], list[str]]:
    """What fails HEAD, and what only says that nothing is known. Where BASE has the same trouble,
    HEAD is not to blame.
    """
    failures: list[str] = []
    unjudged: list[str] = []
    of_base = {check.verb for check in checks if check.side == BASE and check.passed is False}
    for check in checks:
        is_blamed = check.side == HEAD and check.passed is False and check.verb not in of_base
        if check.sentence:
            (failures if is_blamed else unjudged).append(check.sentence)
    return failures, unjudged


def _compare(asked: GateFolder) -> tuple[SourcePair, gate.Gate]:
    """HEAD against BASE, and what --fail-on says of it."""
    pairs = inputs.pair_sources([str(asked.campaign)], BASE)
    named = [(old.named(WORDS[BASE]), new.named(WORDS[HEAD])) for old, new in pairs.sources]
    groups = engine.compare(named, cases=asked.cases)
    found = gate.gate(groups, asked.facts["fail_on"], asked.cases, pairs.lone)
    return groups[0], found


def _failed(group: SourcePair | None, fail_on: str) -> list[Comparison]:
    return [row for row in group.rows if gate.fails(row, fail_on)] if group else []


def _taking_more(failed: Sequence[Comparison], group: SourcePair | None) -> str:
    cases = len({row.case for row in failed})
    told = [describe_change(row) for row in failed[:_NAMED]]
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return f"HEAD takes more in {cases} of {_judged(group)}: {', '.join(told)}{more}"


def _passing(group: SourcePair | None) -> str:
    fewer = [row for row in group.rows if row.verdict is Verdict.FASTER] if group else []
    better = f", and less in {len({row.case for row in fewer})}" if fewer else ""
    return f"HEAD takes no more than BASE in any of {_judged(group)}{better}"


def _judged(group: SourcePair | None) -> str:
    """How many cases were judged."""
    rows = group.rows if group else []
    number = len({row.case for row in rows if not gate.why_unjudged(row)})
    return f"{number} case{'' if number == 1 else 's'}"
