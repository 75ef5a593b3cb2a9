# SPDX-License-Identifier: Apache-2.0
"""Register writes of single reads, writes and accesses of files on persistent memory, counted from
outside.
"""

from collections import Counter
from dataclasses import replace

import pytest

from lab.run.guest_boot import read_archives
from lab.tests.conftest import KMAP_BENCH, prepare_patched
from lab.trace import call_profile, symbols
from lab.trace.symbols import Window
from lab.vm import image
from lab.workloads.fio import guest_script, presets
from lab.workloads.fio.workload import Dax

pytestmark = pytest.mark.guest

BRACKET = {"__pgmap_begin_access", "__pgmap_end_access"}
EXCEPTION = {"irqentry_enter", "irqentry_exit"}  # closes what it came upon, and opens it again
RANGES = {
    "pread": 1,
    "pwrite": 1,
    "pread_faulting": 1,
    "pread_two_ranges": 2,
    "load": 0,
    "store": 0,
    "nothing": 0,
}


@pytest.fixture
def seen(boot_job, prepared):
    """Windows by case, of both file systems and the device, and the kernel's functions."""
    quick = presets.load()["quick"]
    one_of_each = [next(job for job in quick.jobs if job.on == on) for on in guest_script.DEVICES]
    make = [
        line
        for line in guest_script.text(replace(quick, jobs=tuple(one_of_each))).splitlines()
        if not line.startswith("dax_job ")
    ]
    booted = boot_job(
        "".join(f"{line}\n" for line in make),
        memory_mib=guest_script.MEMORY_MIB,
        observer=image.observer_plugin(),
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    assert [event for event in booted.events if event.get("code", 0) != 0] == []
    labels = read_archives(booted.outcome.files)[guest_script.WINDOWS].decode().split()
    windows = symbols.Windows(booted.outcome.windows, "user")
    return call_profile.by_case(labels, windows), symbols.Kernel(prepared.kernel.symbols)


@pytest.fixture(scope="module")
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots here."""
    content = Dax(presets.load()["quick"], KMAP_BENCH).content()
    return prepare_patched(
        request.param,
        request.config.getoption("--tree"),
        cache,
        tmp_path_factory.mktemp(request.param),
        content,
    )


@pytest.mark.kernels
@pytest.mark.parametrize("prepared", ["protected"], indirect=True)
def test_each_contiguous_range_is_opened_and_closed_once(seen):
    cases, kernel = seen
    assert {case.split("/")[1] for case in cases} == set(guest_script.DEVICES)
    sizes = {case.rpartition("/")[2] for case in cases if case.startswith("dax/ext4/pread/")}
    assert sizes == {"512", "4k", "64k", "2m"}
    for case, windows in cases.items():
        operation = case.split("/")[2]
        for window in windows:
            writes = call_profile.writes(window, kernel)
            by_us = {name: count for name, count in writes.items() if name in BRACKET}
            assert by_us == (
                dict.fromkeys(BRACKET, RANGES[operation]) if RANGES[operation] else {}
            ), case
            # An interrupt or a fault in between is counted apart, and all else writes nothing.
            rest = {name: count for name, count in writes.items() if name not in BRACKET}
            assert set(rest) <= EXCEPTION and rest.get("irqentry_enter") == rest.get(
                "irqentry_exit"
            ), (case, rest)
            if operation == "pread_faulting":
                assert rest.get("irqentry_enter", 0) >= 1, case


@pytest.mark.kernels
@pytest.mark.parametrize("prepared", ["off", "idle"], indirect=True)
def test_where_nothing_is_protected_nothing_is_written(seen):
    cases, kernel = seen
    assert len(cases) > 20
    for case, windows in cases.items():
        assert [call_profile.writes(window, kernel).total() for window in windows] == [0] * len(
            windows
        ), case


OPEN, CLOSE, READ, USER = 0xFFFFFFFF81000100, 0xFFFFFFFF81000200, 0xFFFFFFFF81000300, 0x401000


@pytest.fixture
def kernel(tmp_path) -> symbols.Kernel:
    path = tmp_path / "System.map"
    path.write_text(
        "".join(
            f"{at:016x} T {name}\n"
            for at, name in (
                (OPEN, "open"),
                (CLOSE, "close"),
                (READ, "read"),
                (READ + 0x100, "end"),
            )
        )
    )
    return symbols.Kernel(path)


def window(longer: int = 0) -> Window:
    executions = Counter(
        {
            ((), USER): 3,
            ((), READ): 10 + longer,
            ((READ,), OPEN): 2,
            ((READ,), OPEN + 8): 1,
            ((READ,), CLOSE): 1,
        }
    )
    return Window(executions, {OPEN + 8: "0f30", CLOSE: "0f30"})


def test_a_path_is_of_the_window_that_there_is_most_often(kernel):
    cases = {
        "dax/xfs/pread/4k": [window(5), window(), window(9), window()],
        "dax/xfs/nothing": [Window(Counter({((), USER): 3}), {})],
    }
    (path,) = call_profile.paths(cases, kernel, "off", 2)
    assert (path["case"], path["variant"], path["boot"], path["ops"]) == (
        "dax/xfs/pread/4k",
        "off",
        2,
        1,
    )
    assert (path["instructions"], path["empty_instructions"], path["wrmsr"]) == (17, 3, 2)
    assert {tuple(at["chain"]): (at["instructions"], at["wrmsr"]) for at in path["functions"]} == {
        ("user space",): (3, 0),
        ("read",): (10, 0),
        ("open",): (3, 1),
        ("close",): (1, 1),
    }
    assert ["read", "open"] in [at["stack"] for at in path["stacks"]]
