# SPDX-License-Identifier: Apache-2.0
"""`run --here --tune` for real, in a guest with Debian's userland: everything that this kernel lets
us set is as it was afterwards, whatever ends the run.
"""

import json

import pytest

from lab.campaign import validation
from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE
from lab.host import running_kernel
from lab.kernels import module_build
from lab.tests.conftest import quiet
from lab.tests.support import userland
from lab.vm import qemu

pytestmark = [pytest.mark.guest, pytest.mark.all]

CAMPAIGN = "campaign"
ENDS = ("INT", "TERM", "KILL")
STATE = "/var/lib/kmapbench"
RUN = ["/", STATE, "lab.host.tuning.holder"]

# Two cores of two threads: 0 and 1, 2 and 3. Somebody has taken CPU 3 offline, bound a program and
# an interrupt to CPU 1, and switched NUMA balancing on.
CPUS = "4,cores=2,threads=2"
SETTINGS = (
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/cpu*/online",
    "/sys/devices/system/cpu/smt/control",
    "/sys/devices/system/cpu/smt/active",
    "/sys/devices/virtual/workqueue/cpumask",
    "/sys/fs/cgroup/cgroup.subtree_control",
    "/sys/fs/cgroup/kmapbench-measuring/cpuset.cpus.partition",
    "/proc/irq/*/smp_affinity_list",
    "/proc/sys/kernel/nmi_watchdog",
    "/proc/sys/kernel/numa_balancing",
)
JOB = f"""
mount -t cgroup2 cgroup /new/sys/fs/cgroup
echo 0 > /sys/devices/system/cpu/cpu3/online
echo 1 > /proc/sys/kernel/numa_balancing
mkfifo /over/never
exec 9<>/over/never # waits without a timer: time goes on at once where there is nothing else to do
taskset 2 cat <&9 >/dev/null &
bound=$!
for irq in /proc/irq/[0-9]*; do echo 1 > $irq/smp_affinity_list && break; done
dump() {{
	(
		for file in {' '.join(SETTINGS)}; do
			[ -f /new$file ] && echo "$file: $(cat /new$file)"
		done
		echo "bound: $(grep Cpus_allowed_list /proc/$bound/status)"
		echo "latency: $(od -An -td4 -N4 /dev/cpu_dma_latency)"
	) > /new{userland.SCRATCH}/$1.txt
	echo "dumped $1"
}}
killed() {{
	for one in /proc/[0-9]*; do
		tr '\\0' ' ' < $one/cmdline | grep -q "$2" && kill -$1 "${{one#/proc/}}"
	done
}}
until_said() {{ while ! grep -q measuring /new{userland.SCRATCH}/$1.out; do sleep 0.2; done; }}
until_back() {{ while [ -d /new{STATE}/tuning ]; do sleep 0.2; done; }}
dump before
"""


def tuned_run(name: str, cache) -> str:
    """Begins one, and goes on when the machine is tuned."""
    begin = userland.kmapbench(
        name, RUN, cache, background=True, module="lab.tests.support.tuned_run"
    )
    return f"{begin.replace(' &', ' <&9 &')}until_said {name}\ndump during_{name}\n"


@pytest.fixture(scope="module")
def boot(kernel, tmp_path_factory):
    """Boots a guest that runs a job; the folder of what it has sent, and the codes of its steps."""

    def boot(job: str, *names: str):
        scratch = tmp_path_factory.mktemp("tuning")
        machine = userland.machine(
            kernel,
            JOB + job + userland.send("before.txt", *names),
            scratch,
            {},
            cpu="max,vendor=GenuineIntel",
            cpus=CPUS,
            limit_seconds=3600,
        )
        events = []
        outcome = qemu.boot(machine, scratch, lambda line: events.append(line.event))
        console = (scratch / "console.log").read_text(errors="replace")
        assert outcome.problem is None, console[-2000:]
        out = scratch / "out"
        out.mkdir()
        subprocesses.output(["tar", "-x", "--ignore-zeros", "-f", outcome.files, "-C", out])
        ends = [event for event in events if event and event["event"] == "end"]
        return out, {event["step"]: event["code"] for event in ends}

    return boot


@pytest.fixture(scope="module")
def ended(boot, cache):
    """Runs that were ended by signals; at last both processes of one were killed."""
    job = ""
    for name in ENDS:
        job += tuned_run(name, cache)
        job += f"killed {name} support.tuned_run\nuntil_back\ndump {name}\n"
    job += tuned_run("both", cache)
    job += "killed KILL tuning.holder\nkilled KILL support.tuned_run\nsleep 1\ndump left\n"
    job += userland.kmapbench("restore", ["tune", "--restore"], cache) + "dump both\n"
    names = [*ENDS, *(f"during_{name}" for name in ENDS), "left", "both"]
    return boot(job, *(f"{name}.txt" for name in names), "restore.out", "restore.err")


@pytest.fixture(scope="module")
def whole(boot, kernel, cache):
    """A run from its plan to its report."""
    running = running_kernel.RunningKernel(kernel.release, kernel.headers)
    module_build.build(running, MODULE_SOURCE, cache, quiet)
    here = ["run", "--here", "--tune", "--only", "micro", "--cases", "kernel/kmap_local/dram"]
    out = ["--label", "lab", "--out", f"{userland.SCRATCH}/{CAMPAIGN}"]
    job = userland.kmapbench("plan", ["tune"], cache)
    job += userland.kmapbench(CAMPAIGN, here + out, cache) + f"dump {CAMPAIGN}\n"
    return boot(job, f"{CAMPAIGN}.txt", CAMPAIGN, f"{CAMPAIGN}.err", "plan.out")


def settings(folder, name: str) -> dict[str, str]:
    lines = (folder / f"{name}.txt").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize("name", [*ENDS, "both"])
def test_all_settings_are_as_before(ended, name):
    folder, codes = ended
    assert settings(folder, name) == settings(folder, "before")
    assert codes["restore"] == 0, (folder / "restore.err").read_text()
    assert "a run with --tune was killed" in (folder / "restore.out").read_text()


@pytest.mark.parametrize("name", [*(f"during_{end}" for end in ENDS), "left"])
def test_meanwhile_they_are_as_wanted(ended, name):
    folder, _ = ended
    before, during = settings(folder, "before"), settings(folder, name)
    assert before["/sys/devices/system/cpu/online"] == "0-2"
    assert during["/sys/devices/system/cpu/online"] == "0,2"
    assert during["/sys/devices/system/cpu/smt/control"] == "off"
    assert during["/proc/sys/kernel/numa_balancing"] == "0"
    assert during["/sys/devices/virtual/workqueue/cpumask"] == "1"
    assert during["/sys/fs/cgroup/kmapbench-measuring/cpuset.cpus.partition"] == "isolated"
    irqs = [path for path in during if "/irq/" in path]
    assert sum(during[path] != before[path] for path in irqs) > 1
    assert before["bound"].split()[-1] == "1"
    if name != "left":  # which ends with the process that holds it
        assert during["latency"].strip() == "1" != before["latency"].strip()


def test_a_run_says_what_was_set_and_the_campaign_keeps_it(whole):
    folder, codes = whole
    said = (folder / f"{CAMPAIGN}.err").read_text()
    assert codes[CAMPAIGN] == 0, said
    assert "tuned for this run: interrupts: " in said and "smt: off" in said
    assert "settings are as they were before the run" in said
    assert settings(folder, CAMPAIGN) == settings(folder, "before")
    environment = json.loads((folder / CAMPAIGN / "lab/boot-01/environment.json").read_text())
    validation.validate("environment", environment)
    assert environment["tuned"]["smt"] == "off" and environment["tuned"]["measuring_cpu"] == "2"
    assert environment["cpu"]["smt"] == "off" and environment["cpu"]["online"] == "0,2"
    records = (folder / CAMPAIGN / "lab/boot-01/micro.jsonl").read_text().splitlines()
    assert "kernel/kmap_local/dram" in {json.loads(line)["case"] for line in records}


def test_the_command_tells_before_what_would_be_set(whole):
    folder, codes = whole
    assert codes["plan"] == 0
    plan = (folder / "plan.out").read_text()
    assert "tune SMT: on -> off" in plan and "tune isolation: none -> isolated 2" in plan
    assert "not on this machine: governor, turbo" in plan
