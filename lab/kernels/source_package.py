# SPDX-License-Identifier: Apache-2.0
"""Packages with the source of Linux: from this machine's own package sources, or from the suite of
Debian that has a base (bases.toml), by a list of packages in the cache. The user's sources stay as
they are.
"""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from formats.cache_folder import cache_path
from lab.core import file_lock, package_archive, requirements, subprocesses
from lab.core.errors import CommandFailed, KmapbenchError
from lab.kernels import bases, debian_kernels

# A list of packages that is older is fetched anew when it is used.
_OLD_SECONDS = 24 * 3600

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def version(package: str) -> str:
    """The version of a source package that would be fetched. A KmapbenchError: nobody has it."""
    return _offer(package)[0]


def unpacked(
    package: str,
    package_version: str,
    cache: Path,
    logged: Callable[[list, str], None],
    say: Callable[[str], None],
) -> Path:
    """The unpacked source of this version, as the package has it; read only by agreement.

    logged: runs a command, given with what it does.
    """
    final = cache / "sources" / f"{package}_{package_version.replace(':', '%')}"
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    options = _offer(package)[1]
    with (
        file_lock.held(final.with_name(f".{final.name}.lock")),
        tempfile.TemporaryDirectory(dir=final.parent, prefix=".unpacking-") as name,
    ):
        if not final.is_dir():  # who was before us may have unpacked it
            scratch = Path(name)
            debian_kernels.download_and_unpack(
                {package: package_version}, scratch, scratch / "package", say, options
            )
            (archive,) = (scratch / "package" / "usr" / "src").glob(f"{package}.tar.*")
            logged(
                [subprocesses.find("tar", "tar"), "-xf", archive, "-C", scratch],
                "unpacking the source",
            )
            (scratch / package).rename(final)
    return final


def _offer(package: str) -> tuple[str, list[str]]:
    """The version that would be fetched, and apt's options for that."""
    try:
        return debian_kernels.candidate(package), []
    except KmapbenchError as none_here:
        suite = bases.suite_of(package)
        if suite is None or not requirements.has_apt():
            raise
        try:
            return _of_suite(package, suite)
        except KmapbenchError as error:
            raise KmapbenchError(f"{none_here}; nor can it be had from {suite}: {error}") from None


def _of_suite(package: str, suite: str) -> tuple[str, list[str]]:
    """The same from a suite of Debian, with a list of packages of our own."""
    folder = cache_path() / "suites" / suite
    options = _options(folder)
    stamp = folder / "fetched"
    if not stamp.exists() or time.time() - stamp.stat().st_mtime > _OLD_SECONDS:
        for name in ("lists", "archives"):
            (folder / name / "partial").mkdir(parents=True, exist_ok=True)
        (folder / "sources.list").write_text(_source_line(suite, package_archive.archive()))
        try:
            update = [subprocesses.find("apt-get", "apt"), *options, "-q", "update"]
            subprocesses.logged(update, folder / "log", "fetching the list of packages")
        except CommandFailed as error:
            raise KmapbenchError(str(error)) from None
        stamp.touch()
    told = subprocesses.output(["apt-cache", *options, "policy", package])
    found = re.search(r"^  Candidate: (\S+)$", told, re.MULTILINE)
    if found is None or found[1] == "(none)":
        raise KmapbenchError(f"the suite does not have {package}")
    return found[1], options


def _options(folder: Path) -> list[str]:
    """What has apt look at the list in this folder, and at nothing of this machine's."""
    values = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder,
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in values.items() for word in ("-o", f"{name}={value}")]


def _source_line(suite: str, archive: package_archive.Archive) -> str:
    """sources.list for one suite."""
    is_security = suite.endswith("-security")
    root = archive.security if is_security else archive.main
    if root is None:
        raise KmapbenchError("this machine's package sources have no security suites")
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    return f"deb {signed}{root} {suite} main\n"
