# SPDX-License-Identifier: Apache-2.0
"""fio's overhead against the model and the controls, in words and as a table."""

from collections.abc import Sequence

from analysis.fio_model.cost_model import DRAM, PAIR, WRITES, CopyUnit, ModelCheck
from analysis.report.table import Table
from analysis.report.text.layout import wrapped
from analysis.stats.verdict import CONFIDENCE, MARGIN_SHARE, Verdict

_NAMED = 3
_DOUBT = " Either the model lacks something there, or the measurement is wrong."
_MAPPED = "accesses by mappings of user space"
_LABEL_WIDTH = 42
_MOST_ROWS = 100  # of the text
_BRACKETED = (CopyUnit.RANGE, CopyUnit.DEVICE_PAGE)


def sentences(rows: Sequence[ModelCheck]) -> list[str]:
    """What the model is, where it fails, and how the controls behave; none where no fio was
    compared.
    """
    if not rows:
        return []
    return [
        sentence
        for sentence in (_model(rows), *_failing(rows), _cached(rows), _mapped(rows))
        if sentence
    ]


def _model(rows: Sequence[ModelCheck]) -> str:
    bracketed = [row for row in rows if row.meets in _BRACKETED]
    if not bracketed:
        return ""
    metric = bracketed[0].comparison.metric
    once = {
        row.comparison.pair.new.label: (row.expected / row.times, row.bracket / row.times)
        for row in bracketed
        if row.expected is not None
    }
    lacking = [
        label
        for label in dict.fromkeys(row.comparison.pair.new.label for row in bracketed)
        if label not in once
    ]
    without = (
        f"No model of {', '.join(lacking)}: it is made of {WRITES}, {PAIR} and {DRAM} of the same"
        f" campaign, and this one has not all of them in {metric.unit}."
    )
    if not once:
        return without
    said = "; ".join(
        (
            f"{label} {writes:.4g} and {bracket:.4g} {metric.unit}"
            if bracket
            else f"{label} nothing, as it protects nothing"
        )
        for label, (writes, bracket) in once.items()
    )
    found = (
        "Model: an I/O adds 2 WRPKRS for each contiguous range, whatever its size: once an I/O on"
        f" a file here, once a page on the block device. By this campaign's {WRITES}, and of the"
        f" whole bracket by its {PAIR} less the baseline's {DRAM}: {said}."
    )
    if metric.clock == "icount":
        found += (
            " Emulated, a WRPKRS counts as one instruction: what 2 of them leave over is the code"
            " around them, most of which the whole bracket has."
        )
    return f"{found} {without}" if lacking else found


def _failing(rows: Sequence[ModelCheck]) -> list[str]:
    """Of the register alone, of the whole bracket, of single calls."""
    modelled = [row for row in rows if row.meets in _BRACKETED and row.expected is not None]
    counted = [row for row in rows if row.counted is not None]
    return [
        _beyond("Residuals of 2 WRPKRS", [(row, row.expected) for row in modelled]),
        _beyond("Of the whole bracket", [(row, row.bracket) for row in modelled]),
        _beyond(
            "Of what one such call takes more, counted from outside,",
            [(row, row.counted) for row in counted],
        ),
    ]


def _beyond(what: str, modelled: list[tuple[ModelCheck, float]]) -> str:
    """In how many comparisons of each variant the interval excludes the model, and what it leaves
    over there.
    """
    judged = [(row, model) for row, model in modelled if row.interval]
    if not judged:
        return ""
    said, found = [], False
    for variant in dict.fromkeys(row.comparison.pair.new.label for row, _ in judged):
        own = [(row, model) for row, model in judged if row.comparison.pair.new.label == variant]
        left = [row.comparison.difference - model for row, model in own if row.beyond(model)]
        found |= bool(left)
        said.append(
            f"{variant} {len(left)} of {len(own)}"
            + (
                f" ({min(left):+.4g} to {max(left):+.4g} {own[0][0].comparison.metric.unit} left"
                " over)"
                if left
                else ""
            )
        )
    chance = (
        f"beyond their {CONFIDENCE:.0%} interval, as 1 in {1 / (1 - CONFIDENCE):.0f} is by chance"
    )
    return f"{what} {chance}:" f" {'; '.join(said)}.{_DOUBT if found else ''}"


def _cached(rows: Sequence[ModelCheck]) -> str:
    cached = [row for row in rows if row.meets is CopyUnit.CACHED_PAGE and row.expected is not None]
    if not cached:
        return ""
    once = {row.comparison.pair.new.label: row.expected / row.times for row in cached}
    said = ", ".join(f"{label} {cost:+.4g}" for label, cost in once.items())
    found = (
        f"Control, page cache: an I/O adds, for each page copied, what {DRAM} adds"
        f" ({said} {cached[0].comparison.metric.unit})."
    )
    return (
        f"{found} {_beyond('Residuals of that', [(row, row.expected) for row in cached])}".rstrip()
    )


def _mapped(rows: Sequence[ModelCheck]) -> str:
    mapped = [row for row in rows if row.meets is CopyUnit.MAPPING]
    if not mapped:
        return ""
    apart = [row for row in mapped if row.comparison.verdict is not Verdict.SAME]
    margin = f"the {MARGIN_SHARE:.0%} margin"
    if not apart:
        return (
            f"Control, {_MAPPED}, which must not change: within {margin} in all"
            f" {len(mapped)} comparisons."
        )
    named = ", ".join(
        f"{row.comparison.pair.new.label} {row.comparison.case} ({row.comparison.verdict})"
        for row in apart[:_NAMED]
    )
    more = f" and {len(apart) - _NAMED} more" if len(apart) > _NAMED else ""
    return (
        f"Control, {_MAPPED}, which must not change: not shown to be within {margin} in"
        f" {len(apart)} of {len(mapped)} comparisons: {named}{more}."
    )


def text(rows: Sequence[ModelCheck]) -> str:
    """A block of report.txt: a line for each comparison that has a model, below its variant and
    path.
    """
    modelled = [row for row in rows if row.expected is not None or row.counted is not None]
    shown = modelled[:_MOST_ROWS]
    lines = []
    if shown:
        one = shown[0].comparison
        lines = wrapped(
            f"Added to an I/O against {one.pair.old.label}, in {one.metric.unit}; what the model"
            " says; what it leaves over, with * where its interval excludes the model; and one"
            " such call, counted from outside"
        )
        lines.append(f"{'':{_LABEL_WIDTH}}{'added':>9}{'model':>6}{'left':>8} {'count':>5}")
    for variant, on in dict.fromkeys((row.comparison.pair.new.label, row.run.on) for row in shown):
        lines.append(f"  {variant} dax/{on}/")
        for row in shown:
            if (row.comparison.pair.new.label, row.run.on) == (variant, on):
                label = f"    {row.comparison.case.split('/', 2)[2]}"
                lines += (
                    [f"{label:{_LABEL_WIDTH}}{_figures(row)}"]
                    if len(label) <= _LABEL_WIDTH
                    else [label, f"{'':{_LABEL_WIDTH}}{_figures(row)}"]
                )
    if len(shown) < len(modelled):
        lines.append(f"  and {len(modelled) - len(shown)} more, in the page's table")
    return "\n".join(lines + [line for sentence in sentences(rows) for line in wrapped(sentence)])


def _figures(row: ModelCheck) -> str:
    model = (
        f"{'':14} "
        if row.expected is None
        else f"{row.expected:>+6.4g}{row.residual:>+8.1f}{'*' if row.beyond(row.expected) else ' '}"
    )
    counted = "" if row.counted is None else f"{row.counted:>+5.0f}"
    return f"{row.comparison.difference:>+9.1f}{model}{counted}".rstrip()


def sheet(rows: Sequence[ModelCheck]) -> list[Table]:
    """The page's table, none or one."""
    if not rows:
        return []
    return [
        Table(
            name="dax-model",
            heading="fio's overhead, the model and the controls",
            caption=" ".join(
                [
                    (
                        f"In {rows[0].comparison.metric.unit} an I/O, against"
                        f" {rows[0].comparison.pair.old.label}."
                    ),
                    *sentences(rows),
                ]
            ),
            columns=(
                "case",
                "variant",
                "added",
                "95 % from",
                "to",
                "meets",
                "times",
                "model",
                "left over",
                "whole bracket",
                "left over by that",
                "model beyond the interval",
                "one call, counted",
            ),
            rows=tuple(_row(row) for row in rows),
        )
    ]


def _row(row: ModelCheck) -> tuple:
    one, interval = row.comparison, row.interval
    rest = None if row.bracket is None else one.difference - row.bracket
    beyond = (
        None
        if row.expected is None or interval is None
        else "yes"
        if row.beyond(row.expected)
        else "no"
    )
    bounds = (interval.low, interval.high) if interval else (None, None)
    return (
        one.case,
        one.pair.new.label,
        one.difference,
        *bounds,
        row.meets,
        row.times,
        row.expected,
        row.residual,
        row.bracket,
        rest,
        beyond,
        row.counted,
    )
