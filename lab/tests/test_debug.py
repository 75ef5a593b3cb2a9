# SPDX-License-Identifier: Apache-2.0
"""The module on a kernel that looks for mistakes: KASAN, lockdep, UBSAN, sleeping checks, kmemleak.

Half an hour with a built kernel: part of `./kmapbench test --all`.
"""

import pytest

from lab.core.dirs import build_dir
from lab.kernels import module_build, variants
from lab.tests.conftest import KMAP_BENCH, quiet
from lab.tests.support import mutations
from lab.vm import console, image, initramfs
from lab.workloads import micro_script

pytestmark = pytest.mark.all

ROUNDS = 200
SEED, RANDOM, MUTATED = 20261122, 1_000_000, 10_000

# kmemleak looks when it is told to; an object counts once it is a few seconds old.
LEAKS = (
    "rmmod kmapbench\nmount -t debugfs debug /sys/kernel/debug\nsleep 6\n"
    "echo scan > /sys/kernel/debug/kmemleak\nsleep 6\necho scan > /sys/kernel/debug/kmemleak\n"
    "cat /sys/kernel/debug/kmemleak\n"
)


@pytest.fixture(scope="module")
def prepared(cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    return image.prepare(
        variants.find("debug"),
        None,
        image.micro(KMAP_BENCH),
        cache,
        tmp_path_factory.mktemp("debug"),
        quiet,
    )


@pytest.fixture
def clean(boot_job):
    """Boots a job; the kernel may complain of the oracle's own fault, and of nothing else."""

    def boot(text: str, files=None):
        booted = boot_job(text + LEAKS, files, limit_seconds=3600)
        assert booted.outcome.problem is None, booted.outcome.problem
        assert console.unexpected_splats(booted.console) == []
        assert "unreferenced object" not in booted.console
        assert booted.events[-1] == {"event": "done"}
        return booted

    return boot


def test_every_case(clean):
    booted = clean(
        micro_script.micro("test", 1, "all").replace("step unload rmmod kmapbench\n", "")
    )
    assert {event["step"]: event["code"] for event in booted.events if event["event"] == "end"}[
        "micro"
    ] == 0
    assert {record["status"] for record in booted.records} == {"ok", "skipped"}
    assert booted.record("model/kmap_local/protected")["oracle"] == "held"
    # The one splat that is expected did come: this kernel does complain.
    assert "arch/x86/mm/fault.c" in booted.console


def test_loading_and_unloading(clean):
    booted = clean(
        f"i=0\nwhile [ $i -lt {ROUNDS} ]; do insmod /kmapbench.ko && rmmod kmapbench && i=$((i +"
        ' 1)) || break; done\nevent "\\"rounds\\", \\"done\\": $i"\ninsmod /kmapbench.ko\n'
    )
    assert {"event": "rounds", "done": ROUNDS} in booted.events


def test_a_million_calls(clean):
    fuzz = build_dir() / "bench" / "tools" / "kmap_fuzz"
    libraries = {str(path): path for path in initramfs.libraries(fuzz)}
    booted = clean(
        f"insmod /kmapbench.ko\nstep fuzz /kmap_fuzz /dev/kmapbench {SEED} {RANDOM} {MUTATED}\n",
        {"kmap_fuzz": fuzz, **libraries},
    )
    assert f"{RANDOM} random and {MUTATED} mutated calls, 0 unexpected" in booted.console
    assert {"event": "end", "step": "fuzz", "code": 0} in booted.events


@pytest.mark.parametrize(
    ("mutation", "complaint"), mutations.DEBUGGED, ids=lambda one: getattr(one, "name", None)
)
def test_a_mistake_of_each_kind_is_seen(boot_job, prepared, cache, tmp_path, mutation, complaint):
    """The checks above can fail: one bug at a time, and the kernel says what it is."""
    planted = module_build.build(prepared.kernel, mutations.plant(mutation, tmp_path), cache, quiet)
    booted = boot_job(
        "insmod /planted.ko\nkmap_bench --benchmark_filter='^model/kmap_local_slim/dram/iterations'"
        " --kmapbench_records=/out/stream --kmapbench_clock=icount --kmapbench_variant=test\n"
        + LEAKS,
        {"planted.ko": planted},
        limit_seconds=900,
    )
    assert any(
        complaint in line for line in console.unexpected_splats(booted.console)
    ), booted.console[-3000:]
