# SPDX-License-Identifier: Apache-2.0
"""The tests of our PKS series can fail: they are run on kernels with one bug each. Hours: part of
`./kmapbench test --all`.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lab.core.dirs import ROOT
from lab.core.errors import CommandFailed
from lab.kernels import kernel_cache, source_build, source_checkout, tree_build, variants
from lab.kernels.kernel_tree import KernelTree
from lab.kernels.variant import Image
from lab.tests.conftest import quiet
from lab.tests.support import pks_caller_mutations, pks_mutations, pks_mutations_7_3
from lab.tests.support.kept import once
from lab.tests.support.on_kernel import NOTHING_FAILED, SOMETHING_FAILED, run_tests

pytestmark = pytest.mark.all

# The first failure ends a run: what is likely to fail comes first.
SEMANTICS, FILES = "lab/tests/test_pks_semantics.py", "lab/tests/test_pks_files.py"
KEYS, FUZZ = "lab/tests/test_pks_keys.py", "lab/tests/test_pks_fuzz.py"
RELAXED = f"{SEMANTICS}::test_relaxed_mode_opens_counts_and_tells_once"
STRICT = f"{SEMANTICS}::test_strict_mode_is_an_oops_to_who_strays"
MISUSE = f"{SEMANTICS}::test_misuse_of_brackets_is_told_of_and_leaves_nothing_open"
CALLERS = "lab/tests/test_pks_callers.py::test_who_touches_pages_of_user_space_opens_them"
# Many bugs hang a boot. Without one, none takes as long.
EARLY = ("--hung-after=60",)
BOOT = "arch/x86/boot/bzImage"
# Files of PKS itself: those of the bugs that every kernel of the series can have.
CORE = {mutant.file for mutant in (*pks_mutations.ALL, *pks_mutations_7_3.SERIES)}


class Workshop:
    """A built kernel whose files can be changed, and built again in little time."""

    def __init__(self, image: Image, scratch: Path, cache: Path):
        self.image = image
        self.log = scratch / "log"
        version = source_checkout.version(image)
        self.source, self.make = source_build.configured(
            image, version, scratch, self.log, cache, quiet
        )
        self.make("all")
        tree = tree_build.keep(self.make, self.source, scratch / "tree")
        (modules,) = (tree / "lib" / "modules").iterdir()
        self._whole = KernelTree(tree, modules.name)

    def tree(self, folder: Path, header: str | None) -> KernelTree:
        """The kernel as it is built now; modules see a header of it, too."""
        # A name of its own for headers that differ: what modules are kept by.
        name = (
            "unchanged"
            if header is None
            else hashlib.sha256((self.source / header).read_bytes()).hexdigest()[:16]
        )
        target = folder / f"mutant-{name}"
        shutil.copytree(self._whole.folder, target, copy_function=_link, symlinks=True)
        tree = KernelTree(target, self._whole.release)
        _replace(tree.image, self.source / "build" / BOOT)
        if header:
            _replace(tree.headers / header, self.source / header)
        return tree


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _replace(target: Path, source: Path) -> None:
    target.unlink()
    shutil.copyfile(source, target)


def _image(variant: str, base: str | None = None) -> Image:
    return variants.load(base)[variant].image


@contextmanager
def _workshop(image: Image, cache: Path) -> Iterator[Workshop]:
    # Where the unpacked source can be linked from.
    (cache / "kernels").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache / "kernels", prefix=".mutants-") as scratch:
        yield Workshop(image, Path(scratch), cache)


@pytest.fixture(scope="module")
def workshop(cache):
    with _workshop(_image("checked"), cache) as made:
        yield made


@pytest.fixture(scope="module")
def callers_workshop(cache):
    with _workshop(_image("callers"), cache) as made:
        yield made


@pytest.fixture(scope="module")
def workshop_7_3(cache):
    with _workshop(_image("checked", "7.3"), cache) as made:
        yield made


@pytest.fixture(scope="module")
def callers_workshop_7_3(cache):
    with _workshop(_image("callers", "7.3"), cache) as made:
        yield made


def order(mutant: pks_mutations.Mutant) -> tuple[str, ...]:
    if mutant in pks_mutations.TURNED_ON:
        return KEYS, SEMANTICS, FILES
    if mutant in pks_mutations.DISAGREEING:
        return (FUZZ,)
    if mutant in (*pks_mutations.LEFTOVERS, *pks_mutations.TRACK):
        return MISUSE, SEMANTICS, FILES
    if mutant in pks_mutations.STRAYS:
        return RELAXED, STRICT, SEMANTICS, FILES
    access = [*pks_mutations.ACCESS, *pks_mutations_7_3.ACCESS]
    return (FILES, SEMANTICS) if mutant in access else (SEMANTICS, FILES)


@pytest.mark.parametrize("shop", ["workshop", "workshop_7_3"])
def test_without_a_bug_nothing_fails(request, shop, tmp_path):
    tree = request.getfixturevalue(shop).tree(tmp_path, None)
    result = run_tests(tree.folder, SEMANTICS, FILES, FUZZ, KEYS, options=EARLY)
    assert result.returncode == NOTHING_FAILED, result.stdout[-3000:]


@contextmanager
def _planted(
    mutant: pks_mutations.Mutant, workshop: Workshop, folder: Path
) -> Iterator[KernelTree]:
    """The kernel with this bug, built."""
    with pks_mutations.planted(mutant, workshop.source):
        try:
            workshop.make("bzImage")
        except CommandFailed as error:
            pytest.fail(f"no bug but a mistake, it does not compile: {error}")
        yield workshop.tree(folder, mutant.file if mutant.file.endswith(".h") else None)


def _notice(mutant: pks_mutations.Mutant, image: Image, cache: Path, find) -> None:
    """Has find() run the tests on the kernel with a bug, once for the same kernel, bug and tests:
    a run of all of them takes hours, and goes on where it was ended.
    """

    def noticed_by() -> str:
        result = find()
        assert result.returncode == SOMETHING_FAILED, result.stdout[-3000:]
        # An error is the lab's, not the kernel's: all tests boot by themselves.
        noticed = re.findall(r"^FAILED .+", result.stdout, re.MULTILINE)
        assert noticed, result.stdout[-3000:]
        return "".join(f"{line}\n" for line in noticed)

    once(cache / "mutants", f"{mutant.name}_{_digest(mutant, image)}", noticed_by)


def _digest(mutant: pks_mutations.Mutant, image: Image) -> str:
    """Of the tests, of the patches that have to do with PKS itself or with the bug's file, and of
    how they are built. Another caller's patch makes no bug unnoticed.
    """
    files = {*CORE, mutant.file}
    patches = tuple(patch for patch in image.patches if files & _changed_by(patch))
    value = hashlib.sha256(kernel_cache.digest(replace(image, patches=patches)).encode())
    value.update(repr(mutant).encode())
    tests = [SEMANTICS, FILES, KEYS, CALLERS, *order(mutant)]
    for name in dict.fromkeys(test.partition("::")[0] for test in tests):
        value.update((ROOT / name).read_bytes())
    for path in sorted((ROOT / "kernels" / "tests").glob("*.[ch]")):
        value.update(path.read_bytes())
    return value.hexdigest()[:16]


def _changed_by(patch: Path) -> set[str]:
    return set(re.findall(r"^diff --git a/(\S+) ", patch.read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "file, same",
    [("mm/memremap.c", False), ("drivers/mtd/mtd_blkdevs.c", True), ("crypto/aead.c", False)],
)
def test_what_has_to_do_with_a_bug_is_tried_again(tmp_path, file, same):
    patch = tmp_path / "0001-another.patch"
    patch.write_text(f"diff --git a/{file} b/{file}\n")
    image = _image("callers")
    more = replace(image, patches=(*image.patches, patch))
    mutant = pks_mutations.Mutant("in_a_caller", "crypto/aead.c", "")
    assert (_digest(mutant, more) == _digest(mutant, image)) == same


@pytest.fixture
def check(request, cache, tmp_path):
    """Builds a kernel with a bug, unless it was noticed before, and runs tests on it that have to
    notice it. shop: the fixture that has the kernel without it; how: as run_tests() has it.
    """

    def check(mutant: pks_mutations.Mutant, shop: str, image: Image, *tests: str, **how) -> None:
        def find():
            with _planted(mutant, request.getfixturevalue(shop), tmp_path) as tree:
                return run_tests(tree.folder, *tests, **how)

        _notice(mutant, image, cache, find)

    return check


@pytest.mark.parametrize("mutant", pks_mutations.ALL, ids=lambda mutant: mutant.name)
def test_a_bug_is_noticed(mutant, check):
    check(mutant, "workshop", _image("checked"), *order(mutant), options=EARLY)


@pytest.mark.parametrize("mutant", pks_mutations_7_3.SERIES, ids=lambda mutant: mutant.name)
def test_a_bug_on_7_3_is_noticed(mutant, check):
    check(mutant, "workshop_7_3", _image("checked", "7.3"), *order(mutant), options=EARLY)


@pytest.mark.parametrize("shop", ["callers_workshop", "callers_workshop_7_3"])
def test_without_a_bug_in_a_caller_nothing_fails(request, shop, tmp_path):
    tree = request.getfixturevalue(shop).tree(tmp_path, None)
    result = run_tests(tree.folder, CALLERS, marks="all")
    assert result.returncode == NOTHING_FAILED, result.stdout[-3000:]


@pytest.mark.parametrize("mutant", pks_caller_mutations.CALLERS, ids=lambda mutant: mutant.name)
def test_a_bug_in_a_caller_is_noticed(mutant, check):
    check(mutant, "callers_workshop", _image("callers"), CALLERS, marks="all")


@pytest.mark.parametrize("mutant", pks_mutations_7_3.CALLERS, ids=lambda mutant: mutant.name)
def test_a_bug_in_a_caller_on_7_3_is_noticed(mutant, check):
    check(mutant, "callers_workshop_7_3", _image("callers", "7.3"), CALLERS, marks="all")
