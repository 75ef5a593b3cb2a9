# SPDX-License-Identifier: Apache-2.0
"""`python3 -m lab` with stand-ins for kernels, QEMU (stand_in_qemu.py) and the report: a campaign
takes a second.

All that keeps a campaign is the real thing.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import cli
from lab.cluster import sbatch_script
from lab.core import subprocesses
from lab.kernels import source_build
from lab.kernels.debian_kernels import KernelTree
from lab.run import disk_space, runner
from lab.vm import image


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        qemu = scratch / "qemu-system-x86_64"
        words = [sys.executable, "-S", "-E", str(Path(__file__).with_name("stand_in_qemu.py"))]
        qemu.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        qemu.chmod(0o755)
        subprocesses._SEARCH = f"{scratch}:{subprocesses._SEARCH}"
        kernel = KernelTree(Path(os.environ.get("STAND_IN_KERNEL", scratch / "kernel")), "0")
        kernel.image.parent.mkdir(parents=True, exist_ok=True)
        base = kernel.folder / "module.ko"
        base.touch()
        image.prepare = lambda variant, *_: image.Prepared(variant, "", kernel, base, base)
        source_build.provide = lambda *_: None
        disk_space.rooms = lambda _: []
        disk_space.images_to_build = lambda _: []
        sbatch_script.KMAPBENCH = (sys.executable, "-P", "-m", "lab.tests.support.stand_in_lab")
        runner.write_report = lambda *_: subprocess.CompletedProcess([], 0, "", "")
        if resolved_at := os.environ.get("STAND_IN_RESOLVED"):
            runner.is_resolved = lambda folder: _boots(folder) >= int(resolved_at)
        return cli.main(arguments)


def _boots(folder: Path) -> int:
    """Of the variant that has most."""
    return max(len(list(variant.glob("boot-??"))) for variant in folder.iterdir())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
