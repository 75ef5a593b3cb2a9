# SPDX-License-Identifier: Apache-2.0
"""Campaigns of fio in which the truth is known."""

import numpy as np

from analysis.tests.conftest import HEADER, record

SIZES = {"512": 512, "4k": 4096, "64k": 65536, "2m": 2097152}
KERNEL = HEADER["variants"]["stock"]
# As campaign.json has them; off is the baseline.
VARIANTS = {
    "off": KERNEL,
    "idle": KERNEL | {"patched": True},
    "protected": KERNEL | {"patched": True},
}
# What the path costs, by variant: two register writes, a pair on memory, an outermost pair on a
# protected page.
TOGGLE, OUTERMOST = 8.0, 60.0
DRAM = {"off": 5.0, "idle": 7.0, "protected": 20.0}


def fio(case: str, variant: str, costs: list[float], **changes) -> list[dict]:
    """A record a boot."""
    bare = {"variant": variant, "exact": False, "empty": None, "samples": [], "empty_samples": []}
    return [record(case, boot, cost, **bare | changes) for boot, cost in enumerate(costs, 1)]


def call(
    case: str, variant: str, boot: int = 1, wrmsr: dict[str, int] | None = None, **functions: int
) -> dict:
    """A line of path.jsonl: one call, with its instructions by function."""
    wrmsr = wrmsr or {}
    return {
        "case": case,
        "variant": variant,
        "boot": boot,
        "ops": 1,
        "instructions": sum(functions.values()),
        "empty_instructions": 10,
        "wrmsr": sum(wrmsr.values()),
        "functions": [
            {"chain": [name], "instructions": count, "wrmsr": wrmsr.get(name, 0)}
            for name, count in functions.items()
        ],
        "stacks": [],
    }


def path(boots: int, **changes) -> list[dict]:
    """What the model is made of."""
    found = []
    for variant, dram in DRAM.items():
        for boot in range(1, boots + 1):
            of = {"variant": variant, "boot": boot} | changes
            pair = (
                {"cost": OUTERMOST}
                if variant == "protected"
                else {"cost": None, "status": "skipped", "reason": "no protection", "exact": False}
            )
            found += [
                record("msr/wrpkrs/toggle", cost=TOGGLE, **of),
                record("kernel/kmap_local/dram", cost=dram, **of),
            ]
            found.append(record("kernel/kmap_local/protected", **of | pair))
    return found


def wobbling(level: float, boots: int, seed: int = 0) -> list[float]:
    return list(
        level * (1 + 0.0004 * np.random.default_rng([seed, int(level)]).standard_normal(boots))
    )


def matrix(boots: int, added: float, jobs: tuple[int, ...] = (1, 4)) -> list[dict]:
    """Reads of each size that take one instruction a byte and 2000 more, and `added` more where
    protected; and of 4 KiB by several jobs.
    """
    found = []
    for seed, variant in enumerate(VARIANTS):
        more = added if variant == "protected" else 0
        for size, count in SIZES.items():
            found += fio(
                f"dax/ext4/psync/randread/{size}/jobs1/latency",
                variant,
                wobbling(2000 + count + more, boots, seed),
            )
        for number in jobs:
            found += fio(
                f"dax/ext4/psync/randread/4k/jobs{number}/throughput",
                variant,
                wobbling(7000 + 10 * number + more, boots, seed),
            )
    return found
