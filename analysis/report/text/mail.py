# SPDX-License-Identifier: Apache-2.0
"""report.txt: the answer in at most 40 lines of 72 columns (15 for DAX), to paste into a mail."""

import re
import textwrap
from collections.abc import Sequence

from analysis.report.contents import claims
from analysis.report.model.answer import Answer, AnswerBlock
from analysis.report.model.answer_table import AnswerRow, AnswerTable, Cell
from analysis.report.text.layout import WIDTH, wrapped

MOST_LINES = 40
_LABEL = 24
_COLUMN = 7  # a kernel's, with the blank before it
_SUBJECT = "on"  # short for the last kernel, where its name is too long for a column
_LARGE = 100  # figures from here on have their differences in percent, too
_ROUNDED = 100_000  # figures from here on are shown in thousands, with one digit

_PACKAGE = re.compile(r" \([^()]* [^()]*\)(?=[;,])")  # behind a kernel's release


def render_mail(answer: Answer, alerts: Sequence[str]) -> str:
    """The whole text, with a last newline. alerts: what stands first, as why
    no result can be trusted.
    """
    if answer.brief:
        return _brief(answer, answer.brief, alerts)
    blocks = [
        _lines([*alerts, answer.claim]),
        _lines(answer.setting),
        *map(_table, answer.blocks[:1]),
        _columns(answer),
        *map(_table, answer.blocks[1:]),
        _lines([*answer.closing, *answer.source]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _brief(answer: Answer, table: AnswerTable, alerts: Sequence[str]) -> str:
    """One table; what each kernel is, and of which package, is in the details."""
    short = _short(table.columns)
    renamed = [f"{short[name]}: {name}" for name in table.columns if short[name] != name]
    blocks = [
        _lines([*alerts, answer.claim]),
        _lines([_PACKAGE.sub("", " ".join(answer.setting))]),
        "\n".join(
            [
                _table(AnswerBlock("", table, True)),
                *wrapped("  " + "; ".join([*renamed, *answer.remarks]), "  "),
                *_lines([" ".join([*answer.closing, *answer.source])]).splitlines(),
            ]
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def _lines(sentences: Sequence[str]) -> str:
    return "\n".join(line for sentence in sentences for line in wrapped(sentence))


def _short(columns: Sequence[str]) -> dict[str, str]:
    """A heading of at most six letters for each kernel."""
    names = {}
    for number, name in enumerate(columns, start=1):
        short = name if len(name) < _COLUMN else f"k{number}"
        names[name] = _SUBJECT if len(name) >= _COLUMN and number == len(columns) else short
    return names


def _columns(answer: Answer) -> str:
    """What each heading means: a line each."""
    if not answer.blocks:
        return ""
    short = _short(answer.blocks[0].table.columns)
    lines = []
    for name, what in answer.columns.items():
        meaning = what if short[name] == name else f"{name}: {what}"
        lines.append(f"  {short[name]:7}{_first_clauses(meaning, WIDTH - 9)}")
    lines += [line for remark in answer.remarks for line in wrapped(f"  {remark}", "  ")]
    return "\n".join(lines)


def _first_clauses(text: str, width: int) -> str:
    """As many of the text's clauses as fit a line; a clause that does not fit alone is cut."""
    ends = [match.start() for match in re.finditer(r"[:,;] ", text)] + [len(text)]
    whole = [end for end in ends if end <= width and text.rfind(": ", 0, end) < end]
    if not whole:
        return textwrap.shorten(text, width, placeholder=" ...")
    return text[: whole[-1]]


def _table(block: AnswerBlock) -> str:
    table = block.table
    short = _short(table.columns)
    several = len(table.columns) > 1
    added = f"{short[table.columns[-1]]}-{short[table.columns[0]]}" if several else ""
    heading = "".join(f"{short[name]:>{_COLUMN}}" for name in table.columns)
    widths = (max(11, len(added) + 2) if several else 0, 6)
    lines = [block.heading] if block.heading else []
    lines.append(f"{'':{_LABEL}}{heading}{added:>{widths[0]}}{'PKRS':>{widths[1]}}")
    lines += [_row(row, table, block.with_percent, widths) for row in table.rows]
    return "\n".join(lines)


def _row(row: AnswerRow, table: AnswerTable, with_percent: bool, widths: tuple[int, int]) -> str:
    added = _added(row, with_percent) if len(table.columns) > 1 else ""
    writes = row.cells[-1].writes
    counted = "-" if writes is None else f"{writes:g}"
    cells = _beside(f"  {row.label}", [_cell(cell) for cell in row.cells])
    return f"{cells}{added:>{widths[0]}}{counted:>{widths[1]}}"


def _beside(label: str, cells: Sequence[str]) -> str:
    """Cells flush right in their columns; a wide one takes from the place on its left."""
    start = _LABEL + len(cells) * _COLUMN
    line = ""
    for number, cell in reversed(list(enumerate(cells, start=1))):
        end = _LABEL + number * _COLUMN
        if line:
            end = min(end, start - 1)
            line = f"{cell}{'':{start - end}}{line}"
        else:
            line = cell
        start = end - len(cell)
    return f"{label:{max(start, len(label) + 1)}}{line}"


def _cell(cell: Cell) -> str:
    if cell.value is None:
        return "-"
    shown = f"{cell.value / 1000:.1f}k" if cell.value >= _ROUNDED else f"{cell.value:g}"
    return shown if cell.exact else f"~{shown}"


def _added(row: AnswerRow, with_percent: bool) -> str:
    if row.added is None:
        return "-"
    about = "" if row.is_exact else "~"
    percent = row.percent_in_words.replace(" ", "") if row.added else ""
    base = abs(row.cells[0].value or 0)
    if about and base >= _ROUNDED:
        sign = "+" if percent[:1].isdigit() else ""
        return f"{about}{sign}{percent}" if percent else "~0"
    return f"{about}{claims.signed(row.added)}" + (
        f" {percent:>4}" if with_percent and base >= _LARGE else ""
    )
