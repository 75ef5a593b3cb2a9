# SPDX-License-Identifier: Apache-2.0
"""The job of a boot: the shell text that init runs in the guest. Pure."""

import shlex
from collections.abc import Sequence
from dataclasses import replace

from lab.core.bench_command import KERNEL, BenchCommand
from lab.vm import image

# Sent along so that addresses can be told apart after the boot.
_MODULE_SECTIONS = (
    'for section in /sys/module/kmapbench/sections/.text*; do event "\\"section\\", \\"name\\":'
    ' \\"${section##*/}\\", \\"address\\": \\"$(cat "$section")\\""; done\n'
)


# kmap_bench's options for what `pmem` (lab/vm/init/pmem) made in the guest.
PMEM_OPTIONS = (
    "${PMEM_FILE:+--kmapbench_dax_file=$PMEM_FILE}"
    " ${PMEM_DEVICE:+--kmapbench_dax_device=$PMEM_DEVICE}"
)


def micro(variant: str, boot: int, cases: str = "default") -> str:
    """Makes persistent memory ready and measures cases: default, all or a glob."""
    return "step pmem pmem\n" + _measure(
        replace(_command(variant, boot), half=KERNEL, cases=cases),
        f"device_memory={image.DEVICE_MEMORY:#x}",
    )


def micro_on(file: str, variant: str, boot: int, cases: Sequence[str]) -> str:
    """Measures these cases, with a file that is there."""
    return f"PMEM_FILE={shlex.quote(file)}\n" + _measure(
        replace(_command(variant, boot), names=cases)
    )


def _command(variant: str, boot: int) -> BenchCommand:
    return BenchCommand(
        out="/tmp/micro.json",
        records="/out/stream",
        events=True,
        plain=True,
        environment="/tmp/environment.json",
        clock="icount",
        variant=variant,
        boot=boot,
    )


def _measure(command: BenchCommand, parameters: str = "") -> str:
    """Loads the module, measures, hands out micro.json and environment.json, unloads."""
    return (
        f"step load insmod /kmapbench.ko {parameters} || {{ event '\"done\"'; poweroff -f; }}\n"
        + _MODULE_SECTIONS
        + f"step micro {shlex.join(command.words())} {PMEM_OPTIONS}\n"
        + "send /tmp/micro.json\n"
        + "send /tmp/environment.json\n"
        + "step unload rmmod kmapbench\n"
    )
