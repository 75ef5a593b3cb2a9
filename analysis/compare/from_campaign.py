# SPDX-License-Identifier: Apache-2.0
"""A campaign's variants as sides of a comparison: a median a boot, worked out in columns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.compare import boot_samples, compatibility
from analysis.compare.boot_samples import by_unit
from analysis.compare.source import PKRS_WRITES, Figures, Source
from analysis.data.load import Campaign
from analysis.data.records import Records
from analysis.stats.sample import Metric, Sample, Unit
from analysis.stats.verdict import ALPHA
from formats.campaign_format import PAIRS

# Core cycles where there is a chain to count them by: they do not move with the clock's frequency
# as ticks do. And what a patch may add to any case.
CHOSEN = (("core_cycles", "cost"), (PKRS_WRITES,))
# Windows of one operation count in a sample: n and 2n.
_COUNTS_A_PAIR = 3


@dataclass(frozen=True)
class _Schedule:
    """What a campaign's plan and order say of the boots of one variant, by the boot's number."""

    slots: dict[int, int]  # places in the order
    rounds: dict[int, int | None]  # only where a fair coin made the order of each round
    halves: dict[int, str | None]  # of the A/A row
    asked: int  # boots that were asked for

    def of(self, boots: np.ndarray) -> tuple[np.ndarray | None, ...]:
        """Slots, rounds, and which of these boots are in half A; None where one has none."""
        numbers = [int(boot) for boot in boots]
        slots = [self.slots.get(number) for number in numbers]
        rounds = [self.rounds.get(number) for number in numbers]
        halves = [self.halves.get(number) for number in numbers]
        return (
            None if None in slots else np.array(slots, dtype=float),
            None if None in rounds else np.array(rounds, dtype=np.int64),
            None if None in halves else np.array([half == "A" for half in halves]),
        )


def variants(campaign: Campaign) -> list[str]:
    """Variants with records, in the campaign's own order; user models, which are `host`, last."""
    measured = {
        campaign.records.names["variant"][code]
        for code in np.unique(campaign.records.column("variant"))
    }
    named = [name for name in campaign.header["variants"] if name in measured]
    return named + sorted(measured.difference(named))


def source(campaign: Campaign, variant: str, label: str, with_samples: bool = True) -> Source:
    """A variant as a side. with_samples: also what is looked at beside the figure of each boot,
    which takes longest.
    """
    records = campaign.records
    rows = np.flatnonzero(records.column("variant") == records.names["variant"].index(variant))
    by_case = _groups(records.column("case")[rows], rows)
    names = records.names["case"]
    schedule = _schedule(campaign, variant)
    alpha, looks_left = _looks(campaign)
    by_name = {
        names[code]: _case_figures(campaign, variant, label, case_rows, schedule, with_samples)
        for code, case_rows in by_case
    }
    return Source(
        label=label,
        kind="a campaign of kmapbench",
        figures={
            (case, metric_figures.metric.name): metric_figures
            for case, (figures, _) in by_name.items()
            for metric_figures in figures
        },
        chosen=CHOSEN,
        facts=compatibility.campaign_facts(campaign, variant),
        files=(
            campaign.folder / "campaign.json",
            *(path for path in campaign.files[variant] if path.exists()),
        ),
        variant=variant,
        header=campaign.header["variants"].get(variant),
        campaign=campaign.folder.resolve(),
        without_figure={case: why for case, (figures, why) in by_name.items() if not figures},
        alpha=alpha,
        looks_left=looks_left,
        warnings=tuple(
            f"{label}: {case}: {why}" for case, (figures, why) in by_name.items() if figures and why
        ),
    )


def _looks(campaign: Campaign) -> tuple[float, tuple[int, ...] | None]:
    """What is left for one look at a campaign, and its looks to come, in pairs. Of one that is
    looked at as it grows, the share of the last look that its whole rounds have reached; of another
    all, and None.
    """
    looks = campaign.header.get("looks")
    if not looks:
        return ALPHA, None
    made: dict[int, set[str]] = {}
    planned: dict[int, set[str]] = {}
    status = {(step["variant"], step["boot"]): step["status"] for step in campaign.header["order"]}
    for step in campaign.header.get("planned", []):
        number = step.get("round")
        if number is not None:
            planned.setdefault(number, set()).add(step["variant"])
            if status.get((step["variant"], step["boot"])) == "ok":
                made.setdefault(number, set()).add(step["variant"])
    pairs = sum(made.get(number) == variants for number, variants in planned.items())
    reached = [look["share"] for look in looks if look["pairs"] <= pairs]
    left = tuple(look["pairs"] for look in looks if look["pairs"] > pairs)
    return float(reached[-1] if reached else looks[0]["share"]), left


def _groups(keys: np.ndarray, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Rows by key, keys in the order in which they first appear."""
    order = np.argsort(keys, kind="stable")
    found, first = np.unique(keys[order], return_index=True)
    groups = np.split(rows[order], first[1:])
    for number in np.argsort([group[0] for group in groups]):
        yield int(found[number]), groups[number]


def _case_figures(
    campaign: Campaign,
    variant: str,
    label: str,
    rows: np.ndarray,
    schedule: _Schedule,
    with_samples: bool,
) -> tuple[list[Figures], str]:
    """All metrics of a case; and what became of boots without a figure."""
    records = campaign.records
    cost = records.column("cost")[rows]
    status = np.array(records.names["status"])[records.column("status")[rows]]
    usable = (status == "ok") & np.isfinite(cost)
    why = _why(records, rows[~usable])
    failed = "failed" in np.array(records.names["oracle"])[records.column("oracle")[rows]]
    if failed or not usable.any():
        return [], why or "no figure"
    exact = bool(usable.all()) and _exact(records, rows)
    good = rows[usable]
    boots, launches = records.column("boot")[good], records.column("launch")[good]
    # Launches of one boot are what repeats where there is one boot; else the boot is.
    units = launches if len(np.unique(boots)) == 1 and len(np.unique(launches)) > 1 else boots
    unit = Unit.LAUNCH if units is launches else Unit.BOOT
    numbers = np.unique(units)
    of_boots = unit is Unit.BOOT
    slots, rounds, first_half = schedule.of(numbers) if of_boots else (None, None, None)
    found = []
    for metric, values in _metrics(campaign, variant, good):
        if np.isfinite(values).all():
            counted = metric.name == PKRS_WRITES and not np.ptp(values)
            is_exact = counted or (exact and metric.name == "cost")
            missing = max(0, schedule.asked - len(numbers)) if of_boots else 0
            side = Sample(
                label, by_unit(values, units), slots, is_exact, unit, rounds, missing=missing
            )
            if with_samples:
                side = boot_samples.with_looks(side, records, good, units, metric.name)
            found.append(Figures(metric, side, first_half))
    return found, why


def _why(records: Records, rows: np.ndarray) -> str:
    """What became of boots without a figure, each reason once."""
    boots: dict[str, list[str]] = {}
    for record in (records[int(row)] for row in rows):
        why = f"{record.status}: {record.reason}" if record.reason else record.status
        boots.setdefault(why, []).append(str(record.boot))
    return "; ".join(
        (
            f"{why} (boot {', '.join(numbers)})"
            if len(numbers) <= 3
            else f"{why} ({len(numbers)} boots)"
        )
        for why, numbers in boots.items()
    )


def _metrics(
    campaign: Campaign, variant: str, rows: np.ndarray
) -> Iterator[tuple[Metric, np.ndarray]]:
    """Every metric there is of these rows, an operation."""
    records = campaign.records
    first = records[int(rows[0])]
    cost, chain = records.column("cost")[rows], records.column("chain")[rows]
    timed = first.clock != "icount"
    tick = float(np.median(chain)) if timed and np.isfinite(chain).all() else None
    yield Metric("cost", first.unit, first.better, first.clock, tick if timed else 1.0), cost
    yield Metric("core_cycles", "cycles", first.better, first.clock, 1.0), records.column(
        "cost_core_cycles"
    )[rows]
    for name, unit in (("counted_cycles", "cycles"), ("counted_instructions", "instructions")):
        yield Metric(name, unit, "lower", first.clock, 1.0), records.column(name)[rows]
    yield Metric(PKRS_WRITES, "writes an operation", "lower", first.clock), records.column(
        PKRS_WRITES
    )[rows]
    rate = campaign.environments.get(variant, {}).get("clock", {}).get("tsc_hz")
    if first.clock == "tsc" and rate:
        yield Metric(
            "ns", "ns", first.better, "tsc", None if tick is None else tick * 1e9 / rate
        ), cost * (1e9 / rate)
    values, offsets = records.samples()
    operations = (
        (offsets[rows + 1] - offsets[rows]) / 2 * _COUNTS_A_PAIR * records.column("ops")[rows]
    )
    if operations.all():
        for name, counts in records.counters.items():
            # Of the whole measurement, preparation included: fit for a ratio of runs that were made
            # alike.
            yield Metric(name, f"{name} an operation", "lower", first.clock), counts[
                rows
            ] / operations


def _exact(records: Records, rows: np.ndarray) -> bool:
    """Whether all boots agree to the digit. Samples of an exact record are all like its first
    (record_check.py), so first ones are compared.
    """
    if (
        not records.column("exact")[rows].all()
        or np.ptp(records.column("ops")[rows])
        or np.ptp(records.column("cost")[rows])
    ):
        return False
    for name in ("samples", "shifted_samples"):
        values, offsets = records.samples(name)
        begins, lengths = offsets[rows], offsets[rows + 1] - offsets[rows]
        if lengths.any() and (
            not lengths.all() or np.ptp(values[begins]) or np.ptp(values[begins + 1])
        ):
            return False
    first = records.histogram(int(rows[0]))
    return all(records.histogram(int(row)) == first for row in rows)


def _schedule(campaign: Campaign, variant: str) -> _Schedule:
    planned = [step for step in campaign.header.get("planned", []) if step["variant"] == variant]
    by_coin = campaign.header.get("design") == PAIRS
    begun = {step["boot"] for step in campaign.header["order"] if step["variant"] == variant}
    # one that is looked at as it grows has asked for no more than it has begun
    asked = len(begun if campaign.header.get("looks") else planned)
    return _Schedule(
        slots={
            step["boot"]: place
            for place, step in enumerate(campaign.header["order"])
            if step["variant"] == variant
        },
        rounds={step["boot"]: step.get("round") for step in planned if by_coin},
        halves={step["boot"]: step.get("half") for step in planned},
        asked=asked or len(np.unique(campaign.records.column("boot"))),
    )
