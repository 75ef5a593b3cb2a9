# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from lab.kernels import variants
from lab.run import parallel


@pytest.mark.parametrize(
    ("available_mib", "guests"), [(100_000, 3), (2000, 2), (1000, 1), (100, 1)]
)
def test_as_many_guests_as_cpus_and_memory_allow(tmp_path, monkeypatch, available_mib, guests):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 1 kB\nMemFree: 2 kB\nMemAvailable: {available_mib * 1024} kB\n")
    assert parallel.places([variants.find("stock")], meminfo) == guests
