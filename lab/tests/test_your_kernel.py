# SPDX-License-Identifier: Apache-2.0
"""A kernel of a user's, in each form that it may have: a git tree with commits on top of a release,
patches, a build folder, packages. All have the same figures.
"""

import argparse
import os
import subprocess
from pathlib import Path

import pytest

from formats.gate_files import COMMENT
from lab.core import subprocesses
from lab.gate import gate_options, gate_plan, gate_run
from lab.kernels import (
    debian_kernels,
    git_tree,
    kbuild,
    kernel_cache,
    source_build,
    source_checkout,
    variant_choice,
    variants,
)
from lab.run import runner
from lab.tests.conftest import quiet
from lab.tests.support.cases import INEXACT, SKIPPED
from lab.tests.support.fake_source import git
from lab.tests.support.records import of_cases

pytestmark = pytest.mark.all

HEADER = "include/linux/highmem-internal.h"
MAP = "static inline void *kmap_local_page(struct page *page)\n{\n"
UNMAP = "static inline void __kunmap_local(const void *addr)\n{\n"
MORE = 4  # instructions that the commits add to a pair
PAIR = "kernel/kmap_local/dram"


def add_nops(tree: Path, function: str, count: int) -> None:
    """Commits instructions at the beginning of the function that has no highmem. For modules alone,
    so that figures of the kernel itself are not changed by its own use of it.
    """
    text = (tree / HEADER).read_text()
    at = text.index(function, text.index("#else /* CONFIG_HIGHMEM */")) + len(function)
    nops = f'#ifdef MODULE\n\tasm volatile("{"; ".join(["nop"] * count)}");\n#endif\n'
    rewrite(tree / HEADER, text[:at] + nops + text[at:])
    git(tree, "commit", "-q", "-a", "-m", "mm/highmem: More instructions")


def rewrite(path: Path, text: str) -> None:
    """Writes a file anew: it is a link to that of the unpacked package."""
    path.unlink()
    path.write_text(text)


@pytest.fixture(scope="module")
def tree(cache, tmp_path_factory) -> Path:
    """A repository of the distribution's source, with three commits on top."""
    source = variants.find("plain").image.source
    log = tmp_path_factory.mktemp("yours") / "log"
    version = debian_kernels.candidate(source)
    pristine = source_checkout.source_of(source, version, cache, log, quiet)
    scratch = cache / f"yours-{os.getpid()}"  # links need the same file system
    folder = scratch / "linux"
    scratch.mkdir()
    try:
        subprocess.run(["cp", "-al", pristine, folder], check=True)
        git(folder, "init", "-q")
        git(folder, "config", "core.compression", "0")
        git(folder, "add", "-A", "-f")
        git(folder, "commit", "-q", "-m", "release")
        add_nops(folder, MAP, 3)
        add_nops(folder, UNMAP, 1)
        note = folder / "Documentation/mm/highmem.rst"
        rewrite(note, f"{note.read_text()}\nA pair takes four instructions more.\n")
        git(folder, "commit", "-q", "-a", "-m", "Documentation: Say so")
        yield folder
    finally:
        subprocess.run(["rm", "-rf", scratch], check=True)


def make(tree: Path, cache: Path, *words: str) -> None:
    """make as a user calls it, out of tree; with the lab's ccache, for the time it takes."""
    added = kbuild.environment(tree, cache)
    subprocess.run(
        ["make", f"-j{os.cpu_count()}", "O=build", *words],
        cwd=tree,
        env=subprocesses.plain_environment() | added,
        check=True,
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def build_folder(tree, cache) -> Path:
    """The tree built by hand; packages of it are in the tree, beside the folder."""
    (tree / "build").mkdir()
    make(tree, cache, "tinyconfig")
    lab = variants.find("plain").image.fragments[0]
    script = [tree / "scripts/kconfig/merge_config.sh", "-m", "-O", "build", "build/.config", lab]
    subprocess.run(script, cwd=tree, check=True, stdout=subprocess.DEVNULL)
    make(tree, cache, "olddefconfig")
    compilers = ["CC=ccache gcc", "HOSTCC=ccache gcc", "LOCALVERSION=-by-hand"]
    make(tree, cache, *compilers, "all")
    make(tree, cache, *compilers, "DPKG_FLAGS=-d", "KDEB_COMPRESS=none", "bindeb-pkg")
    return tree / "build"


def test_a_kernel_has_the_same_figures_in_each_form(tree, build_folder, cache, tmp_path):
    mails = git(tree, "format-patch", "--stdout", "HEAD~3")
    (tmp_path / "three.mbox").write_text(mails + "\n")
    table = tmp_path / "mine.toml"
    table.write_text(
        f'[variants.tree]\ntree = "{tree}"\n[variants.patches]\npatches = "three.mbox"\n'
        f'[variants.file]\ntree = "{tree}"\ncommit = "HEAD~0"\n'
        f'config = "{build_folder}/.config"\n'
    )
    words = ["plain", "tree", "patches", "file", f"folder={build_folder}", f"deb={tree}"]
    chosen = variant_choice.choose(words, table)
    folder = tmp_path / "campaign"
    assert runner.run(runner.Plan(chosen, 1, 1, "micro", None, "default", folder, [])) == 0
    costs: dict[str, dict[str, float]] = {}
    for path in folder.glob("*/*/micro.jsonl"):
        for record in of_cases(path):
            if record["status"] == "ok" and record["case"] not in INEXACT:
                costs.setdefault(record["case"], {})[record["variant"]] = record["cost"]
    names = {variant.name for variant in chosen}
    assert set(costs) >= {PAIR, "empty", "elsewhere/syscall"} and not set(costs) & set(SKIPPED)
    for case, by_variant in costs.items():
        plain = by_variant.pop("plain")
        assert set(by_variant) == names - {"plain"} and len(set(by_variant.values())) == 1, case
        added = next(iter(by_variant.values())) - plain
        assert added == (MORE if case.startswith("kernel/kmap_local/") else 0), case


def test_a_gate_fails_for_one_instruction_and_passes_what_takes_none(tree, tmp_path):
    """Between the same two commits, in both directions."""
    release = git(tree, "rev-parse", "HEAD~3")
    git(tree, "checkout", "-q", "--detach", release)
    add_nops(tree, MAP, 1)
    more = git(tree, "rev-parse", "HEAD")
    git(tree, "checkout", "-q", "-")
    answers = []
    for base, head, folder in ((release, more, "more"), (more, release, "fewer")):
        parser = argparse.ArgumentParser()
        gate_options.add_options(parser)
        words = ["--tree", tree, base, head, "--out", tmp_path / folder]
        arguments = parser.parse_args([*map(str, words)])
        arguments.given = ["gate", *map(str, words)]
        code = gate_run.run(gate_plan.from_arguments(arguments))
        answers.append((code, (tmp_path / folder / COMMENT).read_text()))
    (failed, comment), (passed, _) = answers
    assert (failed, passed) == (1, 0)
    assert f"| `{PAIR}` | 5 | 6 | +1 | **more** |" in comment
    assert f"| `{PAIR}` | `kmap_local_page` | 0 | 1 | +1 |" in comment
    changed = {line.split("`")[1] for line in comment.splitlines() if "**more**" in line}
    assert changed == {PAIR, "kernel/kmap_local/devmap", "kernel/kmap_local/devmap_nested"}


def test_the_tree_is_as_it_was(tree, cache):
    """But for what its user has built in it."""
    assert git(tree, "status", "--porcelain", "--untracked-files=no") == ""
    git_tree.check(tree, "")
    assert kernel_cache.built(variants.find("plain").image, cache) is not None
    assert not list((cache / "kernels").glob(f"{source_build._SCRATCH_PREFIX}*"))


# What is the same in a kernel with the distribution's own configuration, built by kmapbench. A
# fault searches the exception table, whose length hangs on all that is built in.
AS_STOCK = ("kernel/", "elsewhere/irq/", "elsewhere/switch/", "elsewhere/syscall")


def test_the_distributions_own_configuration_has_the_distributions_figures(tmp_path):
    table = tmp_path / "mine.toml"
    table.write_text('[variants.debian]\nconfig = "debian"\n')
    chosen = variant_choice.choose(["stock", "debian"], table)
    folder = tmp_path / "campaign"
    assert runner.run(runner.Plan(chosen, 1, 1, "micro", None, "default", folder, [])) == 0
    costs: dict[str, dict[str, float]] = {"stock": {}, "debian": {}}
    for path in folder.glob("*/*/micro.jsonl"):
        for record in of_cases(path):
            if record["status"] == "ok" and record["case"].startswith(AS_STOCK):
                costs[record["variant"]][record["case"]] = record["cost"]
    assert {PAIR, "elsewhere/irq/outside", "elsewhere/switch/same"} <= costs["stock"].keys()
    assert "elsewhere/syscall" in costs["stock"] and costs["debian"] == costs["stock"]
