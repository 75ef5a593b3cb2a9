# SPDX-License-Identifier: Apache-2.0
"""How samples are taken: interrupts on or off, stand-ins, working sets of any size."""

import pytest

from lab.workloads import micro_script
from lab.workloads.micro_script import PMEM_OPTIONS

pytestmark = pytest.mark.guest

PLAIN, PROTECTED = "kernel/kmap_local/dram", "model/kmap_local_slim/protected"


def bench(variant: str, cases: str, options: str) -> str:
    return (
        "kmap_bench --kmapbench_cases=all --kmapbench_records=/out/stream --kmapbench_clock=icount"
        f" {PMEM_OPTIONS} --kmapbench_variant={variant} --benchmark_filter='^({cases})/iterations'"
        f" {options}\n"
    )


def test_an_interrupt_costs_a_sample_and_no_figure(boot_job):
    both = f"{PLAIN}|{PROTECTED}"
    booted = boot_job(
        "insmod /kmapbench.ko\n"
        + "".join(
            bench(policy, both, f"--kmapbench_irqs={policy}")
            for policy in ("off", "preempt_off", "on")
        )
        # a quarter of a second of guest time: the timer comes 250 times a second
        + bench("long", PLAIN, "--kmapbench_irqs=on --kmapbench_samples=4096")
        + "rmmod kmapbench\n"
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    for case in (PLAIN, PROTECTED):
        off, preempt_off, on = (
            booted.record(case, policy) for policy in ("off", "preempt_off", "on")
        )
        assert (off["irqs"], preempt_off["irqs"], on["irqs"]) == ("off", "preempt_off", "on")
        assert off["rejected"]["interrupt"] == 0
        assert preempt_off["cost"] == off["cost"] and preempt_off["exact"]
    assert booted.record(PLAIN, "on")["cost"] == booted.record(PLAIN, "off")["cost"]
    refused = booted.record(PROTECTED, "on")
    assert refused["status"] == "skipped" and "preempt_off" in refused["reason"]

    long = booted.record(PLAIN, "long")
    assert long["rejected"]["interrupt"] >= 10
    assert long["exact"] and long["cost"] == booted.record(PLAIN, "off")["cost"]


def test_a_stand_in_says_that_it_is_one(boot_job):
    booted = boot_job(micro_script.micro("test", 1, "msr/*"), cpu="max,-pks")
    assert booted.outcome.problem is None, booted.console[-2000:]
    stand_in = booted.record("msr/mock/tsc_aux")
    assert stand_in["status"] == "ok" and stand_in["stand_in"] is True and stand_in["cost"] > 0
    # The emulated CPU does not have this one.
    assert (
        booted.record("msr/mock/spec_ctrl")["reason"]
        == "this CPU does not have the register that would stand in"
    )
    assert [
        record["case"]
        for record in booted.records
        if record.get("stand_in") and "/mock/" not in record["case"]
    ] == []


@pytest.mark.all
def test_sets_larger_than_the_caches(boot_job):
    """Each larger set has more pages, and no set costs more instructions than another."""
    booted = boot_job(
        micro_script.micro("test", 1, "*/latency/*"), memory_mib=8192, limit_seconds=1800
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    for path in (
        "kernel/kmap_local/dram",
        "model/kmap_local/dram",
        "model/kmap_local/protected",
        "model/kmap_local_slim/protected",
    ):
        records = [
            booted.record(f"{path}/latency/{size}")
            for size in ("page", "l1", "l2", "llc", "memory")
        ]
        assert {record["status"] for record in records} == {"ok"}
        pages = [record["pages"] for record in records]
        assert pages == sorted(set(pages))
        assert len({record["cost"] for record in records}) == 1
