# SPDX-License-Identifier: Apache-2.0
"""The first part of every view: what the campaign was made for, and how it was found."""

from dataclasses import dataclass, field

from analysis.report.model.answer_table import AnswerTable


@dataclass(frozen=True)
class AnswerBlock:
    """A table under a heading; a heading that is empty is the table's own business."""

    heading: str
    table: AnswerTable
    with_percent: bool  # of the first column, where that is large


@dataclass(frozen=True)
class Bar:
    """One kernel's pmem page, in parts."""

    column: str
    total: float
    parts: dict[str, float]  # by part of the path (summary.cost_parts); PKRS writes are in none
    writes: float


@dataclass(frozen=True)
class Answer:
    """Sentences and tables, in the order in which they are read."""

    claim: str
    setting: list[str] = field(default_factory=list)  # unit, caveat, kernel, compiler: a line each
    blocks: list[AnswerBlock] = field(default_factory=list)
    brief: AnswerTable | None = None  # all that the mail has room for, in place of the blocks
    bars: list[Bar] = field(default_factory=list)  # of the first table, where parts were counted
    columns: dict[str, str] = field(default_factory=dict)  # what each kernel of the tables is
    remarks: list[str] = field(default_factory=list)  # to the tables
    closing: list[str] = field(default_factory=list)  # other kernels; what was not measured
    compared: list[str] = field(default_factory=list)  # variants of the columns, baseline first
    source: list[str] = field(default_factory=list)  # the tool, the date, the command
