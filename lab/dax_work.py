# SPDX-License-Identifier: Apache-2.0
"""Boots that measure files of persistent memory with fio: its output kept as it is, and a record made of each."""

from dataclasses import replace
from pathlib import Path

from lab import dax_job, fio, ready, tools
from lab.campaign import Boot, record_without_samples, write_bytes
from lab.dax_presets import Job, Preset
from lab.errors import KmapbenchError
from lab.paths import build_dir
from lab.ready import Content
from lab.variants import Variant


class Dax:
    """fio by a preset. Nothing is counted from outside: there are no windows."""

    observed = False

    def __init__(self, preset: Preset, kmap_bench: Path):
        self._preset, self._kmap_bench = preset, kmap_bench
        self._at = {f"dax/{job.name}": number for number, job in enumerate(preset.jobs)}

    def variant(self, variant: Variant) -> Variant:
        seconds = max(variant.limit_seconds, dax_job.LIMIT_SECONDS)
        return replace(variant, memory_mib=max(variant.memory_mib, dax_job.MEMORY_MIB), limit_seconds=seconds)

    def content(self) -> Content:
        programs = [self._kmap_bench, build_dir() / "lab" / "dax-file" / "dax_file"]
        programs += [Path(tools.find(program, package)) for program, package in dax_job.PROGRAMS.items()]
        return Content(programs, [*ready.GUEST_MODULES, *dax_job.GUEST_MODULES], dax_job.CMDLINE)

    def text(self, boot: Boot) -> str:
        return dax_job.environment(boot.variant, boot.number) + dax_job.text(self._preset)

    def share_done(self, step: str) -> float:
        return self._at.get(step, 0) / len(self._at)

    def case_of(self, step: str) -> str | None:
        return self._preset.jobs[self._at[step]].case if step in self._at else None

    def keep(self, boot: Boot, files: dict[str, bytes]) -> None:
        folder = boot.folder / "dax"
        folder.mkdir(exist_ok=True)
        for job in self._preset.jobs:
            name = f"{job.name}.json"
            if name in files and not (folder / name).exists():
                write_bytes(folder / name, files[name])
                boot.append(record(job, boot.variant, boot.number, files[name].decode(errors="replace")))

    def nothing(self) -> None:
        return None  # a job that did not run has said why


def record(job: Job, variant: str, boot: int, text: str) -> dict:
    """The record of one run of fio, by its output. Instructions an I/O: a nanosecond of the guest's clock is one."""
    measured = {"status": "ok", "cost": None, "ops": 0}
    try:
        totals = fio.read(text, f"dax/{job.name}.json", job.block_bytes, job.jobs)
        cost = totals.latency_ns if job.figure == "latency" else totals.runtime_ms * 1e6 / totals.ios
        if cost is None:
            raise KmapbenchError(f"dax/{job.name}.json: no latencies in it")
        measured |= {"cost": cost, "ops": totals.ios}
    except KmapbenchError as error:
        measured |= {"status": "flagged", "reason": str(error)}
    return record_without_samples(job.case, variant, boot, "icount", **measured)
