# SPDX-License-Identifier: Apache-2.0
"""How a kernel is built from source.

make and the compiler are real; the source is a kernel of a few files. test_variants.py has the real
one.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.core.dirs import ROOT
from lab.core.errors import Interrupted, KmapbenchError
from lab.kernels import (
    bases,
    debian_kernels,
    kbuild,
    kconfig,
    kernel_cache,
    source_build,
    variant_table,
    variants,
)
from lab.kernels.variant import Image
from lab.tests.conftest import quiet
from lab.tests.support import fake_source
from lab.tests.support.fake_source import ANSWERS_42, MAKEFILE, SOURCE, patch

pytestmark = pytest.mark.program

VERSION = "1.0-1"


@pytest.fixture
def cache(tmp_path) -> Path:
    """A cache that has the source already."""
    fake_source.write(tmp_path / "cache" / "sources" / f"linux-fake_{VERSION}")
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def offered(monkeypatch):
    """What the package sources offer, and no more packages than the everyday tests need."""
    monkeypatch.setattr(debian_kernels, "candidate", lambda _: VERSION)
    monkeypatch.setattr(source_build, "missing_packages", list)


@pytest.fixture
def image(tmp_path):
    """Makes an image of a fragment and patches."""

    def make(fragment: str = "CONFIG_JUMP_LABEL=y\n", *patches: str) -> Image:
        folder = tmp_path / "series"
        folder.mkdir(exist_ok=True)
        (folder / "lab.config").write_text(fragment)
        for number, text in enumerate(patches):
            (folder / f"{number:04}-change.patch").write_text(text)
        files = tuple(sorted(folder.glob("*.patch")))
        return Image(
            "fake", "linux-fake", "tinyconfig", (folder / "lab.config",), files, 2, ("one", "other")
        )

    return make


def kept(cache: Path) -> list[str]:
    """All folders of kernels, half-built ones too."""
    return sorted(path.name for path in (cache / "kernels").iterdir() if path.is_dir())


def failure(image: Image, cache: Path) -> str:
    """The message of a build that fails, which has the variants, one line, the log, and nothing
    kept.
    """
    with pytest.raises(KmapbenchError) as error:
        source_build.fetch(image, cache, quiet)
    said = str(error.value)
    assert said.startswith("one, other: ") and "\n" not in said
    (log,) = re.findall(r"see (\S+)$", said)
    assert Path(log).is_file()
    assert kept(cache) == []
    return said


def test_what_is_kept_is_a_kernel_tree(cache, image):
    steps = []
    kernel = source_build.fetch(
        image("CONFIG_JUMP_LABEL=y\n", ANSWERS_42), cache, quiet, steps.append
    )
    assert kernel.release == "1.0-fake"
    assert kernel.packages == {"linux-fake": VERSION}
    assert kernel.image.is_file()
    assert kernel.config.read_text() == "# CONFIG_SLOW is not set\nCONFIG_JUMP_LABEL=y\n"
    assert (kernel.headers / "Makefile").read_text() == "headers\n"
    assert kept(cache) == [kernel.key]
    assert steps == ["kernel/fake.o", "System.map"]
    assert (kernel.folder / "steps").read_text() == "2\n"
    code = subprocess.run(
        ["objdump", "-d", kernel.folder / "boot" / "vmlinux-1.0-fake"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "$0x2a" in code.stdout


def test_the_source_stays_as_its_package_has_it(cache, image):
    source_build.fetch(image("CONFIG_JUMP_LABEL=y\n", ANSWERS_42), cache, quiet)
    source = cache / "sources" / f"linux-fake_{VERSION}"
    assert {
        str(path.relative_to(source)): path.read_text()
        for path in source.rglob("*")
        if path.is_file()
    } == SOURCE


def test_a_kernel_is_built_once(cache, image):
    first = source_build.fetch(image(), cache, quiet)
    said = []
    assert source_build.fetch(image(), cache, said.append) == first
    assert said == []


def test_a_cache_in_a_repository_patches_the_source_and_not_the_repository(cache, image):
    subprocess.run(["git", "init", "-q", cache.parent], check=True)
    kernel = source_build.fetch(image("CONFIG_JUMP_LABEL=y\n", ANSWERS_42), cache, quiet)
    plain = source_build.fetch(replace(image(), patches=()), cache, quiet)
    assert (kernel.folder / "boot" / "vmlinux-1.0-fake").read_bytes() != (
        plain.folder / "boot" / "vmlinux-1.0-fake"
    ).read_bytes()


def test_whatever_goes_into_a_kernel_is_in_its_key(image):
    one = image("CONFIG_JUMP_LABEL=y\n", ANSWERS_42)
    before = kernel_cache.digest(one)
    assert kernel_cache.digest(replace(one, base="defconfig")) != before
    assert kernel_cache.digest(replace(one, patches=())) != before
    assert kernel_cache.digest(replace(one, variants=("third",))) == before
    assert kernel_cache.digest(image("CONFIG_JUMP_LABEL=y\nCONFIG_SLOW=y\n")) != before
    assert kernel_cache.digest(image("CONFIG_JUMP_LABEL=m\n")) != before
    assert (
        kernel_cache.digest(image("# why\n\nCONFIG_JUMP_LABEL=y\n")) == before
    )  # a comment is not compiled
    assert kernel_cache.digest(image("CONFIG_JUMP_LABEL=y\n", ANSWERS_42 + " ")) != before


def test_a_new_source_is_a_new_kernel(cache, image, monkeypatch):
    old = source_build.fetch(image(), cache, quiet)
    sources = cache / "sources"
    shutil.copytree(sources / f"linux-fake_{VERSION}", sources / "linux-fake_1.0-2")
    monkeypatch.setattr(debian_kernels, "candidate", lambda _: "1.0-2")
    new = source_build.fetch(image(), cache, quiet)
    assert old.folder != new.folder
    assert kernel_cache.built(image(), cache) == new.folder


def test_what_is_not_built_is_not_listed_as_built(cache, image):
    assert kernel_cache.built(image(), cache) is None
    source_build.fetch(image(), cache, quiet)
    assert kernel_cache.built(image("CONFIG_JUMP_LABEL=y\nCONFIG_SLOW=y\n"), cache) is None


def test_a_patch_that_does_not_apply(cache, image):
    said = failure(image("CONFIG_JUMP_LABEL=y\n", ANSWERS_42, ANSWERS_42), cache)
    assert "applying series/0001-change.patch failed: error: patch failed: kernel/fake.c:1" in said


def test_a_symbol_that_does_not_hold(cache, image):
    said = failure(image("CONFIG_JUMP_LABEL=y\nCONFIG_MISSPELT=y\nCONFIG_OTHER=m\n"), cache)
    assert "CONFIG_MISSPELT is n, and lab.config asks for y, and 1 more" in said


def test_a_symbol_that_is_gone_from_this_linux_need_not_hold(cache, image):
    wanted = image("CONFIG_JUMP_LABEL=y\nCONFIG_GONE=y\nCONFIG_MISSPELT=y\n")
    said = failure(replace(wanted, gone=("CONFIG_GONE",)), cache)
    assert "CONFIG_MISSPELT is n, and lab.config asks for y; see" in said
    wanted = image("CONFIG_JUMP_LABEL=y\nCONFIG_GONE=y\n")
    assert source_build.fetch(replace(wanted, gone=("CONFIG_GONE",)), cache, quiet).image.is_file()


def test_a_compile_error_is_quoted(cache, image):
    said = failure(
        image("CONFIG_JUMP_LABEL=y\n", patch("kernel/fake.c", "\treturn 41;", "\treturn forty;")),
        cache,
    )
    assert "kernel/fake.c:3:16: error: " in said


def test_a_full_disk_is_named(cache, image):
    makefile = cache / "sources" / f"linux-fake_{VERSION}" / "Makefile"
    makefile.write_text(
        MAKEFILE.replace(
            "echo 'by $(CC) $(KCFLAGS)' > $(O)/System.map",
            "{ echo make: Error 1; cp known /dev/full; }",
        )
    )
    assert "No space left on device" in failure(image(), cache)


def test_a_disk_that_is_full_for_the_lab_is_named(cache, image, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "boot/vmlinux")

    monkeypatch.setattr(shutil, "copyfile", full)
    said = failure(image(), cache)
    assert "boot/vmlinux: No space left on device" in said and "MiB free" in said


def slow(cache: Path, seconds: int = 60) -> Path:
    """Makes the compiler a process that stays; its id is in the file that is returned."""
    source = cache / "sources" / f"linux-fake_{VERSION}"
    pid = cache / "pid"
    makefile = MAKEFILE.replace(
        "\tgcc",
        f"\tsh -c 'echo $$$$ > {pid}; printf \"  CC      slow.o\\n\"; exec sleep {seconds}'\n\tgcc",
    )
    (source / "Makefile").write_text(makefile)
    return pid


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: Path) -> bool:
    """Whether that very process still runs, and is no zombie."""
    try:
        return b"sleep" in Path(f"/proc/{pid.read_text().strip()}/cmdline").read_bytes()
    except OSError:
        return False


def test_an_interrupted_build_keeps_nothing_and_leaves_no_compiler_behind(cache, image):
    pid = slow(cache)

    def interrupt(file: str) -> None:
        if file == "slow.o":
            wait_until(lambda: alive(pid))
            raise KeyboardInterrupt

    with pytest.raises(
        Interrupted,
        match=r"^one, other: the build was interrupted, nothing of it is kept; see \S+$",
    ) as error:
        source_build.fetch(image(), cache, quiet, interrupt)
    assert error.value.exit_code == 130
    assert kept(cache) == []
    wait_until(lambda: not alive(pid))


def test_a_killed_build_takes_its_compilers_along_and_the_next_one_clears_up(cache, image):
    pid = slow(cache)
    one = image()
    script = (
        "from pathlib import Path; from lab.kernels import debian_kernels, source_build\n"
        "from lab.kernels.variant import Image\n"
        f"debian_kernels.candidate = lambda _: {VERSION!r}; source_build.missing_packages = list\n"
        f"fragment = Path({str(one.fragments[0])!r})\n"
        "image = Image('fake', 'linux-fake', 'tinyconfig', (fragment,), (), 2, ('one',))\n"
        f"source_build.fetch(image, Path({str(cache)!r}), print)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.DEVNULL)
    wait_until(lambda: alive(pid))
    process.kill()
    process.wait()
    wait_until(lambda: not alive(pid))
    assert [name[0] for name in kept(cache)] == ["."]  # what the killed one could not remove

    (cache / "sources" / f"linux-fake_{VERSION}" / "Makefile").write_text(MAKEFILE)
    kernel = source_build.fetch(one, cache, quiet)
    assert kept(cache) == [kernel.key]


class Shown:
    """A display that remembers."""

    def __init__(self):
        self.total = self.done = 0
        self.said = []

    def plan(self, work):
        self.total = work

    def advance(self, work):
        self.done += work

    def say(self, doing):
        self.said.append(doing)

    detail = say


def test_the_time_left_is_for_as_many_steps_as_the_last_build_took(cache, image):
    shown, again = Shown(), Shown()
    source_build.provide([replace(image(), steps=7)], cache, shown)
    assert (shown.total, shown.done) == (7, 7)  # the table's figure; the build took two
    source_build.provide(
        [replace(image("CONFIG_JUMP_LABEL=y\nCONFIG_SLOW=y\n"), steps=7)], cache, again
    )
    assert (again.total, again.done) == (2, 2)
    assert "fake: 1 of about 2 steps: fake.o" in again.said


def test_more_steps_than_expected_are_no_more_than_all(cache, image):
    shown = Shown()
    source_build.provide([replace(image(), steps=1)], cache, shown)
    assert (shown.total, shown.done) == (1, 1)
    assert any(said.startswith("fake: 1 of about 1 steps") for said in shown.said)
    assert any(said.startswith("fake: 2 steps") for said in shown.said)


def test_an_image_that_several_variants_boot_is_built_once(cache, image):
    shown = Shown()
    source_build.provide([image(), image()], cache, shown)
    assert (shown.total, shown.done) == (2, 2)
    source_build.provide([image()], cache, shown)
    assert len([line for line in shown.said if "not in the cache" in line]) == 1


def test_missing_packages_are_one_line(cache, image, monkeypatch):
    monkeypatch.setattr(source_build, "missing_packages", lambda: ["flex", "libelf-dev"])
    with pytest.raises(KmapbenchError, match="^one, other: .* missing: flex libelf-dev$"):
        source_build.fetch(image(), cache, quiet)


# By ccache, which is real, too


def compiled(folder: Path, cache: Path, source: str, payload: str) -> bytes:
    """What a build in a folder of its own makes of a source and of a file beside it."""
    folder.mkdir()
    (folder / source).write_text(INCBIN if source.endswith("S") else f'asm("{INCBIN_C}");\n')
    (folder / "payload").write_text(payload)
    subprocess.run(
        ["ccache", "gcc", "-MMD", "-MF", "list", "-c", "-o", "object.o", source],
        cwd=folder,
        env=os.environ | kbuild.environment(folder, cache),
        check=True,
    )
    return (folder / "object.o").read_bytes()


INCBIN = '.section .rodata\n.incbin "payload"\n'
INCBIN_C = '.incbin \\"payload\\"'


@pytest.mark.parametrize("source", ["piggy.S", "configs.c"])
def test_a_kernel_never_gets_the_compressed_image_of_another(tmp_path, source):
    """It is put in by the assembler, and of the same length in both."""
    shutil.which("ccache") or pytest.skip("ccache is not installed")
    one, other = (
        compiled(tmp_path / text, tmp_path / "cache", source, text) for text in ("mine", "file")
    )
    assert b"mine" in one and b"file" in other


# The configuration, pure


def test_of_two_fragments_the_later_one_counts():
    fragments = [("a.config", "CONFIG_A=y\nCONFIG_B=y\n"), ("b.config", "# CONFIG_B is not set\n")]
    assert kconfig.broken(fragments, "CONFIG_A=y\n") == []
    (only,) = kconfig.broken(fragments, "CONFIG_A=y\nCONFIG_B=y\n")
    assert str(only) == "CONFIG_B is y, and b.config asks for n"


@pytest.mark.parametrize(
    ("asked", "config", "holds"),
    [
        ("CONFIG_A=y", "CONFIG_A=m", False),
        ("CONFIG_A=y", "# CONFIG_A is not set", False),
        ("CONFIG_A=y", "CONFIG_AB=y", False),
        ("CONFIG_A=8", "CONFIG_A=8", True),
        ("CONFIG_A=8", "CONFIG_A=64", False),
        ('CONFIG_A="x y"', 'CONFIG_A="x y"', True),
        ("# CONFIG_A is not set", "", True),
        ("# CONFIG_A=y", "", True),  # a comment
    ],
)
def test_every_symbol_a_fragment_asks_for_is_checked(asked, config, holds):
    assert (kconfig.broken([("f", asked)], config) == []) is holds


# The table and the fragments that are in the tree

IMAGES = {
    variant.image.name: variant.image for variant in variants.load().values() if variant.image
}


def test_stock_is_the_distributions_own_kernel():
    assert variants.find("stock").image is None


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_asks_for_jump_labels_and_names_files_that_are_there(name):
    asked = {}
    for fragment in IMAGES[name].fragments:
        asked |= kconfig.parse(fragment.read_text())
    assert asked["CONFIG_JUMP_LABEL"] == "y"
    assert name in IMAGES[name].variants


@pytest.mark.parametrize(
    "fragment",
    sorted((variant_table.FOLDER / "configs").glob("*.config")),
    ids=lambda path: path.name,
)
def test_a_fragment_has_no_line_that_would_be_passed_over(fragment):
    lines = fragment.read_text().splitlines()
    symbols = [line for line in lines if kconfig.parse(line)]
    assert [line for line in lines if "CONFIG_" in line and line not in symbols] == []
    assert [
        line for line in lines if line and not line.startswith("#") and line not in symbols
    ] == []
    assert len({next(iter(kconfig.parse(line))) for line in symbols}) == len(symbols)


def test_a_series_is_applied_in_the_order_of_its_names(tmp_path):
    (tmp_path / "pks").mkdir()
    for name in ("0010-c.patch", "0002-b.patch", "0001-a.patch", "cover.txt"):
        (tmp_path / "pks" / name).touch()
    table = tmp_path / "variants.toml"
    table.write_text(
        '[variants.a]\npatches = "pks"\n[variants.b]\nimage = "a"\ncpu = "max,-pks"\n'
        'cmdline = "nopks"\nmemory_mib = 2048\n'
    )
    a, b = variant_table.read(table, bases.find(None)).values()
    assert [path.name for path in a.image.patches] == [
        "0001-a.patch",
        "0002-b.patch",
        "0010-c.patch",
    ]
    assert a.image is b.image and a.image.variants == ("a", "b")
    assert (b.cpu, b.cmdline, b.memory_mib) == ("max,-pks", "nopks", 2048)


@pytest.mark.parametrize(
    ("name", "measured", "baseline"),
    [
        ("protected", ["plain", "off", "protected"], "plain"),
        ("off", ["off", "plain"], "plain"),
        ("distro-idle", ["plain", "distro-plain", "distro-idle"], "distro-plain"),
        ("distro", ["plain", "distro"], None),
        ("distro", ["plain", "distro-off", "distro"], "distro-off"),
        ("distro-off", ["distro-off", "distro-idle", "distro"], "distro-off"),
        ("idle", ["off", "prep", "idle"], "off"),
        ("prep", ["off", "prep"], None),
        ("plain", ["off", "plain"], "plain"),
        ("stock", ["stock"], "stock"),
    ],
)
def test_a_variants_baseline_differs_by_the_series_alone(name, measured, baseline):
    table = variants.load()
    assert variants.baseline(table[name], [table[one] for one in measured]) == baseline
