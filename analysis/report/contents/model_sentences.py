# SPDX-License-Identifier: Apache-2.0
"""Sentences about fio's overhead: the cost model, where it fails, and the controls."""

from collections.abc import Sequence

from analysis.fio_model.cost_model import DRAM, PAIR, WRITES, CopyUnit, ModelCheck
from analysis.report.comparison import format
from analysis.stats.verdict import CONFIDENCE, MARGIN_SHARE, Verdict

# Comparisons that are named; more are counted.
_NAMED = 3
_DOUBT = "Where a model is excluded, it lacks something there, or the measurement is wrong."
_MAPPED = "accesses by mappings of user space"
_PROTECTED = (CopyUnit.RANGE, CopyUnit.DEVICE_PAGE)


def describe_checks(checks: Sequence[ModelCheck]) -> list[str]:
    """What the model is, where it fails, and how the controls behave; none if there is no check."""
    if not checks:
        return []
    is_excluded = any(
        check.beyond(check.modelled) or check.beyond(check.counted) for check in checks
    )
    sentences = (
        _model(checks),
        *_failing(checks),
        _cached(checks),
        _DOUBT if is_excluded else "",
        _mapped(checks),
    )
    return [sentence for sentence in sentences if sentence]


def _model(checks: Sequence[ModelCheck]) -> str:
    protected = [check for check in checks if check.copy_unit in _PROTECTED]
    if not protected:
        return ""
    metric = protected[0].comparison.metric
    per_copy = {
        _variant(check): (check.expected / check.copies, check.map_unmap / check.copies)
        for check in protected
        if check.expected is not None and check.map_unmap is not None
    }
    lacking = [
        variant for variant in dict.fromkeys(map(_variant, protected)) if variant not in per_copy
    ]
    without = (
        f"No model of {', '.join(lacking)}: it is made of {WRITES}, {PAIR} and {DRAM} of the same"
        f" campaign, and this one has not all of them in {metric.unit}."
    )
    if not per_copy:
        return without
    costs = "; ".join(
        (
            f"{variant} {writes:.4g} and {pair:.4g} {metric.unit}"
            if pair
            else f"{variant} nothing, as it protects nothing"
        )
        for variant, (writes, pair) in per_copy.items()
    )
    subject = "a map/unmap pair" if metric.clock == "icount" else "2 PKRS writes"
    model = (
        f"Model: an I/O adds {subject} for each contiguous range, whatever its size: once an I/O"
        f" on a file here, once a page on the block device. 2 PKRS writes are this campaign's"
        f" {WRITES}, a pair is its {PAIR} less the baseline's {DRAM}: {costs}."
    )
    if metric.clock == "icount":
        model += (
            " Emulated, a PKRS write counts as one instruction, so that 2 of them are no model of"
            " what is added."
        )
    return f"{model} {without}" if lacking else model


def _variant(check: ModelCheck) -> str:
    return check.comparison.pair.new.label


def _failing(checks: Sequence[ModelCheck]) -> list[str]:
    """Failures of the model by PKRS writes where time is measured, by whole map/unmap pairs, and by
    single calls.
    """
    protected = [check for check in checks if check.copy_unit in _PROTECTED]
    timed = [(check, check.expected) for check in protected if not check.by_pair]
    return [
        _beyond("Residuals of 2 PKRS writes", timed),
        _beyond("Residuals of a map/unmap pair", [(check, check.map_unmap) for check in protected]),
        _beyond(
            "Of what one such call takes more, counted from outside,",
            [(check, check.counted) for check in checks],
        ),
    ]


def _beyond(subject: str, modelled: Sequence[tuple[ModelCheck, float | None]]) -> str:
    """Number of comparisons per variant whose interval excludes the model, and residuals."""
    judged = [(check, model) for check, model in modelled if check.interval and model is not None]
    if not judged:
        return ""
    counts = []
    for variant in dict.fromkeys(_variant(check) for check, _ in judged):
        own = [(check, model) for check, model in judged if _variant(check) == variant]
        left = [check.comparison.difference - model for check, model in own if check.beyond(model)]
        count = f"{variant} {len(left)} of {len(own)}"
        if left:
            unit = own[0][0].comparison.metric.unit
            count += f" ({min(left):+.4g} to {max(left):+.4g} {unit} left over)"
        counts.append(count)
    chance = (
        f"beyond their {CONFIDENCE:.0%} interval, as 1 in {1 / (1 - CONFIDENCE):.0f} is by chance"
    )
    return f"{subject} {chance}: {'; '.join(counts)}."


def _cached(checks: Sequence[ModelCheck]) -> str:
    cached = [
        (check, check.expected)
        for check in checks
        if check.copy_unit is CopyUnit.CACHED_PAGE and check.expected is not None
    ]
    if not cached:
        return ""
    per_page = {_variant(check): expected / check.copies for check, expected in cached}
    costs = ", ".join(f"{variant} {cost:+.4g}" for variant, cost in per_page.items())
    unit = cached[0][0].comparison.metric.unit
    control = (
        f"Control, page cache: an I/O adds, for each page copied, what {DRAM} adds ({costs}"
        f" {unit})."
    )
    return f"{control} {_beyond('Residuals of that', cached)}".rstrip()


def _mapped(checks: Sequence[ModelCheck]) -> str:
    mapped = [check for check in checks if check.copy_unit is CopyUnit.MAPPING]
    if not mapped:
        return ""
    held = (Verdict.SAME, Verdict.WITHIN)
    moved = [check for check in mapped if check.comparison.verdict not in held]
    margin = f"the {MARGIN_SHARE:.0%} margin"
    if not moved:
        return (
            f"Control, {_MAPPED}, which must not change: within {margin} in all"
            f" {len(mapped)} comparisons."
        )
    named = ", ".join(
        f"{_variant(check)} {check.comparison.case} ({format.word(check.comparison)})"
        for check in moved[:_NAMED]
    )
    more = f" and {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
    return (
        f"Control, {_MAPPED}, which must not change: not shown to be within {margin} in"
        f" {len(moved)} of {len(mapped)} comparisons: {named}{more}."
    )
