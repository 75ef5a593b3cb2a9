# SPDX-License-Identifier: Apache-2.0
"""Sources of Linux that this machine's own package sources do not have: from a small repository of
ours in place of Debian's, by the real apt.
"""

import hashlib
import subprocess
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.core.package_archive import Archive
from lab.kernels import bases, source_package
from lab.tests.conftest import quiet

pytestmark = pytest.mark.skipif(not subprocesses.has("apt-get"), reason="has no apt")

PACKAGE, VERSION = "linux-source-0.1", "0.1.7-1"
OWN_LISTS = Path("/var/lib/apt/lists")


def repository(folder: Path) -> Path:
    """One with a package whose archive has one file."""
    source = folder / PACKAGE
    source.mkdir(parents=True)
    (source / "Makefile").write_text("VERSION = 0\n")
    content = folder / "content"
    (content / "usr" / "src").mkdir(parents=True)
    (content / "DEBIAN").mkdir()
    (content / "DEBIAN" / "control").write_text(
        f"Package: {PACKAGE}\nVersion: {VERSION}\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: nothing\n"
    )
    archive = content / "usr" / "src" / f"{PACKAGE}.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", folder, PACKAGE], check=True)
    built = folder / "repository"
    built.mkdir()
    package = built / f"{PACKAGE}_{VERSION}_all.deb"
    subprocess.run(["dpkg-deb", "--build", content, package], check=True, capture_output=True)
    (built / "Packages").write_text(
        f"Package: {PACKAGE}\nVersion: {VERSION}\nArchitecture: all\n"
        f"Filename: ./{package.name}\nSize: {package.stat().st_size}\n"
        f"SHA256: {hashlib.sha256(package.read_bytes()).hexdigest()}\n"
    )
    return built


@pytest.fixture
def suite(tmp_path, monkeypatch) -> Path:
    """A suite that has the package; the cache is a new one."""
    built = repository(tmp_path / "made")
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bases, "suite_of", {PACKAGE: "some-suite"}.get)
    line = f"deb [trusted=yes] file:{built} ./\n"
    monkeypatch.setattr(source_package, "_source_line", lambda *_: line)
    monkeypatch.setattr(
        source_package.package_archive, "archive", lambda: Archive("", None, "", None)
    )
    return built


def own_lists() -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in OWN_LISTS.glob("*_Packages")}


def run(command: list, _: str) -> None:
    subprocess.run(command, check=True)


def test_a_source_is_fetched_from_a_suite_that_has_it(suite, tmp_path):
    before = own_lists()
    assert source_package.version(PACKAGE) == VERSION
    source = source_package.unpacked(PACKAGE, VERSION, tmp_path / "cache", run, quiet)
    assert (source / "Makefile").read_text() == "VERSION = 0\n"
    assert own_lists() == before


def test_the_list_is_fetched_once_a_day(suite, monkeypatch):
    assert source_package.version(PACKAGE) == VERSION
    packages = suite / "Packages"
    packages.write_text(packages.read_text().replace(VERSION, "0.1.8-1"))
    assert source_package.version(PACKAGE) == VERSION
    monkeypatch.setattr(source_package, "_OLD_SECONDS", -1)
    assert source_package.version(PACKAGE) == "0.1.8-1"


def test_who_has_no_package_is_named(suite, monkeypatch):
    with pytest.raises(KmapbenchError, match="^linux-source-0.2: this machine's package sources"):
        source_package.version("linux-source-0.2")
    monkeypatch.setattr(bases, "suite_of", lambda _: "some-suite")
    with pytest.raises(
        KmapbenchError,
        match=r"^linux-source-0.2: this.*; nor can it be had from some-suite: .* does not have",
    ):
        source_package.version("linux-source-0.2")


def test_a_suite_is_of_the_archive_that_this_machine_has():
    archive = Archive("http://mirror.test/debian/", "http://mirror.test/security/", "", None)
    line = source_package._source_line("trixie-backports", archive)
    assert line.startswith("deb ") and line.endswith(
        "http://mirror.test/debian/ trixie-backports main\n"
    )
    line = source_package._source_line("bookworm-security", archive)
    assert line.endswith("http://mirror.test/security/ bookworm-security main\n")
    with pytest.raises(KmapbenchError, match="no security suites"):
        source_package._source_line("bookworm-security", Archive("http://a/", None, "", None))
