# SPDX-License-Identifier: Apache-2.0
"""Provenance of results, in words: kernel, machine or emulator, boots."""

import re
from collections.abc import Iterable

from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.summary.cases import Row

# Kernels, and cases that differ from boot to boot, are counted where they are more than so many.
_NAMED = 5


def emulator(campaign: Campaign) -> str:
    return (
        (campaign.header["tools"]["qemu"] or "QEMU")
        .split(" (")[0]
        .replace("emulator version", "TCG")
    )


def describe_kernels(campaign: Campaign, variants: Iterable[str]) -> str:
    """Releases, and which variants are of each where there are several, up to a few of them; a
    variant that the campaign does not describe is named alone.
    """
    by_release = group_by(variants, lambda variant: _release(campaign, variant))
    return "; ".join(
        (f"{release}: " if release else "")
        + (", ".join(of_one) if len(of_one) <= _NAMED else f"{len(of_one)} kernels")
        for release, of_one in by_release.items()
    )


def _release(campaign: Campaign, variant: str) -> str:
    """Linux and its version, without the name of the image where it was built from source."""
    kernel = campaign.header["variants"].get(variant)
    if kernel is None:
        return ""
    from_source = any(name.startswith("linux-source") for name in kernel.get("packages", {}))
    return f"Linux {kernel['release'].split('-')[0] if from_source else kernel['release']}"


def safe_file_name(name: str) -> str:
    """A name from a campaign's file, made safe as part of a file name."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def repeatability(rows: list[Row]) -> str:
    """How often, and whether each time gave the same."""
    measured = [row for row in rows if row.cost is not None]
    boots = max(row.boots for row in measured)
    if all(row.exact for row in measured):
        return f"{boots} boots, identical to the digit" if boots > 1 else "1 boot"
    apart = list(dict.fromkeys(row.case for row in measured if not row.exact))
    if len(apart) == len({row.case for row in measured}):
        return f"{boots} boots, not all identical"
    named = (
        ", ".join(apart)
        if len(apart) <= _NAMED
        else f"{len(apart)} of {len({row.case for row in measured})} cases"
    )
    return f"{boots} boots, identical to the digit but for {named}"


def describe_lab(campaign: Campaign, variant: str) -> str:
    """The kernel of a variant of the lab, and what it ran in."""
    return (
        f"Linux {campaign.header['variants'][variant]['release']}, emulated ({emulator(campaign)},"
        " -icount)"
    )


def describe_machine(campaign: Campaign, variant: str) -> str:
    """The machine that a variant was measured on, and its kernel."""
    environment = campaign.environments.get(variant)
    if environment is None:  # its boot crashed before it was handed out
        kernel = campaign.header["variants"].get(variant)
        return f"{kernel['cpu']}, Linux {kernel['release']}" if kernel else "this machine"
    virtual = (
        ", a virtual machine: its times include what its host does"
        if environment["cpu"].get("hypervisor")
        else ""
    )
    return f"{environment['cpu']['model name']}, Linux {environment['kernel']['release']}{virtual}"


def maker(campaign: Campaign) -> str:
    """The command that makes campaigns like this one."""
    over_reboots = "reboots" in campaign.header
    return "sudo ./kmapbench campaign" if over_reboots else "./kmapbench run"
