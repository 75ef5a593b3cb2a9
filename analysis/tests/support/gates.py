# SPDX-License-Identifier: Apache-2.0
"""Folders of gates, as the lab leaves them, and what is made of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.gate import gate_writer
from analysis.tests.conftest import by_coin, path, record
from formats.gate_files import CAMPAIGN, COMMENT, FILE, KCIDB, KTAP

DRAM, OTHER = "kernel/kmap_local/dram", "elsewhere/syscall"

FACTS = {
    "format": 1,
    "started": "2026-01-01T00:00:00Z",
    "arguments": ["gate", "--tree", "linux", "v1", "v2"],
    "repeat": ["gate", "--tree", "linux", "a" * 40, "b" * 40],
    "tree": "linux",
    "config": None,
    "cases": "default",
    "boots": 2,
    "fail_on": "slower",
    "origin": "kmapbench",
    "sides": {
        "base": {"said": "v1", "commit": "a" * 40, "content": "c" * 40, "subject": "aaaaaaa one"},
        "head": {"said": "v2", "commit": "b" * 40, "content": "d" * 40, "subject": "bbbbbbb two"},
    },
    "same": False,
    "fault": None,
    "problems": [],
}


@dataclass(frozen=True)
class Judged:
    """What was made of a gate's folder."""

    code: int
    comment: str
    ktap: str
    kcidb: dict

    @property
    def answer(self) -> str:
        """The comment's first line, without what keeps names from being markup."""
        return self.comment.splitlines()[0].replace("\\", "")

    def status(self, name: str, side: str = "head") -> str:
        """Of a test in kcidb.json: the last part of its path."""
        (found,) = (
            test["status"]
            for test in self.kcidb["tests"]
            if test["path"] == f"kmapbench.{name}" and test["misc"]["kmapbench"]["side"] == side
        )
        return found


def counted(base: float, head: float, case: str = DRAM, number: int = 2, **changes) -> list[dict]:
    """Exact records of both sides. changes: of HEAD's."""
    return [
        record(case, boot, cost, variant=side) | (changes if side == "head" else {})
        for boot in range(1, number + 1)
        for side, cost in (("base", base), ("head", head))
    ]


def path_of(side: str, case: str = DRAM, **counts: int) -> dict:
    """A path of the first boot. counts: instructions an operation by function."""
    found = path(case, 1, **counts) | {"variant": side}
    found["stacks"] = [
        {"stack": ["kb_window", *one["chain"]], "instructions": one["instructions"], "wrmsr": 0}
        for one in found["functions"]
    ]
    return found


def make_gate(
    folder: Path,
    write: Callable[..., Path],
    records: list[dict],
    facts: dict | None = None,
    header: dict | None = None,
    paths: list[dict] = (),
) -> Path:
    """A gate with a campaign. write: the fixture that writes campaigns; none without records."""
    folder.mkdir()
    (folder / FILE).write_text(json.dumps(FACTS | (facts or {})))
    if records:
        known = {"planned": by_coin(records)["planned"], "design": "pairs"}
        campaign = write(f"{folder.name}/{CAMPAIGN}", records, header=known | (header or {}))
        for one in paths:
            boot = campaign / one["variant"] / "boot-01"
            with (boot / "path.jsonl").open("a") as file:
                file.write(json.dumps(one) + "\n")
    return folder


def judged(folder: Path) -> Judged:
    """Judges a folder."""
    code = gate_writer.write_gate(folder)
    comment, text, value = ((folder / name).read_text() for name in (COMMENT, KTAP, KCIDB))
    return Judged(code, comment, text, json.loads(value))
