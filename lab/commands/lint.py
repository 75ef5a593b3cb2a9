# SPDX-License-Identifier: Apache-2.0
"""`kmapbench lint`: formatters, linters and type checkers, by Debian 12's versions.

Another version finds other things, so that a tree is clean or not by these versions alone.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from formats import exit_codes
from lab.core import subprocesses
from lab.core.dirs import ROOT, cache_dir
from lab.core.errors import KmapbenchError

Files = Sequence[str]

# Written by others, or generated.
_NOT_OURS = (
    "results/reference/*",
    "LICENSES/*",
    "third_party/*",
    "*.patch",
    "bench/system/events/*",
    "*.svg",
)
# Made by a build or by running, as .gitignore has it.
_MADE = ("build/*", "results/20*", "results/fleet/*", "*__pycache__/*", "*.pyc", ".pytest_cache/*")
_STRICT = ("formats/*", "lab/core/*", "lab/campaign/*", "analysis/data/*", "analysis/stats/*")
_SHELL = ("kmapbench", ".ci/run", "lab/vm/init/*")
_MARKDOWN_GENERATED = ("results/calibration/cells.md", "results/calibration/history.md")


@dataclass(frozen=True)
class Check:
    """One program over the files of its language."""

    program: str
    package: str
    version: str  # of Debian 12, as far as it decides what is found
    options: tuple[str, ...]
    takes: Callable[[str], bool]  # whether a file is one of its own


def _suffix(*suffixes: str) -> Callable[[str], bool]:
    return lambda file: file.endswith(suffixes)


def _matches(*patterns: str) -> Callable[[str], bool]:
    return lambda file: any(fnmatchcase(file, pattern) for pattern in patterns)


def _typed(file: str) -> bool:
    return file.endswith(".py") and "/tests/" not in file


_PYTHON = _suffix(".py")
CHECKS = (
    Check("black", "black", "23.1", ("--check", "--quiet"), _PYTHON),
    Check("isort", "isort", "5.6", ("--check-only", "--quiet"), _PYTHON),
    Check("flake8", "flake8", "5.0", (), _PYTHON),
    Check(
        "mypy",
        "mypy",
        "1.0",
        ("--strict", "--follow-imports=silent"),
        lambda file: _typed(file) and _matches(*_STRICT)(file),
    ),
    Check("mypy", "mypy", "1.0", (), _typed),
    Check("vulture", "vulture", "2.7", ("--min-confidence=80",), _PYTHON),
    Check(
        "shellcheck", "shellcheck", "0.9", ("--shell=dash", "--exclude=SC1091"), _matches(*_SHELL)
    ),
    Check(
        "clang-format",
        "clang-format",
        "14",
        ("--dry-run", "--Werror"),
        lambda file: file.startswith("bench/") and file.endswith((".cc", ".h")),
    ),
    Check(
        "mdl",
        "ruby-mdl",
        "0.12",
        (),
        lambda file: file.endswith(".md") and file not in _MARKDOWN_GENERATED,
    ),
    Check("yamllint", "yamllint", "1.29", ("--strict",), _matches("fleet/*.yml")),
    Check("codespell", "codespell", "2.2", ("--config=.codespellrc",), lambda _: True),
)


def run() -> int:
    """All checks, even where one fails. 0: clean; 1: something was found; 2: other versions."""
    if others := [line for line in map(_other_version, _programs()) if line]:
        raise KmapbenchError(f"lint is defined by Debian 12's versions: {'; '.join(others)}")
    files = tracked()
    failed = [check.program for check in CHECKS if not _passes(check, files)]
    print(f"lint: {len(CHECKS) - len(failed)} passed, {len(failed)} failed")
    return exit_codes.FAILED if failed else exit_codes.OK


def tracked() -> list[str]:
    """The files of the checkout that are ours, by their names below it.

    In a tree without git, such as an unpacked archive, all files but what a build makes.
    """
    if (ROOT / ".git").exists():
        git = [subprocesses.find("git", "git"), "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
        said = subprocesses.output([*git, "ls-files", "--cached", "--others", "--exclude-standard"])
        names = said.splitlines()
    else:
        names = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*"))
        names = [name for name in names if not _matches(*_MADE)(name)]
    ours = [name for name in names if not _matches(*_NOT_OURS)(name)]
    return [name for name in ours if (ROOT / name).is_file()]


def _programs() -> list[Check]:
    return list({check.program: check for check in CHECKS}.values())


def _other_version(check: Check) -> str | None:
    """What is said where a program is not of the version that counts."""
    said = subprocesses.output([subprocesses.find(check.program, check.package), "--version"])
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    there = found[0] if found else "unknown"
    same = there == check.version or there.startswith(f"{check.version}.")
    return None if same else f"{check.program} is {there}, not {check.version}"


def _passes(check: Check, files: Files) -> bool:
    chosen = [file for file in files if check.takes(file)]
    program = subprocesses.find(check.program, check.package)
    kept = [f"--cache-dir={cache_dir() / 'mypy'}"] if check.program == "mypy" else []
    result = subprocess.run(
        [program, *kept, *check.options, *chosen],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        print(f"{' '.join([check.program, *check.options])}:\n{result.stdout}", file=sys.stderr)
    return result.returncode == 0
