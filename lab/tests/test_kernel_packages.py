# SPDX-License-Identifier: Apache-2.0
"""Kernels as packages: what they are built of, kept, placed and said of; the source is a stand-in.

test_kernel_package_configs.py has real configurations, test_installed_packages.py installs and
boots real packages.
"""

import errno
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab import cli
from lab.commands import kernel_packages
from lab.core.errors import KmapbenchError
from lab.kernels import (
    bases,
    build_place,
    config_choice,
    deb_build,
    deb_kernel,
    debian_kernels,
    kernel_cache,
    needs,
    source_build,
    variants,
)
from lab.kernels.variant import Image
from lab.tests.support import fake_source

pytestmark = pytest.mark.program

VERSION = "1.0-1"
BASE = bases.find(None)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache that has the source already; no package is asked for."""
    fake_source.write(tmp_path / "cache" / "sources" / f"linux-fake_{VERSION}")
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(debian_kernels, "candidate", lambda _: VERSION)
    monkeypatch.setattr(source_build, "missing_packages", lambda *_: [])
    monkeypatch.setattr(needs, "load", lambda *_: ())  # of which the stand-in meets none
    return tmp_path / "cache"


@pytest.fixture
def image(tmp_path) -> Image:
    fragment = tmp_path / "lab.config"
    fragment.write_text("CONFIG_JUMP_LABEL=y\n")
    return Image("fake", "linux-fake", "tinyconfig", (fragment,), (), 2, ("fake",), packed="own")


def field(package: Path, name: str) -> str:
    told = subprocess.run(["dpkg-deb", "-f", package, name], capture_output=True, text=True)
    return told.stdout.strip()


def packages_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.deb"))


def test_packages_are_those_of_image_and_headers_named_by_the_release(cache, image, tmp_path):
    assert kernel_packages.build([image], tmp_path / "out") == 0
    there = packages_in(tmp_path / "out")
    names = [field(package, "Package") for package in there]
    assert names == ["linux-headers-1.0-fake", "linux-image-1.0-fake"]
    assert not list((cache / "kernels").glob("fake*"))  # what the lab boots is another thing


def test_headers_depend_on_what_their_programs_are_linked_with(cache, image, tmp_path):
    kernel_packages.build([image], tmp_path / "out")
    headers, image_package = packages_in(tmp_path / "out")
    assert field(headers, "Depends") == "libelf1 | libelf1t64"
    assert field(headers, "Description") == "fake" and field(image_package, "Depends") == ""


def test_the_lab_takes_the_packages_for_a_kernel_that_is_built(cache, image, tmp_path):
    kernel_packages.build([image], tmp_path / "out")
    release, found = deb_kernel.packages(tmp_path / "out")
    assert release == "1.0-fake" and sorted(found) == packages_in(tmp_path / "out")


def test_another_content_is_another_version(cache, image, tmp_path):
    patch = tmp_path / "0001-change.patch"
    patch.write_text(fake_source.ANSWERS_42)
    versions = set()
    for number, one in enumerate((image, replace(image, patches=(patch,)), image)):
        out = tmp_path / f"out{number}"
        kernel_packages.build([one], out)
        versions |= {field(package, "Version") for package in packages_in(out)}
    assert len(versions) == 2
    assert all(re.fullmatch(r"1\.0\+kmapbench\.[0-9a-f]{16}-1", version) for version in versions)


def test_packages_are_built_once(cache, image, monkeypatch, capsys):
    kernel_packages.build([image], None)
    said = capsys.readouterr().out
    monkeypatch.setattr(source_build, "_build", None)
    kernel_packages.build([image], None)
    assert capsys.readouterr().out == said


def test_the_commands_that_are_printed_name_what_there_is(cache, image, capsys, tmp_path):
    kernel_packages.build([image], tmp_path / "with blank")
    lines = capsys.readouterr().out.splitlines()
    install = shlex.split(lines[lines.index("install:") + 1])
    assert install[:3] == ["sudo", "apt", "install"]
    files = [word for word in install[3:] if not word.startswith("--")]
    assert sorted(map(Path, files)) == packages_in(tmp_path / "with blank")
    remove = shlex.split(lines[lines.index("remove:") + 1])
    assert remove[:3] == ["sudo", "apt", "purge"]
    assert sorted(remove[3:]) == ["linux-headers-1.0-fake", "linux-image-1.0-fake"]


def test_the_cache_itself_may_be_the_folder_that_is_named(cache, image):
    kernel_packages.build([image], None)
    (folder,) = (cache / "packages").glob("fake-own_*/")
    before = [path.read_bytes() for path in packages_in(folder)]
    kernel_packages.build([image], folder)
    assert [path.read_bytes() for path in packages_in(folder)] == before and len(before) == 2
    assert not list(folder.glob(".*"))


def test_packages_are_copied_where_they_cannot_be_linked(cache, image, monkeypatch, tmp_path):
    def refuse(*_):
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    kernel_packages.build([image], tmp_path / "out")
    monkeypatch.undo()
    (folder,) = (cache / "packages").glob("fake-own_*/")
    copied, kept = packages_in(tmp_path / "out"), packages_in(folder)
    assert [path.read_bytes() for path in copied] == [path.read_bytes() for path in kept]
    assert not copied[0].samefile(kept[0]) and len(list((tmp_path / "out").iterdir())) == 2


def test_how_long_a_build_took_is_kept_and_said(cache, image, capsys):
    kernel_packages.build([image], None)
    (kept,) = (cache / "packages").glob("fake-own_*/seconds")
    kept.write_text("7260\n")
    assert kernel_cache.last_seconds(image, cache) == 7260
    kernel_packages.build([image], None)
    assert "fake (built in 2 h 1 min):" in capsys.readouterr().out
    assert kernel_cache.last_seconds(replace(image, packed="debian"), cache) is None
    assert kernel_cache.last_seconds(replace(image, packed=""), cache) is None


def test_a_failed_build_keeps_nothing_and_names_its_log(cache, image, tmp_path):
    source = cache / "sources" / f"linux-fake_{VERSION}"
    (source / "kernel" / "fake.c").write_text("no C\n")
    with pytest.raises(KmapbenchError, match=r"fake: .*error.*; see \S+\.log") as error:
        kernel_packages.build([image], tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
    assert {path.suffix for path in (cache / "packages").iterdir()} == {".log", ".lock"}
    assert not list((cache / "kernels").glob("*/"))


def test_a_build_is_where_the_next_one_looks_for_what_a_kill_left(cache, image, monkeypatch):
    abandoned = cache / "kernels" / f"{build_place.PREFIX}killed"
    abandoned.mkdir(parents=True)
    (abandoned / build_place._IN_USE).touch()
    sources = []
    build = deb_build.build

    def spy(image, make, source, kept):
        sources.append(source)
        return build(image, make, source, kept)

    monkeypatch.setattr(deb_build, "build", spy)
    kernel_packages.build([image], None)
    assert not abandoned.exists()
    assert sources[0].parent.parent == abandoned.parent
    assert sources[0].parent.name.startswith(build_place.PREFIX)


def test_a_full_disk_is_said_before_the_build(cache, image, monkeypatch):
    monkeypatch.setattr(kernel_packages, "_BUILT_IN_MIB", 1 << 40)
    with pytest.raises(KmapbenchError, match=r"needs 1,099,511,627,776 MiB, and [\d,]+ MiB are"):
        kernel_packages.build([image], None)


def chosen_image(name: str, config: str | None) -> Image:
    image = variants.find(name).image
    assert image is not None
    return config_choice.as_packages(image, config, BASE)


def test_a_configuration_takes_the_place_of_the_variants_own_and_its_difference_stays():
    for name, ours in (("plain", []), ("off", []), ("protected", ["pks.config"])):
        image = chosen_image(name, "debian")
        assert image.base == "debian" and image.config is None
        assert [path.name for path in image.fragments] == ours
        assert image.patches == variants.find(name).image.patches


def test_without_one_a_variant_is_configured_as_it_is():
    own = variants.find("protected").image
    assert chosen_image("protected", None).fragments == own.fragments
    assert chosen_image("protected", "lab").fragments == own.fragments


def test_what_distro_has_on_top_of_lab_goes_with_it():
    names = [path.name for path in chosen_image("distro", "lab").fragments]
    assert names == [path.name for path in variants.find("protected").image.fragments]


def test_a_file_is_a_configuration_of_its_own(tmp_path):
    (tmp_path / "My Server.config").write_text("CONFIG_64BIT=y\n")
    image = chosen_image("protected", str(tmp_path / "My Server.config"))
    assert image.config == tmp_path / "My Server.config" and image.packed == "my-server.config"
    assert [path.name for path in image.fragments] == ["pks.config"]


def test_packages_are_another_kernel_than_what_the_lab_builds():
    own = variants.find("plain").image
    digests = {kernel_cache.digest(one) for one in (own, chosen_image("plain", None))}
    assert len(digests) == 2


def test_what_packages_need_is_part_of_their_name_and_of_no_other(monkeypatch):
    own, packed = variants.find("plain").image, chosen_image("plain", None)
    before = kernel_cache.digest(own), kernel_cache.digest(packed)
    load = needs.load
    monkeypatch.setattr(
        needs, "load", lambda table=needs.TABLE: load(table)[table == needs.PACKAGE_TABLE :]
    )
    assert kernel_cache.digest(own) == before[0]
    assert kernel_cache.digest(packed) != before[1]


def test_how_packages_are_made_is_part_of_their_name_and_of_no_other(monkeypatch):
    images = variants.find("plain").image, chosen_image("plain", None)
    own, packed = map(kernel_cache.digest, images)
    monkeypatch.setattr(kernel_cache, "_PACKAGE_RECIPE", "packed otherwise")
    assert kernel_cache.digest(images[0]) == own
    assert kernel_cache.digest(images[1]) != packed


def test_variants_of_one_kernel_are_packed_once():
    chosen = [variants.find(name) for name in ("idle", "protected", "plain")]
    images = kernel_packages.plan(chosen, "debian", None)
    assert [image.name for image in images] == ["protected", "plain"]


@pytest.mark.parametrize(
    "words, said",
    [
        (["--deb", "stock"], "stock: its kernel is the distribution's own"),
        (["plain", "--config", "lab"], "--config goes with --deb"),
        (["plain", "--out", "there"], "--out goes with --deb"),
        (["--deb", "plain", "--config", "debian1"], "--config debian1: debian1: no such conf"),
        (["--deb", "plain", "--config", "debian1"], "did you mean debian"),
        (["--deb", "plain", "--config", "FOLDER/none.config"], "none.config: no such file"),
        (["--deb", "plain", "--config", "FOLDER/text"], "'words' is no line of a conf"),
        (["--deb", "plain", "--config", "FOLDER"], "cannot be read"),
        (["--deb", "plain", "--out", "FOLDER/text/x"], "text is no folder"),
        (["--deb", "plain2"], "plain2: no such variant"),
    ],
)
def test_what_is_typed_wrongly_is_one_line_before_anything_is_built(words, said, tmp_path, capsys):
    (tmp_path / "text").write_text("words\n")
    words = [word.replace("FOLDER", str(tmp_path)) for word in words]
    assert cli.main(["kernels", "build", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
