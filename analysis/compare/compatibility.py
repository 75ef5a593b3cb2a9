# SPDX-License-Identifier: Apache-2.0
"""What a side was measured on, as dotted names; and which differences make a comparison worthless.
"""

import os.path
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from analysis.compare.source import Source
from analysis.data.load import Campaign
from formats import fingerprint

# What differs between any two boots, or says nothing of what was measured.
NOISE = (
    "format",
    *fingerprint.MEASURED,
    "kernel.cmdline.BOOT_IMAGE",
    "kernel.cmdline.initrd",
    "kernel.cmdline.root",
    "emulator.observed",  # counting from outside changes nothing inside
    "tools.not_observed",
    "kernel.config_file",  # where it lay; what it says is config_sha256
    "identity",  # whose machine it was: the CPU and how it is set are facts of their own
)
# What of kmapbench measures: the code of kmap_bench, its loops included, and the module's source.
# Where both are known, a commit that changed neither is no difference.
CODE, MODULE_SOURCE = "tools.kmap_bench_code", "tools.module_source"
MODULE_COMPILER = "tools.module_compiler"
# Of source and compiler: the end of the name that campaign.json has of a module, which is all that
# older campaigns say of either.
MODULE_BUILD = "tools.module_build"
_MODULE = re.compile(r"[0-9a-f]{16}$")
# What makes a kernel another kernel, where two variants were measured as the running one (--here):
# its name and the series' own symbols and parameters. All else has to be as it was.
KERNEL_UNDER_TEST = (
    "kernel.release",
    "kernel.version",
    "kernel.cmdline.nopks",
    "kernel.cmdline.memremap.pks_*",
    "kernel.config.CONFIG_*SUPERVISOR_PKEYS",
    "kernel.config.CONFIG_DEVMAP_ACCESS_PROTECTION",
    "kernel.config.CONFIG_LOCALVERSION",
    "kernel.config.CONFIG_BUILD_SALT",
    "memory.total",  # less what the kernel itself takes
    "cpu.pks",
    "cpu.cr4_pks",
)
# What a kernel's configuration decides, too: what it keeps of memory, what it mitigates, and which
# settings it has.
_OF_A_KERNEL = (
    "kernel",
    MODULE_COMPILER,  # the one that made the kernel: the path is compiled into the module
    "clock.clocksource",  # how far a kernel got with its clock by then is its own
    "cpu.pks",
    "cpu.cr4_pks",
    "cpu.fred",
    # what a kernel that lacks a feature does not tell
    "cpu.governors",
    "cpu.smt",
    "cpu.isolated",
    "cpu.nohz_full",
    "pmem.*.node",
    "memory",
    "vulnerabilities",
)
# What a variant of the lab declares, by the field of campaign.json in which two of them differ.
DECLARED_BY = {
    "kernel": _OF_A_KERNEL,
    "release": _OF_A_KERNEL,
    "cmdline": ("kernel.cmdline", "cpu.pks", "cpu.cr4_pks", "cpu.fred"),
    "cpu": ("cpu", "emulator.cpu", "vulnerabilities"),
    # of persistent memory, which is taken from the rest
    "regions": ("pmem", "kernel.cmdline.memmap", "memory.total", "memory.huge_pages"),
}

PREEMPT_COUNT = "kernel.config.CONFIG_PREEMPT_COUNT"
COMMIT = ("tools.kmapbench", "kmapbench.commit", "kmapbench.dirty")
# Of a fact so many values are shown, and so many letters of each.
_SHOWN_VALUES, _SHOWN_LETTERS = 2, 40


def flattened(value, name: str = "") -> dict[str, str]:
    """Nested objects as dotted names; other values as text."""
    if not isinstance(value, dict):
        return {name: str(value)}
    flat: dict[str, str] = {}
    for key, inner in value.items():
        flat |= flattened(inner, f"{name}.{key}" if name else key)
    return flat


def campaign_facts(campaign: Campaign, variant: str) -> dict[str, frozenset[str]]:
    """Values that each fact of a variant had in its boots."""
    boots = [
        flattened(_with_words(environment))
        for (name, _), environment in campaign.boots.items()
        if name == variant
    ]
    facts = combine_facts(boots)
    for symbol, value in campaign.configs.get(variant, {}).items():
        facts[f"kernel.config.{symbol}"] = frozenset({value})
    for tool, version in campaign.header["tools"].items():
        facts[f"tools.{tool}"] = frozenset({str(version)})
    kmapbench = campaign.header["kmapbench"]
    facts["tools.kmapbench"] = frozenset({str(kmapbench["commit"])})
    header = campaign.header["variants"].get(variant, {})
    module = _MODULE.search(str(header.get("module", "")))
    for name, value in (
        (CODE, kmapbench.get("kmap_bench_code")),
        (MODULE_BUILD, module and module[0]),
        (MODULE_SOURCE, header.get("module_source")),
        (MODULE_COMPILER, header.get("module_compiler")),
    ):
        if value:
            facts[name] = frozenset({str(value)})
    return facts


def combine_facts(boots: Iterable[dict[str, str]]) -> dict[str, frozenset[str]]:
    """Values that each fact had in these boots."""
    values: dict[str, set[str]] = {}
    for boot in boots:
        for name, value in boot.items():
            values.setdefault(name, set()).add(value)
    return {name: frozenset(different) for name, different in values.items()}


def _with_words(environment: dict) -> dict:
    """The command line as parameters, each a fact of its own."""
    words = (word.partition("=") for word in environment["kernel"]["cmdline"].split())
    parameters: dict[str, str] = {}
    for name, _, value in words:  # a parameter may be given several times
        parameters[name] = f"{parameters[name]} {value}" if name in parameters else value
    return environment | {"kernel": environment["kernel"] | {"cmdline": parameters}}


def differences(old: Source, new: Source) -> dict[str, tuple[str, str]]:
    """Facts in which two sources differ beyond what was declared to differ, with both values."""
    ignored = _noise(old) + _declared(old, new)
    if CODE in old.facts and CODE in new.facts:
        ignored += COMMIT
    if MODULE_SOURCE in old.facts and MODULE_SOURCE in new.facts:
        ignored += (MODULE_BUILD,)
    else:
        ignored += (MODULE_SOURCE, MODULE_COMPILER)
    differing = {}
    for name in sorted(old.facts.keys() | new.facts.keys()):
        before, after = old.facts.get(name), new.facts.get(name)
        if before != after and not matches(name, ignored):
            differing[name] = _shown_apart(before, after)
    if old.campaign is None:
        return differing
    # A hash says only that something differs: where the symbols are there on both sides, they say
    # what.
    if _has_symbols(old) and _has_symbols(new):
        differing.pop("kernel.config_sha256", None)
        return differing
    return {
        name: values for name, values in differing.items() if not name.startswith("kernel.config.")
    }


def _has_symbols(source: Source) -> bool:
    return any(name.startswith("kernel.config.") for name in source.facts)


def preemption(old: Source, new: Source) -> str | None:
    """What is to be said of two kernels of which one counts how often preemption is disabled, as
    all of Linux 7.x on x86 do: None where both do or neither does, or where nobody knows.
    """
    if not (_has_symbols(old) and _has_symbols(new)):
        return None
    count = [source for source in (old, new) if PREEMPT_COUNT in source.facts]
    if len(count) != 1:
        return None
    return (
        f"{count[0].label} counts preemption (CONFIG_PREEMPT_COUNT), and the other one does not:"
        " whatever disables it takes more instructions there"
    )


def unsteady_facts(source: Source) -> list[str]:
    """Facts that changed among the boots of one source."""
    return [
        name
        for name, values in source.facts.items()
        if len(values) > 1 and not matches(name, _noise(source))
    ]


def _noise(source: Source) -> tuple[str, ...]:
    """Names that say nothing in a campaign; in files of others they are settings like all."""
    return () if source.campaign is None else NOISE


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of these, below one of these, or matches one with wildcards."""
    return any(
        name == pattern or name.startswith(f"{pattern}.") or fnmatchcase(name, pattern)
        for pattern in patterns
    )


def _declared(old: Source, new: Source) -> tuple[str, ...]:
    """What two variants are there to differ in; the same variant in two campaigns differs in
    nothing.
    """
    if old.variant == new.variant or old.header is None or new.header is None:
        return ()
    if not any(name.startswith("emulator.") for name in old.facts | new.facts):
        return KERNEL_UNDER_TEST
    differ = [field for field in DECLARED_BY if old.header.get(field) != new.header.get(field)]
    return tuple(pattern for field in differ for pattern in DECLARED_BY[field])


def shown(values: frozenset[str] | None) -> str:
    """Values of a fact, cut to what fits into a line."""
    if not values:
        return "none"
    named = sorted(f"{value or 'set':.{_SHOWN_LETTERS}}" for value in values)
    more = f" and {len(named) - _SHOWN_VALUES} more" if len(named) > _SHOWN_VALUES else ""
    return " and ".join(named[:_SHOWN_VALUES]) + more


def _shown_apart(before: frozenset[str] | None, after: frozenset[str] | None) -> tuple[str, str]:
    """Two unlike sets of values so that a reader sees what differs: values that begin alike are cut
    at their beginning, not at their end.
    """
    old, new = _beyond(before, after), _beyond(after, before)
    if shown(before) != shown(after) or not old or not new:
        return shown(before), shown(after)
    begin = max(0, len(os.path.commonprefix([old, new])) - _SHOWN_LETTERS // 4)
    end = begin + _SHOWN_LETTERS
    return f"...{old[begin:end]}", f"...{new[begin:end]}"


def _beyond(values: frozenset[str] | None, others: frozenset[str] | None) -> str:
    """The first value that the others do not have; empty where they have all."""
    return min((values or frozenset()) - (others or frozenset()), default="")
