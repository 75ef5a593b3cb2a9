# SPDX-License-Identifier: Apache-2.0
"""Sentences and tables of a prediction that all its forms share."""

from analysis.prediction.predicted_cycles import (
    FENCE,
    LARGEST_ERROR,
    PUBLISHED_SOURCE,
    PUBLISHED_WRITE,
    WRITE_CYCLES,
    Cycles,
    ModelError,
    PredictedCase,
    Prediction,
)

CASE_COLUMNS = ("case", "variant", "instructions", "predicted", "range", f"W = {PUBLISHED_WRITE}")
ERROR_COLUMNS = ("user model", "measured", "launches", "predicted", "range", "error")


def title(prediction: Prediction) -> str:
    return (
        "Predicted, not measured: cycles of one map/unmap pair by itself, by llvm-mca"
        f" {prediction.llvm}"
    )


def fitness(prediction: Prediction) -> str:
    """Whether the prediction may be used, as the errors on this machine have it."""
    limit = f"{LARGEST_ERROR:.0%}"
    if prediction.here is None:
        return (
            f"NOT CHECKED: LLVM does not know this machine's CPU ({prediction.machine}), so nothing"
            " was compared with a measurement. Do not use these figures."
        )
    if not prediction.errors:
        return (
            "NOT CHECKED: no user model was both predicted and measured. Do not use these figures."
        )
    worst = max(prediction.errors, key=lambda one: abs(one.error))
    where = (
        f"Of {len(prediction.errors)} user models measured on this machine's CPU"
        f" ({prediction.machine}, {prediction.here} in LLVM)"
    )
    if prediction.is_fit:
        return f"{where} none is predicted worse than by {limit}."
    lost = len(prediction.refused_models) + len(prediction.unmeasured)
    return (
        f"NOT FIT: {where[0].lower()}{where[1:]}, {len(prediction.misses)} are predicted worse than"
        f" by {limit}; {worst.case} is off by {worst.error:+.0%}."
        + (f" {lost} more could not be compared." if lost else "")
    )


def notes(prediction: Prediction) -> list[str]:
    """What a reader has to know of the figures."""
    low, high = WRITE_CYCLES
    said = [
        "W is what one PKRS write takes. It is not known and not predicted: the path is shown"
        f" for W = {low} to {high}. The only published number that we found is"
        f" {PUBLISHED_WRITE} cycles ({PUBLISHED_SOURCE}).",
        "The range is of the cycles without writes: from pairs that overlap to a pair whose loads"
        " all wait for the stores before them.",
    ]
    if prediction.left_out:
        said.append(
            f"Executed, but left out of what llvm-mca was given: {', '.join(prediction.left_out)}."
        )
    for cpu in prediction.cpus:
        if same := prediction.same.get(cpu):
            said.append(f"LLVM gives the same figures for {cpu} and {', '.join(same)}.")
    if prediction.load:
        before, after = prediction.load
        said.append(
            f"Load average while the user models were measured: {before:g} before, {after:g} after."
        )
    return said


def formula(case: PredictedCase, cycles: Cycles) -> str:
    """Cycles, as a sum with W where the register is written."""
    return f"{cycles.alone:g}" + _writes(case)


def reach(cycles: Cycles) -> str:
    return f"{cycles.low:.0f} to {cycles.high:.0f}"


def at_published(case: PredictedCase, cycles: Cycles) -> float:
    """Predicted cycles if a write took what was published."""
    return cycles.alone + case.writes * PUBLISHED_WRITE


def _writes(case: PredictedCase) -> str:
    return f" + {case.writes}W" if case.writes > 1 else " + W" if case.writes else ""


def case_cells(case: PredictedCase, cpu: str) -> tuple[str, ...]:
    """A row of CASE_COLUMNS."""
    cycles = case.cycles[cpu]
    return (
        case.case,
        case.variant,
        str(case.instructions),
        formula(case, cycles),
        reach(cycles),
        f"{at_published(case, cycles):g}",
    )


def error_cells(one: ModelError) -> tuple[str, ...]:
    """A row of ERROR_COLUMNS."""
    return (
        one.case,
        f"{one.measured:.1f}",
        str(one.launches),
        f"{one.predicted.alone:g}",
        reach(one.predicted),
        f"{one.error:+.0%}",
    )


def cases_heading(prediction: Prediction, cpu: str) -> str:
    here = " (this machine's CPU)" if cpu == prediction.here else ""
    return f"Predicted cycles on {cpu}{here}"


def errors_heading(prediction: Prediction) -> str:
    return (
        f"Predicted and measured on this machine: core cycles of a pair by itself, {FENCE} taken"
        " away; medians of the launches"
    )


def refusals(prediction: Prediction) -> list[str]:
    """A line for each case of which nothing is predicted, or that is compared with nothing."""
    refused = [one for one in prediction.cases if one.refused] + prediction.refused_models
    return [
        *(f"{one.case} ({one.variant}): nothing predicted: {one.refused}" for one in refused),
        *(f"{case}: not compared: no launch measured it" for case in prediction.unmeasured),
    ]
