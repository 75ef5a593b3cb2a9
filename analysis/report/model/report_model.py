# SPDX-License-Identifier: Apache-2.0
"""The report of one campaign, complete: text, page and charts only render it."""

from dataclasses import dataclass, field

from analysis.compare.within_campaign import Verdicts
from analysis.fio_model.cost_model import ModelCheck
from analysis.fio_model.fio_calls import Call
from analysis.report.model.answer import Answer
from analysis.report.model.figure import Figure
from analysis.report.model.table import Table
from analysis.summary.baseline import Baseline
from analysis.summary.cases import Row
from formats.case_names import FioCase


@dataclass(frozen=True)
class Instructions:
    """Kernel cases counted in the emulator."""

    rows: list[Row]
    variants: list[str]  # those with rows, in the order of their columns
    baseline: Baseline
    diagnostics: list[str]
    pmem: list[Row] = field(default_factory=list)  # the page of persistent memory, on each kernel


@dataclass(frozen=True)
class KernelTimes:
    """Kernel cases of one variant, timed on the running kernel."""

    variant: str
    rows: list[Row]
    baseline: Baseline
    diagnostics: list[str]


@dataclass(frozen=True)
class CheckedFamily:
    """fio comparisons of one metric next to the cost model, and sentences about all of them."""

    checks: list[ModelCheck]
    sentences: list[str]


@dataclass(frozen=True)
class FioResults:
    """Results of fio, and of single reads and writes."""

    rows: list[Row] = field(default_factory=list)
    runs: dict[str, FioCase] = field(default_factory=dict)  # by case
    calls: list[Call] = field(default_factory=list)
    families: list[CheckedFamily] = field(default_factory=list)


@dataclass(frozen=True)
class ReportModel:
    """All that report.txt, details.txt, report/index.html and charts/ say."""

    name: str  # of the campaign
    title: str
    answer: Answer
    problems: list[str] = field(default_factory=list)  # why no result can be trusted
    unfit: list[str] = field(default_factory=list)  # why its times are not to be published
    refusals: list[str] = field(default_factory=list)  # which variants were not compared, and why
    facts: list[str] = field(default_factory=list)  # what was measured, on what, how often
    variants: list[str] = field(default_factory=list)  # in the order of their columns
    baseline: str = ""  # the variant that the others are compared with
    instructions: Instructions | None = None
    fio: FioResults = field(default_factory=FioResults)
    verdicts: Verdicts = field(default_factory=Verdicts)
    kernel_times: list[KernelTimes] = field(default_factory=list)
    user_times: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)  # of the page
    diagnostics: dict[str, list[str]] = field(default_factory=dict)  # of the page, by variant
    notes: list[str] = field(default_factory=list)  # about single cases and variants
    warnings: list[str] = field(default_factory=list)  # about the campaign

    @property
    def alerts(self) -> list[str]:
        """What stands before everything else, in every output."""
        return [*self.problems, *self.unfit, *self.refusals]
