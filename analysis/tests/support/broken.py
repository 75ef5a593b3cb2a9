# SPDX-License-Identifier: Apache-2.0
"""Campaigns and foreign files, broken in ways that files do break, and in some that somebody means:
from a seed.
"""

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# What a value is replaced by. All are wrong for any field that has them put in its place.
_VALUES = [
    None,
    [],
    {},
    [[]],
    "",
    "x" * 5000,
    True,
    -1,
    1e308,
    1 << 70,
    10**400,
    0.5,
    "\x00",
    "\x1b[2J",
    "a\nb",
    {"a": {"b": 1}},
]
_RAW = [
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"01",
    b"'x'",
    b"undefined",
    b'"\\ud800',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"9" * 5000,
    b"\xff\xfe",
]
# Fields of each file without which, or with other content of which, it cannot be used.
_RECORD_FIELDS = [
    "case",
    "variant",
    "boot",
    "launch",
    "clock",
    "unit",
    "better",
    "status",
    "ops",
    "cost",
    "empty",
    "exact",
    "oracle",
    "samples",
]
_HEADER_FIELDS = [
    "format",
    "name",
    "asked",
    "seed",
    "variants",
    "tools",
    "kmapbench",
    "order",
    "started",
]
_ENVIRONMENT_FIELDS = ["format", "kernel", "cpu", "clock", "kmapbench"]


@dataclass(frozen=True)
class Broken:
    """What was done to which file."""

    what: str
    file: Path


def break_campaign(folder: Path, seed: int) -> Broken:
    """Breaks a campaign with variant `stock`, in one of many ways."""
    chooser = random.Random(seed)
    way = _WAYS[seed % len(_WAYS)]
    return Broken(f"seed {seed}: {way.__name__.strip('_')}", way(folder, chooser))


def _boot(folder: Path) -> Path:
    return folder / "stock" / "boot-01"


def _any_json(folder: Path, chooser: random.Random) -> Path:
    return chooser.choice([folder / "campaign.json", _boot(folder) / "environment.json"])


def _any_file(folder: Path, chooser: random.Random) -> Path:
    return chooser.choice(
        [
            folder / "campaign.json",
            _boot(folder) / "environment.json",
            _boot(folder) / "micro.jsonl",
        ]
    )


def _edit(path: Path, change: Callable[[dict], None]) -> Path:
    """Changes the first object of a file."""
    first, *rest = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    value = json.loads(first)
    change(value)
    path.write_text("\n".join([json.dumps(value), *rest]) + "\n")
    return path


def _wrong_type(folder: Path, chooser: random.Random) -> Path:
    path, name = _field(folder, chooser)

    def change(value: dict) -> None:
        kind = type(value[name])
        fits = [bool, int, float] if kind in (int, float) else [kind]
        value[name] = chooser.choice(
            [
                other
                for other in _VALUES
                if type(other) not in fits and not (name in ("cost", "empty") and other is None)
            ]
        )

    return _edit(path, change)


def _missing_field(folder: Path, chooser: random.Random) -> Path:
    path, name = _field(folder, chooser)
    return _edit(path, lambda value: value.pop(name))


def _field(folder: Path, chooser: random.Random) -> tuple[Path, str]:
    return chooser.choice(
        [
            (_boot(folder) / "micro.jsonl", chooser.choice(_RECORD_FIELDS[:-1])),
            (folder / "campaign.json", chooser.choice(_HEADER_FIELDS)),
            (_boot(folder) / "environment.json", chooser.choice(_ENVIRONMENT_FIELDS)),
        ]
    )


def _no_figure(folder: Path, chooser: random.Random) -> Path:
    """NaN and the like in place of a number, in the bytes."""
    path = _boot(folder) / "micro.jsonl"
    name = chooser.choice(["cost", "ops", "empty", "boot"])
    raw = json.loads(path.read_text().splitlines()[0])
    line = (
        json.dumps(raw)
        .encode()
        .replace(f'"{name}": {raw[name]}'.encode(), f'"{name}": '.encode() + chooser.choice(_RAW))
    )
    path.write_bytes(line + b"\n" + path.read_bytes())
    return path


def _wrong_samples(folder: Path, chooser: random.Random) -> Path:
    samples = chooser.choice(
        [
            [1],
            [1, "2"],
            [1, None],
            [-1, 2],
            [[1, 2]],
            [True, 2],
            [1 << 70, 2],
            {},
            "1,2",
            [1e308, 2],
            [1, 2, 3, 4],
        ]
    )
    return _edit(_boot(folder) / "micro.jsonl", lambda value: value.update(samples=samples))


def _truncated(folder: Path, chooser: random.Random) -> Path:
    path = _any_json(folder, chooser)
    data = path.read_bytes()
    path.write_bytes(data[: chooser.randrange(len(data.rstrip()) - 1)])
    return path


def _torn_inside(folder: Path, chooser: random.Random) -> Path:
    path = _boot(folder) / "micro.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first[: chooser.randrange(1, len(first) - 1)] + b"\n" + b"".join(rest))
    return path


def _empty(folder: Path, chooser: random.Random) -> Path:
    path = _any_json(folder, chooser)
    path.write_bytes(chooser.choice([b"", b"\n", b"   "]))
    return path


def _flipped(folder: Path, chooser: random.Random) -> Path:
    """Bytes that no UTF-8 has."""
    path = _any_file(folder, chooser)
    data = bytearray(path.read_bytes())
    data[chooser.randrange(len(data) - 2)] = chooser.choice([0, 0xFF, 0xC0, 0x80])
    path.write_bytes(data)
    return path


def _deep(folder: Path, chooser: random.Random) -> Path:
    path = _any_file(folder, chooser)
    path.write_bytes(chooser.choice([b"[" * 200_000, b'{"a":' * 100_000]) + b"\n")
    return path


def _other_document(folder: Path, chooser: random.Random) -> Path:
    path = _any_file(folder, chooser)
    path.write_text(json.dumps(chooser.choice([[], 1, "x", None, True, [[1]]])) + "\n")
    return path


def _mixed_clocks(folder: Path, chooser: random.Random) -> Path:
    path = _boot(folder) / "micro.jsonl"
    other = json.loads(path.read_text().splitlines()[0]) | {
        "clock": "tsc",
        "unit": "ticks",
        "exact": False,
        "launch": 1 + chooser.randrange(1, 9),
    }
    path.write_text(path.read_text() + json.dumps(other) + "\n")
    return path


def _twice(folder: Path, chooser: random.Random) -> Path:
    path = _boot(folder) / "micro.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, chooser.choice(lines)]) + "\n")
    return path


def _another_format(folder: Path, chooser: random.Random) -> Path:
    return _edit(
        folder / "campaign.json",
        lambda value: value.update(format=chooser.choice([0, 2, 99, "1", True, 1.5, None, [1]])),
    )


def _endless_line(folder: Path, chooser: random.Random) -> Path:
    """Of a size that only a loader without a limit would read: no byte of it is on disk."""
    path = _boot(folder) / "micro.jsonl"
    os.truncate(path, chooser.randrange(1 << 30, 1 << 34))
    return path


def _endless_document(folder: Path, chooser: random.Random) -> Path:
    path = _any_json(folder, chooser)
    os.truncate(path, chooser.randrange(1 << 33, 1 << 34))
    return path


def _loop(folder: Path, chooser: random.Random) -> Path:
    path = _any_file(folder, chooser)
    path.unlink()
    path.symlink_to(path.name)
    return path


def _folder(folder: Path, chooser: random.Random) -> Path:
    path = _any_file(folder, chooser)
    path.unlink()
    path.mkdir()
    return path


def _pipe(folder: Path, chooser: random.Random) -> Path:
    """Who opens it to read waits for ever."""
    path = _any_file(folder, chooser)
    path.unlink()
    os.mkfifo(path)
    return path


def _device(folder: Path, chooser: random.Random) -> Path:
    path = _any_file(folder, chooser)
    path.unlink()
    path.symlink_to(chooser.choice(["/dev/zero", "/dev/full", "/dev/tty"]))
    return path


def _no_permission(folder: Path, chooser: random.Random) -> Path:
    path = _any_file(folder, chooser)
    path.chmod(0)
    return path


def _another_boot(folder: Path, chooser: random.Random) -> Path:
    """A record in a folder that is not its own."""
    change = chooser.choice([{"boot": 7}, {"variant": "other"}, {"variant": "../stock"}])
    return _edit(_boot(folder) / "micro.jsonl", lambda value: value.update(change))


def _no_record(folder: Path, chooser: random.Random) -> Path:
    path = _boot(folder) / "micro.jsonl"
    path.write_bytes(
        chooser.choice([b"", path.read_bytes().splitlines()[0][: chooser.randrange(1, 40)]])
    )
    return folder


_WAYS = [
    _wrong_type,
    _missing_field,
    _no_figure,
    _wrong_samples,
    _truncated,
    _torn_inside,
    _empty,
    _flipped,
    _deep,
    _other_document,
    _mixed_clocks,
    _twice,
    _another_format,
    _endless_line,
    _endless_document,
    _loop,
    _folder,
    _pipe,
    _device,
    _no_permission,
    _another_boot,
    _no_record,
]
