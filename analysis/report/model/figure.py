# SPDX-License-Identifier: Apache-2.0
"""A chart before it is drawn: its caption, the table behind it, and what is drawn of that table."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from analysis.data.load import CountedPath
from analysis.fio_model.cost_model import ModelCheck
from analysis.report.model.table import Table
from analysis.stats.comparison import Comparison
from analysis.summary.cases import Row
from analysis.summary.samples import Distribution


@dataclass(frozen=True)
class Caption:
    """The words around a chart."""

    title: str
    subtitle: str  # clock, kernel, boots, and that it is emulated where it is
    footer: str = ""  # how to read it


class Drawing(Protocol):
    """What a chart is drawn of."""

    # The module of analysis/report/charts that draws it: its draw(caption, drawing, target) writes
    # target with .svg, and with .png where matplotlib draws.
    chart: ClassVar[str]


@dataclass(frozen=True)
class Forest:
    """Ratios new/old: headed groups of (label, comparison); each comparison has a ratio."""

    chart: ClassVar[str] = "forest"
    groups: list[tuple[str, list[tuple[str, Comparison]]]]
    axis: str  # label of the ratio axis


@dataclass(frozen=True)
class BarPanel:
    """Bars below one title: (label, row); each row has parts and a cost."""

    title: str
    rows: list[tuple[str, Row]]


@dataclass(frozen=True)
class Breakdown:
    """Stacked bars of the parts of a path."""

    chart: ClassVar[str] = "breakdown"
    panels: list[BarPanel]
    supposed: BarPanel | None  # one of them, as if a PKRS write took so many cycles
    write_cycles: int


@dataclass(frozen=True)
class Profile:
    """A flame graph of one operation; with an old side, of what the new one takes more."""

    chart: ClassVar[str] = "flame"
    new: CountedPath
    old: CountedPath | None


@dataclass(frozen=True)
class Spread:
    """Empirical distribution functions of the samples of several cases, boot by boot."""

    chart: ClassVar[str] = "ecdf"
    distributions: list[Distribution]
    scales: dict[str, float]  # by variant: from the unit of the samples to the unit of the axis
    axis: str  # label of the cost axis
    variants: list[str]  # of the campaign


@dataclass(frozen=True)
class Launches:
    """Figures of single launches: headed groups of (label, figures)."""

    chart: ClassVar[str] = "launches"
    groups: list[tuple[str, list[tuple[str, list[float]]]]]
    axis: str


@dataclass(frozen=True)
class Heat:
    """A heat map: headed groups of (label, comparison by column); each comparison has a ratio."""

    chart: ClassVar[str] = "heat"
    columns: list[str]
    groups: list[tuple[str, list[tuple[str, dict[str, Comparison]]]]]
    full: float  # the overhead, as a share, that has the full colour: the same in all heat maps


@dataclass(frozen=True)
class Point:
    """A mean with its confidence interval."""

    x: float
    mean: float
    low: float | None  # None: one boot, so there is no interval
    high: float | None


@dataclass(frozen=True)
class CurvePanel:
    """One kind of fio run: a line per variant."""

    title: str
    unit: str
    lines: dict[str, list[Point]]  # by variant
    ticks: dict[float, str]


@dataclass(frozen=True)
class Curves:
    """Panels with a common meaning of the x axis."""

    chart: ClassVar[str] = "curves"
    panels: list[CurvePanel]
    x_label: str
    variants: list[str]  # of the campaign


@dataclass(frozen=True)
class DifferencePanel:
    """One kind of fio run: what was added at each place of the axis, next to the cost model."""

    title: str
    checks: list[ModelCheck]


@dataclass(frozen=True)
class Differences:
    """What variants add to an I/O, by block size, or by jobs that do it at once."""

    chart: ClassVar[str] = "differences"
    panels: list[DifferencePanel]
    unit: str
    variants: list[str]  # of the campaign
    by_jobs: bool = False

    def place(self, check: ModelCheck) -> int:
        """Where a check stands on the axis."""
        return check.run.jobs if self.by_jobs else check.run.block_bytes

    def tick(self, check: ModelCheck) -> str:
        """What is written there."""
        return str(check.run.jobs) if self.by_jobs else check.run.size


@dataclass(frozen=True)
class WriteLine:
    """Predicted cycles of a state of the path, without its register writes."""

    alone: float
    low: float
    high: float
    writes: int  # each adds what a write takes


@dataclass(frozen=True)
class WritePanel:
    """One form of the path: a line per state."""

    title: str
    lines: dict[str, WriteLine]  # by state


@dataclass(frozen=True)
class WriteLines:
    """Predicted cycles over what a register write takes."""

    chart: ClassVar[str] = "write_lines"
    panels: list[WritePanel]
    span: tuple[int, int]  # cycles of a write: from, to
    published: int  # those of the one published measurement


@dataclass(frozen=True)
class Figure:
    """A chart of the report; the table's name is the name of the chart's files."""

    caption: Caption
    table: Table
    drawing: Drawing
