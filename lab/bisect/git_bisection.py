# SPDX-License-Identifier: Apache-2.0
"""git bisect on a clone of a user's tree: which commit is to be looked at next, and which it was.

The clone has no files and no objects of its own. It is made anew whenever a search goes on: what
was found of commits is told to it again.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import KmapbenchError

# git bisect's exit code where all that is left was skipped.
_ONLY_SKIPPED = 2


class Verdict(Enum):
    """What was found of a commit, by git's words. SKIP: it cannot be measured (125 of `git bisect
    run`).
    """

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"


@dataclass(frozen=True)
class Found:
    """Where a search has ended: with the first bad commit, or with several that may be it, as those
    between could not be measured.
    """

    commits: tuple[str, ...]


def search(
    tree: Path,
    good: str,
    bad: str,
    scratch: Path,
    judge: Callable[[str, int], Verdict],
) -> Found:
    """Finds the first bad commit between two of a tree.

    scratch: an empty folder for the clone. judge: looks at a commit; told how many more are about
    to come after it. A KmapbenchError where good and bad are not as git bisect wants them.
    """
    clone = scratch / "clone"
    _git(scratch, "clone", "--quiet", "--shared", "--no-checkout", str(tree), str(clone))
    said = _bisect(clone, "start", "--no-checkout", bad, good)
    while not (found := _found(said)):
        commit = _git(clone, "rev-parse", "--verify", "BISECT_HEAD").stdout.strip()
        more = re.search(r"roughly (\d+) step", said.stdout)
        verdict = judge(commit, int(more[1]) if more else 0)
        said = _bisect(clone, verdict.value, commit)
    return found


def count(tree: Path, good: str, bad: str) -> int:
    """How many commits are to be searched: those that lead to bad and not to good."""
    return int(_git(tree, "rev-list", "--count", f"{good}..{bad}").stdout)


def parents(tree: Path, commit: str) -> list[str]:
    """The full names of a commit's parents."""
    return _git(tree, "rev-list", "--parents", "-n", "1", commit).stdout.split()[1:]


def _found(said: subprocess.CompletedProcess) -> Found | None:
    first = re.search(r"^([0-9a-f]{40,64}) is the first bad commit$", said.stdout, re.MULTILINE)
    if first:
        return Found((first[1],))
    if said.returncode == _ONLY_SKIPPED:
        return Found(tuple(re.findall(r"^([0-9a-f]{40,64})$", said.stdout, re.MULTILINE)))
    return None


def _bisect(clone: Path, *words: str) -> subprocess.CompletedProcess:
    return _git(clone, "bisect", *words, accepted=(0, _ONLY_SKIPPED))


def _git(
    folder: Path, *words: str, accepted: tuple[int, ...] = (0,)
) -> subprocess.CompletedProcess:
    kept = {
        name: value
        for name, value in subprocesses.plain_environment().items()
        if not name.startswith("GIT_")
    }
    result = subprocess.run(
        [subprocesses.find("git", "git"), "-C", folder, *words],
        capture_output=True,
        text=True,
        errors="replace",
        env=kept,
    )
    if result.returncode not in accepted:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
        raise KmapbenchError(f"git {' '.join(words[:2])}: {lines[-1]}")
    return result
