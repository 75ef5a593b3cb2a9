# SPDX-License-Identifier: Apache-2.0
"""The main job: a campaign from plan to records, then the report."""

import json
import platform
import random
import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lab import campaign, console, distribution, guest, here, host, initramfs, job, module, ownership, source_kernel, symbols, tools
from lab.distribution import KernelTree
from lab.errors import EXIT_FAILED, EXIT_OK, KmapbenchError
from lab.paths import MODULE_SOURCE, RESULTS, ROOT, build_dir, cache_dir
from lab.progress import Display
from lab.variants import Variant

HOST = "host"
GUEST_MODULES = ["virtio_pci", "virtio_console", "ext4", "crc32c_generic", "nd_pmem", "nd_e820"]
# Kernels without huge pages (RT) have no device-dax.
OPTIONAL_MODULES = ["dax_pmem", "device_dax"]
LAUNCHES = 10

# Two regions of the guest's memory that the kernel takes for persistent: lab/guest/pmem uses them.
# And one that it leaves alone: the module's own device (job.py).
PMEM_CMDLINE = f"memmap=64M!256M memmap=64M!384M memmap=2M${job.DEVICE_MEMORY:#x}"

# For the progress display, in boots: most of a boot is the kernel starting.
START_WORK = 0.7
LAUNCH_WORK = 0.05
HERE_WORK = 1


@dataclass(frozen=True)
class Plan:
    """What the user asked for."""

    variants: list[Variant]
    boots: int
    seed: int
    only: str | None  # "micro", "user", None: both
    series: str | None  # the distribution's kernel; None: the newest offered
    cases: str  # default, all or a glob: the kernel cases
    out: Path | None
    arguments: list[str]
    label: str | None = None  # measure the running kernel, under this name, instead of variants


@dataclass(frozen=True)
class Prepared:
    """A variant ready to boot."""

    variant: Variant
    kernel: KernelTree
    module: Path
    base: Path  # archive that all its boots share


def run(plan: Plan) -> int:
    """Measures, reports, and returns the exit code."""
    cache = cache_dir()
    kmap_bench = build_dir() / "bench" / "kmap_bench"
    if not kmap_bench.is_file():
        raise KmapbenchError(f"{kmap_bench}: not built; run ./kmapbench, or: cmake --preset release && cmake --build build")

    with tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch_name, Display() as display, ExitStack() as leaving:
        scratch = Path(scratch_name)
        loading = leaving.enter_context(ExitStack())
        prepared, running, here_cases = [], None, []
        if plan.only != "user" and plan.label:
            running = here.prepare(cache, display.say)
            loading.enter_context(here.loaded(running.module))
            here_cases = here.matching(kmap_bench, plan.cases)
            if not here_cases:
                raise _no_case(plan.cases)
        elif plan.only != "user":
            source_kernel.provide([variant.image for variant in plan.variants if variant.image], cache, display)
            prepared = [prepare(variant, plan.series, kmap_bench, cache, scratch, display.say) for variant in plan.variants]
        order = _order(plan, prepared)
        display.plan(len(order) + (HERE_WORK if running else 0) + (LAUNCHES * LAUNCH_WORK if plan.only != "micro" else 0))

        name = plan.label if running else "-".join([one.variant.name for one in prepared] or [HOST])
        kept = campaign.Campaign(plan.out or campaign.new_folder(RESULTS, name), _header(plan, prepared, running))
        leaving.callback(ownership.hand_over, kept.folder)
        display.note(f"campaign {kept.folder}")
        plugin = observer_plugin() if order else None
        problems = [_boot(kept, one, number, plan.cases, plugin, scratch, display) for one, number in order]
        if running:
            problems.append(_here(kept, plan.label, here_cases, running, kmap_bench, display))
            loading.close()  # user models need no module
        # Never beside QEMU: its load would be in the figures.
        if plan.only != "micro":
            problems.append(_host(kept, kmap_bench, display))
        kept.end()
        display.say("writing the report")
        report = subprocess.run([sys.executable, "-m", "analysis", "report", str(kept.folder)], cwd=ROOT, capture_output=True, text=True)

    print(report.stdout, end="")
    failures = [f"kmapbench: {problem}" for problem in problems if problem]
    if report.returncode != 0:
        failures.append(report.stderr.strip() or "kmapbench: the report failed")
    for failure in failures:
        print(failure, file=sys.stderr)
    return report.returncode or (EXIT_FAILED if failures else EXIT_OK)


def prepare(variant: Variant, series: str | None, kmap_bench: Path, cache: Path, scratch: Path, say) -> Prepared:
    """Kernel, module and the shared archive of a variant."""
    kernel = source_kernel.fetch(variant.image, cache, say) if variant.image else distribution.fetch(series, cache, say)
    return prepare_kernel(variant, kernel, kmap_bench, cache, scratch, say)


def prepare_kernel(variant: Variant, kernel: KernelTree, kmap_bench: Path, cache: Path, scratch: Path, say) -> Prepared:
    """The same of a kernel that is at hand."""
    built = module.build(kernel, MODULE_SOURCE, cache, say)
    folder = scratch / variant.name
    stripped = scratch / f"{variant.name}.ko"
    tools.output([tools.find("strip", "binutils"), "-g", "-o", stripped, built])
    tree = initramfs.base(
        folder,
        [kmap_bench],
        distribution.needed_modules(kernel, GUEST_MODULES, OPTIONAL_MODULES),
        {"kmapbench.ko": stripped, f"boot/config-{kernel.release}": kernel.config},
    )
    return Prepared(variant, kernel, built, tree.pack(scratch / f"{variant.name}.cpio"))


def initrd(prepared: Prepared, text: str, scratch: Path) -> Path:
    """The shared archive with a job behind it."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        tree = initramfs.Tree(Path(name) / "tree")
        tree.add_text(text, "job")
        archive = tree.pack(Path(name) / "job.cpio")
        return initramfs.concatenate([prepared.base, archive], scratch / f"{prepared.variant.name}.initrd")


def machine(prepared: Prepared, initrd_path: Path, observer: Path | None = None) -> guest.Machine:
    variant = prepared.variant
    return guest.Machine(
        prepared.kernel.image,
        initrd_path,
        variant.cpu,
        f"{PMEM_CMDLINE} {variant.cmdline}".strip(),
        memory_mib=variant.memory_mib,
        observer=observer,
        limit_seconds=variant.limit_seconds,
    )


def observer_plugin() -> Path | None:
    """The plugin that counts from outside; QEMU can be built without plugins, and then there is none."""
    plugin = build_dir() / "lab" / "observer" / "libobserver.so"
    qemu_help = tools.output([tools.find("qemu-system-x86_64", "qemu-system-x86"), "-help"])
    return plugin if guest.takes_plugins(qemu_help) and plugin.is_file() else None


def _order(plan: Plan, prepared: list[Prepared]) -> list[tuple[Prepared, int]]:
    """Boots of all variants, each round in an order of its own, from the seed."""
    chooser = random.Random(plan.seed)
    order = []
    for number in range(1, plan.boots + 1):
        order += [(one, number) for one in chooser.sample(prepared, len(prepared))]
    return order


def _header(plan: Plan, prepared: list[Prepared], running: here.Prepared | None) -> dict:
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True)
    changes = subprocess.run(["git", "-C", ROOT, "status", "--porcelain"], capture_output=True, text=True)
    return {
        "asked": {"arguments": plan.arguments, "boots": plan.boots, "only": plan.only, "kernel": plan.series, "cases": plan.cases},
        "seed": plan.seed,
        "variants": {
            one.variant.name: {
                "what": one.variant.what,
                "release": one.kernel.release,
                "packages": one.kernel.packages,
                "kernel": one.kernel.key,
                "patched": bool(one.variant.image and one.variant.image.patches),
                "cpu": one.variant.cpu,
                "cmdline": one.variant.cmdline,
            }
            for one in prepared
        }
        | ({plan.label: here.header(running)} if running else {}),
        "tools": {
            "qemu": _first_line("qemu-system-x86_64", "qemu-system-x86") if prepared else None,
            "gcc": _first_line("gcc", "gcc"),
            "python": platform.python_version(),
            "system": distribution.system(),
        },
        "kmapbench": {
            "commit": commit.stdout.strip() or "unknown",
            "dirty": bool(changes.stdout.strip()),
        },
    }


def _first_line(program: str, package: str) -> str:
    return tools.output([tools.find(program, package), "--version"]).splitlines()[0]


def _boot(
    kept: campaign.Campaign, prepared: Prepared, number: int, cases: str, plugin: Path | None, scratch: Path, display: Display
) -> str | None:
    """One boot into the campaign; what went wrong, in one line, or None."""
    variant = prepared.variant.name
    text = job.micro(variant, number, cases)
    boot = kept.begin_boot(variant, number)
    display.say(f"{variant}, boot {number}: starting")
    sections: dict[str, int] = {}
    making: list[str] = []  # the case being measured, if any
    step_failures: list[str] = []

    def on_line(line) -> None:
        if line.record:
            boot.append(line.record)
            making.clear()
            return
        event = line.event
        if event["event"] == "case":
            making[:] = [event["name"]]
            display.detail(f"{variant}, boot {number}: {event['name']}")
        elif event["event"] == "begin" and event["step"] == "micro":
            display.advance(START_WORK)
        elif event["event"] == "section":
            sections[event["name"]] = int(event["address"], 16)
        elif event["event"] == "end" and event["code"] != 0:
            step_failures.append(f"step {event['step']} ended with {event['code']}")

    started = machine(prepared, initrd(prepared, text, scratch), plugin)
    try:
        outcome = guest.boot(started, boot.folder, on_line)
    except KeyboardInterrupt:
        boot.end("interrupted")
        raise
    failed_oracles = _failed_oracles(boot)
    # kmap_bench ends with 1 for a failed oracle, too: then the records say more than the step.
    problem = outcome.problem or (step_failures[0] if step_failures and not failed_oracles else None)
    if problem is None and outcome.unread:
        problem = f"the guest sent what is neither record nor event: {outcome.unread[0][:60]}"
    if outcome.problem is None and not boot.records:
        boot.end(f"no kernel case matches {cases}")
        raise _no_case(cases)
    if problem and making:
        boot.append(_crashed(making[0], boot, problem, _console_tail(boot.folder), "icount"))
    _keep_files(boot, outcome, started)
    if outcome.windows:
        functions = symbols.Kernel(prepared.kernel.symbols)
        _keep_paths(boot, symbols.Module(prepared.module, sections, functions), outcome.windows)
    boot.end(problem)
    display.advance(1 - START_WORK)
    if problem:
        return f"{variant}, boot {number}: {problem}; see {boot.folder / 'console.log'}"
    if failed_oracles:
        return f"{variant}, boot {number}: the oracle failed for {', '.join(failed_oracles)}"
    return None


def _failed_oracles(boot: campaign.Boot) -> list[str]:
    return [record["case"] for record in boot.records if record["oracle"] == "failed"]


_UNITS = {"icount": "instructions", "tsc": "ticks"}


def _crashed(case: str, boot: campaign.Boot, problem: str, last: list[str], clock: str) -> dict:
    """The record of a case that was being measured when its boot ended."""
    return {
        "case": case,
        "variant": boot.variant,
        "boot": boot.number,
        "launch": 1,
        "clock": clock,
        "unit": _UNITS[clock],
        "better": "lower",
        "status": "crashed",
        "reason": problem,
        "console": last,
        "ops": 0,
        "cost": None,
        "empty": None,
        "exact": False,
        "oracle": "none",
        "counters": {},
        "rejected": {},
        "samples": [],
        "empty_samples": [],
    }


def _console_tail(folder: Path) -> list[str]:
    path = folder / "console.log"
    return console.tail(path.read_text(errors="replace")) if path.exists() else []


def _keep_files(boot: campaign.Boot, outcome: guest.Outcome, started: guest.Machine) -> None:
    """Keeps what the guest handed out: micro.json as it is, environment.json with the emulator's part."""
    if outcome.files is None:
        return
    handed_out = _read_archives(outcome.files)
    if "micro.json" in handed_out:
        (boot.folder / "micro.json").write_bytes(handed_out["micro.json"])
    if "environment.json" in handed_out:
        value = json.loads(handed_out["environment.json"])
        value["emulator"] = {"cpu": started.cpu, "memory_mib": started.memory_mib, "observed": started.observer is not None}
        boot.write_environment(value)
    outcome.files.unlink()


def _read_archives(path: Path) -> dict[str, bytes]:
    """Regular files in tar archives that stand one behind the other, by name; a torn end is left out."""
    contents = {}
    try:
        with tarfile.open(path, ignore_zeros=True) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file:
                    contents[member.name] = file.read()
    except (tarfile.TarError, EOFError):
        pass
    return contents


def _keep_paths(boot: campaign.Boot, loaded: symbols.Module, windows_file: Path) -> None:
    windows = symbols.read_windows(windows_file)
    for record in boot.records:
        path = symbols.path_of(record, windows, loaded)
        if path:
            boot.append_path(path)
    windows_file.unlink()


def _here(
    kept: campaign.Campaign, label: str, names: list[str], running: here.Prepared, kmap_bench: Path, display: Display
) -> str | None:
    """Kernel cases on the running kernel, whose module is loaded; what went wrong, in one line, or None."""
    making: list[str] = []  # the case being measured, if any

    def on_line(line) -> None:
        if line.record:
            making.clear()
            display.advance(HERE_WORK / len(names))
        else:
            making[:] = [line.event["name"]]
            display.detail(f"{label}: {line.event['name']}")

    boot = kept.begin_boot(label, 1)
    display.say(f"{label}: {len(names)} kernel cases on Linux {running.kernel.release}, the running kernel")
    try:
        host.measure(boot, kmap_bench, 1, here.options(names), on_line=on_line)
    except KeyboardInterrupt:
        boot.end("interrupted")
        raise
    except KmapbenchError as error:
        if making:
            boot.append(_crashed(making[0], boot, str(error), [], "tsc"))
        boot.end(str(error))
        return f"{label}: {error}"
    boot.end()
    for line in here.skipped(boot.records):
        display.note(line)
    failed = _failed_oracles(boot)
    return f"{label}: the oracle failed for {', '.join(failed)}" if failed else None


def _no_case(cases: str) -> KmapbenchError:
    return KmapbenchError(f"--cases {cases}: no kernel case matches; '--cases all' measures all there are")


def _host(kept: campaign.Campaign, kmap_bench: Path, display: Display) -> str | None:
    boot = kept.begin_boot(HOST, 1)
    display.say("user models on this machine")
    try:
        host.measure(boot, kmap_bench, LAUNCHES, host.USER, lambda: display.advance(LAUNCH_WORK))
    except KeyboardInterrupt:
        boot.end("interrupted")
        raise
    except KmapbenchError as error:
        boot.end(str(error))
        return f"user models: {error}"
    boot.end()
    return None
