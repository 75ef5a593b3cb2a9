# SPDX-License-Identifier: Apache-2.0
"""Diagnostics of the measurement: overhead, alignment, rejected samples, what the PMU counted, as
sentences.
"""

from analysis.summary.cases import Row, sum_counts

# Two alignments of the same code that differ by more than this are named.
ALIGNMENT_SHARE = 0.05


def describe_measurement(rows: list[Row]) -> list[str]:
    """Sentences about the kernel cases of one variant or several; none if nothing was measured."""
    describe = (_overhead, _alignment, _rejected, _counted, _counted_wrongly)
    return [sentence for one in describe if (sentence := one(rows))]


def _overhead(rows: list[Row]) -> str:
    measured = [
        (row.overhead_ticks, row.ioctl_share, row.unit)
        for row in rows
        if row.overhead_ticks is not None and row.ioctl_share is not None
    ]
    if not measured:
        return ""
    overheads = [overhead for overhead, _, _ in measured]
    least, most = f"{min(overheads):.0f}", f"{max(overheads):.0f}"
    span = least if least == most else f"{least} to {most}"
    share = max(share for _, share, _ in measured)
    return (
        f"Measuring: a sample takes {span} {measured[0][2]} beside its timed windows, which no"
        f" figure contains; the system call takes {_percent(share)} of a record at most."
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"


def _alignment(rows: list[Row]) -> str:
    both = [
        (row, row.cost, row.cost_shifted)
        for row in rows
        if row.cost is not None and row.cost_shifted is not None
    ]
    if not both:
        return ""
    apart = [
        (row, cost, shifted) for row, cost, shifted in both if not _alike(row.exact, cost, shifted)
    ]
    if not apart:
        same = (
            "the same"
            if all(cost == shifted for _, cost, shifted in both)
            else f"the same within {_percent(ALIGNMENT_SHARE)}"
        )
        return f"Alignment: 16 bytes further on, the same code costs {same} in every case."
    several = len({row.variant for row in rows}) > 1
    named = ", ".join(
        f"{f'{row.variant} ' if several else ''}{row.case} {cost:.4g} and {shifted:.4g}"
        for row, cost, shifted in apart
    )
    return f"Alignment: these cost something else 16 bytes further on: {named}."


def _alike(exact: bool, cost: float, shifted: float) -> bool:
    if exact:
        return cost == shifted
    # a case of a few ticks is allowed one
    return abs(shifted - cost) <= max(ALIGNMENT_SHARE * abs(cost), 1)


def _rejected(rows: list[Row]) -> str:
    causes = sum_counts([row.rejected for row in rows])
    if not causes:
        return ""
    taken_again = {cause: count for cause, count in causes.items() if count}
    if not taken_again:
        return f"Samples thrown away: none ({', '.join(causes)} looked for)."
    counts = ", ".join(f"{count} for {cause}" for cause, count in taken_again.items())
    return f"Samples thrown away and taken again: {counts}; {', '.join(causes)} looked for."


def _counted(rows: list[Row]) -> str:
    """How far apart the cycles of the PMU and those of the clock are."""
    both = [
        (abs(row.counted_cycles - row.core_cycles), row)
        for row in rows
        if row.counted_cycles is not None and row.core_cycles is not None
    ]
    if not both:
        return ""
    apart, farthest = max(both, key=lambda one: one[0])
    instructions = sum(row.counted_instructions is not None for row in rows)
    return (
        f"PMU: cycles of the same windows, counted in {len(both)} cases, and those by the clock"
        f" and its add chain differ by {apart:.1f} an operation at most ({farthest.case}:"
        f" {farthest.counted_cycles:.1f} and {farthest.core_cycles:.1f}); instructions were counted"
        f" in {instructions}."
    )


def _counted_wrongly(rows: list[Row]) -> str:
    wrong = [f"{row.case}: {problem}" for row in rows for problem in row.counting_problems]
    return f"PMU, not to be trusted: {'; '.join(wrong)}." if wrong else ""
