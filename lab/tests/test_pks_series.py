# SPDX-License-Identifier: Apache-2.0
"""Our PKS series as a maintainer would take it: clean by the kernel's own script."""

import re
import shutil
import subprocess

import pytest

from lab.kernels import bases, source_checkout, variants
from lab.kernels.variant import Image
from lab.tests import test_pks_series_builds
from lab.tests.conftest import quiet
from lab.tests.support import pks_caller_mutations, pks_mutations, pks_mutations_7_3
from lab.tests.support.pks_tests import BASES

MUTANTS = {
    "6.12": (*pks_mutations.ALL, *pks_caller_mutations.CALLERS),
    "7.3": (*pks_mutations_7_3.SERIES, *pks_mutations_7_3.CALLERS),
}


@pytest.fixture(scope="module", params=BASES)
def base(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def image(base) -> Image:
    return variants.load(base)["protected"].image


@pytest.mark.kernels
def test_checkpatch_finds_nothing(cache, image, tmp_path):
    version = source_checkout.version(image)
    source = source_checkout.source_of(image.source, version, cache, tmp_path / "log", quiet)
    command = [
        "perl",
        source / "scripts" / "checkpatch.pl",
        f"--root={source}",
        "--strict",
        "--no-signoff",  # who posts them, signs
        *image.patches,
    ]
    # In a repository that tracks the patches, the script would take them for sources.
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.stdout.count("has no obvious style problems") == len(image.patches), (
        result.stdout + result.stderr
    )


@pytest.mark.kernels
def test_each_planted_bug_fits_the_series(cache, base, image, tmp_path):
    """Whether it is noticed takes hours to see (test_pks_mutations.py)."""
    log, source = tmp_path / "log", tmp_path / "source"
    version = source_checkout.version(image)
    pristine = source_checkout.source_of(image.source, version, cache, log, quiet)
    needed = {name for mutant in MUTANTS[base] for name in mutant.seen_by}
    for patch in image.patches:
        needed.update(re.findall(r"^--- a/(.+)$", patch.read_text(), flags=re.MULTILINE))
    for name in needed:
        if (pristine / name).exists():  # else an earlier patch adds it
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pristine / name, source / name)
    for patch in image.patches:
        source_checkout.apply(patch, source, log)
    mutants = MUTANTS[base]
    for mutant in mutants:
        assert mutant.new != mutant.old
        with pks_mutations.planted(mutant, source):
            pass
    names = [mutant.name for mutant in mutants]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", test_pks_series_builds.BASES)
def test_each_patch_is_in_a_group_that_is_built(name):
    """The builds take hours (test_pks_series_builds.py)."""
    numbers = list(test_pks_series_builds.ends(name).values())
    assert numbers == sorted(set(numbers))
    assert numbers[0] == bases.load()[name].preparatory
    assert numbers[-1] == len(variants.load(name)["protected"].image.patches)
