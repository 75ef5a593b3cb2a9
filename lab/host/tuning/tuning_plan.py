# SPDX-License-Identifier: Apache-2.0
"""What tuning does to a machine: planned, and told to people. Changes nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.host.tuning import cpu_knobs
from lab.host.tuning.knobs import KNOBS, find_settings
from lab.host.tuning.machine import Machine
from lab.host.tuning.settings import Setting
from lab.host.tuning.topology import SMT, Topology, read_topology


@dataclass(frozen=True)
class Refusal:
    """A setting that stays as it is."""

    knob: str
    path: str  # below the root of the machine
    reason: str


@dataclass(frozen=True)
class TuningPlan:
    """What has to be set on a machine, in this order, and what stays as it is."""

    topology: Topology
    settings: list[Setting]
    refusals: list[Refusal] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # knobs that the machine does not have
    in_effect: list[str] = field(default_factory=list)  # knobs that are, or will be, as wanted


def plan_tuning(machine: Machine, isolate: bool = True) -> TuningPlan:
    """What has to be set on a machine. isolate: whether one CPU is to measure, and all else to go
    elsewhere.
    """
    with_smt_off = read_topology(machine, isolate, without_smt=machine.value(SMT) == "on")
    is_kept = cpu_knobs.refuse_smt(machine, with_smt_off)
    topology = read_topology(machine, isolate, without_smt=False) if is_kept else with_smt_off
    found: list[Setting] = []
    refusals: list[Refusal] = []
    missing: list[str] = []
    for knob in KNOBS:
        of_knob = find_settings(machine, topology, knob)
        reason = is_kept if knob.name == "SMT" else knob.refuse(machine, topology)
        if not of_knob:
            missing.append(knob.name)
        elif reason and any(setting.is_set for setting in of_knob):
            refusals.append(Refusal(knob.name, of_knob[-1].path, reason))
        else:
            found += of_knob
    in_effect = list(dict.fromkeys(setting.knob for setting in found))
    return TuningPlan(topology, _changing(machine, topology, found), refusals, missing, in_effect)


def _changing(machine: Machine, topology: Topology, found: list[Setting]) -> list[Setting]:
    """Those settings that are to be set, and those that follow one of these."""
    knobs = {setting.knob for setting in found if setting.is_set}
    kept = [setting for setting in found if setting.is_set or setting.follows in knobs]
    with_smt = [setting for setting in kept if setting.follows == "SMT"]
    rest = [setting for setting in kept if setting.follows != "SMT"]
    tasks = cpu_knobs.find_affinities(machine, topology) if knobs & {"SMT", "isolation"} else ()
    return [*tasks, *with_smt, *rest]


def describe_plan(plan: TuningPlan) -> list[str]:
    """A line for each knob: its name, value before and value wanted, and where."""
    lines = []
    for same in _grouped(setting for setting in plan.settings if setting.is_set):
        first = same[0]
        more = f", and {len(same) - 1} more" if len(same) > 1 else ""
        lines.append(f"tune {first.knob}: {first.before} -> {first.wanted}, in /{first.path}{more}")
    lines += describe_refusals(plan.refusals)
    changing = {setting.knob for setting in plan.settings}
    if already := [knob for knob in plan.in_effect if knob not in changing]:
        lines.append(f"as wanted already: {', '.join(already)}")
    if plan.missing:
        lines.append(f"not on this machine: {', '.join(plan.missing)}")
    return lines


def _grouped(found: Iterable[Setting]) -> Iterator[list[Setting]]:
    """Settings of one knob with the same values."""
    groups: dict[tuple, list[Setting]] = {}
    for setting in found:
        groups.setdefault((setting.knob, setting.before, setting.wanted), []).append(setting)
    yield from groups.values()


def describe_refusals(refusals: Iterable[Refusal]) -> list[str]:
    """A line for each knob and reason."""
    groups: dict[tuple, list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.knob, refusal.reason), []).append(refusal)
    return [
        f"not tuned, {knob}: /{same[0].path}: {reason}"
        + (f" (and {len(same) - 1} more)" if len(same) > 1 else "")
        for (knob, reason), same in groups.items()
    ]


def effects(plan: TuningPlan, refused: Iterable[Refusal]) -> dict[str, str]:
    """What each knob is now, in words, as environment.json keeps it. refused: by the machine, when
    the plan was carried out.
    """
    counts = Counter(refusal.knob for refusal in refused)
    done: dict[str, str] = {}
    for knob in KNOBS:
        made = sum(one.is_set for one in plan.settings if one.knob == knob.name)
        if knob.name in plan.in_effect and (not made or counts[knob.name] < made):
            done[_field(knob.name)] = knob.wanted + (", in part" if counts[knob.name] else "")
    if plan.topology.measuring is not None:
        done["measuring_cpu"] = str(plan.topology.measuring)
    return done


def _field(knob: str) -> str:
    """The name of a knob in environment.json, as --allow of compare names it."""
    return re.sub(r"\W", "_", knob.lower())
