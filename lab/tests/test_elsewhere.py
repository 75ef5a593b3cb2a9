# SPDX-License-Identifier: Apache-2.0
"""What protection costs outside of the map path, on the kernels that have it and those that have
not.
"""

from fractions import Fraction

import pytest

from lab.kernels import variants
from lab.run import runner
from lab.tests.support.cases import FROM_USER_SPACE, SWITCHES
from lab.tests.support.records import with_paths

pytestmark = [pytest.mark.kernels, pytest.mark.guest]

VARIANTS = ("plain", "off", "idle", "protected")
KINDS = ("irq", "nmi", "int3", "fault")
FORK = "elsewhere/fork_exit"
CASES = [
    *(f"elsewhere/{kind}/{where}" for kind in KINDS for where in ("outside", "inside")),
    *SWITCHES,
    *FROM_USER_SPACE,
]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, dict]]:
    """Records of one boot of each variant, by variant and case; paths are merged in."""
    folder = tmp_path_factory.mktemp("elsewhere") / "campaign"
    assert (
        runner.run(
            runner.Plan(
                [variants.find(name) for name in VARIANTS],
                1,
                1,
                "micro",
                None,
                "elsewhere/*",
                folder,
                [],
            )
        )
        == 0
    )
    return {name: with_paths(folder / name / "boot-01") for name in VARIANTS}


def writes(record: dict) -> Fraction:
    return Fraction(record["path"]["wrmsr"], record["path"]["ops"])


def cost(found, variant: str, case: str) -> float:
    record = found[variant][case]
    assert record["status"] == "ok" and record["exact"]
    return record["cost"]


@pytest.mark.parametrize("case", [case for case in CASES if case != FORK])
def test_with_the_symbol_off_it_costs_what_it_did(found, case):
    """A fork has several ways, so that two kernels' medians need not be the same one's
    (docs/cases.md).
    """
    assert cost(found, "off", case) == cost(found, "plain", case)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", CASES)
def test_the_first_sample_takes_what_is_counted_from_outside(found, variant, case):
    record = found[variant][case]
    n, twice = record["samples"][:2]
    empty_n, empty_twice = record["empty_samples"][:2]
    assert (twice - n) - (empty_twice - empty_n) == record["path"]["instructions"] - record["path"][
        "empty_instructions"
    ]


@pytest.mark.parametrize("case", CASES)
def test_only_an_open_bracket_is_closed_and_opened_again(found, case):
    """Inside a bracket on a protected page the register is written twice, and nowhere
    else at all.
    """
    for variant in VARIANTS:
        open_bracket = variant == "protected" and case.endswith(("/inside", "/different"))
        assert writes(found[variant][case]) == (2 if open_bracket else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_nothing_protected_pays_next_to_nothing(found, kind):
    """A key of its own switches the bookkeeping on; what is no bracket has no inside."""
    outside, inside = f"elsewhere/{kind}/outside", f"elsewhere/{kind}/inside"
    assert cost(found, "plain", inside) == cost(found, "plain", outside)
    assert (
        cost(found, "idle", inside) == cost(found, "idle", outside) != cost(found, "plain", outside)
    )
    assert cost(found, "protected", outside) > cost(found, "idle", outside)
    assert cost(found, "protected", inside) > cost(found, "protected", outside)


# What the series may add at most, by variant and case: a NOP or two, or the bookkeeping.
AT_MOST = {
    ("idle", "elsewhere/irq/outside"): 5,
    ("idle", "elsewhere/syscall"): 1,
    ("idle", "elsewhere/user_fault"): 4,
    ("idle", "elsewhere/switch/same"): 2,
    ("protected", "elsewhere/irq/outside"): 15,
    ("protected", "elsewhere/irq/inside"): 32,
}


@pytest.mark.parametrize(("variant", "case"), AT_MOST)
def test_what_it_may_cost(found, variant, case):
    more = cost(found, variant, case) - cost(found, "plain", case)
    assert 0 < more <= AT_MOST[variant, case]


@pytest.mark.parametrize("kind", KINDS)
def test_stacks_are_the_same_instructions(found, kind):
    path = found["protected"][f"elsewhere/{kind}/inside"]["path"]
    for figure in ("instructions", "wrmsr"):
        assert sum(at[figure] for at in path["stacks"]) == path[figure]
    assert any(at["wrmsr"] for at in path["stacks"])
