# SPDX-License-Identifier: Apache-2.0
"""What a site keeps of one campaign: the same for the same content, wherever it lies."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.compare import compatibility
from analysis.compare.source import PKRS_WRITES, Figures, Source
from analysis.data.bad_data import printable
from analysis.data.load import Campaign
from analysis.data.records import Records
from analysis.history.campaign_figures import machine_of
from analysis.summary import controls

_SYMBOL = "kernel.config."
# Fields of a variant's description that decide what two variants are there to differ in.
DESCRIBED = ("kernel", "release", "cmdline", "cpu", "regions")
_RELEASE = re.compile(r"(\d+\.\d+)")
_EMULATED, _REGION = "emulator.", "pmem.namespace"


@dataclass(frozen=True)
class Content:
    """One campaign in parts that are files of their own."""

    card: dict[str, Any]  # what the site's lists and tables are made of
    figures: dict[str, Any]  # all figures and records
    facts: dict[str, list] = field(default_factory=dict)  # by their hash: pairs of name and values


def describe_campaign(
    campaign: Campaign, sources: Sequence[Source], hashed: Callable[[Any], str]
) -> Content:
    """sources: its variants; hashed: gives the hash of a JSON value."""
    problems = [printable(problem) for problem in controls.problems(campaign)]
    names = [str(source.variant) for source in sources]
    facts: dict[str, list] = {}
    variants = []
    for source in sources:
        described = _variant(source)
        for part, kept in zip(("facts", "config"), _facts(source)):
            described[part] = hashed(kept)
            facts[described[part]] = kept
        variants.append(described)
    without = [_without(source, problems) for source in sources]
    header = campaign.header
    card = {
        "begun": str(header.get("started", "")),
        "commit": str(header["kmapbench"]["commit"])[:12],
        "dirty": bool(header["kmapbench"]["dirty"]),
        "problems": problems,
        "variants": variants,
        "measured": [] if problems else [[one.variant, list(one.cases)] for one in sources],
        "lacking": [[name, [case for case, _ in rows]] for name, rows in zip(names, without)],
        "counted": sorted({(path.case, path.variant) for path in campaign.paths}),
    }
    figures = {
        "figures": [] if problems else [_case_figures(source) for source in sources],
        "without": without,
        "records": _records(campaign.records, names, bool(problems)),
    }
    return Content(card, figures, facts)


def _without(source: Source, problems: list[str]) -> list[list[str]]:
    """Cases without a figure that counts, and why."""
    lacking = [[case, printable(why)] for case, why in source.without_figure.items()]
    if problems:
        lacking += [[case, f"not valid: {problems[0]}"] for case in source.cases]
    return lacking


def _variant(source: Source) -> dict[str, Any]:
    header = source.header or {}
    release = _value(source, "kernel.release") or str(header.get("release", ""))
    base = _base(release)
    return {
        "name": source.variant,
        "what": str(header.get("what", "")),
        "release": release,
        "base": base,
        "setup": _setup(base, source),
        "machine": machine_of(source) or "a machine that is not known",
        "emulated": any(name.startswith(_EMULATED) for name in source.facts),
        "compiler": str(header.get("module_compiler", "")) or _value(source, "tools.gcc"),
        "described": (
            None
            if source.header is None
            else [[name, str(source.header.get(name))] for name in DESCRIBED]
        ),
    }


def _base(release: str) -> str:
    """The series of a kernel."""
    found = _RELEASE.match(release)
    return f"Linux {found[1]}" if found else "a kernel of no known release"


def _setup(base: str, source: Source) -> str:
    """What the figures of one history have in common: the series, and regions of persistent memory
    where they are several, as the path looks through them.
    """
    regions = {name.split(".")[1] for name in source.facts if name.startswith(_REGION)}
    return f"{base}, {len(regions)} regions of persistent memory" if len(regions) > 1 else base


def _value(source: Source, name: str) -> str:
    return min(source.facts.get(name, ()), default="")


def _facts(source: Source) -> tuple[list, list]:
    """What the variant was measured on, and its configuration; without what says nothing, or says
    whose machine it was.
    """
    told: list = []
    config: list = []
    for name in sorted(source.facts):
        if not compatibility.matches(name, compatibility.NOISE):
            (config if name.startswith(_SYMBOL) else told).append(
                [name, sorted(source.facts[name])]
            )
    return told, config


def _case_figures(source: Source) -> list[dict[str, Any]]:
    """Of each case the metrics that are compared where none is asked for."""
    wanted = [name for group in source.chosen for name in group]
    return [
        _figure(case, source.figures[case, name])
        for case, names in source.cases.items()
        for name in wanted
        if name in names
    ]


def _figure(case: str, figures: Figures) -> dict[str, Any]:
    values, metric = figures.side.values, figures.metric
    return {
        "case": case,
        "metric": metric.name,
        "unit": metric.unit,
        "clock": metric.clock,
        "better": metric.better,
        "exact": figures.side.exact,
        "median": float(np.median(values)),
        "low": float(values.min()),
        "high": float(values.max()),
        "n": len(values),
        "of": str(figures.side.unit),
        "missing": figures.side.missing,
    }


def _records(records: Records, variants: list[str], is_wrong: bool) -> dict[str, list]:
    """Each record, in columns. A figure of a campaign that is wrong is left out."""
    columns = {name: records.column(name).tolist() for name in ("boot", "launch", "ops", "exact")}
    for name in ("case", "variant", "clock", "unit", "status", "oracle", "reason"):
        words = records.names[name]
        columns[name] = [words[code] for code in records.column(name).tolist()]
    columns["variant"] = [variants.index(name) for name in columns["variant"]]
    columns["reason"] = [printable(why) for why in columns["reason"]]
    for name in ("cost", "cost_core_cycles", PKRS_WRITES):
        columns[name] = [
            None if is_wrong else _known(value) for value in records.column(name).tolist()
        ]
    return columns


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
