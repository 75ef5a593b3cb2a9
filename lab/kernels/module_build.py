# SPDX-License-Identifier: Apache-2.0
"""Builds kmapbench.ko against a kernel's headers, once for each source and kernel."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from lab.core import cpus, subprocesses
from lab.core.errors import CommandFailed, KmapbenchError

NAME = "kmapbench.ko"

# In the headers of a kernel that was built here: what make was told beside the compiler, a line
# each. The path that is measured is compiled into the module, and has to be compiled as there.
OPTIONS = "kmapbench-make-options"


class Kernel(Protocol):
    """What a module is built for: a fetched kernel, or the one that runs."""

    @property
    def release(self) -> str:
        """The kernel's release, as uname -r says it."""

    @property
    def headers(self) -> Path:
        """The folder to build modules in."""

    @property
    def key(self) -> str:
        """A name for what the module depends on."""


def build(kernel: Kernel, source: Path, cache: Path, say, name: str = NAME) -> Path:
    """The path of a module for this kernel, from the cache or built now.

    source: a folder with the module's Kbuild and Makefile.
    """
    compilers = compiler(kernel.headers)
    make_options = [*compilers, *(subprocesses.value(kernel.headers / OPTIONS) or "").splitlines()]
    final = cache / "modules" / f"{kernel.key}-{_digest(source, compilers)}"
    if not (final / name).is_file():
        say(f"building {name} for {kernel.release}")
        final.parent.mkdir(parents=True, exist_ok=True)
        log = final.parent / f"{final.name}.log"
        log.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".building-") as scratch:
            out = Path(scratch) / "out"
            try:
                subprocesses.logged(
                    [
                        subprocesses.find("make", "make"),
                        f"-j{cpus.count()}",
                        *("-C", source, f"KDIR={kernel.headers}", f"OUT={out}"),
                        *make_options,
                    ],
                    log,
                    f"building {name} for {kernel.release}",
                )
            except CommandFailed as error:
                why = subprocesses.first_error(log)
                raise KmapbenchError(f"{error}: {why}" if why else str(error)) from None
            final.mkdir(exist_ok=True)
            os.replace(out / name, final / name)
    return final / name


def compiler(headers: Path) -> list[str]:
    """Options of make that choose the compiler: the one that built the kernel, where it is there,
    else the default one.

    A kernel that clang built has flags that gcc does not know: then it has to be clang.
    """
    config = (
        subprocesses.value(headers / ".config")
        or subprocesses.value(headers / "include/config/auto.conf")
        or ""
    )
    text = re.search(r'^CONFIG_CC_VERSION_TEXT="?(.*?)"?$', config, re.MULTILINE)
    built_by = text[1] if text else ""
    if re.search(r"^CONFIG_CC_IS_CLANG=y$", config, re.MULTILINE):
        return _clang(built_by)
    name = built_by.partition(" ")[0]
    plain = re.sub(r"^.*-(?=gcc)", "", name)  # without the target that it may be named after
    version = re.search(r" (\d+)\.\d+(\.\d+)?$", built_by)
    for candidate in (name, plain, f"gcc-{version[1]}" if version else "", "gcc"):
        if candidate and subprocesses.has(candidate):
            return [f"CC={candidate}"]
    raise KmapbenchError(
        f"the module for this kernel is built by gcc ({built_by or 'of any version'}): install the"
        " package gcc"
    )


def _clang(built_by: str) -> list[str]:
    version = re.search(r"clang version (\d+)", built_by)
    suffixes = ([f"-{version[1]}"] if version else []) + [""]
    for suffix in suffixes:
        if subprocesses.has(f"clang{suffix}") and subprocesses.has(f"ld.lld{suffix}"):
            return [f"LLVM={suffix or 1}"]
    package = f"clang{suffixes[0]} and lld{suffixes[0]}"
    raise KmapbenchError(
        f"this kernel was built by {built_by}, and so has its module to be: install {package}"
    )


def _digest(source: Path, make_options: list[str]) -> str:
    """Of everything that goes into the module."""
    return _hash(source, [_version(option) for option in make_options])


def _hash(source: Path, compilers: list[str]) -> str:
    """Of what compilers say of themselves, and of the module's files."""
    digest = hashlib.sha256()
    for version in compilers:
        digest.update(version.encode() + b"\0")
    for path in _files(source):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def describe(headers: Path, source: Path) -> dict[str, str]:
    """What the module of a kernel is made of: the hash of its source, and which compiler made it,
    whatever that is called.
    """
    (option,) = compiler(headers)
    return {
        "module_source": _hash(source, []),
        "module_compiler": re.sub(r"^\S*gcc\S*", "gcc", _version(option)),
    }


def _version(make_option: str) -> str:
    """What a compiler, named as make is told, says of itself."""
    name, _, value = make_option.partition("=")
    program = value if name == "CC" else f"clang{value if value.startswith('-') else ''}"
    return subprocesses.output([program, "--version"]).splitlines()[0]


def _files(source: Path) -> list[Path]:
    """What a module is made of, without what a build in its folder has made."""
    return [
        path
        for path in sorted(source.iterdir())
        if (path.suffix in (".c", ".h") and not path.name.endswith(".mod.c"))
        or path.name in ("Kbuild", "Makefile")
    ]
