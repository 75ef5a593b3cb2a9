# SPDX-License-Identifier: Apache-2.0
"""What was found of each configuration, and the table of it: table.json, table.txt, and all .config
files in configs.tar.xz.
"""

import json
import tarfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from formats import config_table
from lab.campaign import safe_files
from lab.configs.boot_tier import EVENTS, FAULT, Booted, Measured
from lab.configs.symbol_list import BASE
from lab.core.errors import KmapbenchError
from lab.trace.static_tier import BODIES, Count

ARCHIVE = "configs.tar.xz"
ENTRIES = "symbols"  # the folder of what was found, a folder for each

# Columns: the heading, and the case.
_PATH = dict(zip(("local", "folio", "atomic", "kmap"), BODIES, strict=True))
_EVENT = dict(zip(("irq", "switch", "syscall", "user fault", "fault"), EVENTS, strict=True))
_NAME_WIDTH, _WIDTH = 32, 12


@dataclass
class Entry:
    """A configuration: what it is, and what it costs."""

    name: str
    lines: list[str]
    why: str
    moved: dict[str, tuple[str, str]] = field(default_factory=dict)  # beside the lines: old, new
    static: dict[str, Count] = field(default_factory=dict)  # by case
    booted: Booted | None = None
    failed: str = ""  # why there is no figure, or none of a boot

    def figure(self, case: str) -> tuple[float | None, bool]:
        """Instructions, and whether they are exact; None: nobody has counted them."""
        if (counted := self.static.get(case)) and counted.cost is not None:
            return float(counted.cost), True
        measured = self.booted.cases.get(case) if self.booted else None
        return (measured.cost, measured.exact) if measured else (None, False)

    @property
    def disagreement(self) -> str | None:
        """The first case of which code and boot say something else."""
        for case, counted in self.static.items():
            measured = self.booted.cases.get(case) if self.booted else None
            if measured is None or None in (measured.cost, counted.cost):
                continue
            if measured.cost != counted.cost:
                return f"{case}: {counted.cost} in the code, {measured.cost:g} in a boot"
        return None


def keep(entry: Entry, folder: Path) -> None:
    """Writes what was found of an entry into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    safe_files.write_json(folder / "entry.json", asdict(entry))


def kept(folder: Path) -> Entry | None:
    """What was found of an entry; None: nothing yet."""
    try:
        raw = json.loads((folder / "entry.json").read_text())
    except OSError:
        return None
    except ValueError:
        raise KmapbenchError(f"{folder / 'entry.json'}: broken; remove {folder}") from None
    booted = raw.pop("booted")
    return Entry(
        **raw | {"static": {case: Count(**row) for case, row in raw["static"].items()}},
        booted=booted
        and Booted(
            {case: Measured(**row) for case, row in booted["cases"].items()}, booted["code_bytes"]
        ),
    )


def write(entries: Sequence[Entry], about: dict[str, Any], folder: Path) -> str:
    """Makes the table's files in a folder, and returns its text. entries: the base first."""
    rows = [asdict(entry) for entry in entries]
    table = {"format": config_table.FORMAT, **about, "entries": rows}
    safe_files.write_json(folder / config_table.FILE, table)
    text = render(entries, about)
    (folder / config_table.TEXT).write_text(text)
    with tarfile.open(folder / ARCHIVE, "w:xz") as archive:
        for entry in entries:
            config = folder / ENTRIES / entry.name / "config"
            if config.is_file():
                archive.add(config, f"{entry.name}.config", filter=_anonymous)
    return text


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without who made it, and when: the same files make the same archive."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def render(entries: Sequence[Entry], about: dict[str, Any]) -> str:
    """The table as text: the base in figures, all others in what they add to them."""
    base, *others = entries
    shown = [one for one in others if not one.failed or one.booted or one.static]
    lines = [
        "What a symbol of the configuration adds, in instructions per operation",
        f"{about['source']}; {about['compiler']}; base: {about['base']}",
        'NOT time: a WRMSR counts as 1. "-": not measured, or what a boot only would say',
        "fault is without the search in the table of places that may fault, which is beside it",
        "",
        f"{'':{_NAME_WIDTH}}{''.join(f'{head:>{_WIDTH}}' for head in _headings())}",
        f"{BASE:{_NAME_WIDTH}}{''.join(f'{cell:>{_WIDTH}}' for cell in _figures(base))}",
    ]
    for entry in shown:
        cells = "".join(f"{cell:>{_WIDTH}}" for cell in _added(entry, base))
        lines.append(f"{entry.name:{_NAME_WIDTH}}{cells}")
    lines += ["", "What each of them is, and which other symbols moved with it"]
    for entry in others:
        lines += _described(entry)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _headings() -> list[str]:
    return [*_PATH, *_EVENT, "search", "PKRS writes", "code bytes"]


def _numbers(entry: Entry) -> list[tuple[float | None, bool]]:
    """A row's figures, and whether each is exact."""
    found = [entry.figure(case) for case in _PATH.values()]
    cases = entry.booted.cases if entry.booted else {}
    for case in _EVENT.values():
        cost, exact = entry.figure(case)
        if case == FAULT and cost is not None and cases[case].search is not None:
            cost -= cases[case].search or 0.0
        found.append((cost, exact))
    fault = cases.get(FAULT)
    found.append((fault.search if fault else None, True))
    written = [one.pkrs_writes for one in cases.values() if one.pkrs_writes is not None]
    found.append((sum(written) if written else None, True))
    found.append((float(entry.booted.code_bytes) if entry.booted else None, True))
    return found


def _figures(entry: Entry) -> list[str]:
    return [_shown(value, exact, "") for value, exact in _numbers(entry)]


def _added(entry: Entry, base: Entry) -> list[str]:
    cells = []
    for (value, exact), (old, old_exact) in zip(_numbers(entry), _numbers(base), strict=True):
        difference = None if value is None or old is None else value - old
        cells.append(_shown(difference, exact and old_exact, "+"))
    return cells


def _shown(value: float | None, exact: bool, sign: str) -> str:
    if value is None:
        return "-"
    digits = f"{value:{sign},.1f}".removesuffix(".0") if value else "0"
    return digits if exact else f"~{digits}"


def _described(entry: Entry) -> list[str]:
    lines = [f"  {entry.name}: {entry.why}" if entry.why else f"  {entry.name}"]
    lines.append(f"      set: {', '.join(entry.lines)}")
    if entry.failed:
        lines.append(f"      not measured: {entry.failed}")
    if entry.moved:
        moves = [
            f"{name.removeprefix('CONFIG_')} {old} -> {new}"
            for name, (old, new) in entry.moved.items()
        ]
        lines.append(f"      moved ({len(moves)}): {', '.join(moves)}")
    waiting = [
        f"{case} ({count.why})"
        for case, count in entry.static.items()
        if entry.figure(case)[0] is None
    ]
    if waiting:
        lines.append(f"      a boot would say: {', '.join(waiting)}")
    return lines
