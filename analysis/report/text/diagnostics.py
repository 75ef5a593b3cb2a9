# SPDX-License-Identifier: Apache-2.0
"""What measuring took, and what became of it: sentences for a reader who doubts the figures."""

from analysis.summary.cases import Row, summed

# Two alignments of the same code that differ by more than this are named.
ALIGNMENT_SHARE = 0.05


def sentences(rows: list[Row]) -> list[str]:
    """About the kernel cases of one variant or several; none where nothing was measured."""
    return [
        sentence for sentence in (_overhead(rows), _alignment(rows), _rejected(rows)) if sentence
    ]


def _overhead(rows: list[Row]) -> str:
    measured = [
        row for row in rows if row.overhead_ticks is not None and row.ioctl_share is not None
    ]
    if not measured:
        return ""
    least, most = (f"{pick(row.overhead_ticks for row in measured):.0f}" for pick in (min, max))
    span = least if least == most else f"{least} to {most}"
    share = max(row.ioctl_share for row in measured)
    return (
        f"Measuring: a sample takes {span} {measured[0].unit} beside its timed windows, which no"
        f" figure contains; the system call takes {_percent(share)} of a record at most."
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"


def _alignment(rows: list[Row]) -> str:
    both = [row for row in rows if row.cost is not None and row.cost_shifted is not None]
    if not both:
        return ""
    apart = [row for row in both if not _alike(row)]
    if not apart:
        same = (
            "the same"
            if all(row.cost == row.cost_shifted for row in both)
            else f"the same within {_percent(ALIGNMENT_SHARE)}"
        )
        return f"Alignment: 16 bytes further on, the same code costs {same} in every case."
    several = len({row.variant for row in rows}) > 1
    named = ", ".join(
        f"{f'{row.variant} ' if several else ''}{row.case} {row.cost:.4g} and"
        f" {row.cost_shifted:.4g}"
        for row in apart
    )
    return f"Alignment: these cost something else 16 bytes further on: {named}."


def _alike(row: Row) -> bool:
    if row.exact:
        return row.cost == row.cost_shifted
    # a case of a few ticks is allowed one
    return abs(row.cost_shifted - row.cost) <= max(ALIGNMENT_SHARE * abs(row.cost), 1)


def _rejected(rows: list[Row]) -> str:
    causes = summed([row.rejected for row in rows])
    if not causes:
        return ""
    taken_again = {cause: count for cause, count in causes.items() if count}
    if not taken_again:
        return f"Samples thrown away: none ({', '.join(causes)} looked for)."
    counts = ", ".join(f"{count} for {cause}" for cause, count in taken_again.items())
    return f"Samples thrown away and taken again: {counts}; {', '.join(causes)} looked for."
