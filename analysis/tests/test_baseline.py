# SPDX-License-Identifier: Apache-2.0
import pytest

from analysis.summary.baseline import Baseline
from analysis.summary.cases import Row

DRAM = "kernel/kmap_local/dram"


def row(
    case: str, cost: float | None, variant: str = "stock", clock: str = "icount", **changes
) -> Row:
    fields = {
        "boots": 2,
        "low": cost,
        "high": cost,
        "exact": True,
        "empty": 2,
        "core_cycles": None,
        "nanoseconds": None,
        "oracle": "none",
    }
    return Row(
        case=case, variant=variant, clock=clock, unit="instructions", cost=cost, **fields | changes
    )


@pytest.mark.parametrize(
    ("case", "added"),
    [
        ("model/kmap_local/protected", 88),
        ("model/kmap_local/protected/read8", 87),  # against the unpatched read
        ("model/kmap_local/protected_nested/depth3", 88),  # nothing unpatched has a depth
        (DRAM, None),  # it is the baseline
        ("msr/wrpkrs/toggle", None),  # no path: nothing to hold it against
    ],
)
def test_what_is_added_is_against_the_unpatched_path_with_the_same_touch(case, added):
    baseline = Baseline([row(DRAM, 5), row(f"{DRAM}/read8", 6)], "cost")
    assert baseline.added(row(case, 93)) == added


def test_a_patched_variant_is_no_baseline_and_is_held_against_one():
    rows = [row(DRAM, 19, "protected"), row(DRAM, 5, "plain")]
    baseline = Baseline(rows, "cost", {"protected"})
    assert [baseline.added(one) for one in rows] == [14, None]


def test_the_first_unpatched_variant_is_the_baseline():
    baseline = Baseline([row(DRAM, 5, "first"), row(DRAM, 7, "second")], "cost")
    assert baseline.added(row("model/kmap_local/dram", 24)) == 19


def test_each_variant_is_held_against_its_own_baseline():
    """Of two compilers: a model against the path of the same kernel."""
    rows = [row(DRAM, 5, "plain"), row(DRAM, 4, "clang"), row(DRAM, 13, "clang-protected")]
    changed = row(DRAM, 6, "mine")
    of = {"plain": "plain", "clang": "clang", "clang-protected": "clang", "mine": "plain"}
    baseline = Baseline([*rows, changed], "cost", {"clang-protected"}, of)
    assert [baseline.added(one) for one in rows] == [None, None, 9]
    models = [row("model/kmap_local/dram", 24, name) for name in (*of, "another")]
    assert [baseline.added(one) for one in models] == [19, 20, 20, 19, 19]


def test_the_baseline_has_a_metric_of_its_own():
    baseline = Baseline([row(DRAM, 8, core_cycles=3.0)], "core_cycles")
    assert baseline.added(row("model/kmap_local/dram", 400, core_cycles=300.0)) == 297
    assert baseline.added(row("model/kmap_local/dram", 400)) is None


def test_without_an_unpatched_path_nothing_is_added():
    assert (
        Baseline([row(DRAM, 19, "protected")], "cost", {"protected"}).added(
            row(DRAM, 19, "protected")
        )
        is None
    )
