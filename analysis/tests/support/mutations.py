# SPDX-License-Identifier: Apache-2.0
"""Bugs to be planted in analysis/, one at a time: the everyday tests have to notice each.

Written from the code alone, by someone who had not seen its tests and before one of them was run.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutation:
    """Replaces old by new, once, in a file of analysis/."""

    name: str
    file: str
    old: str
    new: str = ""


_RANDOM, _RANKS, _VERDICT, _LOOKS, _JUDGES = (
    "stats/randomisation.py",
    "stats/ranks.py",
    "stats/verdict.py",
    "stats/looks.py",
    "stats/judges.py",
)
_SAMPLE, _FAMILY, _ESTIMATES, _SHAPE, _WARN, _POWER = (
    "stats/sample.py",
    "stats/family.py",
    "stats/estimates.py",
    "stats/clusters.py",
    "stats/cautions.py",
    "stats/power.py",
)

STATS = [
    Mutation(
        "score_never_falls",
        _RANDOM,
        "FULL, BEYOND, FLOOR = 1.5, 2.0, 0.1",
        "FULL, BEYOND, FLOOR = 1.5, 2.0, 1.5",
    ),
    Mutation(
        "half_of_the_signs",
        _RANDOM,
        "np.concatenate([half, -half])",
        "np.concatenate([half, half])",
    ),
    Mutation("measured_is_not_counted", _RANDOM, "        half[0] = 1\n", ""),
    Mutation(
        "mean_distance",
        _RANDOM,
        "low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, -1)",
        "low = distance.max(-1, keepdims=True)",
    ),
    Mutation(
        "not_step_down",
        _RANDOM,
        "np.maximum.accumulate(largest, axis=0, out=largest)",
        "largest[:] = largest.max(0)",
    ),
    Mutation(
        "not_monotone",
        _RANDOM,
        "adjusted[order] = np.maximum.accumulate(share)",
        "adjusted[order] = share",
    ),
    Mutation(
        "each_case_alone", _RANDOM, "np.maximum.accumulate(largest, axis=0, out=largest)", "pass"
    ),
    Mutation("margin_of_one_edge", _RANDOM, "for shift in (-1, 0, 1):", "for shift in (0, 1):"),
    Mutation(
        "one_sided",
        _RANDOM,
        "return Changes(np.minimum(1, 2 * worse)",
        "return Changes(np.minimum(1, worse)",
    ),
    Mutation("the_margin_is_beyond", _RANDOM, "AT_THE_MARGIN * edge)", "0 * edge)"),
    Mutation(
        "interval_one_further_in",
        _RANKS,
        "return means[..., place - 1], means[..., -place]",
        "return means[..., place], means[..., -place - 1]",
    ),
    Mutation(
        "interval_of_one_side",
        _RANKS,
        "    tail = (1 - confidence) / 2\n",
        "    tail = 1 - confidence\n",
    ),
    Mutation(
        "ranks_by_argsort", _RANKS, "stats.rankdata(np.abs(kept))", "np.argsort(np.abs(kept))"
    ),
    Mutation("pairs_of_old", _RANKS, "(len(old) * len(new))", "len(old) ** 2"),
    Mutation(
        "ties_are_below",
        _RANKS,
        'np.searchsorted(ordered, new, "right")',
        'np.searchsorted(ordered, new, "left")',
    ),
    Mutation("higher_is_slower", _VERDICT, 'metric.better == "lower"', 'metric.better == "higher"'),
    Mutation("margin_of_the_larger", _VERDICT, "/ min(old, new)", "/ max(old, new)"),
    Mutation(
        "margin_without_end",
        _VERDICT,
        "max(MARGIN_SHARE, min(cycles, MOST_MARGIN_SHARE))",
        "max(MARGIN_SHARE, cycles)",
    ),
    Mutation("margin_below_0", _VERDICT, "min(abs(old), abs(new))", "min(old, new)"),
    Mutation(
        "no_guard",
        _VERDICT,
        "(evidence.worse <= alpha) & (evidence.low > 0)",
        "evidence.worse <= alpha",
    ),
    Mutation("same_by_one_look", _VERDICT, "words.inside.all()", "words.inside.any()"),
    Mutation(
        "same_though_it_differs",
        _VERDICT,
        "Verdict.WITHIN if words.differs.any()",
        "Verdict.WITHIN if words.differs.all()",
    ),
    Mutation(
        "same_at_95", _VERDICT, "SAME_CONFIDENCE = 1 - 2 * ALPHA", "SAME_CONFIDENCE = 1 - ALPHA"
    ),
    Mutation("slow_is_twice", _LOOKS, "SLOW = 1.5", "SLOW = 3.5"),
    Mutation(
        "share_of_the_old_median",
        _LOOKS,
        "for one in (old, new)]",
        "for one in (old, old)]",
    ),
    Mutation("levels_are_not_shared", _JUDGES, "np.minimum(1, families * p)", "np.minimum(1, p)"),
    Mutation(
        "pairs_by_place",
        _JUDGES,
        "row[np.searchsorted(rounds, comparison.pair.rounds)]",
        "row[: len(comparison.pair.rounds)]",
    ),
    Mutation(
        "rounds_by_place",
        _SAMPLE,
        "np.intersect1d(old.rounds, new.rounds, return_indices=True)",
        "(None, *2 * (np.arange(min(len(old.rounds), len(new.rounds))),))",
    ),
    Mutation("blocks_are_pairs", _SAMPLE, "even and (is_new[::2] != is_new[1::2]).all()", "even"),
    Mutation(
        "dates_are_coins",
        _FAMILY,
        "if design is Design.COIN and len(of_old) >= FEWEST_PAIRS:",
        "if len(of_old) >= FEWEST_PAIRS:",
    ),
    Mutation("second_alignment_unseen", _FAMILY, "if moved != 0:", "if moved < 0:"),
    Mutation(
        "mean_of_boots", _FAMILY, "float(np.median(side.values))", "float(np.mean(side.values))"
    ),
    Mutation(
        "half_the_difference", _ESTIMATES, "2 * np.exp(level) * np.sinh", "np.exp(level) * np.sinh"
    ),
    Mutation(
        "old_is_the_level",
        _ESTIMATES,
        "old=float(np.exp(level - estimate / 2))",
        "old=float(np.exp(level))",
    ),
    Mutation("cut_one_early", _SHAPE, "cut = 2 + int(", "cut = 1 + int("),
    Mutation("narrower_group", _SHAPE, "GAP * max(", "GAP * min("),
    Mutation("percent_as_share", _SHAPE, "[25, 75]", "[0.25, 0.75]"),
    Mutation(
        "launches_of_new",
        _WARN,
        "if Unit.LAUNCH in (pair.old.unit, pair.new.unit):",
        "if pair.new.unit is Unit.BOOT:",
    ),
    Mutation(
        "outliers_are_told",
        _WARN,
        "for outlier in outliers if outlier.severe",
        "for outlier in outliers",
    ),
    Mutation(
        "smallest_of_itself",
        _POWER,
        "np.where(self._largest_in == case, self._second, self._largest)",
        "self._largest",
    ),
    Mutation("width_as_pairs", _POWER, "(half / margin) ** 2", "(half / margin)"),
]

REST = [
    Mutation(
        "cost_of_the_mean_boot",
        "summary/cases.py",
        "float(np.median(costs))",
        "float(np.mean(costs))",
    ),
    Mutation("ticks_in_a_nanosecond", "summary/cases.py", "1e9 / rate", "rate / 1e9"),
    Mutation("held_once", "summary/cases.py", '("failed", "held")', '("held", "failed")'),
    Mutation(
        "failed_and_good",
        "summary/cases.py",
        '== "failed" for record in records)',
        '== "failed" for record in good)',
    ),
    Mutation(
        "loop_counted",
        "summary/cases.py",
        "Fraction(path.instructions - path.empty_instructions, path.ops)",
        "Fraction(path.instructions, path.ops)",
    ),
    Mutation(
        "rejected_in_the_last_boot", "summary/cases.py", "total.get(cause, 0) + number", "number"
    ),
    Mutation(
        "one_launch_a_boot",
        "data/load.py",
        'key = (raw["case"], raw["launch"])',
        'key = raw["case"]',
    ),
    Mutation(
        "boots_as_text", "data/load.py", 'int(path.name.removeprefix("boot-"))))', "path.name))"
    ),
    Mutation(
        "direction_may_differ",
        "data/load.py",
        '(raw["clock"], raw["unit"], raw["better"])',
        '(raw["clock"], raw["unit"])',
    ),
    Mutation(
        "true_is_a_number",
        "data/json_files.py",
        "type(value) in (int, float) and -LARGEST",
        "isinstance(value, (int, float)) and -LARGEST",
    ),
    Mutation(
        "nan_is_a_number",
        "data/json_files.py",
        "-LARGEST < value < LARGEST",
        "not abs(value) >= LARGEST",
    ),
    Mutation(
        "counted_in_part",
        "data/records.py",
        'counter["value"] * counter["enabled"] / counter["running"]',
        'counter["value"]',
    ),
    Mutation(
        "filled_one_too_far",
        "data/records.py",
        "self._fill(counts, row)",
        "self._fill(counts, row + 1)",
    ),
    Mutation(
        "exact_if_two_values",
        "data/record_check.py",
        "(times.reshape(-1, 2) != times[:2]).any()",
        "len(set(times)) > 2",
    ),
    Mutation(
        "zero_is_no_figure",
        "data/records.py",
        "_NAN if one is None else one",
        "one or _NAN",
    ),
    Mutation("outermost_function", "summary/cost_parts.py", "in reversed(chain)", "in chain"),
    Mutation(
        "write_counted_twice",
        "summary/cost_parts.py",
        'function["instructions"] - function["wrmsr"]',
        'function["instructions"]',
    ),
    Mutation(
        "last_unpatched_kernel", "summary/baseline.py", "in reversed(unpatched)", "in unpatched"
    ),
    Mutation(
        "no_tick_allowed",
        "report/contents/diagnostics.py",
        "<= max(ALIGNMENT_SHARE",
        "<= min(ALIGNMENT_SHARE",
    ),
    Mutation("bucket_before", "summary/samples.py", 'side="right"', 'side="left"'),
    Mutation(
        "columns_exchanged",
        "report/text/render.py",
        "plus, row.cost, row.nanoseconds)",
        "plus, row.nanoseconds, row.cost)",
    ),
    Mutation(
        "simulated_in_turn",
        "studies/simulate.py",
        "chooser.integers(0, 2, (count, 1, pairs)).astype(bool)",
        "np.zeros((count, 1, pairs), bool)",
    ),
    Mutation(
        "false_alarms_of_one_case",
        "studies/calibration.py",
        "words.differs.any()",
        "words.differs[0]",
    ),
]

ALL = STATS + REST


def plant(mutation: Mutation, analysis: Path) -> None:
    """The bug in a copy of analysis/."""
    path = analysis / mutation.file
    text = path.read_text()
    assert (
        text.count(mutation.old) == 1
    ), f"{mutation.file}: {text.count(mutation.old)} times {mutation.old!r}: mend this list"
    path.write_text(text.replace(mutation.old, mutation.new))
