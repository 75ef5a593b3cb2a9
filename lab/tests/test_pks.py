# SPDX-License-Identifier: Apache-2.0
"""Our PKS kernel: what its own kmap path costs on protected pages, and where nothing is protected.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest

from lab.kernels import kernel_cache, source_build, variants
from lab.kernels.variant import Variant
from lab.run import runner
from lab.tests.conftest import quiet
from lab.tests.support.records import with_paths

pytestmark = pytest.mark.kernels

UNPATCHED = 5  # instructions of a pair; pks-facts.md
NOPS = 2  # of the static key, one a side
PUBLISHED = {
    "trimmed": 24,
    "distro": 26,
}  # a page of memory with the key on, in the published form; pks-facts.md
KERNEL_PROTECTED = ("kernel/kmap_local/protected", "kernel/kmap_local/protected_nested")


@dataclass(frozen=True)
class Kernels:
    """A set of our variants: of one base, in one configuration."""

    base: str
    config: str = "trimmed"

    def variant(self, role: str) -> Variant:
        """The one that plays the role of this trimmed kernel."""
        name = {"trimmed": role, "distro": "distro" if role == "protected" else f"distro-{role}"}
        return variants.find(name[self.config], variants.load(self.base))


@pytest.fixture(
    scope="module",
    params=[
        Kernels("6.12"),
        pytest.param(Kernels("6.12", "distro"), marks=pytest.mark.all),
        pytest.param(Kernels("7.3"), marks=pytest.mark.all),
    ],
    ids=lambda kernels: f"{kernels.base}-{kernels.config}",
)
def kernels(request) -> Kernels:
    return request.param


def measured(
    folder: Path, kernels: Kernels, *roles: str, cases: str = "default"
) -> dict[str, dict[str, dict]]:
    """Records of one boot of each variant by its role and case; paths are merged in."""
    chosen = {role: kernels.variant(role) for role in roles}
    plan = runner.Plan(list(chosen.values()), 1, 1, "micro", None, cases, folder, [])
    assert runner.run(plan) == 0
    return {role: with_paths(folder / one.name / "boot-01") for role, one in chosen.items()}


@pytest.fixture(scope="module")
def campaign(kernels, tmp_path_factory):
    return measured(
        tmp_path_factory.mktemp("pks") / "campaign", kernels, "nocpu", "nopks", "idle", "protected"
    )


def writes(record: dict) -> Fraction:
    return Fraction(record["path"]["wrmsr"], record["path"]["ops"])


def test_a_protected_page_is_opened_and_closed_by_the_kernels_own_path(campaign):
    outermost, nested = (campaign["protected"][case] for case in KERNEL_PROTECTED)
    assert outermost["oracle"] == nested["oracle"] == "held"
    assert outermost["status"] == nested["status"] == "ok"
    # counted from outside the guest
    assert (writes(outermost), writes(nested)) == (2, 0)
    assert writes(campaign["protected"]["kernel/kmap_local/dram"]) == 0


def test_protection_is_shown_where_a_stray_access_goes_on(kernels, campaign, tmp_path):
    """Relaxed is what the kernel does by itself: on a machine that has it from a package."""
    strict = kernels.variant("protected")
    relaxed = replace(strict, name="relaxed", cmdline="memremap.pks_fault_mode=relaxed")
    plan = runner.Plan([relaxed], 1, 1, "micro", None, "kernel/kmap_local/*", tmp_path / "x", [])
    assert runner.run(plan) == 0
    made = with_paths(tmp_path / "x" / "relaxed" / "boot-01")
    for case in KERNEL_PROTECTED:
        record = made[case]
        assert (record["status"], record["oracle"]) == ("ok", "held"), record.get("reason")
        assert record["cost"] == campaign["protected"][case]["cost"] and record["exact"]


def test_the_writes_are_where_the_series_has_them(campaign):
    functions = campaign["protected"]["kernel/kmap_local/protected"]["path"]["functions"]
    ops = campaign["protected"]["kernel/kmap_local/protected"]["path"]["ops"]
    writing = {
        function["chain"][-1]: function["wrmsr"] / ops
        for function in functions
        if function["wrmsr"]
    }
    assert writing == {"__pgmap_set_readwrite": 1, "__pgmap_set_noaccess": 1}


@pytest.mark.parametrize("role", ["nocpu", "nopks", "idle"])
def test_where_nothing_is_protected_a_pair_costs_two_nops(campaign, role):
    for page in ("dram", "devmap"):
        record = campaign[role][f"kernel/kmap_local/{page}"]
        assert record["cost"] == UNPATCHED + NOPS and record["exact"]
    assert {campaign[role][case]["status"] for case in KERNEL_PROTECTED} == {"skipped"}


# What a pair may cost with one device protected.
AT_MOST = {"dram": 15, "devmap": 21, "protected": 56, "protected_nested": 44}


@pytest.mark.parametrize("page", AT_MOST)
def test_what_a_pair_may_cost(kernels, campaign, page):
    """With any page protected, and less than as published; tracing adds a NOP a function."""
    cost = campaign["protected"][f"kernel/kmap_local/{page}"]["cost"]
    tracing = 2 if kernels.config == "distro" and page.startswith("protected") else 0
    assert UNPATCHED + NOPS < cost <= AT_MOST[page] + tracing
    assert page != "dram" or cost < PUBLISHED[kernels.config]


def test_a_device_page_that_is_not_protected_is_told_by_its_address(campaign):
    """As memory is: its page is not looked at. One comparison a side where the page lies below the
    protected ones, two where it lies above.
    """
    records = campaign["protected"]
    dram, devmap = (records[f"kernel/kmap_local/{page}"] for page in ("dram", "devmap"))
    assert devmap["status"] == "ok" and writes(devmap) == 0
    assert (devmap["cost"] - dram["cost"]) in (0, 2)


@pytest.mark.parametrize("state", ["key_off", "dram", "devmap", "protected", "protected_nested"])
def test_the_model_takes_what_the_kernel_takes(campaign, state):
    """Instruction for instruction: model/kmap_local_slim is this path, for kernels that lack it."""
    kernel = (
        campaign["idle"]["kernel/kmap_local/dram"]
        if state == "key_off"
        else campaign["protected"][f"kernel/kmap_local/{state}"]
    )
    model = campaign["protected"][f"model/kmap_local_slim/{state}"]
    assert (
        (model["cost"], writes(model)) == (kernel["cost"], writes(kernel))
        and model["exact"]
        and kernel["exact"]
    )


def test_with_the_symbol_off_every_kernel_case_costs_what_it_did(kernels, tmp_path):
    found = measured(tmp_path / "campaign", kernels, "plain", "off", cases="kernel/*")
    plain, off = (
        {case: (record["status"], record["cost"]) for case, record in found[role].items()}
        for role in ("plain", "off")
    )
    assert off == plain and ("ok", UNPATCHED) in plain.values()


def test_with_the_symbol_off_every_function_is_where_it_was(kernels, cache):
    """As large as it was, hence, and as aligned. Names differ in numbers that the compiler and the
    line give.
    """
    plain, off = (
        functions(source_build.fetch(kernels.variant(role).image, cache, quiet).folder)
        for role in ("plain", "off")
    )
    assert len(plain) > 10_000
    if kernels.config == "distro":
        # Two are larger with the symbol off as well, and what is behind them has moved.
        plain, off = (
            [(size, name) for _, size, name in found if name not in GROWN] for found in (plain, off)
        )
    assert off == plain


# By a preparatory patch: an iterator maps pages for the thread alone, where it is asked to. And a
# Xen PV guest is told at its start that there is no PKS.
GROWN = ("sg_miter_next.part", "xen_start_kernel")


def functions(kernel: Path) -> list[tuple[int, int, str]]:
    """Address, size and name, by address, without what the compiler adds to names of functions that
    it has changed: the series gives one an argument that is a constant where its symbol is off.
    """
    return [
        (address, size, re.sub(r"\.(constprop|isra)|\.?\d+", "", name))
        for address, size, name in kernel_cache.functions(kernel)
    ]
