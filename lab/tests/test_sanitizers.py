# SPDX-License-Identifier: Apache-2.0
"""The tests of bench/ under the sanitizers, each in a build of its own, and under valgrind."""

from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir
from lab.kernels.kbuild import environment

TESTS = "kmap_bench_tests"

pytestmark = pytest.mark.checkers


@pytest.mark.parametrize(
    ("preset", "runtimes"),
    [("asan", ["__asan_init", "__ubsan_handle_add_overflow_abort"]), ("tsan", ["__tsan_init"])],
)
def test_they_pass_under_a_sanitizer(preset, runtimes, cache, monkeypatch):
    for name, value in environment(ROOT, cache).items():
        if name.startswith("CCACHE_"):
            monkeypatch.setenv(name, value)
    cmake, folder = subprocesses.find("cmake", "cmake"), build_dir() / preset
    launcher = f"-DCMAKE_CXX_COMPILER_LAUNCHER={subprocesses.find('ccache', 'ccache')}"
    subprocesses.output([cmake, "--preset", preset, launcher, "-S", ROOT, "-B", folder])
    subprocesses.output([cmake, "--build", folder, "--target", TESTS])
    program = folder / "bench" / "tests" / TESTS
    # A preset that has lost its flags would pass anything.
    symbols = subprocesses.output(
        [subprocesses.find("nm", "binutils"), "--undefined-only", program]
    )
    assert [one for one in runtimes if one not in symbols] == []
    assert "[  PASSED  ]" in subprocesses.output([program])


@pytest.mark.skipif(
    "rdtscp" not in Path("/proc/cpuinfo").read_text(),
    reason="this machine's CPUID does not name RDTSCP, and valgrind has it only where it does",
)
def test_they_pass_under_valgrind():
    program = build_dir() / "bench" / "tests" / TESTS
    said = subprocesses.output(
        [subprocesses.find("valgrind", "valgrind"), "-q", "--error-exitcode=9", program]
    )
    assert "valgrind has no IRETQ" in said  # the tests know where they are
    assert "[  PASSED  ]" in said
