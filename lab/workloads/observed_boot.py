# SPDX-License-Identifier: Apache-2.0
"""One boot that is no part of a campaign: kernel cases that the observer sees, then user models
under the same clock.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.core import bench_command
from lab.core.bench_command import USER, BenchCommand
from lab.core.dirs import cache_dir
from lab.core.errors import KmapbenchError
from lab.kernels.variant import Variant
from lab.trace import symbols
from lab.vm import image, qemu
from lab.workloads import micro_script

# Of a user model in the guest, where a timer interrupt may come into one.
_SAMPLES = 5


@dataclass(frozen=True)
class Observed:
    """What a boot of a variant gave."""

    prepared: image.Prepared
    records: dict[str, dict]  # by case
    windows: symbols.Windows  # those of the module


def observe(
    variant: Variant,
    cases: str,
    user: BenchCommand,
    scratch: Path,
    say: Callable[[str], None],
) -> Observed:
    """Boots a variant. A KmapbenchError where the boot failed, or nothing counts from outside.

    cases: of the kernel, as micro_script.micro() has them. user: which user models. scratch: a
    folder that is as large as the observer's file, hundreds of megabytes.
    """
    content = image.micro(bench_command.built())
    prepared = image.prepare(variant, None, content, cache_dir(), scratch, say)
    initrd = image.initrd(
        prepared,
        f"{micro_script.micro(variant.name, 1, cases)}step user {shlex.join(user.words())}\n",
        scratch / f"{variant.name}.initrd",
    )
    records: dict[str, dict] = {}

    def on_line(line) -> None:
        if line.record:
            records[line.record["case"]] = line.record

    outcome = qemu.boot(image.machine(prepared, initrd, image.observer_plugin()), scratch, on_line)
    if outcome.problem or outcome.windows is None:
        raise KmapbenchError(
            f"{variant.name}:"
            f" {outcome.problem or 'this QEMU has no plugins, so nothing counts from outside'}"
        )
    return Observed(prepared, records, symbols.Windows(outcome.windows))


def by_guest_clock(**selection) -> BenchCommand:
    """User models in instructions. selection: cases= or names=."""
    return BenchCommand(
        half=USER, records="/out/stream", clock="icount", samples=_SAMPLES, **selection
    )
