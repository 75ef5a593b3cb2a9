# SPDX-License-Identifier: Apache-2.0
"""The job of a boot: the shell text that init runs in the guest. Pure."""

import re
import shlex
from collections.abc import Sequence

from lab.vm import image

# Both halves of kmap_bench's cases, as it names them: what the kernel does, and user models, which
# are measured on the host.
KERNEL, USER = "kernel", "user"

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


def case_options(cases: str, half: str) -> list[str]:
    """kmap_bench's options for the cases of a half: default, all, or those whose whole name matches
    a glob.
    """
    only = f"--kmapbench_only={half}"
    if cases in ("default", "all"):
        return [only, f"--kmapbench_cases={cases}"]
    return [only, *_matching(pattern(cases))]


def pattern(glob: str) -> str:
    """The regular expression of names that a glob matches as a whole."""
    return "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in glob)


def matching(names: Sequence[str], glob: str) -> list[str]:
    """The names that a glob matches as a whole."""
    wanted = re.compile(pattern(glob))
    return [name for name in names if wanted.fullmatch(name)]


def named(cases: Sequence[str]) -> list[str]:
    """kmap_bench's options for these cases and no other."""
    return _matching("|".join(map(re.escape, cases)))


def _matching(names: str) -> list[str]:
    # Google Benchmark appends /iterations:N and more to the name, and takes extended regular
    # expressions.
    return [f"--benchmark_filter=^({names})/iterations:", "--kmapbench_cases=all"]


def micro(variant: str, boot: int, cases: str = "default") -> str:
    """Makes persistent memory ready and measures cases: default, all or a glob."""
    return "step pmem pmem\n" + _measure(
        variant, boot, case_options(cases, KERNEL), f"device_memory={image.DEVICE_MEMORY:#x}"
    )


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
        f"step load insmod /kmapbench.ko {parameters} || {{ event '\"done\"'; poweroff -f; }}\n"
        + _MODULE_SECTIONS
        + f"step micro {shlex.join(bench)} {PMEM_OPTIONS}\n"
        + "send /tmp/micro.json\n"
        + "send /tmp/environment.json\n"
        + "step unload rmmod kmapbench\n"
    )
