# SPDX-License-Identifier: Apache-2.0
"""Builds the report of a campaign: every table, sentence and figure of it, once."""

from analysis.data.load import Campaign
from analysis.report.contents.answer_tables import pmem_rows
from analysis.report.contents.answers import build_answer
from analysis.report.contents.case_tables import instruction_tables, time_tables
from analysis.report.contents.diagnostics import describe_measurement
from analysis.report.contents.facts import (
    list_facts,
    list_left_out,
    list_notes,
    list_refusals,
    list_warnings,
)
from analysis.report.contents.findings import Findings, judge_campaign
from analysis.report.contents.fio_tables import call_tables, fio_tables, model_table
from analysis.report.contents.level_sentences import (
    list_level_facts,
    list_level_warnings,
    list_unfit,
)
from analysis.report.contents.model_sentences import describe_checks
from analysis.report.contents.verdict_tables import verdict_table
from analysis.report.figures.case_figures import case_figures
from analysis.report.figures.fio_figures import fio_figures
from analysis.report.model.report_model import (
    CheckedFamily,
    FioResults,
    Instructions,
    KernelTimes,
    ReportModel,
)
from analysis.report.model.table import Table
from analysis.summary import controls
from analysis.summary.baseline import Baseline
from analysis.summary.cases import is_fio

_TITLE = "What WRPKRS costs in kmap_local_page() and kunmap_local()"


def build_report(campaign: Campaign) -> ReportModel:
    """The report of a loaded campaign; nothing is drawn or written."""
    findings = judge_campaign(campaign)
    problems = [f"NOT VALID: {problem}" for problem in controls.problems(campaign)]
    fio = _fio_results(findings)
    return ReportModel(
        name=campaign.header["name"],
        title=_TITLE,
        answer=build_answer(findings),
        problems=problems,
        unfit=list_unfit(campaign),
        refusals=[*list_left_out(campaign), *list_refusals(findings.verdicts)],
        facts=[*list_facts(campaign, findings.rows, problems), *list_level_facts(campaign)],
        variants=findings.variants,
        baseline=findings.baseline,
        instructions=_instructions(findings),
        fio=fio,
        verdicts=findings.verdicts,
        kernel_times=_kernel_times(findings),
        user_times=findings.user,
        figures=[*fio_figures(findings), *case_figures(findings)],
        tables=_tables(findings, fio),
        diagnostics={
            variant: describe_measurement([row for row in findings.rows if row.variant == variant])
            for variant in findings.variants
        },
        notes=list_notes(findings.rows),
        warnings=[
            *list_warnings(campaign, findings.rows, findings.verdicts),
            *list_level_warnings(campaign),
        ],
    )


def _instructions(findings: Findings) -> Instructions | None:
    rows = findings.counted
    if not rows:
        return None
    measured = {row.variant for row in rows}
    variants = [variant for variant in findings.variants if variant in measured]
    return Instructions(
        rows, variants, findings.unpatched, describe_measurement(rows), pmem_rows(rows)
    )


def _kernel_times(findings: Findings) -> list[KernelTimes]:
    sections = []
    for variant in dict.fromkeys(row.variant for row in findings.timed):
        rows = [row for row in findings.timed if row.variant == variant]
        baseline = Baseline(rows, "core_cycles")
        sections.append(KernelTimes(variant, rows, baseline, describe_measurement(rows)))
    return sections


def _fio_results(findings: Findings) -> FioResults:
    return FioResults(
        rows=[row for row in findings.rows if is_fio(row)],
        runs=findings.runs,
        calls=findings.calls,
        families=[
            CheckedFamily(family.checks, describe_checks(family.checks))
            for family in findings.families
            if family.checks
        ],
    )


def _tables(findings: Findings, fio: FioResults) -> list[Table]:
    """Tables of the page, from top to bottom."""
    return [
        *map(model_table, fio.families),
        *call_tables(fio.calls, findings.baseline),
        *(verdict_table(findings.verdicts, family.rows, family) for family in findings.families),
        *instruction_tables(findings),
        *fio_tables(fio.rows),
        *time_tables(findings),
    ]
