# SPDX-License-Identifier: Apache-2.0
"""Boots that measure files of persistent memory with fio: its output kept as it is, and a record
made of each.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.campaign.bare_record import record_without_samples
from lab.campaign.safe_files import write_bytes
from lab.campaign.store import Boot
from lab.core import subprocesses
from lab.core.dirs import build_dir
from lab.core.errors import KmapbenchError
from lab.kernels.variant import Variant
from lab.trace import call_profile, symbols
from lab.vm import image
from lab.vm.image import Content, Prepared
from lab.workloads.fio import fio_output, guest_script, presets
from lab.workloads.fio.presets import Job, Preset
from lab.workloads.micro import KernelCases

# By the clock of the kernel under test; the emulator takes some ten times as long.
MOST_LAB_SECONDS = 120


def preset_of(name: str | None, here: bool) -> Preset:
    """The jobs of a preset, as they are on this machine or in the lab; a KmapbenchError where it
    cannot be had there.
    """
    if here:
        return presets.find(name or "full", len(os.sched_getaffinity(0)))
    preset = presets.find(name or "quick")
    if preset.seconds > MOST_LAB_SECONDS:
        raise KmapbenchError(
            f"--preset {name}: {preset.seconds / 60:.0f} minutes of the guest's time, which are"
            " hours: give --here, or --preset quick"
        )
    return preset


class Dax:
    """fio by a preset; single reads and writes, counted from outside; and kernel cases on one of
    its files.
    """

    observed = True

    def __init__(self, preset: Preset, kmap_bench: Path):
        self._preset, self._kmap_bench = preset, kmap_bench
        self._cases = KernelCases("all", kmap_bench)
        self._at = {f"dax/{job.name}": number for number, job in enumerate(preset.jobs)}

    def variant(self, variant: Variant) -> Variant:
        seconds = max(variant.limit_seconds, guest_script.LIMIT_SECONDS)
        return replace(
            variant,
            memory_mib=max(variant.memory_mib, guest_script.MEMORY_MIB),
            limit_seconds=seconds,
        )

    def content(self) -> Content:
        programs = [
            self._kmap_bench,
            *(build_dir() / "bench" / "tools" / name for name in ("dax_file", "dax_windows")),
        ]
        programs += [
            Path(subprocesses.find(program, package))
            for program, package in guest_script.PROGRAMS.items()
        ]
        return Content(
            programs, [*image.GUEST_MODULES, *guest_script.GUEST_MODULES], guest_script.CMDLINE
        )

    def text(self, boot: Boot) -> str:
        jobs = guest_script.environment(boot.variant, boot.number) + guest_script.text(self._preset)
        return jobs + guest_script.kernel_cases_of(self._preset, boot.variant, boot.number)

    def share_done(self, step: str) -> float:
        return self._at.get(step, 0) / len(self._at)

    def case_of(self, step: str) -> str | None:
        return self._preset.jobs[self._at[step]].case if step in self._at else None

    def keep(self, boot: Boot, files: dict[str, bytes]) -> None:
        self._cases.keep(boot, files)
        folder = boot.folder / "dax"
        folder.mkdir(exist_ok=True)
        for job in self._preset.jobs:
            name = f"{job.name}.json"
            if name in files and not (folder / name).exists():
                write_bytes(folder / name, files[name])
                boot.append(
                    record(job, boot.variant, boot.number, files[name].decode(errors="replace"))
                )

    def paths(
        self,
        boot: Boot,
        files: dict[str, bytes],
        windows: Path,
        one: Prepared,
        sections: dict[str, int],
    ) -> list[dict]:
        cases = self._cases.paths(boot, files, windows, one, sections)
        labels = files.get(guest_script.WINDOWS, b"").decode().split()
        seen = symbols.Windows(windows, "user")
        if len(seen) != len(labels):
            return cases  # dax_windows failed, which its step has said
        return cases + call_profile.paths(
            call_profile.by_case(labels, seen),
            symbols.Kernel(one.kernel.symbols),
            boot.variant,
            boot.number,
        )

    def nothing(self) -> None:
        return None  # a job that did not run has said why


def record(job: Job, variant: str, boot: int, text: str, clock: str = "icount") -> dict:
    """The record of one run of fio, by its output. In the lab instructions an I/O: a nanosecond of
    the guest's clock is one.
    """
    measured: dict[str, Any] = {"status": "ok", "cost": None, "ops": 0}
    try:
        totals = fio_output.read(text, f"dax/{job.name}.json", job.block_bytes, job.jobs)
        cost = (
            totals.latency_ns if job.figure == "latency" else totals.runtime_ms * 1e6 / totals.ios
        )
        if cost is None:
            raise KmapbenchError(f"dax/{job.name}.json: no latencies in it")
        measured |= {"cost": cost, "ops": totals.ios}
        if job.figure == "latency" and totals.percentiles_ns:
            measured["percentiles"] = {
                f"p{percent}": value for percent, value in totals.percentiles_ns.items()
            }
    except KmapbenchError as error:
        measured |= {"status": "flagged", "reason": str(error)}
    return record_without_samples(job.case, variant, boot, clock, **measured)
