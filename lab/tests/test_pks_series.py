# SPDX-License-Identifier: Apache-2.0
"""Our PKS series as a maintainer would take it: clean by the kernel's own script."""

import re
import shutil
import subprocess

import pytest

from lab.kernels import debian_kernels, source_checkout, variants
from lab.tests.conftest import quiet
from lab.tests.support import pks_caller_mutations, pks_mutations

IMAGE = variants.find("protected").image


@pytest.fixture(scope="module")
def version() -> str:
    return debian_kernels.candidate(IMAGE.source)


@pytest.mark.kernels
def test_checkpatch_finds_nothing(cache, version, tmp_path):
    source = source_checkout.source_of(IMAGE.source, version, cache, tmp_path / "log", quiet)
    command = [
        "perl",
        source / "scripts" / "checkpatch.pl",
        f"--root={source}",
        "--strict",
        "--no-signoff",  # who posts them, signs
        *IMAGE.patches,
    ]
    # In a repository that tracks the patches, the script would take them for sources.
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.stdout.count("has no obvious style problems") == len(IMAGE.patches), (
        result.stdout + result.stderr
    )


@pytest.mark.kernels
def test_each_planted_bug_fits_the_series(cache, version, tmp_path):
    """Whether it is noticed takes hours to see (test_pks_mutations.py)."""
    log, source = tmp_path / "log", tmp_path / "source"
    pristine = source_checkout.source_of(IMAGE.source, version, cache, log, quiet)
    for patch in IMAGE.patches:
        for name in re.findall(r"^--- a/(.+)$", patch.read_text(), flags=re.MULTILINE):
            if (pristine / name).exists():  # else an earlier patch adds it
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(pristine / name, source / name)
    for patch in IMAGE.patches:
        source_checkout.apply(patch, source, log)
    mutants = [*pks_mutations.ALL, *pks_caller_mutations.CALLERS]
    for mutant in mutants:
        assert mutant.new != mutant.old
        with pks_mutations.planted(mutant, source):
            pass
    names = [mutant.name for mutant in mutants]
    assert len(set(names)) == len(names)
