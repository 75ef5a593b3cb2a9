# SPDX-License-Identifier: Apache-2.0
"""What a kernel is built of: a source package of the distribution or a git tree, and patches."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import CommandFailed, KmapbenchError
from lab.kernels import git_tree, source_package
from lab.kernels.variant import Image


class BuildFault(KmapbenchError):
    """What ends a build and is a matter of one key of the table."""

    def __init__(self, key: str, message: str):
        super().__init__(message)
        self.key = key


def version(image: Image) -> str:
    """Of what an image is built: the version of the package, or the name of the tree's content."""
    if image.tree:
        return f"git-{git_tree.content(image.tree, image.commit)[:16]}"
    return source_package.version(image.source)


def check_out(
    image: Image,
    source_version: str,
    scratch: Path,
    log: Path,
    cache: Path,
    say: Callable[[str], None],
) -> Path:
    """The source of an image in a scratch folder of the cache, patched.

    Of a package its files are hard links to the unpacked one: change one by writing a new file in
    its place.
    """
    source = scratch / "source"
    if image.tree:
        say(f"{image.name}: copying {image.commit or 'HEAD'} of {image.tree}")
        git_tree.export(image.tree, image.commit, source)
    else:
        pristine = source_of(image.source, source_version, cache, log, say)
        logged(["cp", "-alH", pristine, source], log, "linking the source")
    for file in image.patches:
        for patch in mails(file, scratch, log):
            apply(patch, source, log, f"{file.parent.name}/{file.name}")
    return source


def source_of(
    package: str, package_version: str, cache: Path, log: Path, say: Callable[[str], None]
) -> Path:
    """The unpacked source, as the package has it; read only by agreement."""
    return source_package.unpacked(
        package, package_version, cache, lambda command, doing: logged(command, log, doing), say
    )


def apply(patch: Path, source: Path, log: Path, name: str = "") -> None:
    """A patch has to fit exactly: where it nearly does, somebody has to look. name: of the patch
    for messages.
    """
    # Else git would take paths to be of the repository that the cache may lie in.
    git = ["env", f"GIT_CEILING_DIRECTORIES={source.parent}", subprocesses.find("git", "git")]
    try:
        logged(
            [*git, "apply", "--whitespace=nowarn", patch],
            log,
            f"applying {name or f'{patch.parent.name}/{patch.name}'}",
            cwd=source,
        )
    except KmapbenchError as error:
        raise BuildFault("patches", str(error)) from None


def logged(command: list, log: Path, doing: str, cwd: Path | None = None) -> None:
    """A step of a build that is not make's; its failure is told in the words of the log."""
    try:
        subprocesses.logged(command, log, doing, cwd)
    except CommandFailed:
        raise KmapbenchError(f"{doing} failed: {_why(log)}") from None


def mails(file: Path, scratch: Path, log: Path) -> list[Path]:
    """The patches of a file, in its order: of a mailbox all mails, decoded; else itself."""
    with file.open("rb") as opened:
        is_mailbox = opened.read(5) == b"From "
    if not is_mailbox:
        return [file]
    folder = Path(tempfile.mkdtemp(dir=scratch, prefix=f"{file.name}-"))
    git = subprocesses.find("git", "git")
    logged([git, "mailsplit", f"-o{folder}", file], log, f"reading {file.name}")
    patches = []
    for mail in sorted(folder.iterdir()):
        patch = folder / f"{mail.name}.patch"
        logged(
            ["sh", "-c", '"$1" mailinfo "$2.text" "$3" <"$2"', "sh", git, mail, patch],
            log,
            f"reading {file.name}",
        )
        if patch.stat().st_size:  # a cover letter has none
            patches.append(patch)
    if not patches:
        raise BuildFault("patches", f"{file}: no mail in it has a patch")
    return patches


def _why(log: Path) -> str:
    """What the log says is wrong; a full disk may have kept it from saying anything."""
    full = shutil.disk_usage(log.parent).free < 1 << 20
    return subprocesses.first_error(log) or (
        "No space left on device" if full else "without a word"
    )
