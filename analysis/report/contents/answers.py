# SPDX-License-Identifier: Apache-2.0
"""Builds the first part of a report: the claim, its unit and caveat, the tables behind it."""

import re
import shlex
from collections.abc import Container, Iterable, Mapping, Sequence

from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.report.contents import answer_tables, claims, user_answer
from analysis.report.contents.findings import Findings
from analysis.report.model.answer import Answer, AnswerBlock
from analysis.report.model.answer_table import AnswerRow, AnswerTable
from analysis.summary.cases import Row, boots_in_words
from analysis.summary.families import VariantFamily, families
from analysis.summary.provenance import emulator, maker, repeatability

# Columns of a table: the baseline, the subject, and as many between them.
_BETWEEN = 2
_PREFERRED = ("off", "idle")

_REPLICAS = {
    "patch": "the patch as published, replicated in our module",
    "series": "our own PKS series, replicated in our module",
}
_PKS_SYMBOL = "CONFIG_SUPERVISOR_PKEYS"
_MOST_CASES = 20  # of a campaign that has none of the tables' rows
_LONGEST_COMMAND = 130  # letters: two lines of a mail
_REAL_KERNELS = "./kmapbench run --variants plain,off,idle,protected"


def build_answer(findings: Findings) -> Answer:
    """The answer of a campaign; without a kernel case it is that there is none."""
    campaign = findings.campaign
    groups = _without_left_out(findings, families(campaign.header))
    if not any(row.cost is not None for row in findings.rows):
        return Answer("Nothing was measured in whole.", source=_source(campaign))
    if not groups:
        closing = [f"In a kernel: {_REAL_KERNELS}"]
        return user_answer.build_user_answer(findings.user, closing, _source(campaign))
    main = _main_family(findings, groups)
    if len(main.variants) == 1:
        found = answer_tables.replica_table(findings.rows, main.baseline)
        if found:
            return _of_replicas(findings, main.baseline, found)
    return _of_kernels(findings, groups, main)


def _without_left_out(findings: Findings, groups: list[VariantFamily]) -> list[VariantFamily]:
    """Without kernels that a campaign left out and has no figure of, which facts.py names first."""
    reboots = findings.campaign.header.get("reboots", {})
    gone = set(reboots.get("left_out", {})) - {
        row.variant for row in findings.rows if row.cost is not None
    }
    kept = []
    for group in groups:
        variants = [name for name in group.variants if name not in gone]
        if variants:
            kept.append(VariantFamily(variants[0], tuple(variants)))
    return kept


def _of_kernels(findings: Findings, groups: Sequence[VariantFamily], main: VariantFamily) -> Answer:
    """Kernels of one family beside each other. groups: all families."""
    campaign = findings.campaign
    columns = _columns(main)
    refused = _refused(findings, main)
    pairs, events, calls = (
        table and _compared(table, refused)
        for table in (
            answer_tables.pair_table(findings.rows, columns),
            answer_tables.event_table(findings.rows, columns),
            answer_tables.chosen_calls(findings.calls, columns),
        )
    )
    blocks = [
        AnswerBlock(heading, table, with_percent)
        for heading, table, with_percent in (
            ("", pairs, False),
            ("What everything else pays, per event:", events, True),
            ("What a read or a write of a DAX file pays, per call:", calls, True),
        )
        if table
    ]
    brief = answer_tables.brief_table(pairs, calls) if calls else None
    is_pks = _has_pks(campaign, columns[-1], (pairs, events, calls))
    claim = claims.claim(pairs, events, calls, columns, refused, is_pks)
    if not blocks:
        others = answer_tables.case_table(findings.rows, columns)
        if others is None:
            return Answer("No kernel case was measured.", source=_source(campaign))
        others = _compared(others, refused)
        claim = claims.claim_of_cases(others)
        blocks = [AnswerBlock("", others.first(_MOST_CASES), True)]
    return Answer(
        claim=claim,
        setting=_setting(findings, columns, brief),
        blocks=blocks,
        brief=brief,
        bars=answer_tables.pmem_bars(findings.rows, pairs, columns) if pairs else [],
        columns={name: _what(campaign.header["variants"][name]) for name in columns},
        remarks=[*_remarks(pairs), *_missing_boots(campaign)],
        closing=[*_others(findings, groups, main, columns), *_not_measured(findings)],
        compared=list(columns),
        source=_source(campaign),
    )


def _has_pks(campaign: Campaign, variant: str, tables: Iterable[AnswerTable | None]) -> bool:
    """Whether a kernel, the last one of the tables, has PKS: ours have; of a user's its symbol or
    its writes say so.
    """
    kernel = campaign.header["variants"][variant]
    if "built" not in kernel and "built_from" not in kernel:
        return True
    if campaign.configs.get(variant, {}).get(_PKS_SYMBOL) == "y":
        return True
    return any(row.cells[-1].writes for table in tables if table for row in table.rows)


def _refused(findings: Findings, family: VariantFamily) -> set[str]:
    """Kernels that may not be held against the family's baseline."""
    return {one.new for one in findings.verdicts.refused if one.old == family.baseline}


def _compared(table: AnswerTable, refused: Container[str]) -> AnswerTable:
    """Without differences where the subject may not be held against the baseline."""
    return table.without_differences() if table.columns[-1] in refused else table


def _main_family(findings: Findings, groups: Sequence[VariantFamily]) -> VariantFamily:
    """The first that has a baseline beside other kernels, else the first."""
    measured = {row.variant for row in findings.rows if row.cost is not None}
    there = [group for group in groups if measured & set(group.variants)]
    return next((group for group in there if len(group.variants) > 1), (there or groups)[0])


def _columns(family: VariantFamily) -> tuple[str, ...]:
    """Baseline, what costs little, and last the kernel that is asked about."""
    baseline, *others = family.variants
    if not others:
        return (baseline,)
    *between, subject = others
    wanted = [name for name in between if name.split("-")[-1] in _PREFERRED] or between
    return (baseline, *wanted[:_BETWEEN], subject)


def _of_replicas(findings: Findings, variant: str, table: AnswerTable) -> Answer:
    """A kernel without the patch: its own path, beside what the patch would make of it."""
    campaign = findings.campaign
    return Answer(
        claim=claims.claim_of_replicas(table),
        setting=_setting(findings, [variant]),
        blocks=[AnswerBlock("", table, False)],
        bars=answer_tables.pmem_bars(findings.rows, table, [variant] * len(table.columns)),
        columns={
            table.columns[0]: _what(campaign.header["variants"][variant]),
            **_REPLICAS,
        },
        remarks=[*_remarks(table), *_missing_boots(campaign)],
        closing=[f"On kernels that have the series: {_REAL_KERNELS}", *_not_measured(findings)],
        source=_source(campaign),
    )


def _setting(
    findings: Findings, columns: Sequence[str], calls: AnswerTable | None = None
) -> list[str]:
    campaign = findings.campaign
    rows = [row for row in findings.rows if row.variant in columns and row.cost is not None]
    kernels = campaign.header["variants"]
    described = ", ".join(dict.fromkeys(_kernel(kernels[name]) for name in columns))
    by_compiler = group_by(columns, lambda name: _compiler(campaign, name))
    built_by = ", ".join(
        compiler if len(by_compiler) == 1 else f"{compiler} ({', '.join(names)})"
        for compiler, names in by_compiler.items()
    )
    if any(row.clock == "icount" for row in rows):
        counted = [row for row in rows if row.clock == "icount"]
        repeated = _repeatability_of_calls(calls, counted) if calls else repeatability(counted)
        first = (
            f"Instructions per {'call' if calls else 'operation'}, counted in"
            f" {emulator(campaign)} (-icount): {repeated}. NOT time: a WRMSR counts as 1."
        )
    else:
        first = f"Core cycles per operation, on this machine; {boots_in_words(rows)}."
    return [first, f"{described}; {built_by}."]


def _compiler(campaign: Campaign, variant: str) -> str:
    """What made the module of a variant, and so its path; older campaigns say it for all."""
    said = campaign.header["variants"][variant].get("module_compiler")
    text = str(said or campaign.header["tools"].get("gcc") or "")
    version = re.search(r"(\d+(?:\.\d+)+)(?: \([^)]*\))?$", text)
    name = "clang" if "clang" in text else text.split(" (")[0].strip()
    return f"{name} {version[1] if version else ''}".strip()


def _repeatability_of_calls(calls: AnswerTable, rows: Sequence[Row]) -> str:
    """Of single calls: fio's jobs, which vary by boots, are in the details."""
    steady = all(cell.exact for row in calls.rows for cell in row.cells if cell.value is not None)
    boots = max(row.boots for row in rows)
    if boots == 1:
        return "1 boot"
    return f"{boots} boots, identical" + ("" if steady else " but where marked ~")


def _what(kernel: Mapping) -> str:
    return kernel.get("what") or f"Linux {kernel['release']}"


def _kernel(kernel: Mapping) -> str:
    """The release, and of one that was built from source what that was."""
    sources = [name for name in kernel.get("packages", {}) if name.startswith("linux-source")]
    if not sources:
        return f"Linux {kernel['release']}"
    release = kernel["release"].split("-")[0]
    return f"Linux {release} ({sources[0]} {kernel['packages'][sources[0]]})"


def _remarks(table: AnswerTable | None) -> list[str]:
    if table and table.borrowed and len(table.borrowed) < len(table.columns):
        return [f'pmem rows of {", ".join(table.borrowed)}: measured as "device page"']
    return []


def _missing_boots(campaign: Campaign) -> list[str]:
    """Boots that gave nothing: the first by name, the others by number."""
    last = {(step["variant"], step["boot"]): step for step in campaign.header["order"]}
    failed = [step for step in last.values() if step["status"] != "ok"]
    if not failed:
        return []
    first = failed[0]
    more = f" (and {len(failed) - 1} more)" if failed[1:] else ""
    return [f"missing: {first['variant']}, boot {first['boot']}: {first['status']}{more}"]


def _others(
    findings: Findings,
    groups: Iterable[VariantFamily],
    main: VariantFamily,
    columns: Sequence[str],
) -> list[str]:
    """Kernels that are in no column: those of other families by what they add, the rest by name."""
    said, left = [], []
    for group in groups:
        if group == main:
            continue
        if len(group.variants) == 1:
            left.append(group.baseline)
            continue
        subject = _columns(group)[-1]
        left += [name for name in group.variants if name not in (group.baseline, subject)]
        table = answer_tables.pair_table(findings.rows, (group.baseline, subject))
        if table:
            table = _compared(table, _refused(findings, group))
            named = ", ".join(_brief(row) for row in table.rows if row.cells[-1].value is not None)
            said.append(f"{subject} (against {group.baseline}): {named}.")
    left += [name for name in main.variants if name not in columns]
    if left:
        said.append(f"Measured, too (details.txt): {', '.join(left)}.")
    return said


def _brief(row: AnswerRow) -> str:
    added = f" ({claims.signed(row.added)})" if row.added is not None else ""
    return f"{row.label} {row.cells[-1].value:g}{added}"


def _not_measured(findings: Findings) -> list[str]:
    emulated = any(row.clock == "icount" for row in findings.rows)
    return ["Not measured: cycles."] if emulated else []


def _source(campaign: Campaign) -> list[str]:
    header = campaign.header
    dirty = " with local changes" if header["kmapbench"]["dirty"] else ""
    day = str(header.get("started", "")).split("T")[0]
    command = shlex.join(["./kmapbench", *_words(header["asked"]["arguments"])])
    if len(command) > _LONGEST_COMMAND and (campaign.folder / "plan.toml").is_file():
        command = f"{maker(campaign)} --plan plan.toml (the campaign's)"
    return [f"kmapbench {header['kmapbench']['commit'][:12]}{dirty}, {day};", command]


def _words(arguments: Sequence[str]) -> list[str]:
    """The command line without what is another's next time: where the campaign went, for whom."""
    words, left_out = [], False
    for word in arguments:
        if left_out or word in ("--out", "--resume"):
            left_out = not left_out
        elif word != "--anonymize" and not word.startswith(("--out=", "--resume=")):
            words.append(word)
    return words
