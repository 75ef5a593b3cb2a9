# SPDX-License-Identifier: Apache-2.0
"""Kernels that are built of the user's table: what goes into them, and what is said before a build.

make and the compiler are real; the source is a kernel of a few files.
"""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.kernels import (
    build_record,
    debian_kernels,
    git_tree,
    kconfig,
    kernel_cache,
    module_build,
    needs,
    source_build,
    variant_choice,
    variant_table,
    variants,
)
from lab.kernels.kernel_tree import KernelTree
from lab.kernels.variant import Image
from lab.tests.conftest import quiet
from lab.tests.support import fake_source
from lab.tests.support.fake_source import ANSWERS_42, git, patch

pytestmark = pytest.mark.program

# All that the lab needs, as a .config of the user's may have it, and what make on another machine
# has said of its compiler.
MET = "".join(f"{need.symbol}={need.values[0]}\n" for need in needs.load() if need.values[0] != "n")
CONFIG = f'{MET}CONFIG_CC_VERSION_TEXT="cc 1.0"\nCONFIG_GCC_VERSION=10000\nCONFIG_MINE=y\n'


@pytest.fixture(autouse=True)
def offered(tmp_path, monkeypatch):
    """A cache with the source of the package, which knows all symbols but CONFIG_GONE."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(debian_kernels, "candidate", lambda _: "1")
    monkeypatch.setattr(source_build, "missing_packages", list)
    known_source(tmp_path / "cache" / "sources" / "linux-source-6.12_1")
    git_tree.content.cache_clear()


def known_source(folder: Path) -> Path:
    """The fake source, whose olddefconfig drops CONFIG_GONE, gives CONFIG_MOVED its own value, and
    selects what it has to.
    """
    fake_source.write(folder)
    makefile = fake_source.MAKEFILE.replace(
        "grep -f known $(O)/.config",
        "sed -e '/CONFIG_GONE/d' -e 's/CONFIG_MOVED=.*/CONFIG_MOVED=7/'"
        " -e 's/^CONFIG_ENABLE_DEFAULT_TRACERS=y/&\\nCONFIG_TRACEPOINTS=y/' $(O)/.config",
    ).replace("tinyconfig:", "tinyconfig defconfig:")
    (folder / "Makefile").write_text(makefile)
    return folder


@pytest.fixture
def tree(tmp_path) -> Path:
    folder = known_source(tmp_path / "linux")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def image(tmp_path):
    """The image of a table's variant; files are written beside the table first."""

    def write(text: str, **files: str) -> Image:
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content)
        (tmp_path / "mine.toml").write_text(f"[variants.mine]\n{text}\n")
        git_tree.content.cache_clear()
        (mine,) = variant_choice.choose(["mine"], tmp_path / "mine.toml")
        return mine.image

    return write


@pytest.fixture
def built(tmp_path, image):
    def build(text: str, **files: str) -> KernelTree:
        return source_build.fetch(image(text, **files), tmp_path / "cache", quiet)

    return build


@pytest.fixture
def fault(tmp_path, image):
    """What is said of a table: by the check of all, else by the build, of which nothing is kept."""

    def fails(text: str, **files: str) -> str:
        with pytest.raises(KmapbenchError) as error:
            source_build.fetch(image(text, **files), tmp_path / "cache", quiet)
        kernels = tmp_path / "cache" / "kernels"
        assert [path for path in kernels.glob("*") if path.is_dir()] == []
        assert "\n" not in str(error.value)
        return str(error.value).removeprefix(f"{tmp_path}/mine.toml: variants.mine")

    return fails


def answer(kernel: KernelTree) -> int:
    """What the kernel's only function returns."""
    code = subprocesses.output(["objdump", "-d", str(kernel.vmlinux)])
    return int(re.search(r"\$0x([0-9a-f]+),%eax", code)[1], 16)


def mailbox(*patches: str) -> str:
    """As git format-patch --stdout, with a cover letter."""
    cover = "From: A <a@example.com>\nSubject: [PATCH 0/2] Both\n\nNo patch in here.\n"
    first = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    return "".join(f"{first}{mail}\n-- \n2.39\n\n" for mail in (cover, *patches))


def test_a_tree_is_built_by_its_own_make_and_stays_as_it_is(built, tree):
    before = {str(path): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    kernel = built('tree = "linux"')
    assert (answer(kernel), kernel.release, kernel.packages) == (41, "1.0-mine", {})
    assert {str(path): path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_what_lies_there_is_built_and_each_change_is_another_kernel(built, tree):
    file = tree / "kernel" / "fake.c"
    first = built('tree = "linux"\ncommit = "work"')
    file.write_text(file.read_text().replace("41", "43"))
    second = built('tree = "linux"\ncommit = "work"')
    assert (answer(first), answer(second)) == (41, 43)
    assert first.key != second.key
    assert answer(built('tree = "linux"\ncommit = "HEAD"')) == 41


@pytest.mark.parametrize("source", ["", 'tree = "linux"\n'])
def test_patches_are_a_folder_or_a_mailbox(built, tree, tmp_path, source):
    answers_43 = patch("kernel/fake.c", "\treturn 42;", "\treturn 43;")
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "1.patch").write_text(ANSWERS_42)
    (tmp_path / "series" / "2.patch").write_text(answers_43)
    assert answer(built(f'{source}patches = "series"')) == 43
    assert answer(built(f'{source}patches = "series"\nfirst_patches = 1')) == 42
    both = mailbox(ANSWERS_42, answers_43)
    assert answer(built(f'{source}patches = "both.mbox"', both_mbox=both)) == 43
    assert answer(built(f'{source}patches = "one.diff"', one_diff=ANSWERS_42)) == 42


def test_a_config_works_as_make_has_written_it(built, image):
    """Whatever compiler it was written by; a symbol that this source does not know is no error."""
    text = CONFIG + "CONFIG_GONE=y\n"
    kernel = built('config = "my.config"', my_config=text)
    assert kconfig.parse(kernel.config.read_text())["CONFIG_MINE"] == "y"
    assert "set_for_the_lab" not in build_record.describe(image('config = "my.config"'), kernel)


def test_what_the_lab_needs_is_added_said_and_recorded(image, tmp_path):
    text = CONFIG.replace("CONFIG_EXT4_FS=y", "CONFIG_EXT4_FS=m") + "CONFIG_MODULE_SIG_FORCE=y\n"
    mine = image('config = "my.config"', my_config=text.replace("CONFIG_PCI=y\n", ""))
    said = []
    kernel = source_build.fetch(mine, tmp_path / "cache", said.append)
    values = kconfig.parse(kernel.config.read_text())
    assert (values["CONFIG_EXT4_FS"], values["CONFIG_PCI"]) == ("y", "y")
    assert values["CONFIG_MODULE_SIG_FORCE"] == "n"
    lines = ["# CONFIG_MODULE_SIG_FORCE is not set", "CONFIG_PCI=y", "CONFIG_EXT4_FS=y"]
    assert f"mine: set, as the lab needs it: {', '.join(lines)}" in said
    assert build_record.describe(mine, kernel)["set_for_the_lab"] == lines


def test_of_a_config_it_is_said_what_has_another_value_here(image, tmp_path):
    said = []
    mine = image('config = "my.config"', my_config=CONFIG + "CONFIG_GONE=y\nCONFIG_MOVED=1\n")
    source_build.fetch(mine, tmp_path / "cache", said.append)
    assert "mine: not as in my.config: CONFIG_GONE=n (y), CONFIG_MOVED=7 (1)" in said


def test_a_make_target_with_a_fragment(built):
    kernel = built('config = "defconfig+more.config"', more_config="CONFIG_MINE=y\n")
    values = kconfig.parse(kernel.config.read_text())
    assert values["CONFIG_MINE"] == "y" and not needs.unmet(values, is_built=False)


def test_the_distributions_config_is_that_of_its_own_kernel(built, tmp_path, monkeypatch):
    own = KernelTree(tmp_path / "package", "6.12.9")
    own.config.parent.mkdir(parents=True)
    own.config.write_text(CONFIG)
    asked = []
    monkeypatch.setattr(debian_kernels, "resolve", lambda series: asked.append(series) or {"a": ""})
    monkeypatch.setattr(debian_kernels, "fetch", lambda series, *_: asked.append(series) or own)
    kernel = built('config = "debian"')
    assert kconfig.parse(kernel.config.read_text())["CONFIG_MINE"] == "y"
    assert set(asked) == {"6.12"}


def test_modules_of_a_users_config_are_not_built(built, tmp_path):
    """And what modules are built against is that of the kernel alone."""
    makefile = tmp_path / "cache" / "sources" / "linux-source-6.12_1" / "Makefile"
    makefile.write_text(makefile.read_text().replace("all: bzImage", "all: bzImage no_such_thing"))
    kernel = built('config = "my.config"', my_config=CONFIG + "CONFIG_DRM=m\n")
    assert (kernel.modules / "modules.builtin").is_file() and answer(kernel) == 41


def test_compiler_and_flags_reach_make_and_the_module(built, image, monkeypatch):
    shutil.which("gcc-12") or pytest.skip("gcc-12 is not installed")
    kernel = built('toolchain = "gcc-12"\nmake = ["KCFLAGS=-Os -g0"]')
    assert kernel.symbols.read_text().endswith("ccache gcc-12 -Os -g0\n")
    assert (kernel.headers / module_build.OPTIONS).read_text() == "KCFLAGS=-Os -g0\n"
    assert build_record.describe(image('toolchain = "gcc-12"'), kernel)["toolchain"] == "gcc-12"


KEYS = [
    'patches = "one.diff"',
    'config = "my.config"',
    'config = "lab+more.config"',
    'config = "defconfig"',
    'make = ["KCFLAGS=-Os"]',
    'make = ["KCFLAGS=-O3"]',
    'tree = "linux"',
    'tree = "linux"\npatches = "one.diff"',
]


def test_whatever_the_table_says_of_a_build_is_in_its_key(image, tree, tmp_path):
    files = {"one_diff": ANSWERS_42, "my_config": CONFIG, "more_config": "CONFIG_MINE=y\n"}

    def key(text: str) -> str:
        one = image(text, **files)
        return kernel_cache.folder(one, source_build.source_checkout.version(one), tmp_path).name

    keys = [key(text) for text in KEYS]
    assert len({key(""), *keys}) == len(KEYS) + 1
    assert [key(text) for text in KEYS] == keys
    assert key('what = "x"\ncpu = "max,-pks"\ncmdline = "quiet"') == key("")
    assert key('toolchain = "gcc"') == key("")
    files["my_config"] = CONFIG.replace("cc 1.0", "cc 2.0")
    assert key('config = "my.config"') == keys[1]
    files["my_config"] = CONFIG.replace("CONFIG_MINE=y", "CONFIG_MINE=m")
    assert key('config = "my.config"') != keys[1]
    files["one_diff"] = ANSWERS_42.replace("42", "43")
    assert key('patches = "one.diff"') != keys[0]


FAULTS = [
    ('tree = "gone"', ".tree: gone: no such file or folder"),
    ('tree = "."', ".tree: "),
    ('tree = "linux"\ncommit = "v9"', ".commit: v9: no such commit"),
    ('commit = "v9"', ".commit: goes with tree"),
    ('tree = "linux"\nsource = "linux-source-6.1"', ".source: is a package to build from"),
    ('toolchain = "icc"', ".toolchain: icc: neither gcc"),
    ('toolchain = "gcc-99"', ".toolchain: gcc-99 is missing: install the package gcc-99"),
    ('toolchain = "llvm-99"', ".toolchain: clang-99 is missing: install the package clang-99"),
    ('make = "KCFLAGS=-Os"', ".make: has to be a list of strings"),
    ("make = [1]", ".make: has to be a list of strings"),
    ('make = ["all"]', ".make: 'all' is not of the form"),
    ('make = ["O=/tmp"]', ".make: O is what kmapbench itself gives to make"),
    ('config = "my.config"', ".config: my.config: no such file or folder"),
    ('config = "wrong.config"', "wrong.config:2: 'CONFIG_X y' is no line of a configuration"),
    ('config = "lab+wrong.config"', "wrong.config:2: 'CONFIG_X y' is no line"),
    ('config = "empty.config"', "empty.config: no configuration: no line of it sets a symbol"),
    ('config = "lab+gone.config"', ".config: CONFIG_GONE is n, and gone.config asks for y"),
    (
        'config = "lab+unmet.config"',
        ".config: unmet.config asks for CONFIG_PCI=n; CONFIG_PCI has to be y: the guest's devices",
    ),
    ('patches = "no.mbox"', "no.mbox: no mail in it has a patch"),
    (
        'patches = "twice.mbox"',
        "twice.mbox failed: error: patch failed: kernel/fake.c:1",
    ),
    ('patches = "one.diff"\nfirst_patches = 1', ".first_patches: one.diff is no folder"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_fault_is_one_line_with_file_and_key_before_a_build(fault, tree, text, said, tmp_path):
    for source in (tree, tmp_path / "cache" / "sources" / "linux-source-6.12_1"):
        (source / "kernel" / "fake.c").write_text("no C at all; but nobody compiles it\n")
    git(tree, "commit", "-q", "-a", "-m", "second")
    original = fake_source.SOURCE["kernel/fake.c"]
    (tmp_path / "cache" / "sources" / "linux-source-6.12_1" / "kernel" / "fake.c").write_text(
        original if "mbox" in text else "no C\n"
    )
    files = {
        "wrong_config": "CONFIG_A=y\nCONFIG_X y\n",
        "empty_config": "# CONFIG_A=y\n",
        "gone_config": "CONFIG_GONE=y\n",
        "unmet_config": "# CONFIG_PCI is not set\n",
        "no_mbox": mailbox(),
        "twice_mbox": mailbox(ANSWERS_42, ANSWERS_42),
        "one_diff": ANSWERS_42,
    }
    assert said in fault(text, **files)


def test_a_dirty_tree_is_told_of(fault, tree):
    (tree / "kernel" / "fake.c").write_text("int answer;\n")
    said = fault('tree = "linux"')
    assert said.startswith(".tree: ") and "kernel/fake.c has changes that are not committed" in said


def test_a_compile_error_has_file_line_and_log(fault, tree):
    (tree / "kernel" / "fake.c").write_text("int answer(void)\n{\n\treturn forty;\n}\n")
    said = fault('tree = "linux"\ncommit = "work"')
    assert "kernel/fake.c:3:16: error: " in said and re.search(r"; see \S+\.log$", said)


class Silent:
    """A display that keeps what is said."""

    def __init__(self):
        self.said = []

    def plan(self, work):
        pass

    advance = plan

    def say(self, doing):
        self.said.append(doing)

    detail = say


def test_all_of_several_are_checked_before_the_first_is_built(tmp_path):
    (tmp_path / "wrong.diff").write_text(ANSWERS_42.replace("41", "40"))
    (tmp_path / "mine.toml").write_text(
        '[variants.good]\n[variants.bad]\npatches = "wrong.diff"\n[variants.better]\n'
    )
    chosen = variant_choice.choose(["good", "bad", "better"], tmp_path / "mine.toml")
    display = Silent()
    with pytest.raises(KmapbenchError, match=r"variants\.bad\.patches: .* see \S+\.log$"):
        source_build.provide([one.image for one in chosen], tmp_path / "cache", display)
    assert not any("compiling" in line for line in display.said)
    source_build.provide([chosen[0].image, chosen[2].image], tmp_path / "cache", display)
    assert sum("compiling" in line for line in display.said) == 2


def test_a_patched_kernel_of_the_users_is_held_against_the_same_without_patches(image):
    mine = image('patches = "one.diff"', one_diff=ANSWERS_42)
    plain = variants.find("plain").image
    assert variants.unpatched(mine, {"plain": plain}) == plain
    other = image('patches = "one.diff"\nmake = ["KCFLAGS=-Os"]')
    assert variants.unpatched(other, {"plain": plain}) is None


def test_other_kernels_of_the_users_are_held_against_the_first_unpatched_one(image, tmp_path):
    (tmp_path / "mine.toml").write_text('[variants.a]\nmake = ["KCFLAGS=-Os"]\n[variants.b]\n')
    a, b, plain, off = variant_choice.choose(["a", "b", "plain", "off"], tmp_path / "mine.toml")
    built = variant_table.of_built("c", tmp_path)
    everything = [off, plain, a, b, built]
    found = [variants.baseline(one, everything) for one in everything]
    assert found == ["plain", "plain", "plain", "plain", "plain"]
    assert variants.baseline(built, [a, built]) == "a"
    assert variants.baseline(built, [off, built]) == "c"


def test_debug_information_matters_to_a_build_alone():
    values = kconfig.parse(MET) | {"CONFIG_DEBUG_INFO": "y"}
    assert needs.unmet(values, is_built=True) == []
    (need,) = needs.unmet(values, is_built=False)
    assert need.lines == ("CONFIG_DEBUG_INFO_NONE=y",)


def test_needs_have_reasons_and_lines_and_the_labs_configuration_meets_them():
    asked = kconfig.parse((needs.TABLE.parent / "configs" / "lab.config").read_text())
    assert len(needs.load()) >= 20
    for need in needs.load():
        lines = kconfig.parse("\n".join(need.lines))
        assert need.why and len(lines) == len(need.lines)
        if not need.build_only and need.values != ("n",):
            assert set(lines.items()) <= set(asked.items()), need
    rows = tomllib.loads(needs.TABLE.read_text())
    assert all(set(row) <= {"values", "set", "build_only", "why"} for row in rows.values())
