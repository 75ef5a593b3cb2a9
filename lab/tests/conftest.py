# SPDX-License-Identifier: Apache-2.0
"""What the lab's tests share: a kernel, the module built for it, one campaign."""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lab.bisect import bisect_plan
from lab.configs import configs_plan
from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE, RESULTS, build_dir, cache_dir
from lab.core.event_stream import Line
from lab.gate import gate_plan
from lab.kernels import debian_kernels, module_build, source_checkout, variants
from lab.run import preflight, runner
from lab.tests.support.records import without_controls
from lab.vm import image, initramfs, qemu

# Fixtures that boot, and those that build or fetch.
_BOOTING = {"three_boots", "boot_job", "rehearse"}
_BUILT = {"kernel", "kernel_source", "built_module", "state_module", "prepared"}

KMAP_BENCH = build_dir() / "bench" / "kmap_bench"


def quiet(_: str) -> None:
    pass


def pytest_configure() -> None:
    """A shell's background job ignores SIGINT, what nohup starts SIGHUP, and so would all that they
    start.
    """
    for number, heeding in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, heeding)


def pytest_addoption(parser):
    parser.addoption(
        "--tree",
        type=Path,
        help="tests of our PKS kernel: an unpacked kernel to take in place of the variants' own",
    )
    parser.addoption(
        "--hung-after",
        type=float,
        help="seconds of QEMU's CPU time after which a boot counts as hung, in place of the"
        " variants' own",
    )


def prepare_patched(
    name: str,
    tree: Path | None,
    cache: Path,
    scratch: Path,
    content: image.Content = image.micro(KMAP_BENCH),
) -> image.Prepared:
    """A variant of our PKS kernel, or that variant's command line on another kernel."""
    variant = variants.find(name)
    if tree is None:
        return image.prepare(variant, None, content, cache, scratch, quiet)
    (modules,) = (tree / "lib" / "modules").iterdir()
    return image.prepare_kernel(
        variant, debian_kernels.KernelTree(tree, modules.name), content, cache, scratch, quiet
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Whoever asks for what is made by a guest, or built for a kernel, needs it."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if asked & _BOOTING:
            item.add_marker(pytest.mark.guest)
        if asked & _BUILT:
            item.add_marker(pytest.mark.program)


@pytest.fixture(autouse=True)
def _no_guest_that_is_not_said(request, monkeypatch):
    """Tests without a mark have to pass where there is no emulator."""
    if not any(
        map(request.node.get_closest_marker, ("guest", "program", "kernels", "checkers", "all"))
    ):

        def refuse(*_, **__):
            raise AssertionError("a test that boots a guest is marked `guest`")

        monkeypatch.setattr(qemu, "boot", refuse)


@pytest.fixture(autouse=True)
def _a_checkout_that_may_be_read_only(monkeypatch):
    """What has no --out would be refused there, whatever else is asked of it."""
    if not os.access(RESULTS, os.W_OK):
        for module in (preflight, bisect_plan, configs_plan, gate_plan):
            monkeypatch.setattr(module, "RESULTS", Path(tempfile.gettempdir()))


@pytest.fixture(scope="session")
def cache() -> Path:
    return cache_dir()


@pytest.fixture(scope="session")
def kernel(cache) -> debian_kernels.KernelTree:
    return debian_kernels.fetch(None, cache, quiet)


@pytest.fixture(scope="session")
def kernel_source(cache, tmp_path_factory) -> Path:
    """The source that `plain` is built from, unpacked."""
    package = variants.find("plain").image.source
    return source_checkout.source_of(
        package,
        debian_kernels.candidate(package),
        cache,
        tmp_path_factory.mktemp("source") / "log",
        quiet,
    )


@pytest.fixture(scope="session")
def built_module(kernel, cache) -> Path:
    return module_build.build(kernel, MODULE_SOURCE, cache, quiet)


@pytest.fixture(scope="session")
def prepared(cache, tmp_path_factory) -> image.Prepared:
    return image.prepare(
        variants.find("stock"),
        None,
        image.micro(KMAP_BENCH),
        cache,
        tmp_path_factory.mktemp("prepared"),
        quiet,
    )


@pytest.fixture(scope="session")
def three_boots(tmp_path_factory) -> Path:
    """A campaign of three boots of stock, all kernel cases: made by the first of pytest-xdist's
    workers that needs it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "three-boots"
    with (shared / "three-boots.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            plan = runner.Plan(
                [variants.find("stock")],
                3,
                1,
                "micro",
                None,
                "all",
                folder,
                ["run", "--boots", "3", "--cases", "all"],
            )
            assert runner.run(plan) == 0
    return folder


# Says on the stream what the module has to leave as it found it.
STATE = (  # each CPU counts on its own
    'state() {\n\tsplits=$(grep -E "DirectMap" /proc/meminfo | tr -d "\\n")\n\tcat'
    ' /proc/sys/vm/stat_refresh\n\tpins=$(awk "/nr_foll_pin_acquired/ { n += \\$2 }'
    ' /nr_foll_pin_released/ { n -= \\$2 } END { print n }" /proc/vmstat)\n\tevent "\\"state\\",'
    ' \\"when\\": \\"$1\\", \\"direct_map\\": \\"$splits\\", \\"pins\\": $pins, \\"state\\": $(cat'
    ' /proc/kmapbench_state)"\n}\n'
)


@pytest.fixture(scope="session")
def state_module(kernel, cache):
    return module_build.build(kernel, MODULE_SOURCE / "tests", cache, quiet, "kmapbench_state.ko")


@pytest.fixture
def states():
    """Pulls the states out of a boot's events, by name."""
    return lambda booted: {
        event["when"]: event for event in booted.events if event["event"] == "state"
    }


@dataclass
class Booted:
    """One boot of a job of the test's own."""

    outcome: qemu.Outcome
    console: str
    records: list[dict] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)

    def record(self, case: str, variant: str = "test") -> dict:
        found = [
            record
            for record in self.records
            if record["case"] == case and record["variant"] == variant
        ]
        assert len(found) == 1, f"{len(found)} records of {case} by {variant}"
        return found[0]


@pytest.fixture
def boot_job(prepared, tmp_path, request):
    """Boots a job, with files added to the guest by name; on_event is called for each event, and
    what it raises ends the guest.
    """

    def boot(
        job: str,
        files: dict[str, Path] | None = None,
        on_event: Callable[[dict], None] = lambda _: None,
        **changes,
    ) -> Booted:
        tree = initramfs.Tree(tmp_path / "extra")
        for name, path in (files or {}).items():
            if path.suffix == ".ko":
                stripped = tmp_path / f"{path.parent.name}-{path.name}"
                subprocesses.output(
                    [subprocesses.find("strip", "binutils"), "-g", "-o", stripped, path]
                )
                path = stripped
            tree.add(path, name, executable=True)
        tree.add_text(job, "job")
        initrd = initramfs.concatenate(
            [prepared.base, tree.pack(tmp_path / "extra.cpio")], tmp_path / "initrd"
        )
        shutil.rmtree(tree.folder)
        machine = image.machine(prepared, initrd)
        limit = request.config.getoption("--hung-after") or machine.limit_seconds
        machine = replace(machine, **{"limit_seconds": limit, **changes})
        booted = Booted(qemu.Outcome(), "")

        def on_line(line: Line) -> None:
            if line.record:
                booted.records += without_controls([line.record])
            else:
                booted.events.append(line.event)
                on_event(line.event)

        booted.outcome = qemu.boot(machine, tmp_path, on_line)
        booted.console = (tmp_path / "console.log").read_text(errors="replace")
        return booted

    return boot
