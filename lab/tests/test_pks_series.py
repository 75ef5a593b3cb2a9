# SPDX-License-Identifier: Apache-2.0
"""Our PKS series as a maintainer would take it: clean by the kernel's own script, and whole after
each patch.
"""

import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from lab.kernels import debian_kernels, source_build, source_checkout, variants
from lab.tests.conftest import quiet
from lab.tests.support import pks_caller_mutations, pks_mutations

IMAGE = variants.find("protected").image
# What the preparatory patches change. COMPILE_TEST: before the patch that has a user of it,
# supervisor keys can be chosen for compile tests only.
COMPILE_TEST = (
    "CONFIG_COMPILE_TEST=y\nCONFIG_BLK_DEV_INTEGRITY=y\nCONFIG_ISO9660_FS=y\nCONFIG_ZISOFS=y\n"
)
# Each as soon as there is such a symbol.
ADDED = ("CONFIG_SUPERVISOR_PKEYS=y\n", "CONFIG_DEVMAP_ACCESS_PROTECTION=y\n")


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


@pytest.mark.all
def test_the_kernel_builds_after_each_patch(cache, version, tmp_path):
    """In one tree, so that each patch costs what it changes; with what it adds switched on."""
    fragment = tmp_path / "compile-test.config"
    fragment.write_text(COMPILE_TEST)
    first, *rest = IMAGE.patches
    lab_config = next(path for path in IMAGE.fragments if path.name == "lab.config")
    image = replace(IMAGE, patches=(first,), fragments=(lab_config, fragment))
    with tempfile.TemporaryDirectory(dir=cache / "kernels", prefix=".each-") as scratch:
        log = tmp_path / "log"
        source, make = source_build.configured(image, version, Path(scratch), log, cache, quiet)
        config = source / "build" / ".config"
        make("all")
        for patch in rest:
            source_checkout.apply(patch, source, log)
            with config.open("a") as out:
                out.writelines(ADDED)
            make("olddefconfig")
            make("all")
        assert all(line in config.read_text() for line in ADDED)
        assert "warning:" not in log.read_text()
