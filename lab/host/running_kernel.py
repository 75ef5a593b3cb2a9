# SPDX-License-Identifier: Apache-2.0
"""The running kernel of this machine: what it takes to measure on it, and the module while it does.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE
from lab.core.errors import KmapbenchError
from lab.host import header_packages, load_errors, module_loader
from lab.kernels import module_build, supported

MODULE_NAME = Path(module_build.NAME).stem

# What is left to do where the module cannot be had.
_OTHERWISE = (
    "what works without: './kmapbench run' (kernel cases in the emulator), or '--only user'"
)


@dataclass(frozen=True)
class RunningKernel:
    """What a module for the running kernel is built against."""

    release: str
    headers: Path

    @property
    def key(self) -> str:
        """Names what a module depends on: the same key, the same module."""
        digest = hashlib.sha256()
        for name in (".config", "Module.symvers"):
            path = self.headers / name
            digest.update(
                f"{name}\0".encode() + (path.read_bytes() if path.exists() else b"") + b"\0"
            )
        return f"running-{self.release}-{digest.hexdigest()[:16]}"


@dataclass(frozen=True)
class Prepared:
    """The running kernel with a module for it, which is not loaded yet."""

    kernel: RunningKernel
    module: Path


def running_kernel(release: str, root: Path = Path("/")) -> RunningKernel:
    """The kernel that runs, with its headers; a KmapbenchError names the package that has them."""
    headers = root / "lib/modules" / release / "build"
    if not (headers / "Makefile").exists():
        raise KmapbenchError(
            f"{headers}: no headers of the running kernel, so no module for it:"
            f" {header_packages.headers_mend(release)}; {_OTHERWISE}"
        )
    if refused := supported.refusal(release, headers):
        raise KmapbenchError(
            f"the module refuses this kernel, Linux {release}: {refused}; {_OTHERWISE}"
        )
    return RunningKernel(release, headers)


def needs(root: Path = Path("/"), uid: int | None = None) -> None:
    """A KmapbenchError where --here cannot work, before anything is built."""
    if (os.geteuid() if uid is None else uid) != 0:
        raise KmapbenchError(
            "--here loads a kernel module, which takes root: sudo ./kmapbench run --here;"
            f" {_OTHERWISE}"
        )
    if not (root / "proc/modules").exists():
        raise KmapbenchError(
            f"this kernel refuses modules: {load_errors.why(errno.ENOSYS, root)}; {_OTHERWISE}"
        )
    if (root / "sys/module" / MODULE_NAME).exists():
        raise KmapbenchError(
            f"{MODULE_NAME}.ko is loaded already, by somebody else's run or by hand: wait for it,"
            f" or rmmod {MODULE_NAME}"
        )


def prepare(cache: Path, say) -> Prepared:
    """Builds, or finds in the cache, what will be loaded."""
    needs()
    kernel = running_kernel(os.uname().release)
    return Prepared(kernel, module_build.build(kernel, MODULE_SOURCE, cache, say))


@contextmanager
def loaded(path: Path) -> Iterator[None]:
    """The module is loaded inside, and gone afterwards: by a process that outlives us
    (loader.py).
    """
    process = subprocesses.start_undoer("lab.host.module_loader", path)
    assert process.stdin is not None and process.stdout is not None  # pipes, as asked for
    try:
        said = process.stdout.readline().decode().strip()
        if said.isdecimal():
            raise KmapbenchError(
                f"this kernel refuses {path}: {load_errors.why(int(said), Path('/'))}; {_OTHERWISE}"
            )
        if said != "loaded":
            raise KmapbenchError(f"{path}: the process that loads it ended: run again")
        yield
    finally:
        process.stdin.close()
        process.stdout.close()
        # A loader that was killed cannot unload: then we do.
        if process.wait() != 0 and module_loader.unload(MODULE_NAME) != 0:
            raise KmapbenchError(
                f"{MODULE_NAME}.ko is still loaded, and in use: end what uses {_device()}, then"
                f" rmmod {MODULE_NAME}"
            )


def _device() -> str:
    return f"/dev/{MODULE_NAME}"


def manifest() -> dict:
    """How campaign.json describes the running kernel."""
    return {
        "what": "the running kernel of this machine",
        "release": os.uname().release,
        "packages": {},
        "cpu": cpu_model(),
        "cmdline": subprocesses.value(Path("/proc/cmdline")) or "",
    }


def skipped(records: list[dict]) -> list[str]:
    """What could not be measured here, a line for each reason."""
    reasons: dict[str, int] = {}
    for record in records:
        if record["status"] == "skipped":
            reasons[record["reason"]] = reasons.get(record["reason"], 0) + 1
    rest = len(records) - sum(reasons.values())
    return [
        f"{reason}: {count} of {len(records)} kernel cases skipped, {rest} measured here;"
        " './kmapbench run' emulates what this machine lacks"
        for reason, count in reasons.items()
    ]


def cpu_model() -> str:
    """The name of this machine's CPU, as the kernel has it; "unknown" where it has none."""
    lines = (subprocesses.value(Path("/proc/cpuinfo")) or "").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")
