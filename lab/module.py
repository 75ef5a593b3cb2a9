# SPDX-License-Identifier: Apache-2.0
"""Builds kmapbench.ko against a kernel's headers, once for each source and kernel."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Protocol

from lab import tools
from lab.errors import CommandFailed, KmapbenchError

NAME = "kmapbench.ko"


class Kernel(Protocol):
    """What a module is built for: a fetched kernel, or the one that runs."""

    release: str
    headers: Path
    key: str  # names what the module depends on


def build(kernel: Kernel, source: Path, cache: Path, say, name: str = NAME) -> Path:
    """The path of a module for this kernel, from the cache or built now.

    source: a folder with the module's Kbuild and Makefile.
    """
    final = cache / "modules" / f"{kernel.key}-{_digest(source)}"
    if not (final / name).is_file():
        say(f"building {name} for {kernel.release}")
        final.parent.mkdir(parents=True, exist_ok=True)
        log = final.parent / f"{final.name}.log"
        log.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".building-") as scratch:
            out = Path(scratch) / "out"
            try:
                tools.logged(
                    [tools.find("make", "make"), f"-j{os.cpu_count()}", "-C", source, f"KDIR={kernel.headers}", f"OUT={out}"],
                    log,
                    f"building {name} for {kernel.release}",
                )
            except CommandFailed as error:
                why = tools.first_error(log)
                raise KmapbenchError(f"{error}: {why}" if why else str(error)) from None
            final.mkdir(exist_ok=True)
            os.replace(out / name, final / name)
    return final / name


def _digest(source: Path) -> str:
    """Of everything that goes into the module."""
    digest = hashlib.sha256()
    for path in sorted(source.iterdir()):
        generated = path.name.endswith(".mod.c")  # by a build in the source folder
        if path.suffix in (".c", ".h") and not generated or path.name in ("Kbuild", "Makefile"):
            digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
