# SPDX-License-Identifier: Apache-2.0
"""A git tree of the user's, of which a kernel is built: which content is meant, and a copy of it.

Nothing is written to the repository, its index or its working tree. What lies there and is not
committed becomes objects in the cache.
"""

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from formats.cache_folder import cache_path
from lab.core import subprocesses
from lab.core.errors import CommandFailed, KmapbenchError

WORK = "work"  # in place of a commit: what lies there

# What kmapbench makes headers of a built kernel with; since Linux 6.3.
_HEADERS_SCRIPT = "scripts/package/install-extmod-build"
# Files that a build would miss. Others may lie in a source: notes, patches.
_SOURCE_SUFFIXES = (".c", ".h", ".S", ".rs", ".lds")
_SOURCE_NAMES = ("Kconfig", "Makefile", "Kbuild")


class TreeFault(KmapbenchError):
    """What is wrong with a tree or a commit. key: which of the two."""

    def __init__(self, key: str, message: str):
        super().__init__(message)
        self.key = key


def check(tree: Path, commit: str) -> None:
    """A TreeFault where the content that is meant cannot be built. commit: "": HEAD, of a tree
    without changes.
    """
    try:
        is_bare = _git(tree, "rev-parse", "--is-bare-repository") == "true"
    except CommandFailed as error:
        raise TreeFault("tree", f"{tree}: no git repository that can be read: {error}") from None
    if not is_bare and (top := _git(tree, "rev-parse", "--show-cdup")):
        raise TreeFault(
            "tree", f"{tree}: not the top of its repository: give {(tree / top).resolve()}"
        )
    if commit == WORK and is_bare:
        raise TreeFault("commit", f"{tree}: a bare repository has nothing that lies there")
    if not commit and not is_bare and (changed := _changed(tree)):
        more = f" and {len(changed) - 1} more" if changed[1:] else ""
        raise TreeFault(
            "tree",
            f"{tree}: {changed[0]}{more} has changes that are not committed: commit = "
            f'"{WORK}" takes them, commit = "HEAD" leaves them out',
        )
    if commit == WORK and (unknown := _unknown(tree)):
        more = f" and {len(unknown) - 1} more" if unknown[1:] else ""
        raise TreeFault("tree", f"{tree}: git does not know {unknown[0]}{more}: git add it")
    try:
        _git(tree, "cat-file", "-e", f"{content(tree, commit)}:{_HEADERS_SCRIPT}")
    except CommandFailed:
        raise TreeFault(
            "tree",
            f"{tree}: no {_HEADERS_SCRIPT}, which Linux has since 6.3: build it yourself, and give"
            " built = DIR",
        ) from None


@cache
def content(tree: Path, commit: str) -> str:
    """The name that git has for the content: the hash of a tree object. The first answer stands
    while this program runs.
    """
    if commit == WORK:
        return _snapshot(tree)
    return _resolve(tree, commit, "tree")


def commit_of(tree: Path, commit: str) -> str:
    """The hash of the commit; of what lies there, of the one that it is based on."""
    return _resolve(tree, "" if commit == WORK else commit, "commit")


def find_commit(tree: Path, what: str, commit: str) -> str:
    """The hash of a commit that can be built; WORK stays as it is. what: the option's word for it,
    for the KmapbenchError where it is none.
    """
    if not tree.is_dir():
        raise KmapbenchError(f"--tree {tree}: no such folder")
    try:
        check(tree, commit)
        return commit if commit == WORK else commit_of(tree, commit)
    except KmapbenchError as error:
        raise KmapbenchError(f"{what} {commit}: {error}") from None


def subject(tree: Path, commit: str) -> str:
    """The first line of a commit's message, behind its short name."""
    return _git(tree, "log", "-1", "--no-show-signature", "--format=%h %s", commit)


def export(tree: Path, commit: str, folder: Path) -> None:
    """Writes the content into a new folder."""
    folder.mkdir()
    archive = ["-C", str(tree), "archive", "--format=tar", content(tree, commit)]
    with subprocess.Popen(
        subprocesses.ended_with_us([subprocesses.find("git", "git"), *archive]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(tree),
    ) as process:
        unpacked = subprocess.run(
            subprocesses.ended_with_us([subprocesses.find("tar", "tar"), "-x", "-C", folder]),
            stdin=process.stdout,
            stderr=subprocess.PIPE,
        )
        said = process.communicate()[1] + unpacked.stderr
    if process.returncode or unpacked.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["no message"]
        raise TreeFault("tree", f"{tree}: its files cannot be copied: {lines[-1]}")


def write_difference(tree: Path, old: str, new: str, patch: Path) -> None:
    """Writes what leads from one commit's content to another's, for `git apply`; an empty file
    where that is nothing.
    """
    forms = ["--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv"]
    contents = (content(tree, old), content(tree, new))
    _git(tree, "diff-tree", "-p", *forms, "--no-color", f"--output={patch}", *contents)


def _resolve(tree: Path, commit: str, kind: str) -> str:
    try:
        return _git(tree, "rev-parse", "--verify", "--quiet", f"{commit or 'HEAD'}^{{{kind}}}")
    except CommandFailed:
        why = f"{commit}: no such commit in {tree}" if commit else f"{tree}: no commit yet"
        raise TreeFault("commit", why) from None


def _changed(tree: Path) -> list[str]:
    """Files that git knows, and that are not as they are committed."""
    listed = _git(tree, "status", "--porcelain", "--untracked-files=no", "-z")
    return [entry[3:] for entry in listed.split("\0") if entry[2:3] == " "]


def _unknown(tree: Path) -> list[str]:
    """Sources that git does not know: files, and folders that are no build folder."""
    listed = _git(tree, "ls-files", "-o", "--exclude-standard", "--directory", "-z")
    return [name for name in listed.split("\0") if name and _is_source(tree / name)]


def _is_source(path: Path) -> bool:
    if path.is_dir():
        is_build = (path / ".config").exists() or (path / "include" / "config").exists()
        return not is_build and any(next(path.rglob(name), None) for name in _SOURCE_NAMES)
    return path.suffix in _SOURCE_SUFFIXES or path.name.startswith(_SOURCE_NAMES)


def _snapshot(tree: Path) -> str:
    """What lies there, as a tree object in the cache: the index with all changes."""
    objects = _snapshots(tree)
    objects.mkdir(parents=True, exist_ok=True)
    index = objects.parent / f"index-{os.getpid()}"
    try:
        there = Path(tree, _git(tree, "rev-parse", "--git-path", "index"))
        if there.exists():
            shutil.copy2(there, index)  # by its time git knows which files to look into
        added = {"GIT_INDEX_FILE": str(index)}
        _git(tree, "add", "--update", ":/", **added)
        return _git(tree, "write-tree", **added)
    finally:
        index.unlink(missing_ok=True)


def _snapshots(tree: Path) -> Path:
    """The folder of objects that are not the repository's."""
    name = hashlib.sha256(os.fsencode(tree.resolve())).hexdigest()[:16]
    return cache_path().absolute() / "snapshots" / name / "objects"


def _environment(tree: Path, **added: str) -> dict[str, str]:
    """Git's: new objects go to the cache, and old ones are found in the repository."""
    kept = {
        name: value
        for name, value in subprocesses.plain_environment().items()
        if not name.startswith("GIT_")
    }
    objects = _snapshots(tree)
    if objects.is_dir():
        own = subprocess.run(
            ["git", "-C", tree, "rev-parse", "--git-path", "objects"],
            capture_output=True,
            text=True,
            env=kept,
        ).stdout.strip()
        kept |= {
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(Path(tree, own)),
        }
    return kept | {"GIT_OPTIONAL_LOCKS": "0"} | added


def _git(tree: Path, *words: str, **added: str) -> str:
    """What git says about a tree; a CommandFailed has its last line."""
    result = subprocess.run(
        [subprocesses.find("git", "git"), "-C", tree, *words],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env=_environment(tree, **added),
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise CommandFailed(last)
    return result.stdout.removesuffix("\n")
