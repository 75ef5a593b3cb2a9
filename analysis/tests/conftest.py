# SPDX-License-Identifier: Apache-2.0
"""Small campaigns, written as the lab writes them."""

import copy
import json
import runpy
import sys
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

HEADER = {
    "format": 1,
    "name": "test",
    "asked": {"arguments": ["run"], "boots": 2, "only": None, "kernel": None},
    "seed": 1,
    "variants": {
        "stock": {
            "what": "w",
            "release": "6.12.0-test",
            "packages": {},
            "cpu": "max",
            "cmdline": "",
        }
    },
    "tools": {"qemu": "QEMU emulator version 7.2.22 (Debian)"},
    "kmapbench": {"commit": "0123456789abcdef", "dirty": False},
    "started": "2026-01-01T00:00:00Z",
    "ended": "2026-01-01T00:01:00Z",
    "order": [],
}

KERNEL = {"what": "w", "release": "6.12.0-test", "packages": {}, "cpu": "max", "cmdline": ""}


def record(
    case: str = "kernel/kmap_local/dram", boot: int = 1, cost: float | None = 5, **changes
) -> dict:
    ops = changes.get("ops", 10)
    slope = (cost or 0) + 2
    return {
        "case": case,
        "variant": "stock",
        "boot": boot,
        "launch": 1,
        "clock": "icount",
        "unit": "instructions",
        "better": "lower",
        "status": "ok",
        "ops": ops,
        "cost": cost,
        "empty": 2,
        "exact": True,
        "oracle": "none",
        "counters": {},
        "rejected": {},
        "samples": [slope * ops, 2 * slope * ops],
        "empty_samples": [2 * ops, 4 * ops],
    } | changes


def counted_windows(cycles: float, instructions: float, **of_cycles) -> dict:
    """The field of windows that the PMU has counted, as kmap_bench writes it."""
    windows = {}
    for event, cost in (("cycles", cycles), ("instructions", instructions)):
        slope = round((cost + 2) * 10)
        windows[event] = {
            **{"cost": cost, "cost_shifted": None, "empty": 2, "chain": 1, "ops": 10},
            **{"samples": [slope, 2 * slope], "empty_samples": [20, 40], "shifted_samples": []},
        }
    windows["cycles"] |= of_cycles
    return {"counted_windows": windows}


def by_coin(records: list[dict]) -> dict:
    """The header of a campaign whose pairs are by a coin: boot N of each variant is in round N."""
    steps = dict.fromkeys((one["variant"], one["boot"]) for one in records)
    planned = [{"variant": variant, "boot": boot, "round": boot} for variant, boot in steps]
    return {"design": "pairs", "planned": planned}


def histogram(*values: int) -> dict:
    """As bench/record/histogram.cc writes it, of values below 256."""
    buckets = [[value, value, values.count(value)] for value in sorted(set(values))]
    return {
        "count": len(values),
        "sum": sum(values),
        "min": min(values),
        "max": max(values),
        "buckets": buckets,
    }


def histogram_record(windows: dict[str, tuple[int, ...]], **changes) -> dict:
    """A record of too many samples to keep them."""
    raw = record(**changes) | {
        "histogram": {name: histogram(*values) for name, values in windows.items()}
    }
    del raw["samples"], raw["empty_samples"]
    return raw


def path(
    case: str = "kernel/kmap_local/dram",
    boot: int = 1,
    ops: int = 10,
    wrmsr: int = 0,
    **counts: int,
) -> dict:
    """counts: instructions an operation by function, each inlined into the body; the
    loop is added.
    """
    functions = [
        {"chain": ["kb_body_x", name], "instructions": count * ops, "wrmsr": 0}
        for name, count in counts.items()
    ]
    functions.append({"chain": ["kb_body_x"], "instructions": 2 * ops, "wrmsr": 0})
    if wrmsr:
        functions[0]["wrmsr"] = wrmsr * ops
    return {
        "case": case,
        "variant": "stock",
        "boot": boot,
        "ops": ops,
        "instructions": sum(function["instructions"] for function in functions),
        "empty_instructions": 2 * ops,
        "wrmsr": wrmsr * ops,
        "functions": functions,
    }


def environment(release: str = "6.12.0-test", model: str = "QEMU TCG", hz: float = 1e9) -> dict:
    return {
        "format": 1,
        "kernel": {
            "release": release,
            "version": "#1 SMP",
            "machine": "x86_64",
            "cmdline": "panic=-1",
            "config_sha256": "0" * 64,
        },
        "cpu": {
            "vendor_id": "GenuineIntel",
            "model name": model,
            "microcode": "0x1",
            "hypervisor": False,
        },
        "clock": {"clocksource": "tsc", "tsc_step_ticks": 1, "tsc_hz": hz},
        "kmapbench": {
            "commit": "0123456789abcdef",
            "dirty": False,
            "compiler": "GNU 12.2.0",
            "build_type": "Release",
        },
    }


@pytest.fixture
def write_campaign(tmp_path):
    """Writes a campaign of these records and paths, and gives its folder."""

    def write(records: list[dict], paths: list[dict] = (), header: dict | None = None) -> Path:
        folder = tmp_path / "campaign"
        folder.mkdir()
        (folder / "campaign.json").write_text(json.dumps(copy.deepcopy(HEADER) | (header or {})))
        for name, values in (("micro.jsonl", records), ("path.jsonl", paths)):
            for value in values:
                boot = folder / value["variant"] / f"boot-{value['boot']:02d}"
                boot.mkdir(parents=True, exist_ok=True)
                with (boot / name).open("a") as file:
                    file.write(json.dumps(value) + "\n")
        return folder

    return write


@dataclass(frozen=True)
class Compared:
    """What `compare` did."""

    code: int
    output: str
    errors: str
    text: str  # the same as text; '' where a format was asked for, or where it was refused

    @property
    def refusal(self) -> str:
        """The message of a refusal, which is one line and all there is."""
        assert self.code == 2 and not self.output, f"{self.code}: {self.output:.300}"
        assert self.errors.count("\n") == 1 and self.errors[:-1].isprintable(), self.errors
        return self.errors.removeprefix("kmapbench: ").rstrip()

    @cached_property
    def _groups(self) -> list[dict]:
        assert self.code != 2, self.errors
        return json.loads(self.output)["groups"]

    @property
    def cases(self) -> dict[str, dict[str, dict]]:
        """Rows by case and metric, of one pair of sides."""
        (group,) = self._groups
        found: dict[str, dict[str, dict]] = {}
        for row in group["rows"]:
            found.setdefault(row["case"], {})[row["metric"]] = row
        return found

    @property
    def notes(self) -> str:
        return "\n".join(note for group in self._groups for note in group["notes"])


@pytest.fixture
def compare(capsys, monkeypatch):
    """`compare` by its command line, as JSON and as text, or in the format that is asked for. A
    traceback, or a warning of numpy, fails the test.
    """

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["analysis", "compare", *map(str, arguments)])
        with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
            warnings.simplefilter("error", RuntimeWarning)
            runpy.run_module("analysis", run_name="__main__")
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    def both(*arguments) -> Compared:
        if "--format" in arguments:
            return Compared(*run(*arguments), text="")
        found, as_text = run(*arguments, "--format", "json"), run(*arguments)
        assert (found[0], found[2]) == (as_text[0], as_text[2])
        return Compared(*found, text=as_text[1])

    return both


@pytest.fixture
def campaign(tmp_path):
    """Writes a campaign by name, records by variant; the order is the records'. Facts are of all
    boots.
    """

    def write(
        name: str, records: list[dict], facts: dict | None = None, header: dict | None = None
    ) -> Path:
        folder = tmp_path / name
        order = dict.fromkeys((one["variant"], one["boot"]) for one in records)
        steps = [
            {
                "variant": v,
                "boot": b,
                "started": "2026-01-01T00:00:00Z",
                "ended": None,
                "status": "ok",
            }
            for v, b in order
        ]
        variants = {variant: KERNEL for variant, _ in order if variant != "host"}
        folder.mkdir()
        (folder / "campaign.json").write_text(
            json.dumps(HEADER | {"variants": variants, "order": steps} | (header or {}))
        )
        for variant, boot in order:
            place = folder / variant / f"boot-{boot:02d}"
            place.mkdir(parents=True)
            lines = [
                json.dumps(one)
                for one in records
                if (one["variant"], one["boot"]) == (variant, boot)
            ]
            (place / "micro.jsonl").write_text("\n".join(lines) + "\n")
            (place / "environment.json").write_text(json.dumps(environment() | (facts or {})))
        return folder

    return write
