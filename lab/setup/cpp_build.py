# SPDX-License-Identifier: Apache-2.0
"""Builds bench/ and the programs beside it, where and as often as that is needed."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError

_STAMP = "kmapbench-system"  # what a build folder was configured on
# What ninja remembers of a build: without it, it builds all again.
_MEMORY = (".ninja_log", ".ninja_deps")


def build(build_folder: Path, root: Path = ROOT) -> None:
    """Builds what is not built yet; a KmapbenchError names what went wrong, and the log."""
    try:
        build_folder.mkdir(parents=True, exist_ok=True)
        lock = (build_folder / ".kmapbench.lock").open("w")
    except OSError as error:
        raise KmapbenchError(
            f"{build_folder} cannot be made ({error.strerror}): set KMAPBENCH_BUILD, or for a"
            " read-only checkout KMAPBENCH_CACHE, to a folder that can be written"
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds in one folder would be in each other's way
        log = build_folder / "launcher.log"
        try:
            if stranger(build_folder, root):
                _configure(build_folder, root, log)
            _logged(
                [subprocesses.find("cmake", "cmake"), "--build", str(build_folder)], log, "building"
            )
        finally:
            _hand_over(build_folder, root)


def stranger(build_folder: Path, root: Path = ROOT) -> bool:
    """Whether a build folder was not configured, or for another checkout, generator, compiler or
    system.
    """
    try:
        cache = (build_folder / "CMakeCache.txt").read_text(errors="replace")
    except OSError:
        return True
    said = dict(re.findall(r"^(CMAKE_\w+):\w+=(.*)$", cache, re.MULTILINE))
    # CMake may have resolved a link in either.
    for name, place in (("CMAKE_HOME_DIRECTORY", root), ("CMAKE_CACHEFILE_DIR", build_folder)):
        if os.path.realpath(said.get(name, "")) != os.path.realpath(place):
            return True
    if said.get("CMAKE_GENERATOR") != "Ninja" or not (build_folder / "build.ninja").exists():
        return True
    stamp = build_folder / _STAMP
    if stamp.exists() and stamp.read_text() != _system():
        return True
    return any(
        not _same_compiler(build_folder, said.get(f"CMAKE_{one}_COMPILER", ""), one)
        for one in ("C", "CXX")
    )


def _same_compiler(build_folder: Path, compiler: str, language: str) -> bool:
    """Whether the compiler is the one that the folder was configured with, by its version."""
    chosen = os.environ.get({"C": "CC", "CXX": "CXX"}[language])
    if chosen and shutil.which(chosen) != shutil.which(compiler):
        return False
    for file in build_folder.glob(f"CMakeFiles/*/CMake{language}Compiler.cmake"):
        found = re.search(
            rf'^set\(CMAKE_{language}_COMPILER_VERSION "([^"]*)"\)', file.read_text(), re.MULTILINE
        )
        version = found[1] if found else ""
        break
    else:
        return False
    # gcc's -dumpversion may be its first number alone, and clang knows no other option.
    said = (_output([compiler, option]) for option in ("-dumpfullversion", "-dumpversion"))
    return version in said


def _output(command: list[str]) -> str | None:
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _system() -> str:
    """The distribution and its release, as os-release has them."""
    try:
        text = Path("/etc/os-release").read_text(errors="replace")
    except OSError:
        return "unknown\n"
    return "".join(
        f"{line}\n"
        for line in sorted(
            re.findall(r"^(?:ID|VERSION_ID|VERSION_CODENAME)=.*$", text, re.MULTILINE)
        )
    )


def _configure(build_folder: Path, root: Path, log: Path) -> None:
    print("kmapbench: configuring", file=sys.stderr)
    for name in _MEMORY:
        (build_folder / name).unlink(missing_ok=True)
    command = [
        subprocesses.find("cmake", "cmake"),
        "--fresh",
        "--preset",
        "release",
        "-B",
        str(build_folder),
    ]
    _logged(command, log, "configuring", root)
    (build_folder / _STAMP).write_text(_system())


def _logged(command: list[str], log: Path, doing: str, cwd: Path | None = None) -> None:
    with log.open("wb") as out:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=cwd
        )
    if result.returncode != 0:
        raise KmapbenchError(
            f"{doing} failed: {first_error(log.read_text(errors='replace'))}; see {log}"
        )


def first_error(text: str) -> str:
    """The line of a build's log that says what is wrong. CMake says it in the lines after its
    first.
    """
    lines = [line.strip() for line in text.splitlines()]
    for at, line in enumerate(lines):
        if "No space left on device" in line:
            return line
        if line.startswith("CMake Error"):
            reason = next((one for one in lines[at + 1 :] if one), "")
            return f"{line} {reason}".strip()
        if re.search(r"\b(fatal )?error: ", line):
            return line
    return next((line for line in reversed(lines) if line), "no message")


def _hand_over(build_folder: Path, root: Path) -> None:
    """What root makes in a user's checkout is the user's, who could not build again otherwise."""
    if os.geteuid() != 0 or build_folder != root / "build":
        return
    owner = root.stat()
    for place, names, files in os.walk(build_folder):
        for path in (place, *(os.path.join(place, name) for name in names + files)):
            if (found := os.lstat(path)).st_uid != owner.st_uid or found.st_gid != owner.st_gid:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
