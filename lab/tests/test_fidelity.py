# SPDX-License-Identifier: Apache-2.0
"""User models beside the kernel: each side counted twice, each instruction that differs has a name.
"""

from collections import Counter

import pytest

from lab.studies import fidelity
from lab.tests.conftest import quiet
from lab.tests.support.cases import writes_a_pair

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def users():
    return fidelity.count_models()


@pytest.fixture(scope="module")
def boots(tmp_path_factory):
    """Each variant once, where it is asked for."""
    booted = {}

    def boot(variant: str) -> fidelity.Counted:
        if variant not in booted:
            booted[variant] = fidelity.boot(variant, tmp_path_factory.mktemp("boot"), quiet)
        return booted[variant]

    return boot


VARIANTS = [
    pytest.param("stock"),
    pytest.param("idle", marks=pytest.mark.kernels),
    pytest.param("protected", marks=pytest.mark.kernels),
    pytest.param("distro", marks=pytest.mark.all),
]
EVERY_PAIR = [
    pytest.param(*pair, variant.values[0], marks=variant.marks, id=f"{variant.values[0]}-{pair[0]}")
    for variant in VARIANTS
    for pair in fidelity.pairs_of(variant.values[0])
]


@pytest.mark.parametrize(("model", "case", "variant"), EVERY_PAIR)
def test_each_instruction_that_differs_has_a_name(users, boots, model, case, variant):
    counted = boots(variant)
    row = fidelity.compare(model, case, variant, users[model], counted.kinds[case], counted.config)
    assert (row.user_unexplained, row.kernel_unexplained) == ({}, {})
    named = sum(kernel.total() - user.total() for user, kernel in row.named.values())
    # Neither total is callgrind's or the observer's: both are of the guest's clock.
    assert counted.records[model]["cost"] + named == counted.records[case]["cost"]


@pytest.mark.parametrize(("model", "case", "variant"), EVERY_PAIR)
def test_names_stand_for_what_they_say(users, boots, model, case, variant):
    counted = boots(variant)
    row = fidelity.compare(model, case, variant, users[model], counted.kinds[case], counted.config)
    nothing = (Counter(), Counter())
    assert row.named.get(fidelity.WRMSR, nothing)[1].total() == writes_a_pair(case)
    # The model has an ENDBR64 wherever a function begins, and that is where tracing has its NOP.
    traced = counted.config.get("CONFIG_FUNCTION_TRACER") == "y"
    assert row.named.get(fidelity.TRACING, nothing)[1].total() == (
        users[model]["endbr64"] if traced else 0
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_counts_of_each_side_agree(users, boots, variant):
    counted = boots(variant)
    for model, case in fidelity.pairs_of(variant):
        assert users[model].total() == counted.records[model]["cost"]
        assert counted.kinds[case].total() == counted.records[case]["cost"]


DEBIAN = {"CONFIG_X86_KERNEL_IBT": "y", "CONFIG_FUNCTION_TRACER": "y", "CONFIG_NUMA": "y"}


def compared(
    user: dict[str, int], kernel: dict[str, int], config: dict[str, str]
) -> fidelity.Comparison:
    return fidelity.compare("user/x", "kernel/x", "stock", Counter(user), Counter(kernel), config)


def test_an_instruction_without_a_name_is_left_over():
    row = compared(
        {"add register,register": 3, "ret": 1},
        {"add register,register": 1, "ret": 1, "wrmsr": 2, "rdmsr": 1},
        DEBIAN,
    )
    assert row.named == {fidelity.WRMSR: ({}, {"wrmsr": 2})}
    assert (row.user_unexplained, row.kernel_unexplained) == (
        {"add register,register": 2},
        {"rdmsr": 1},
    )
    assert row.unexplained == 3


def test_a_name_holds_only_where_the_kernel_is_so_configured():
    user, kernel = {"endbr64": 2, "and constant,register": 2}, {"nop": 4}
    assert compared(user, kernel, DEBIAN).unexplained == 2  # the masks: this kernel has them
    assert (
        compared(user, kernel, {"CONFIG_X86_KERNEL_IBT": "y"}).unexplained == 2
    )  # and no tracing: its NOPs
    assert compared(user, kernel, {}).unexplained == 6


@pytest.mark.parametrize(
    ("config", "masks", "more"), [(DEBIAN, 1, 0), ({}, 0, -1)], ids=["numa", "no_numa"]
)
def test_a_zone_compared_in_place_stands_for_one_shifted_down(config, masks, more):
    in_place = {
        "movabs constant,register": 2,
        "and memory,register": 1,
        "cmp register,register": 1,
    }
    shifted = {
        "mov memory,register": 1,
        "shr constant,register": 1,
        "cmp constant,register": 1,
        "and constant,register": masks,
    }
    row = compared(in_place, shifted, config)
    assert row.unexplained == 0
    ((of_user, of_kernel),) = row.named.values()
    assert of_kernel.total() - of_user.total() == more
    # Half of it is something else.
    assert compared(in_place | {"movabs constant,register": 1}, {}, config).unexplained == 3
    half = compared(in_place | {"movabs constant,register": 1}, shifted, config)
    assert half.user_unexplained and half.kernel_unexplained


def test_what_gcc_16_does_in_another_way_has_names():
    row = compared(
        {"cmp fs:memory,register": 2, "lea memory,register": 1},
        {"cmp register,gs:memory": 2},
        DEBIAN,
    )
    assert row.unexplained == 0 and len(row.named) == 2


def test_the_table_has_a_row_a_pair_and_the_sign_of_each_difference():
    row = compared({"endbr64": 2, "ret": 2}, {"nop": 4, "ret": 2, "wrmsr": 2}, DEBIAN)
    head, _, line = fidelity.table([row]).splitlines()
    assert head.startswith("| user model |")
    assert (
        line
        == "| `user/x` | 4 | `kernel/x` | `stock` | 8 | ±2 NOP, here ENDBR64; +2 NOP for tracing;"
        " +2 WRMSR | 0 |"
    )
