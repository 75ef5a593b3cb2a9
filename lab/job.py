# SPDX-License-Identifier: Apache-2.0
"""The job of a boot: the shell text that init runs in the guest. Pure."""

import re
import shlex
from collections.abc import Sequence

# Cases that the kernel module runs; user models are measured on the host.
KERNEL_CASES = "^(empty|kernel/|model/|msr/|elsewhere/)"

# Sent along so that addresses can be told apart after the boot.
_MODULE_SECTIONS = (
    "for section in /sys/module/kmapbench/sections/.text*; do"
    ' event "\\"section\\", \\"name\\": \\"${section##*/}\\", \\"address\\": \\"$(cat "$section")\\""; done\n'
)


# Physical address of what the module may make a device of.
DEVICE_MEMORY = 448 << 20

# kmap_bench's options for what `pmem` (lab/guest/pmem) made in the guest.
PMEM_OPTIONS = "${PMEM_FILE:+--kmapbench_dax_file=$PMEM_FILE} ${PMEM_DEVICE:+--kmapbench_dax_device=$PMEM_DEVICE}"


def case_options(cases: str) -> list[str]:
    """kmap_bench's options for kernel cases: default, all, or those whose whole name matches a glob."""
    if cases in ("default", "all"):
        return [f"--benchmark_filter={KERNEL_CASES}", f"--kmapbench_cases={cases}"]
    return _matching("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in cases))


def named(cases: Sequence[str]) -> list[str]:
    """kmap_bench's options for these cases and no other."""
    return _matching("|".join(map(re.escape, cases)))


def _matching(pattern: str) -> list[str]:
    # Google Benchmark appends /iterations:N and more to the name, and takes extended regular expressions.
    return [f"--benchmark_filter=^({pattern})/iterations:", "--kmapbench_cases=all"]


def micro(variant: str, boot: int, cases: str = "default") -> str:
    """Makes persistent memory ready and measures cases: default, all or a glob."""
    return "step pmem pmem\n" + _measure(variant, boot, case_options(cases), f"device_memory={DEVICE_MEMORY:#x}")


def micro_on(file: str, variant: str, boot: int, cases: Sequence[str]) -> str:
    """Measures these cases, with a file that is there."""
    return f"PMEM_FILE={shlex.quote(file)}\n" + _measure(variant, boot, named(cases))


def _measure(variant: str, boot: int, options: list[str], parameters: str = "") -> str:
    """Loads the module, measures, hands out micro.json and environment.json, unloads."""
    bench = [
        "kmap_bench",
        *options,
        "--benchmark_out=/tmp/micro.json",
        "--benchmark_color=false",
        "--kmapbench_records=/out/stream",
        "--kmapbench_events",
        "--kmapbench_environment=/tmp/environment.json",
        "--kmapbench_clock=icount",
        f"--kmapbench_variant={variant}",
        f"--kmapbench_boot={boot}",
    ]
    return (
        f"step load insmod /kmapbench.ko {parameters}\n"
        + _MODULE_SECTIONS
        + f"step micro {shlex.join(bench)} {PMEM_OPTIONS}\n"
        + "send /tmp/micro.json\n"
        + "send /tmp/environment.json\n"
        + "step unload rmmod kmapbench\n"
    )
