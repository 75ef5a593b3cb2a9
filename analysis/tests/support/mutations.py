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


_MODEL, _COMPARISON, _FAMILY, _VERDICT, _POWER = (
    "stats/regression.py",
    "stats/comparison.py",
    "stats/family.py",
    "stats/verdict.py",
    "stats/power.py",
)
_RANKS, _HOLM, _BOOTSTRAP, _SHAPE, _WARN = (
    "stats/ranks.py",
    "stats/holm.py",
    "stats/resampling.py",
    "stats/clusters.py",
    "stats/cautions.py",
)

STATS = [
    Mutation("interval_of_one_side", _MODEL, "(1 + confidence) / 2) * self", "confidence) * self"),
    Mutation("p_of_one_side", _MODEL, "= 2 * special.stdtr(", "= special.stdtr("),
    Mutation("slope_takes_no_degree_of_variance", _MODEL, "left / (degrees - 1)", "left / degrees"),
    Mutation(
        "slope_takes_no_degree_of_t",
        _MODEL,
        "        degrees=degrees - 1,",
        "        degrees=degrees,",
    ),
    Mutation("one_mean_estimated", _MODEL, "new.shape[-1] - 2", "new.shape[-1] - 1"),
    Mutation("drift_added", _MODEL, "- old_centre - slope * apart", "- old_centre + slope * apart"),
    Mutation("drift_is_free", _MODEL, "variance * (share + apart**2 / spread)", "variance * share"),
    Mutation(
        "sides_of_one_size",
        _MODEL,
        "share = 1 / old.shape[-1] + 1 / new.shape[-1]",
        "share = 4 / (old.shape[-1] + new.shape[-1])",
    ),
    Mutation(
        "middle_of_old", _MODEL, "np.concatenate([old_slots, new_slots]).mean()", "old_slots.mean()"
    ),
    Mutation(
        "deviation_widened",
        _MODEL,
        "share = (1 / old_boots + 1 / new_boots) * (1 + self.widening)",
        "share = 1 / old_boots + 1 / new_boots",
    ),
    Mutation(
        "slots_of_the_other_side",
        _MODEL,
        "new - self.slope * (new_slots - middle)",
        "new - self.slope * (old_slots - middle)",
    ),
    Mutation(
        "no_spread_no_change",
        _MODEL,
        "np.where(np.isnan(t), 0, t)",
        "np.where(np.isfinite(t), t, 0)",
    ),
    Mutation("higher_is_slower", _VERDICT, 'metric.better == "lower"', 'metric.better == "higher"'),
    Mutation("margin_of_the_larger", _VERDICT, "/ min(old, new))", "/ max(old, new))"),
    Mutation(
        "margin_of_one_unit",
        _VERDICT,
        "MARGIN_CYCLES * (metric.cycle or 0) / min",
        "MARGIN_CYCLES / min",
    ),
    Mutation("margin_below_0", _VERDICT, "min(abs(old), abs(new))", "min(old, new)"),
    Mutation(
        "same_by_the_estimate",
        _VERDICT,
        "(-margin < low) & (high < margin)",
        "np.abs(low + high) / 2 < margin",
    ),
    Mutation(
        "same_at_95", _VERDICT, "SAME_CONFIDENCE = 1 - 2 * ALPHA", "SAME_CONFIDENCE = 1 - ALPHA"
    ),
    Mutation(
        "not_monotone",
        _HOLM,
        "np.minimum(np.maximum.accumulate(steps, axis=-1), 1)",
        "np.minimum(steps, 1)",
    ),
    Mutation("bonferroni", _HOLM, "np.arange(count, 0, -1)", "count"),
    Mutation(
        "order_inverted_twice",
        _HOLM,
        "put_along_axis(result, order,",
        "put_along_axis(result, np.argsort(order, axis=-1),",
    ),
    Mutation(
        "ties_are_below",
        _RANKS,
        'np.searchsorted(ordered, new, "right")',
        'np.searchsorted(ordered, new, "left")',
    ),
    Mutation("pairs_of_old", _RANKS, "(len(old) * len(new))", "len(old) ** 2"),
    Mutation("deals_drawn", _RANKS, "n_resamples=np.inf", "n_resamples=999"),
    Mutation("ranks_by_argsort", _RANKS, "stats.rankdata(together)", "np.argsort(together)"),
    Mutation(
        "error_of_one_side", _POWER, "deviation * np.sqrt(2 / boots)", "deviation / np.sqrt(boots)"
    ),
    Mutation("degrees_of_one_side", _POWER, "2 * boots - 3", "boots - 1"),
    Mutation("power_of_one_side", _POWER, "1 - alpha / 2", "1 - alpha"),
    Mutation(
        "sameness_of_two_sides",
        _POWER,
        "stdtrit(degrees, 1 - alpha) *",
        "stdtrit(degrees, 1 - alpha / 2) *",
    ),
    Mutation("last_that_does_not_resolve", _POWER, "    return many", "    return few"),
    Mutation(
        "percentiles_90",
        _BOOTSTRAP,
        "[(1 - confidence) / 2, (1 + confidence) / 2]",
        "[1 - confidence, confidence]",
    ),
    Mutation(
        "resampling_unseeded", _BOOTSTRAP, "default_rng([SEED, stream, boots])", "default_rng()"
    ),
    Mutation(
        "sides_resampled_together", _BOOTSTRAP, "_weights(len(new), 1)", "_weights(len(new), 0)"
    ),
    Mutation("resampled_drift_added", _BOOTSTRAP, "differences -= slopes", "differences += slopes"),
    Mutation("cut_one_early", _SHAPE, "cut = 2 + int(", "cut = 1 + int("),
    Mutation("narrower_group", _SHAPE, "GAP * max(", "GAP * min("),
    Mutation("percent_as_share", _SHAPE, "[25, 75]", "[0.25, 0.75]"),
    Mutation("spread_of_all", _WARN, "float(old.std(ddof=1))", "float(old.std())"),
    Mutation(
        "launches_of_new",
        _WARN,
        "if Unit.LAUNCH in (pair.old.unit, pair.new.unit):",
        "if pair.new.unit is Unit.LAUNCH:",
    ),
    Mutation(
        "mean_of_boots", _FAMILY, "float(np.median(side.values))", "float(np.mean(side.values))"
    ),
    Mutation("level_of_one_comparison", _FAMILY, "        ALPHA / family,\n", "        ALPHA,\n"),
    Mutation("halves_alternate", _COMPARISON, "(0, 3))", "(0, 2))"),
    Mutation(
        "halves_as_they_lie",
        _COMPARISON,
        'else np.argsort(side.slots, kind="stable")',
        "else np.arange(len(side.values))",
    ),
    Mutation("aa_not_adjusted", _COMPARISON, "return aa.p_holm < ALPHA", "return aa.p < ALPHA"),
    Mutation("half_the_difference", _FAMILY, "scale = 2 * np.exp(level)", "scale = np.exp(level)"),
    Mutation(
        "margin_of_ratio_on_logs",
        _FAMILY,
        "np.log1p(margin_of_ratio(comparison.metric, comparison.old, comparison.new))",
        "margin_of_ratio(comparison.metric, comparison.old, comparison.new)",
    ),
    Mutation(
        "logs_of_one_side", _FAMILY, "old.values.min() > 0 and new", "old.values.min() > 0 or new"
    ),
    Mutation(
        "one_side_exact",
        _COMPARISON,
        "self.pair.old.exact and self.pair.new.exact",
        "self.pair.old.exact or self.pair.new.exact",
    ),
    Mutation(
        "boots_of_both",
        _FAMILY,
        "if min(comparison.n_old, comparison.n_new) < FEWEST_BOOTS:",
        "if comparison.n_old + comparison.n_new < 2 * FEWEST_BOOTS:",
    ),
    Mutation(
        "as_many_boots_again",
        _FAMILY,
        "min(comparison.n_old, comparison.n_new) + 1)",
        "min(comparison.n_old, comparison.n_new))",
    ),
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
        "values != values[:2] * (len(values) // 2)",
        "len(set(values)) > 2",
    ),
    Mutation(
        "zero_is_no_figure",
        "data/records.py",
        "_NAN if figure is None else figure",
        "figure or _NAN",
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
        "[first, 1 - first, 1 - first, first]",
        "[first, 1 - first, first, 1 - first]",
    ),
    Mutation(
        "calibrated_one_by_one", "studies/calibration.py", "holm.adjusted(fit.p()))", "fit.p())"
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
