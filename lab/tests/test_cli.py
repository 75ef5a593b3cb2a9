# SPDX-License-Identifier: Apache-2.0
"""What a user sees when something is wrong: one line, and the exit code of the design."""

import os
import re
import subprocess
import sys

import pytest

from lab.core import bench_command, subprocesses
from lab.core.bench_command import BenchCommand
from lab.core.dirs import ROOT, build_dir
from lab.core.errors import KmapbenchError
from lab.kernels import kernel_cache, variants

pytestmark = pytest.mark.program


def kmapbench(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "lab", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def assert_one_line(result: subprocess.CompletedProcess, code: int, *words: str) -> None:
    assert result.returncode == code, result.stderr
    said = [line for line in result.stderr.splitlines() if not line.startswith("[")]  # progress
    assert len(said) == 1, result.stderr
    for word in words:
        assert word in said[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--variants", "nope"], ["nope", "stock"]),
        (["run", "--variants", "stock,stock"], ["stock,stock", "twice"]),
        (["run", "--boots", "0"], ["'0'", "1 to 10000"]),
        (["run", "--kernel", "2.4"], ["2.4", "6.12"]),
        (["kernels", "build", "nope"], ["nope", "stock, plain"]),
        (["kernels", "build"], ["NAME"]),
        (["test", "--all", "--kernels"], ["--kernels", "--all"]),
        (["run", "--here", "--variants", "stock"], ["--here", "--variants"]),
        (["run", "--here", "--boots", "2"], ["--here", "--boots"]),
        (["run", "--here", "--kernel", "6.12"], ["--here", "--kernel"]),
        (["run", "--here", "--label", "host"], ["'host'"]),
        (["run", "--here", "--label", "../x"], ["'../x'"]),
        (["run", "--label", "spr"], ["--label", "--here"]),
        (["run", "--only", "dax", "--cases", "kernel/*", "--dry-run"], ["--cases", "--only dax"]),
        (["fly"], ["fly"]),
        ([], ["COMMAND"]),
        (["report", "/nowhere"], ["/nowhere", "no campaign"]),
    ],
)
def test_wrong_use_is_one_line_that_names_it(arguments, words):
    assert_one_line(kmapbench(*arguments), 2, *words)


@pytest.mark.parametrize("command", ["run", "report", "check", "test", "kernels"])
def test_every_command_has_help(command):
    result = kmapbench(command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: kmapbench {command}")


def test_no_package_source_is_one_line(tmp_path):
    apt = tmp_path / "apt.conf"
    (tmp_path / "lists").mkdir()
    apt.write_text(
        'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\nDir::State::lists'
        f' "{tmp_path}/lists";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
    )
    result = kmapbench(
        "run", "--out", tmp_path / "c", KMAPBENCH_CACHE=str(tmp_path / "cache"), APT_CONFIG=str(apt)
    )
    assert_one_line(result, 2, "package source", "apt-get update")
    assert not (tmp_path / "c").exists()


def test_a_missing_tool_names_its_package(monkeypatch, tmp_path):
    monkeypatch.setattr(subprocesses, "_SEARCH", str(tmp_path))
    with pytest.raises(
        KmapbenchError, match="qemu-system-x86_64 is missing: install the package qemu-system-x86"
    ):
        subprocesses.find("qemu-system-x86_64", "qemu-system-x86")


def test_a_cache_that_cannot_be_made_says_how_to_move_it(tmp_path):
    refused = kmapbench("run", "--out", tmp_path / "c", KMAPBENCH_CACHE="/proc/nowhere")
    assert_one_line(refused, 2, "/proc/nowhere", "KMAPBENCH_CACHE")


def test_a_campaign_folder_that_is_there_is_refused(tmp_path):
    assert_one_line(
        kmapbench("run", "--only", "user", "--out", tmp_path), 2, str(tmp_path), "--out"
    )


@pytest.mark.parametrize(
    ("cases", "name", "matches"),
    [
        ("kernel/*", "kernel/kmap_local/dram/read8", True),
        ("kernel/kmap_local/dram", "kernel/kmap_local/dram", True),
        ("kernel/kmap_local/dram", "kernel/kmap_local/dram/read8", False),
        ("*/read?", "model/kmap_local/protected/read8", True),
        ("*nested", "model/kmap_local/protected", False),
    ],
)
def test_a_glob_of_cases_matches_whole_names(cases, name, matches):
    command = BenchCommand(half=bench_command.KERNEL, cases=cases)
    _, only, pattern, which = command.words()
    assert (only, which) == ("--kmapbench_only=kernel", "--kmapbench_cases=all")
    # as Google Benchmark names it
    assert (
        bool(
            re.search(
                pattern.removeprefix("--benchmark_filter="),
                f"{name}/iterations:5/repeats:1/manual_time",
            )
        )
        is matches
    )


def test_kernels_lists_what_is_built_and_where(tmp_path):
    """Of an empty cache, nothing; of one that has it, the folder."""
    empty = kmapbench("kernels", KMAPBENCH_CACHE=str(tmp_path))
    assert empty.returncode == 0
    assert "not built: kmapbench kernels build plain" in empty.stdout
    folder = tmp_path / "kernels" / f"plain_9.9_{kernel_cache.digest(variants.find('plain').image)}"
    (folder / "boot").mkdir(parents=True)
    (folder / "boot" / "vmlinux-9.9").symlink_to(
        build_dir() / "bench" / "kmap_bench"
    )  # some program with functions
    listed = kmapbench("kernels", KMAPBENCH_CACHE=str(tmp_path)).stdout
    assert str(folder) in listed
    assert "not built: kmapbench kernels build plain" not in listed
    assert "not built: kmapbench kernels build debug" in listed
    assert re.search(r"^ +[1-9][0-9,]+ bytes of code$", listed, re.MULTILINE)


@pytest.mark.parametrize(("failures", "code"), [([], 0), (["kmapbench: boot 1: crashed"], 1)])
def test_a_run_that_failed_says_so_whoever_reads_its_end(failures, code):
    """As `run | head` does not."""
    end = "subprocess.CompletedProcess([], 0, 'a line' * 100_000, '')"
    program = (
        "import subprocess, sys; from lab.run import runner;"
        f" sys.exit(runner.print_end({failures}, {end}))"
    )
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr.splitlines()) == (code, failures)
