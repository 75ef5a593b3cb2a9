# SPDX-License-Identifier: Apache-2.0
"""comment.md: what a gate says on a merge request. The answer is the first line."""

import shlex
from collections.abc import Sequence

from analysis.compare import gate
from analysis.compare.engine import SourcePair
from analysis.data.bad_data import printable
from analysis.gate.function_changes import FunctionChange
from analysis.gate.gate_folder import SIDES, WORDS, GateFolder
from analysis.gate.judgement import Judgement, changed_rows
from analysis.report.comparison import format
from analysis.report.comparison.as_markdown import code_of, escaped
from analysis.stats.comparison import Comparison
from analysis.summary.provenance import emulator
from analysis.summary.stacks import describe_count
from formats.case_names import OF_THE_MODULE

# A comment shows so many functions, and so many reasons.
_FUNCTIONS, _REASONS = 20, 10


def write_comment(asked: GateFolder, found: Judgement, functions: Sequence[FunctionChange]) -> str:
    """The text. functions: those in which the changed cases differ."""
    blocks = [
        f"**{found.word}**: {escaped(found.answer)}",
        "\n".join(f"- {WORDS[side]}: {escaped(asked.describe(side))}" for side in SIDES),
        _reasons(found),
    ]
    if found.group:
        changed = changed_rows(found.group)
        blocks += [_table(changed, asked), _functions(functions)]
        blocks += _others(found.group, changed)
        notes = [*found.notes, *format.list_notes(found.group)]
        if notes:
            blocks += _folded("Notes", "\n".join(f"- {escaped(note)}" for note in notes))
    if found.campaign and found.group:
        where = escaped(f"{emulator(found.campaign)}, -icount")
        blocks.append(
            f"Instructions an operation, counted in an emulator ({where}). They are not time: a"
            " WRMSR counts as one."
        )
    blocks += _folded("How to repeat it", _commands(asked, found))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _reasons(found: Judgement) -> str:
    """All that is beside the first line."""
    others = [line for line in (*found.failures, *found.unjudged) if line != found.answer]
    more = [f"and {len(others) - _REASONS} more"] if len(others) > _REASONS else []
    return "\n".join(f"- {escaped(line)}" for line in (*others[:_REASONS], *more))


def _table(rows: Sequence[Comparison], asked: GateFolder | None = None) -> str:
    """A row for each comparison. asked: what fails is emphasized."""
    if not rows:
        return ""
    lines = ["| case | BASE | HEAD | change | verdict |", "|---|---:|---:|---:|---|"]
    for row in rows:
        cells = [format.format_value(row.old), format.format_value(row.new)]
        cells += [f"{format.format_change(row)} {format.format_interval(row)}".rstrip()]
        stars = "**" if asked and gate.fails(row, asked.facts["fail_on"]) else ""
        cells.append(f"{stars}{format.word(row)}{stars}")
        lines.append(f"| {code_of(format.label(row))} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _functions(functions: Sequence[FunctionChange]) -> str:
    if not functions:
        return ""
    lines = [
        "Functions in which the instructions differ, without what they call:",
        "",
        "| case | function | BASE | HEAD | change |",
        "|---|---|---:|---:|---:|",
    ]
    for one in functions[:_FUNCTIONS]:
        counts = [describe_count(one.old), describe_count(one.new)]
        counts.append(describe_count(one.new - one.old, "+"))
        lines.append(f"| {code_of(one.case)} | {code_of(one.function)} | {' | '.join(counts)} |")
    if len(functions) > _FUNCTIONS:
        lines += ["", f"{len(functions) - _FUNCTIONS} more: `./kmapbench show` has them."]
    return "\n".join(lines)


def _others(group: SourcePair, changed: Sequence[Comparison]) -> list[str]:
    """What did not change, folded: the kernel's cases, then the module's own code."""
    rest = [row for row in group.rows if row not in changed]
    own = [row for row in rest if OF_THE_MODULE.fullmatch(row.case)]
    of_kernel = [row for row in rest if row not in own]
    blocks = []
    for rows, what in ((of_kernel, "of the kernel"), (own, "of the module itself")):
        if rows:
            plural = "" if len(rows) == 1 else "s"
            title = f"{len(rows)} other figure{plural} {what}"
            blocks += _folded(title, _table(rows))
    return blocks


def _folded(title: str, text: str) -> list[str]:
    return [f"<details><summary>{title}</summary>", text, "</details>"]


def _commands(asked: GateFolder, found: Judgement) -> str:
    """What makes the same again, and what looks closer."""
    words = ["./kmapbench", *asked.facts["repeat"]]
    lines = [shlex.join(words)]
    exact = [row for row in changed_rows(found.group) if row.exact] if found.group else []
    if exact:
        case = exact[0].case
        lines.append(shlex.join(["./kmapbench", "show", str(asked.campaign), case]))
        base, head = (asked.facts["sides"][side] for side in SIDES)
        is_plain = not any(name in side for side in (base, head) for name in ("work", "patchset"))
        if asked.facts["tree"] and is_plain and not asked.facts["config"]:
            search = ["bisect", base["commit"], head["commit"], "--tree", asked.facts["tree"]]
            lines.append(shlex.join(["./kmapbench", *search, "--case", case]))
    text = "\n".join(printable(line) for line in lines)
    return f"```sh\n{text}\n```"
