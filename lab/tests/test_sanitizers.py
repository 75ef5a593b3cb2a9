# SPDX-License-Identifier: Apache-2.0
"""The tests of bench/ under the sanitizers, each in a build of its own, and under valgrind."""

import pytest

from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir

TESTS = "kmap_bench_tests"


@pytest.mark.all
@pytest.mark.parametrize(
    ("preset", "runtimes"),
    [("asan", ["__asan_init", "__ubsan_handle_add_overflow_abort"]), ("tsan", ["__tsan_init"])],
)
def test_they_pass_under_a_sanitizer(preset, runtimes):
    cmake, folder = subprocesses.find("cmake", "cmake"), build_dir() / preset
    subprocesses.output([cmake, "--preset", preset, "-S", ROOT, "-B", folder])
    subprocesses.output([cmake, "--build", folder, "--target", TESTS])
    program = folder / "bench" / "tests" / TESTS
    # A preset that has lost its flags would pass anything.
    symbols = subprocesses.output(
        [subprocesses.find("nm", "binutils"), "--undefined-only", program]
    )
    assert [one for one in runtimes if one not in symbols] == []
    assert "[  PASSED  ]" in subprocesses.output([program])


@pytest.mark.all
def test_they_pass_under_valgrind():
    program = build_dir() / "bench" / "tests" / TESTS
    said = subprocesses.output(
        [subprocesses.find("valgrind", "valgrind"), "-q", "--error-exitcode=9", program]
    )
    assert "valgrind has no IRETQ" in said  # the tests know where they are
    assert "[  PASSED  ]" in said
