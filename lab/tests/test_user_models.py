# SPDX-License-Identifier: Apache-2.0
"""User models in a guest whose CPU has PKU and whose clock counts instructions."""

import pytest

from lab import campaign

BENCH = "kmap_bench '--benchmark_filter=^user/' --kmapbench_records=/out/stream --kmapbench_clock=icount --kmapbench_samples=9"


def keyed(form: str) -> str:
    return f"user/{form}/protected/wrpkru"


@pytest.mark.parametrize("form", ["kmap_local", "kmap_local_slim"])
def test_the_oracle_holds_where_the_cpu_has_pku(boot_job, form):
    booted = boot_job(f"step micro {BENCH}\n")
    record = booted.record(keyed(form), "host")
    campaign.validate("record", record)
    assert (record["status"], record["oracle"]) == ("ok", "held")
    without = booted.record(f"user/{form}/protected/nowrite", "host")
    # Two writes; their operands are there without them.
    assert without["cost"] + 2 == record["cost"]


def test_without_pku_it_says_so(boot_job):
    record = boot_job(f"step micro {BENCH}\n", cpu="max,-pku").record(keyed("kmap_local"), "host")
    assert record["status"] == "skipped" and "no PKU" in record["reason"]
