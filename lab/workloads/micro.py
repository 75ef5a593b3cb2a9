# SPDX-License-Identifier: Apache-2.0
"""What the boots of a campaign do: kernel cases by kmap_bench here, fio in fio/workload.py."""

from pathlib import Path
from typing import Protocol

from lab.campaign import safe_files
from lab.campaign.store import Boot
from lab.core.errors import KmapbenchError
from lab.kernels.variant import Variant
from lab.trace import symbols
from lab.vm import image
from lab.vm.image import Content, Prepared
from lab.workloads import micro_script

# For the progress display, as a share of a boot: most of it is the kernel starting.
_START_WORK = 0.7


class Work(Protocol):
    """Of all boots of a campaign."""

    observed: bool  # whether the observer counts its timed windows

    def variant(self, variant: Variant) -> Variant:
        """A variant with the memory and the time that this takes."""

    def content(self) -> Content:
        ...

    def text(self, boot: Boot) -> str:
        """The job of a boot, as job.micro()."""

    def share_done(self, step: str) -> float:
        """Of a boot that begins this step of its job, for the progress display."""

    def case_of(self, step: str) -> str | None:
        """The case that a step measures, if it is one."""

    def keep(self, boot: Boot, files: dict[str, bytes]) -> None:
        """Writes to the boot's folder what its guest handed out so far, by name, and what records
        can be made of it. What is there stays.
        """

    def paths(
        self,
        boot: Boot,
        files: dict[str, bytes],
        windows: Path,
        one: Prepared,
        sections: dict[str, int],
    ) -> list[dict]:
        """Lines for path.jsonl: where the instructions went that the observer saw. sections: where
        the module's lay.
        """

    def nothing(self) -> KmapbenchError | None:
        """What is said where kmap_bench has no case of those that were asked for."""


class KernelCases:
    """kmap_bench, which sends its records itself."""

    observed = True

    def __init__(self, cases: str, kmap_bench: Path):
        self._cases, self._kmap_bench = cases, kmap_bench

    def variant(self, variant: Variant) -> Variant:
        return variant

    def content(self) -> Content:
        return image.micro(self._kmap_bench)

    def text(self, boot: Boot) -> str:
        return micro_script.micro(boot.variant, boot.number, self._cases)

    def share_done(self, step: str) -> float:
        return _START_WORK if step == "micro" else 0

    def case_of(self, step: str) -> str | None:
        return None  # it says so by events

    def keep(self, boot: Boot, files: dict[str, bytes]) -> None:
        if "micro.json" in files:
            safe_files.write_bytes(boot.folder / "micro.json", files["micro.json"])

    def paths(
        self,
        boot: Boot,
        files: dict[str, bytes],
        windows: Path,
        one: Prepared,
        sections: dict[str, int],
    ) -> list[dict]:
        loaded = symbols.Module(one.module, sections, symbols.Kernel(one.kernel.symbols))
        seen = {space: symbols.Windows(windows, space) for space in ("kernel", "user")}
        return [path for record in boot.records if (path := symbols.path_of(record, seen, loaded))]

    def nothing(self) -> KmapbenchError | None:
        return no_case(self._cases, "kernel case")


def no_case(cases: str, what: str) -> KmapbenchError:
    """Nothing to measure. what: of which there is none."""
    return KmapbenchError(f"--cases {cases}: no {what} matches; ./kmapbench cases lists them")
