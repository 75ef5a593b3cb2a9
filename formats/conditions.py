# SPDX-License-Identifier: Apache-2.0
"""What has to hold on a machine for times that are measured there to be published: each condition,
judged by what `environment.json` has under `conditions`.

lab judges before a run, and analysis afterwards, by the same rules. What could not be read is
unknown, and that is never met.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PUBLISH, COMPARE, SMOKE = "publish", "compare", "smoke"
LEVELS = (PUBLISH, COMPARE, SMOKE)

MET, UNMET, UNKNOWN = "ok", "not met", "unknown"

# An idle state that takes longer to leave lets the caches and the clock of the core go.
MOST_IDLE_EXIT_US = 10
# Of CPUs that were busy with other work: a tenth of one is a housekeeping daemon or two.
MOST_OTHER_WORK = 0.1
# Of the time of all CPUs that a hypervisor gave to others.
MOST_STEAL = 0.001
_MASKED_MICROCODE = ("0xffffffff", "0x0", "0x1")  # what hypervisors show in place of a revision


@dataclass(frozen=True)
class Condition:
    """One condition, and how a machine meets it."""

    name: str
    state: str  # MET, UNMET or UNKNOWN
    short: str  # in a few words, for the first line of a report
    found: str  # with its size, where it has one
    mend: str = ""  # a command, or what to do


def judge(said: Mapping[str, Any]) -> list[Condition]:
    """All conditions, in the order of NAMES. said: `conditions` of an environment; without `after`
    it is judged as before a run.
    """
    return [Condition(name, *rule(said)) for name, rule in _RULES.items()]


def unmet(said: Mapping[str, Any]) -> list[Condition]:
    """Those that are not met, or of which nothing is known."""
    return [condition for condition in judge(said) if condition.state != MET]


_Judged = tuple[str, str, str] | tuple[str, str, str, str]


def _bare_metal(said: Mapping[str, Any]) -> _Judged:
    signs = said.get("virtual")
    if signs is None:
        return UNKNOWN, "virtual machine or not: unknown", "nothing says what this runs on"
    if not signs:
        return MET, "bare metal", "no hypervisor by CPUID, firmware and kernel"
    stolen = _of_run(said, "steal_s")
    size = f"; {stolen:.2%} of the time was given to others" if stolen is not None else ""
    return (
        UNMET,
        "virtual machine",
        f"a virtual machine ({', '.join(signs)}): its times include the host's{size}",
        "measure on bare metal: docs/hardware.md names instances",
    )


def _governor(said: Mapping[str, Any]) -> _Judged:
    governors = said.get("governors") or []
    if not governors:
        return (
            UNKNOWN,
            "governor unknown",
            "no cpufreq: firmware or a hypervisor changes the core's clock",
            "turn on OS control of performance states in the firmware",
        )
    if set(governors) == {"performance"}:
        return MET, "governor performance", "performance"
    named = ", ".join(sorted(governors))
    mend = "cpupower frequency-set -g performance"
    return UNMET, f"governor {named}", f"{named}: the core's clock follows the load", mend


def _turbo(said: Mapping[str, Any]) -> _Judged:
    no_turbo, boost = said.get("no_turbo"), said.get("boost")
    if no_turbo == "1" or (no_turbo is None and boost == "0"):
        return MET, "turbo off", "off"
    if no_turbo is None and boost is None:
        return (
            UNKNOWN,
            "turbo unknown",
            "not told by this kernel: the core's clock may change with heat and neighbours",
            "turn it off in the firmware, then --allow turbo",
        )
    path = "intel_pstate/no_turbo" if no_turbo is not None else "cpufreq/boost"
    value = 1 if no_turbo is not None else 0
    return (
        UNMET,
        "turbo on",
        "on: the core's clock changes with heat and neighbours",
        f"echo {value} > /sys/devices/system/cpu/{path}",
    )


def _exit_us(state: Mapping[str, Any]) -> int:
    return int(state["exit_us"])


def _idle_states(said: Mapping[str, Any]) -> _Judged:
    idle = said.get("idle")
    if idle is None:
        return UNKNOWN, "C-states unknown", "this kernel does not tell its idle states", _NO_IDLE
    deepest = max(idle, key=_exit_us, default=None)
    if deepest is None or deepest["exit_us"] <= MOST_IDLE_EXIT_US:
        name = f"no deeper than {deepest['name']}" if deepest else "no idle state"
        return MET, "C-states shallow", name
    return (
        UNMET,
        f"C-states to {deepest['name']}",
        f"{deepest['name']} takes {deepest['exit_us']} us to wake from",
        f"cpupower idle-set -D {MOST_IDLE_EXIT_US + 1}",
    )


_NO_IDLE = "boot with idle=poll or processor.max_cstate=1, then --allow c-states"


def _smt(said: Mapping[str, Any]) -> _Judged:
    told = said.get("siblings")
    siblings = None if told is None else {cpu: others for cpu, others in told.items() if others}
    if said.get("smt_active") == "0" or (siblings is not None and not siblings):
        return MET, "SMT off", "off, or no sibling of the measured CPUs is online"
    if siblings is None:
        return UNKNOWN, "SMT unknown", "this kernel does not tell which CPUs share a core"
    others = [cpu for one in siblings.values() for cpu in one]
    mend = "echo off > /sys/devices/system/cpu/smt/control"
    if len(siblings) == 1:
        mend = f"echo 0 > /sys/devices/system/cpu/cpu{others[0]}/online"
    first, of_first = next(iter(siblings.items()))
    return (
        UNMET,
        "SMT on",
        f"on: CPU {first} shares its core with CPU {', '.join(map(str, of_first))}",
        mend,
    )


def _isolated_cpu(said: Mapping[str, Any]) -> _Judged:
    cpus, isolated = said.get("cpus") or [], said.get("isolated")
    rate = said.get("timer_per_s")
    ticks = f"; {rate:.0f} timer interrupts a second on CPU {cpus[0]}" if rate and cpus else ""
    if isolated is None:
        return UNKNOWN, "isolated CPU unknown", "this kernel does not tell which CPUs are isolated"
    if cpus and isolated and set(cpus) <= set(isolated):
        return MET, "isolated CPU", f"CPU {', '.join(map(str, cpus))} is isolated{ticks}"
    if isolated:
        mend = f"taskset -c {isolated[-1]} ./kmapbench run ..."
        return (
            UNMET,
            "not on the isolated CPU",
            f"may run on CPUs that are not isolated{ticks}",
            mend,
        )
    last = cpus[-1] if cpus else "N"
    return (
        UNMET,
        "no isolated CPU",
        f"none: the scheduler may run anything beside it{ticks}",
        f"boot with isolcpus={last} nohz_full={last} rcu_nocbs={last}, then taskset -c {last}"
        " ./kmapbench run ...",
    )


def _load(said: Mapping[str, Any]) -> _Judged:
    other, stolen = _of_run(said, "other_s"), _of_run(said, "steal_s")
    if other is None:
        return UNKNOWN, "load unknown", "/proc/stat cannot be read"
    when = "during the run" if said.get("after") else "while nothing was measured"
    found = f"other work kept {other:.2f} CPUs busy {when}"
    if stolen and stolen > MOST_STEAL:
        found += f", and a hypervisor took {stolen:.2%}"
    elif other <= MOST_OTHER_WORK:
        return MET, "no load", found
    mend = "end what else runs (top), stop timers (systemctl list-timers) and other users' jobs"
    return UNMET, f"load of {other:.2f} CPUs", found, mend


def _smi(said: Mapping[str, Any]) -> _Judged:
    before, after = _counters(said, "smi")
    if before is None or (after is None and said.get("after")):
        return (
            UNKNOWN,
            "SMIs unknown",
            "nothing counts them: MSR_SMI_COUNT cannot be read",
            "as root: modprobe msr (Intel CPUs only; not in a guest, nor under lockdown)",
        )
    happened = after - before if after is not None else 0
    if happened:
        mend = "turn off USB legacy support, power capping and error reporting in the firmware"
        return UNMET, f"{happened} SMIs", f"{happened} SMIs during the run", mend
    return (
        MET,
        "no SMI",
        f"none{' during the run' if after is not None else f' now, {before} since boot'}",
    )


def _mitigations(said: Mapping[str, Any]) -> _Judged:
    known = said.get("vulnerabilities") or {}
    untold = [name for name, text in known.items() if not text or text.startswith("Unknown")]
    if known and not untold:
        return MET, "mitigations recorded", f"{len(known)} are recorded"
    what = f"of {', '.join(untold)}" if untold else "at all"
    return (
        UNKNOWN,
        "mitigations not recorded",
        f"this kernel does not say what it mitigates {what}",
        "use a kernel and microcode that do; /sys/devices/system/cpu/vulnerabilities",
    )


def _microcode(said: Mapping[str, Any]) -> _Judged:
    revisions = said.get("microcode") or []
    if not revisions or set(revisions) & set(_MASKED_MICROCODE):
        return UNKNOWN, "microcode unknown", "the CPU's revision is not shown", _EARLY
    if len(revisions) > 1:
        named = ", ".join(revisions)
        return UNMET, "microcode mixed", f"CPUs have several revisions: {named}", _EARLY
    if said.get("out_of_spec") is None:
        return UNKNOWN, "microcode late or not: unknown", "/proc/sys/kernel/tainted is not there"
    if said["out_of_spec"]:
        found = f"{revisions[0]}, and the kernel is tainted by a late load or a CPU out of its spec"
        return UNMET, "microcode loaded late", found, _EARLY
    return MET, "microcode known", f"{revisions[0]}, loaded before the kernel's first process"


_EARLY = "install intel-microcode or amd64-microcode and reboot, so that it is loaded early"


def _temperature(said: Mapping[str, Any]) -> _Judged:
    before, after = _counters(said, "throttled")
    degrees = (said.get("after") or said.get("before") or {}).get("temperature_c")
    heat = f", {degrees:.0f} degrees Celsius" if degrees is not None else ""
    if before is None or (after is None and said.get("after")):
        found = f"nothing counts how often the CPU was throttled{heat}"
        return (
            UNKNOWN,
            "throttling unknown",
            found,
            "watch it by other means, then --allow temperature",
        )
    happened = after - before if after is not None else 0
    if happened:
        found = f"throttled {happened} times during the run{heat}"
        return UNMET, f"throttled {happened} times", found, "cool the machine; turn turbo off"
    return (
        MET,
        "not throttled",
        f"not throttled{' during the run' if after is not None else ''}{heat}",
    )


def _counters(said: Mapping[str, Any], name: str) -> tuple[int | None, int | None]:
    """A count before and after; None where it was not read."""
    before, after = said.get("before") or {}, said.get("after") or {}
    return before.get(name), after.get(name)


def _of_run(said: Mapping[str, Any], name: str) -> float | None:
    """How many CPUs were busy with it while they were watched; of steal_s the share of all CPUs."""
    watched = said.get("watched") or {}
    seconds, value = watched.get("seconds"), watched.get(name)
    if not seconds or value is None:
        return None
    cpus = watched.get("cpus") or 1
    return float(value / seconds / (cpus if name == "steal_s" else 1))


_RULES: Mapping[str, Callable[[Mapping[str, Any]], _Judged]] = {
    "bare-metal": _bare_metal,
    "governor": _governor,
    "turbo": _turbo,
    "c-states": _idle_states,
    "smt": _smt,
    "isolated-cpu": _isolated_cpu,
    "load": _load,
    "smi": _smi,
    "mitigations": _mitigations,
    "microcode": _microcode,
    "temperature": _temperature,
}
NAMES: Sequence[str] = tuple(_RULES)
