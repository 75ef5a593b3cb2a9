# SPDX-License-Identifier: Apache-2.0
"""Who touches pages of user space in another way than files do, on protected persistent memory:
crypto sockets, stacked block devices, a SCSI target, KVM. The image `callers` has all that a guest
of the lab reaches.
"""

import os
import random
import re
from pathlib import Path

import pytest

from lab.core.dirs import build_dir
from lab.kernels import module_build
from lab.tests.conftest import prepare_patched, quiet
from lab.tests.support import ktap, zisofs
from lab.tests.support.pks_tests import CMDLINE, GIVEN, SOURCES, TESTS, reports
from lab.vm import console, image, initramfs

pytestmark = pytest.mark.all

PROGRAMS = build_dir() / "bench" / "pks"

# The file that zisofs has: more than is mapped, and its last page is not full.
PLAIN = ("".join(random.Random(17).choices("abcdefgh \n", k=(80 << 12) + 100))).encode()

# One more region, for dm-writecache, and one for dm-pcache, which takes 512 MiB.
MORE = "memmap=64M!512M"
PERSISTENT = "/dev/pmem2"
LARGE, LARGE_DEVICE, LARGE_MEMORY_MIB = "memmap=544M!1G", "/dev/pmem3", 1700

# Copies for devices take 64 MiB out of the memory below the regions.
SWIOTLB = "swiotlb=force"
LARGE_FOLIO = "a copy into a large folio"
STRING_OF_BPF = "a string that has no end before the region"

# At once: a caller that was stopped, in a mutant, may have locked what a shutdown asks for.
END = "event '\"done\"'\necho b > /proc/sysrq-trigger\n"

# How long the fuzzer runs, in seconds of the host's clock, on as many CPUs.
FUZZ_SECONDS = int(os.environ.get("KMAPBENCH_FUZZ_SECONDS", 60))
CPUS = 4
SEED = 17


@pytest.fixture(scope="module")
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    return prepare_patched(
        "callers",
        request.config.getoption("--tree"),
        cache,
        tmp_path_factory.mktemp("callers"),
    )


def with_libraries(program: Path) -> dict[str, Path]:
    """A program as files of the guest."""
    return {
        f"bin/{program.name}": program,
        **{str(path): path for path in initramfs.libraries(program)},
    }


@pytest.fixture
def boot(boot_job, prepared, cache, tmp_path):
    """Boots a job with the test module, this program, a compressed file and what it was before."""
    built = module_build.build(prepared.kernel, SOURCES, cache, quiet, "pks_test.ko")
    (cached,) = re.findall(
        r"^([0-9a-f]+) \w pkrs_open$", prepared.kernel.symbols.read_text(), re.MULTILINE
    )
    (tmp_path / "plain").write_bytes(PLAIN)
    (tmp_path / "cd.iso").write_bytes(zisofs.image("file", PLAIN))

    def start(program: str, text: str, **changes):
        given = f'given="{GIVEN} cache=0x{cached}"\nset=callers\nstep pmem pmem\n'
        return boot_job(
            TESTS + given + text + END,
            {
                "pks_test.ko": built,
                "data/plain": tmp_path / "plain",
                "data/cd.iso": tmp_path / "cd.iso",
                **with_libraries(PROGRAMS / program),
            },
            cmdline=f"{CMDLINE} {MORE} memremap.pks_fault_mode=strict {changes.pop('cmdline', '')}",
            **changes,
        )

    return start


MOUNTS = (
    "mkdir -p /cd && mount -t iso9660 -o loop,ro /data/cd.iso /cd\n"
    f"mount -t configfs configfs /sys/kernel/config\nwait_for {PERSISTENT}\n"
)
# Linux 7.3 lets users have few algorithms, unless this is 0.
ALL_ALGORITHMS = (
    "restricted=/proc/sys/crypto/af_alg_restrict\n" "[ ! -e $restricted ] || echo 0 > $restricted\n"
)


def callers(large: str) -> str:
    """The job's lines for the program; large: the device for dm-pcache, or -.

    The kernel's messages may come later than they are made, and then in a line of the program's.
    """
    return (
        "echo TESTS program > /dev/kmsg\nsleep 1\n"
        f"step callers pks_callers /pmem {PERSISTENT} {large} /cd/file /data/plain\n"
    )


def wrong(text: str, skipped: str) -> dict[str, list[str]]:
    """What was wrong with which test of a console: its own words, or that it was not made, and the
    first lines of the splats that came while it ran. skipped: the test that is not made here.
    """
    lines = "\n".join(console.lines(text))
    found = {}
    for section in re.split(r"^TESTS \w+$", lines, flags=re.MULTILINE)[1:]:
        report = ktap.parse(section)
        # What comes behind the last result, such as a work item that has left a bracket open.
        parts = re.split(r"^(?:not )?ok \d+ - .*$", section, flags=re.MULTILINE)
        names = [test.name for test in report.tests] + ["the end"]
        for name, part in zip(names, parts):
            found[name] = console.unexpected_splats(part)
        for test in report.tests:
            due = ktap.Status.SKIPPED if test.name == skipped else ktap.Status.PASSED
            if test.status is not due:
                found[test.name].insert(0, f"{test.status.value}: {test.reason}")
        found["the report"] = found.get("the report", []) + report.problems
    return {name: said for name, said in found.items() if said}


# With and without AES in the CPU: Linux 7.3 has code of its own for each.
@pytest.mark.parametrize("cpu", ["max", "max,-aes"])
def test_who_touches_pages_of_user_space_opens_them(boot, prepared, cpu):
    has_cache = "CONFIG_DM_PCACHE=y\n" in prepared.kernel.config.read_text()
    more = {"memory_mib": LARGE_MEMORY_MIB} if has_cache else {}
    booted = boot(
        "pks_callers",
        f"{MOUNTS}{ALL_ALGORITHMS}tests callers\n{callers(LARGE_DEVICE if has_cache else '-')}",
        cpus=2,
        cpu=cpu,
        cmdline=f"{SWIOTLB} {LARGE if has_cache else ''}",
        **more,
    )
    # each of the two is of a function that only one of the kernels has
    assert wrong(booted.console, LARGE_FOLIO if has_cache else STRING_OF_BPF) == {}
    assert booted.outcome.problem is None, booted.outcome.problem
    assert list(reports(booted.console)) == ["callers", "program"]
    assert {"event": "end", "step": "callers", "code": 0} in booted.events


# A guest patches its code when it brings up its first CPUs, and this emulator may let another CPU
# see that too late: test_pks_fuzz.py.
OTHER_CPUS = "for cpu in 1 2 3; do echo 1 > /sys/devices/system/cpu/cpu$cpu/online; done\n"
FUZZ = (
    f"mount -t configfs configfs /sys/kernel/config\nwait_for {PERSISTENT}\n"
    f"step fuzz pks_user_fuzz {FUZZ_SECONDS} {SEED} /pmem {PERSISTENT}\n"
    'event "\\"faults\\", \\"count\\": $(cat /sys/module/memremap/parameters/pks_faults)"\n'
)


def test_a_user_does_anything_with_mappings_and_the_kernel_has_nothing_to_say(boot):
    booted = boot(
        "pks_user_fuzz",
        OTHER_CPUS + ALL_ALGORITHMS + FUZZ,
        cpus=CPUS,
        icount=False,
        cmdline="maxcpus=1",
        limit_seconds=300 + CPUS * FUZZ_SECONDS,
    )
    assert booted.outcome.problem is None, booted.outcome.problem
    counts = re.findall(
        r"^FUZZ (.+): (\d+) of \d+$", "\n".join(console.lines(booted.console)), re.M
    )
    assert counts and [name for name, succeeded in counts if succeeded == "0"] == []
    assert {"event": "end", "step": "fuzz", "code": 0} in booted.events
    assert {"event": "faults", "count": 0} in booted.events
