# SPDX-License-Identifier: Apache-2.0
"""The figures of campaigns in SQLite, so that a campaign is read once.

All of it is derived: a store that is removed, broken or of another version is made again from the
campaigns.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.compare import from_campaign
from analysis.compare.source import Source
from analysis.data.bad_data import BadData, printable
from analysis.history import campaign_files
from analysis.history.campaign_figures import Read, machine_of, read_figures
from analysis.stats.sample import Metric
from formats.cache_folder import cache_path

NAME = "history.sqlite"
VERSION = 2

_TABLES = """
CREATE TABLE campaign (id INTEGER PRIMARY KEY, digest TEXT UNIQUE, begun TEXT);
CREATE TABLE place (path BLOB PRIMARY KEY, stamp TEXT, campaign INTEGER) WITHOUT ROWID;
CREATE TABLE facts (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
CREATE TABLE variant (campaign INTEGER, name TEXT, facts INTEGER, header TEXT,
    PRIMARY KEY (campaign, name)) WITHOUT ROWID;
CREATE TABLE series (id INTEGER PRIMARY KEY, variant TEXT, path_case TEXT, metric TEXT, unit TEXT,
    better TEXT, clock TEXT, machine TEXT,
    UNIQUE (variant, path_case, metric, unit, better, clock, machine));
CREATE TABLE figure (series INTEGER, campaign INTEGER, value REAL, cycle REAL, exact INTEGER,
    PRIMARY KEY (series, campaign)) WITHOUT ROWID;
"""
# Campaigns that are read before what was read is kept.
_KEPT_AT_ONCE = 50


@dataclass(frozen=True)
class Known:
    """A campaign of the store."""

    number: int
    begun: str  # as campaign.json has it
    name: str  # of its folder; '?' stands for letters that cannot be printed
    digest: str  # of its content


@dataclass(frozen=True)
class Series:
    """A metric of a case of one variant on one machine."""

    number: int
    variant: str
    case: str
    metric: Metric  # without a cycle: each campaign has its own
    machine: str


@dataclass(frozen=True)
class SeriesFigures:
    """A series, campaign by campaign; each array has the shape (campaigns,)."""

    places: np.ndarray  # among the campaigns that were asked for
    values: np.ndarray  # the median over the boots of each
    cycle: float | None  # a core cycle in the metric's unit
    exact: bool  # each of them repeats to the digit


class Store:
    """Campaigns that have been read. Use it in a `with`."""

    def __init__(self, path: Path | None = None):
        """path: of the file; None: in the cache. BadData where it cannot be made."""
        self._path = path or cache_path() / NAME
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._base = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise BadData(
                f"{self._path}: the store cannot be made there ({error}); set KMAPBENCH_CACHE to a"
                " folder that can be written"
            ) from None

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def _opened(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._path, timeout=60)
        try:
            (version,) = base.execute("PRAGMA user_version").fetchone()
            if version == VERSION:
                base.execute("SELECT count(*) FROM series")
                return base
            is_new = not base.execute("SELECT name FROM sqlite_master").fetchall()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # no database
            is_new = False
        if not is_new:
            base.close()
            self._path.unlink()
            base = sqlite3.connect(self._path, timeout=60)
        base.executescript(_TABLES)
        base.execute(f"PRAGMA user_version = {VERSION}")
        base.commit()
        return base

    def add(
        self,
        folders: Iterable[Path],
        read: Callable[[Path], Read] | None = None,
    ) -> tuple[dict[Path, Known], dict[Path, str]]:
        """The campaign in each of these folders, and why one could not be read. Two folders may
        have the same one. read: what reads those that are not known yet; None: what figures need.
        """
        places = {
            path: (before, number)
            for path, before, number in self._base.execute(
                "SELECT path, stamp, campaign FROM place"
            )
        }
        numbers, broken = {}, {}
        for count, folder in enumerate(folders, 1):
            try:
                stamp = campaign_files.stamp(folder)
                before, number = places.get(os.fsencode(folder), ("", None))
                if before != stamp or number is None:
                    number = self._read(folder, stamp, read or read_figures)
            except BadData as error:
                broken[folder] = str(error)
                continue
            except OSError as error:
                broken[folder] = printable(f"{folder}: {error.strerror}")
                continue
            numbers[folder] = number
            if count % _KEPT_AT_ONCE == 0:
                self._base.commit()
        self._base.commit()
        rows = self._base.execute("SELECT id, begun, digest FROM campaign")
        kept = {number: (begun, digest) for number, begun, digest in rows}
        return {
            folder: Known(number, kept[number][0], printable(folder.name), kept[number][1])
            for folder, number in numbers.items()
        }, broken

    def _read(self, folder: Path, stamp: str, read: Callable[[Path], Read]) -> int:
        """Adds what lies in a folder, if its content is new."""
        digest = campaign_files.digest(folder)
        row = self._base.execute("SELECT id FROM campaign WHERE digest = ?", [digest]).fetchone()
        number: int = row[0] if row else self._added(read(folder), digest)
        self._base.execute(
            "INSERT OR REPLACE INTO place VALUES (?, ?, ?)", [os.fsencode(folder), stamp, number]
        )
        return number

    def _added(self, read: Read, digest: str) -> int:
        number = self._base.execute(
            "INSERT INTO campaign (digest, begun) VALUES (?, ?)",
            [digest, read.begun],
        ).lastrowid
        assert number is not None
        for source in read.sources:
            self._add_source(number, source)
        return number

    def _add_source(self, number: int, source: Source) -> None:
        facts = {name: sorted(values) for name, values in source.facts.items()}
        machine = machine_of(source)
        self._base.execute(
            "INSERT INTO variant VALUES (?, ?, ?, ?)",
            [
                number,
                source.variant,
                self._id("facts", text=json.dumps(facts, sort_keys=True)),
                json.dumps(source.header),
            ],
        )
        for (case, name), figures in source.figures.items():
            metric, side = figures.metric, figures.side
            series = self._id(
                "series",
                variant=source.variant,
                path_case=case,
                metric=name,
                unit=metric.unit,
                better=metric.better,
                clock=metric.clock,
                machine=machine,
            )
            self._base.execute(
                "INSERT INTO figure VALUES (?, ?, ?, ?, ?)",
                [series, number, float(np.median(side.values)), metric.cycle, side.exact],
            )

    def _id(self, table: str, **columns: str | None) -> int:
        """The row of a table with these values, made where there is none."""
        values = list(columns.values())
        found = self._base.execute(
            f"SELECT id FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in columns)}",
            values,
        ).fetchone()
        if found:
            return int(found[0])
        marks = ", ".join("?" * len(columns))
        made = self._base.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values
        ).lastrowid
        assert made is not None
        return made

    def all_series(self) -> list[Series]:
        """Of all campaigns that were ever read, in an order that is always the same."""
        return [
            Series(number, variant, case, Metric(*metric), machine)
            for number, variant, case, *metric, machine in self._base.execute(
                "SELECT id, variant, path_case, metric, unit, better, clock, machine FROM series"
                " ORDER BY variant, metric, machine, path_case"
            )
        ]

    def figures(self, series: Series, campaigns: Sequence[Known]) -> SeriesFigures | None:
        """What these campaigns have of it, in their order; None: nothing."""
        places = {campaign.number: place for place, campaign in enumerate(campaigns)}
        rows = sorted(
            (places[campaign], value, cycle, exact)
            for campaign, value, cycle, exact in self._base.execute(
                "SELECT campaign, value, cycle, exact FROM figure WHERE series = ?", [series.number]
            )
            if campaign in places
        )
        if not rows:
            return None
        made, values, cycles, exact = zip(*rows)
        return SeriesFigures(np.array(made), np.array(values), _middle(cycles), all(exact))

    def source(self, campaign: Known, variant: str) -> Source:
        """What a variant of a campaign was measured on; without figures."""
        facts, header = self._base.execute(
            "SELECT text, header FROM variant JOIN facts ON facts.id = facts WHERE campaign = ? AND"
            " name = ?",
            [campaign.number, variant],
        ).fetchone()
        return Source(
            label=campaign.name,
            kind="a campaign of kmapbench",
            figures={},
            chosen=from_campaign.CHOSEN,
            facts={name: frozenset(values) for name, values in json.loads(facts).items()},
            files=(),
            variant=variant,
            header=json.loads(header),
            campaign=Path(campaign.name),
        )


def _middle(cycles: Sequence[float | None]) -> float | None:
    """The median of a core cycle in the metric's unit; None where a campaign has none."""
    known = [cycle for cycle in cycles if cycle is not None]
    return float(np.median(known)) if len(known) == len(cycles) else None
