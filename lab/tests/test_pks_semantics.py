# SPDX-License-Identifier: Apache-2.0
"""Who can touch a protected page of our PKS kernel, and when: kernels/tests in a guest, whatever
happens to it.
"""

import errno
import re
import struct

import pytest

from lab.kernels import module_build
from lab.tests.conftest import prepare_patched, quiet
from lab.tests.support import ktap
from lab.tests.support.pks_tests import (
    CMDLINE,
    GIVEN,
    IN_PMEM,
    ONE_REGION,
    SOURCES,
    TESTS,
    reports,
    trouble,
)
from lab.tests.support.waking import waking
from lab.vm import console, image
from lab.workloads.micro_script import PMEM_OPTIONS

# Within a large page of the second region of persistent memory.
IN_DEVICE = ((384 + 32) << 20) + 4096

CLOSED = 0x55555554  # IA32_PKRS: all keys but the first

PARAMETERS = "/sys/module/pks_test/parameters"
FAULTS = "/sys/module/memremap/parameters/pks_faults"

# say NAME FILE: what a file of sysfs says.
SAY = 'say() { event "\\"said\\", \\"what\\": \\"$1\\", \\"value\\": \\"$(cat "$2")\\""; }\n'

# act WORD: by this shell, which returns to user mode with what it leaves open. What it finds then
# it reads itself, too.
ACT = (
    f"act() {{ echo $1 > {PARAMETERS}/do; read -r left < {PARAMETERS}/do;"
    ' event "\\"act\\", \\"word\\": \\"$1\\", \\"left\\": \\"$left\\""; }\n'
)

OFF_AND_ON = "for to in 0 1; do echo $to > /sys/devices/system/cpu/cpu1/online; done\n"

# Suspend to RAM, for real: the machine's registers are reset. Whoever boots it wakes it.
# virtio_console of Linux 7.3 forgets that its ports are connected: it is bound once more, and has
# its ports when the host has answered.
DRIVER = "/sys/bus/virtio/drivers/virtio_console"
REBIND = (
    f"for one in {DRIVER}/virtio*; do echo ${{one##*/}} > {DRIVER}/unbind;"
    f" echo ${{one##*/}} > {DRIVER}/bind; done; until [ -c /out/stream ]; do sleep 0.1; done"
)
SLEEP = f"step sleep sh -c 'echo mem > /sys/power/state; {REBIND}'\n"

UNBIND = (
    "umount /pmem\necho namespace0.0 > /sys/bus/nd/drivers/nd_pmem/unbind\n"
    'if [ "$PMEM_DEVICE" ]; then echo dax1.0 > /sys/bus/nd/drivers/dax_pmem/unbind\n'
    "else echo namespace1.0 > /sys/bus/nd/drivers/nd_pmem/unbind; fi\n"
)
BIND = "echo namespace0.0 > /sys/bus/nd/drivers/nd_pmem/bind\nwait_for /dev/pmem0\n"

# The pmem driver's other way to a pagemap: a namespace that says on itself where its pages are.
UNBIND_RAW = "echo namespace0.0 > /sys/bus/nd/drivers/nd_pmem/unbind\n"
BIND_WITH_PAGES = (
    "nd=/sys/bus/nd\nseed=$(cat $nd/devices/region0/pfn_seed)\necho ram >"
    " $nd/devices/$seed/mode\ncat /proc/sys/kernel/random/uuid > $nd/devices/$seed/uuid\necho"
    " namespace0.0 > $nd/devices/$seed/namespace\necho $seed > $nd/drivers/nd_pmem/bind\nwait_for"
    " /dev/pmem0\n"
)

pytestmark = pytest.mark.kernels


@pytest.fixture(
    scope="module",
    params=[
        "protected",
        *(pytest.param(name, marks=pytest.mark.all) for name in ("distro", "rt", "debug")),
    ],
)
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    return prepare_patched(
        request.param,
        request.config.getoption("--tree"),
        cache,
        tmp_path_factory.mktemp(request.param),
    )


@pytest.fixture
def boot(boot_job, prepared, cache):
    """Boots a job with the test module, two CPUs, and a command line of its own."""
    built = module_build.build(prepared.kernel, SOURCES, cache, quiet, "pks_test.ko")

    def start(
        text: str, given: str, tests: str, cmdline: str, programs=None, memory=CMDLINE, **changes
    ):
        setting = f'given="{given}"\nset={tests}\n'
        command_line = f"{memory} {cmdline}"
        return boot_job(
            TESTS + SAY + ACT + setting + text,
            {"pks_test.ko": built, **(programs or {})},
            cpus=2,
            cmdline=command_line,
            **changes,
        )

    return start


# Tests that are skipped where something of the machine is not given.
NO_TAIL = {"a tail page is judged by its head"}
NO_SPARE = {
    "a page of an unprotected pagemap opens nothing",
    "the static key counts protected pagemaps",
    "a pagemap that is refused ends no other",
    "more protected ranges than are kept",
}
# Where a kernel lacks what it calls.
OF_SOME_KERNELS = {
    "a packet whose headers are in a fragment",
    "a copy into a large folio",
    "a string that has no end before the region",
}


def check(booted, **skipped: set[str]) -> None:
    """These sets of tests have run, in this order, and all has passed that was not to be
    skipped.
    """
    found = reports(booted.console)
    assert list(found) == list(skipped), booted.outcome.problem or booted.console[-3000:]
    for name, report in found.items():
        failed = [f"{name}: {test.name}: {test.reason}" for test in report.of(ktap.Status.FAILED)]
        assert not failed, failed
        assert report.passed, (name, report.problems)
        assert {test.name for test in report.of(ktap.Status.SKIPPED)} == skipped[name], name


def said(booted) -> dict[str, str]:
    return {event["what"]: event["value"] for event in booted.events if event["event"] == "said"}


def test_a_page_is_open_to_its_bracket_and_to_nothing_else(boot, prepared):
    """At first, and after a CPU was away, and after the device was taken away and given back."""
    again = "rmmod pks_test\n"
    large = "CONFIG_DEV_DAX_PMEM=y" in prepared.kernel.config.read_text()
    given_tail = f'given="{GIVEN} tail={IN_DEVICE:#x}"\n' if large else ""
    booted = boot(
        "step pmem pmem\n"
        + given_tail
        + "tests first\n"
        + again
        + OFF_AND_ON
        + "tests after_hotplug\n"
        + f"say bound {PARAMETERS}/protected\n{UNBIND}say unbound {PARAMETERS}/protected\n"
        + BIND
        + f"say again {PARAMETERS}/protected\n"
        + again
        + f'given="{GIVEN}"\ntests after_bind\n'
        + UNBIND_RAW
        + BIND_WITH_PAGES
        + f"say pages {PARAMETERS}/protected\n"
        + again
        + "tests with_pages\n",
        GIVEN,
        "strict",
        "memremap.pks_fault_mode=strict",
    )
    assert trouble(booted) == []
    no_tail = set() if large else NO_TAIL
    check(booted, first=no_tail, after_hotplug=no_tail, after_bind=NO_TAIL, with_pages=NO_TAIL)
    assert "smpboot: CPU 1 is now offline" in booted.console
    assert said(booted) == {"bound": "2", "unbound": "0", "again": "1", "pages": "1"}


def test_protection_outlives_sleep(boot):
    # Once woken, QEMU does not power off: a reset ends it, too.
    end = "event '\"done\"'\nreboot -f\n"
    with waking() as monitor:
        booted = boot(
            f"step pmem pmem\n{SLEEP}tests after_sleep\n{end}",
            GIVEN,
            "strict",
            "memremap.pks_fault_mode=strict no_console_suspend",
            icount=False,
            interleaved=True,
            monitor=monitor,
        )
    assert trouble(booted) == []
    # Its end as an event is not asked for: the host may drop what is written to a port just bound.
    assert {"event": "begin", "step": "sleep"} in booted.events
    assert "ACPI: PM: Waking up from system sleep state S3" in booted.console
    check(booted, after_sleep=NO_TAIL)


def test_relaxed_mode_opens_counts_and_tells_once(boot):
    booted = boot(
        f"step pmem pmem\ntests relaxed\nsay faults {FAULTS}\nact stray\nsay one_more {FAULTS}\n",
        GIVEN,
        "relaxed",
        "",
    )
    check(booted, relaxed=set())
    # A matter of policy: with panic_on_warn, the machine goes on.
    assert console.unexpected_splats(booted.console) == []
    assert told_of_a_stray(booted) == ["stray"]
    # What a stray access opened is closed at the return to user mode, without a word.
    assert {"event": "act", "word": "stray", "left": "closed"} in booted.events
    assert int(said(booted)["one_more"]) == int(said(booted)["faults"]) + 1


def told_of_a_stray(booted) -> list[str]:
    """The functions that the kernel has named, with their stacks."""
    text = "\n".join(console.lines(booted.console))
    return re.findall(
        r"stray access to protected device memory: (\w+)\+.* \[pks_test\], pfn 0x[0-9a-f]+;.*\n"
        r"(?:.*\n){1,8}Call Trace:",
        text,
    )


def test_strict_mode_is_an_oops_to_who_strays(boot):
    """And to nobody else: the kernel goes on, with the page closed. With one protected range, a
    page's address is compared with it once, where the page is mapped.
    """
    booted = boot(
        (
            f"step pmem pmem\ntests before\n(echo stray > {PARAMETERS}/do; event '\"survived\"')\n"
            f"say faults {FAULTS}\n"
        ),
        GIVEN,
        "strict",
        "memremap.pks_fault_mode=strict",
        memory=ONE_REGION,
    )
    check(booted, before=NO_TAIL)
    assert "BUG: unable to handle page fault" in trouble(booted)[0]
    assert (
        "#PF: supervisor read access in kernel mode" in booted.console
        and "protection keys violation" in booted.console
    )
    assert {"event": "survived"} not in booted.events and booted.events[-1] == {"event": "done"}
    assert int(said(booted)["faults"]) > 0
    # The first one of all is told of although a fixup hides it.
    assert told_of_a_stray(booted) == ["readable"]
    # Why it was closed: nobody had opened it.
    assert (
        f"PKS: key 1, in 0 brackets; handler: PKRS {CLOSED:#x}, cached {CLOSED:#x}"
        in booted.console
    )


# What each leaves on the console: brackets without end, and an end without a bracket. Unmaps
# without a mapping are no business of a kernel that does not look for them.
MISUSES = {
    "begin": ["returns to user mode inside of 1 brackets"],
    "end": [],
    "end_of_nothing": ["__pgmap_end_access"],
    "exit_inside": ["exits inside of 1 brackets"],
    "work_inside": ["ends a work item inside of 1 brackets"],
    "flush": [],
    "end_of_page": [],
    "out_of_order": [],
    "begin_memory": [],
    "end_memory": [],
    "balanced": [],
    "more_than_kept": [],
}
# With DEBUG_VM, the kernel looks for them, and for what no emulator faults on.
WITH_DEBUG_VM = {
    "begin": ["returns to user mode with 1 pages mapped"],
    "end": ["kmap_local: a page is unmapped that this thread has not mapped"],
    "exit_inside": ["exits with 1 pages mapped"],
    "work_inside": ["ends a work item with 1 pages mapped"],
    "flush": ["access to protected memory that is not open"],
    "end_of_page": ["kmap_local: the end of a page is unmapped"],
    "out_of_order": ["kmap_local: a page is unmapped out of order"],
    "begin_memory": ["returns to user mode with 1 pages mapped"],
    "end_memory": ["kmap_local: a page is unmapped that this thread has not mapped"],
}


def test_misuse_of_brackets_is_told_of_and_leaves_nothing_open(boot, prepared):
    debug_vm = "CONFIG_DEBUG_VM=y" in prepared.kernel.config.read_text()
    # Each warning is given once: again for each act.
    acts = "".join(
        f"echo 1 > /sys/kernel/debug/clear_warn_once\necho ACT {word} > /dev/kmsg\nact {word}\n"
        for word in MISUSES
    )
    booted = boot(
        f"step pmem pmem\ntests before\nmount -t debugfs debugfs /sys/kernel/debug\n{acts}",
        GIVEN,
        "strict",
        "memremap.pks_fault_mode=strict",
    )
    check(booted, before=NO_TAIL)
    left = {event["word"]: event["left"] for event in booted.events if event["event"] == "act"}
    assert left == dict.fromkeys(MISUSES, "closed")
    text = "\n".join(console.lines(booted.console))
    parts = re.split(r"^ACT (\w+)$", text, flags=re.MULTILINE)[1:]
    for word, printed in zip(parts[::2], parts[1::2]):
        expected = MISUSES[word] + (WITH_DEBUG_VM.get(word, []) if debug_vm else [])
        splats = console.unexpected_splats(printed)
        assert len(splats) == len(expected), (word, splats)
        assert all(complaint in printed for complaint in expected), (word, printed)


# In the kernel's text: no page that user mode could have.
KERNEL_ADDRESS = 0xFFFFFFFF81000000


def reader(address: int) -> bytes:
    """An ELF program (System V ABI, AMD64 supplement): one load from an address, and no more."""
    base, header_bytes, segment_bytes = 0x400000, 64, 56
    code = b"\x48\xa1" + struct.pack("<Q", address)  # movabs (address), %rax
    offset = header_bytes + segment_bytes
    size = offset + len(code)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack(
        "<HHIQQQIHHHHHH",
        *(2, 62, 1, base + offset, header_bytes, 0, 0, header_bytes, segment_bytes, 1, 0, 0, 0),
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    return header + segment + code


def test_user_mode_is_not_told_of_keys(boot, tmp_path):
    """Else it would find out where in the direct map persistent memory is."""
    program = tmp_path / "reader"
    program.write_bytes(reader(KERNEL_ADDRESS))
    program.chmod(0o755)
    booted = boot(
        "step pmem pmem\ntests before\n/bin/reader\nact fault_with_key_bit\n/bin/reader\n",
        GIVEN,
        "strict",
        "memremap.pks_fault_mode=strict",
        programs={"bin/reader": program},
    )
    check(booted, before=NO_TAIL)
    faults = re.findall(r"reader\[\d+\]: segfault at (\w+) .* error (\w+)", booted.console)
    # Read, of user mode, protected: the same with the bit that a CPU may add as without it.
    assert faults == [(f"{KERNEL_ADDRESS:x}", "5")] * 2


def test_scatterlists_and_copies_for_devices_open_pages(boot):
    """test_pks_callers.py has callers that a system call leads to."""
    booted = boot(
        "step pmem pmem\ntests callers\n",
        GIVEN,
        "callers",
        "memremap.pks_fault_mode=strict swiotlb=force",
    )
    assert trouble(booted) == []
    skipped = {test.name for test in reports(booted.console)["callers"].of(ktap.Status.SKIPPED)}
    check(booted, callers=skipped & OF_SOME_KERNELS)


@pytest.mark.parametrize(
    ("cmdline", "cpu"), [("nopks", "max"), ("", "max,-pks"), ("memremap.pks_protection=0", "max")]
)
def test_without_protection_memory_is_as_ever(boot, cmdline, cpu):
    booted = boot(
        (
            "step pmem pmem\ntests unavailable\ngrep -cw pks /proc/cpuinfo > /tmp/flag\nsay flag"
            " /tmp/flag\n"
        ),
        GIVEN,
        "unavailable",
        cmdline,
        cpu=cpu,
    )
    assert booted.outcome.problem is None
    check(booted, unavailable=set())
    assert said(booted) == {"flag": "2" if "pks_protection" in cmdline else "0"}


def test_leaves_of_a_gigabyte_have_keys_too(boot):
    booted = boot(
        "wait_for /dev/pmem2\ntests huge\n",
        f"phys={(4 << 30) + (64 << 20):#x} huge=1",
        "strict",
        "memmap=1G!4G memremap.pks_fault_mode=strict",
        memory_mib=4096,
    )
    assert trouble(booted) == []
    below = {"a load that ends in the region", "a probe of a string before the region"}
    check(booted, huge=NO_TAIL | NO_SPARE | below)


def test_the_module_keeps_interrupts_off_where_the_kernel_has_brackets(boot):
    """The end of a handler's own one would close what the module has open."""
    booted = boot(
        "step pmem pmem\nstep load insmod /kmapbench.ko\nkmap_bench"
        " --benchmark_filter='^model/kmap_local/protected/iterations'"
        " --kmapbench_records=/out/stream --kmapbench_clock=icount --kmapbench_irqs=preempt_off"
        " --kmapbench_variant=test\n",
        GIVEN,
        "strict",
        "memremap.pks_fault_mode=strict",
    )
    assert booted.outcome.problem is None, booted.outcome.problem
    record = booted.record("model/kmap_local/protected")
    assert record["status"] == "skipped" and record["reason"].endswith("measured with off")


def test_an_unprotected_device_page_is_the_modules_own_or_none(boot):
    """Of memory that nobody uses, and of no other."""
    measure = (
        "kmap_bench --benchmark_filter='^kernel/kmap_local/devmap/iterations'"
        " --kmapbench_records=/out/stream --kmapbench_clock=icount --kmapbench_cases=all"
        f" {PMEM_OPTIONS}"
    )
    booted = boot(
        (
            "step pmem pmem\nstep none insmod"
            f" /kmapbench.ko\n{measure} --kmapbench_variant=none\nrmmod kmapbench\nstep unaligned"
            f" insmod /kmapbench.ko device_memory={image.DEVICE_MEMORY + 4096:#x}\nstep used insmod"
            f" /kmapbench.ko device_memory={64 << 20:#x}\nstep persistent insmod /kmapbench.ko"
            f" device_memory={IN_PMEM:#x}\nstep own insmod /kmapbench.ko"
            f" device_memory={image.DEVICE_MEMORY:#x}\n{measure} --kmapbench_variant=own\nstep"
            " unload rmmod kmapbench\n"
        ),
        GIVEN,
        "strict",
        "memremap.pks_fault_mode=strict",
    )
    assert booted.outcome.problem is None, booted.outcome.problem
    codes = {event["step"]: event["code"] for event in booted.events if event["event"] == "end"}
    assert codes == {
        "pmem": 0,
        "none": 0,
        "unaligned": errno.EINVAL,
        "used": errno.EINVAL,
        "persistent": errno.EINVAL,
        "own": 0,
        "unload": 0,
    }
    # busybox tries each module twice, by both system calls
    assert (
        len(set(re.findall(r"device_memory=(\S+): not 2 MiB of reserved memory", booted.console)))
        == 3
    )
    given, own = (booted.record("kernel/kmap_local/devmap", variant) for variant in ("none", "own"))
    assert (given["status"], given["reason"]) == ("skipped", "the page that was given is protected")
    assert own["status"] == "ok"
