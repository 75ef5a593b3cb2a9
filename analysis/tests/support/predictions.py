# SPDX-License-Identifier: Apache-2.0
"""Documents as the lab writes them of what llvm-mca said, and launches of user models."""

from analysis.tests.conftest import record

MODEL = "user/kmap_local_slim/dram/alone"
HERE, THERE = "znver4", "sapphirerapids"
LOOP = {"alone": 4, "in_order": 4, "rate": 1.0}


def estimate(alone: int, in_order: int | None = None, rate: float = 3.0) -> dict:
    return {"alone": alone, "in_order": in_order or alone, "rate": rate}


def predicted(case: str, alone: int, variant: str = "stock", **changes) -> dict:
    """alone: cycles that llvm-mca gives, the loop's 4 among them."""
    return {
        "case": case,
        "variant": variant,
        "instructions": 12,
        "writes": 0,
        "refused": None,
        "code": ["nop"],
        "stripped": {},
        "fused": 1,
        "estimates": {cpu: estimate(alone) for cpu in (THERE, HERE)},
    } | changes


def document(*paths: dict, **changes) -> dict:
    return {
        "format": 1,
        "llvm": "19.1.7",
        "machine": "A CPU",
        "here": HERE,
        "cpus": [THERE, HERE],
        "same": {THERE: ["graniterapids", "alderlake"], HERE: []},
        "loop": {THERE: LOOP, HERE: LOOP},
        "load": [0.5, 1.25],
        "paths": list(paths),
    } | changes


def launches(case: str, *cycles: float) -> list[dict]:
    """A launch each, of so many core cycles."""
    return [
        record(
            case,
            variant="host",
            launch=number,
            clock="tsc",
            unit="ticks",
            exact=False,
            cost_core_cycles=figure,
            chain=1.0,
        )
        for number, figure in enumerate(cycles, 1)
    ]
