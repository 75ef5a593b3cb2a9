# SPDX-License-Identifier: Apache-2.0
"""Whether a campaign says on what each boot ran, as far as others need it to compare."""

from collections.abc import Iterator
from typing import Any

from analysis.data.load import Campaign
from formats.campaign_format import USER_SPACE

# Dotted names of what every boot has to say.
EVERYWHERE = (
    *("kernel.release", "kernel.version", "kernel.machine", "kernel.cmdline"),
    *("cpu.vendor_id", "cpu.model name", "cpu.cpu family", "cpu.model", "cpu.stepping"),
    *("cpu.microcode", "cpu.cpuid_7_0", "cpu.pks", "cpu.pku", "cpu.hypervisor", "cpu.online"),
    *("vulnerabilities", "memory.total", "clock.clocksource", "clock.tsc_hz"),
    *("kmapbench.commit", "kmapbench.compiler", "kmapbench.build_type"),
)
# Of a kernel that was measured: user models run on any.
OF_A_KERNEL = ("kernel.config_sha256",)
# There, though a kernel or CPU without such a setting says null, or nothing.
SETTINGS = (
    *("cpu.governors", "cpu.no_turbo", "cpu.boost", "cpu.smt", "cpu.isolated", "cpu.nohz_full"),
    *("memory.huge_pages", "memory.nodes"),
)
# Of a machine that is no guest: one of them is not null. Such a kernel changes the core's clock, or
# says that it does not.
ON_BARE_METAL = (("cpu.governors", "cpu.no_turbo", "cpu.boost"),)
OF_THE_LAB = ("emulator.cpu", "emulator.memory_mib")

_ABSENT = object()


def missing_facts(campaign: Campaign) -> Iterator[str]:
    """What boots do not say, a line each."""
    measured = dict.fromkeys((record.variant, record.boot) for record in campaign.records)
    for variant, boot in measured:
        environment = campaign.boots.get((variant, boot))
        if environment is None:
            yield f"{variant}, boot {boot}: no environment.json"
            continue
        for name in _lacking(environment, variant):
            yield f"{variant}, boot {boot}: environment.json does not say {name}"


def _lacking(environment: dict[str, Any], variant: str) -> Iterator[str]:
    is_emulated = "emulator" in environment
    needed = EVERYWHERE + (() if variant == USER_SPACE else OF_A_KERNEL)
    for name in needed + (OF_THE_LAB if is_emulated else ()):
        if value_at(environment, name) in (_ABSENT, None, "", {}, []):
            yield name
    for name in SETTINGS:
        if value_at(environment, name) is _ABSENT:
            yield name
    if not is_emulated and value_at(environment, "cpu.hypervisor") is False:
        for names in ON_BARE_METAL:
            if all(value_at(environment, name) in (_ABSENT, None, "", []) for name in names):
                yield f"any of {', '.join(names)}"


def value_at(value: Any, name: str) -> Any:
    """What is at a dotted name in nested objects; a value of its own where there is nothing."""
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            return _ABSENT
        value = value[key]
    return value
