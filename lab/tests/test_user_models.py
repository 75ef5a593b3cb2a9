# SPDX-License-Identifier: Apache-2.0
"""User models in a guest whose CPU has PKU and whose clock counts instructions."""

import pytest

from lab.campaign import validation

pytestmark = pytest.mark.guest

BENCH = (
    "kmap_bench '--benchmark_filter=^user/' --kmapbench_records=/out/stream"
    " --kmapbench_clock=icount --kmapbench_samples=9"
)


def keyed(form: str) -> str:
    return f"user/{form}/protected/wrpkru"


@pytest.mark.parametrize("form", ["kmap_local", "kmap_local_slim"])
def test_the_oracle_holds_where_the_cpu_has_pku(boot_job, form):
    booted = boot_job(f"step micro {BENCH}\n")
    record = booted.record(keyed(form), "host")
    validation.validate("record", record)
    assert (record["status"], record["oracle"]) == ("ok", "held")
    without = booted.record(f"user/{form}/protected/nowrite", "host")
    # Two writes; their operands are there without them.
    assert without["cost"] + 2 == record["cost"]


def test_what_is_done_alone_is_the_same_and_the_wait(boot_job):
    booted = boot_job(f"step micro {BENCH}\n")
    costs = {
        record["case"]: record["cost"]
        for record in booted.records
        if record["status"] == "ok" and "/delay" not in record["case"]
    }
    alone = {case.replace("/alone", ""): cost for case, cost in costs.items() if "/alone" in case}
    assert len(alone) > 12 and alone["user/empty"] == 1  # LFENCE
    assert alone == {case: cost + 1 for case, cost in costs.items() if case in alone}


def test_without_pku_it_says_so(boot_job):
    record = boot_job(f"step micro {BENCH}\n", cpu="max,-pku").record(keyed("kmap_local"), "host")
    assert record["status"] == "skipped" and "no PKU" in record["reason"]
