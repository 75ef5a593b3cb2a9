# SPDX-License-Identifier: Apache-2.0
"""The KUnit tests that the series for Linux 7.3 brings, on the kernel that has them built in. They
need neither our test module nor persistent memory. Part of `./kmapbench test --all`.
"""

import re

import pytest

from lab.kernels import variants
from lab.tests.conftest import KMAP_BENCH, quiet
from lab.vm import console, image

pytestmark = pytest.mark.all

ENABLED = "kunit.enable=1 kunit.filter_glob=pks"
TESTS = ["bracket", "nested", "mapping", "interrupt", "thread"]


@pytest.fixture(scope="module")
def prepared(cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    variant = variants.load("7.3")["checked"]
    scratch = tmp_path_factory.mktemp("checked")
    return image.prepare(variant, None, image.micro(KMAP_BENCH), cache, scratch, quiet)


def results(text: str) -> list[tuple[str, str]]:
    """Of each test of the suite, in order: "ok" or "not ok", and the name with what is said."""
    lines = "\n".join(console.lines(text))
    return re.findall(r"^    (ok|not ok) \d+ pks_test_(.+)$", lines, re.MULTILINE)


def test_rights_are_what_they_have_to_be(boot_job):
    booted = boot_job("event '\"done\"'\n", cpus=2, cmdline=ENABLED)
    assert booted.outcome.problem is None, booted.outcome.problem
    assert results(booted.console) == [("ok", name) for name in TESTS]
    assert console.unexpected_splats(booted.console) == []


def test_a_cpu_without_the_feature_has_them_skipped(boot_job):
    booted = boot_job("event '\"done\"'\n", cpus=2, cpu="max,-pks", cmdline=ENABLED)
    reason = "# SKIP the CPU has no PKS, or it is switched off"
    assert results(booted.console) == [("ok", f"{name} {reason}") for name in TESTS]
