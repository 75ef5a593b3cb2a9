# SPDX-License-Identifier: Apache-2.0
"""All that is computed of a campaign, once: summarized by case, compared by variant."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.compare.within_campaign import Verdicts, compare_variants
from analysis.data.load import Campaign
from analysis.fio_model.cost_model import ModelCheck, check_model
from analysis.fio_model.fio_calls import Call, single_calls
from analysis.stats.comparison import Comparison
from analysis.summary.baseline import Baseline
from analysis.summary.cases import Row, is_fio, is_user, summarize_cases
from analysis.summary.families import baselines
from formats.case_names import OF_THE_MODULE, FioCase, parse_fio


@dataclass(frozen=True)
class Family:
    """Comparisons that were judged together: of one metric, and so of one clock."""

    rows: list[Comparison]
    aa: list[Comparison]  # the baselines against themselves
    checks: list[ModelCheck]  # those of fio

    @property
    def clock(self) -> str:
        return self.rows[0].metric.clock


@dataclass(frozen=True)
class Findings:
    """Results of a campaign; lists are in the campaign's order."""

    campaign: Campaign
    rows: list[Row]
    runs: dict[str, FioCase]  # fio runs by case
    counted: list[Row]  # kernel cases in the emulator
    timed: list[Row]  # cases timed on the running kernel, fio included
    user: list[Row]  # models in user space
    unpatched: Baseline  # costs of the unpatched path in the emulator
    patched: list[str]  # variants
    verdicts: Verdicts
    families: list[Family]
    calls: list[Call]  # single reads and writes

    @property
    def variants(self) -> list[str]:
        return list(self.campaign.header["variants"])

    @property
    def baseline(self) -> str:
        """The variant that others are compared with; empty if there is none."""
        if self.verdicts.groups:
            return self.verdicts.groups[0].old.label
        return self.variants[0] if self.variants else ""


def _paths_held_against(campaign: Campaign) -> dict[str, str]:
    """The baseline of each variant; of one that another compiler made, itself: what a compiler does
    is no matter of the patch.
    """
    kernels = campaign.header["variants"]
    return {
        name: (
            name
            if kernels[name].get("module_compiler") != kernels[baseline].get("module_compiler")
            else baseline
        )
        for name, baseline in baselines(campaign.header).items()
    }


def judge_campaign(campaign: Campaign) -> Findings:
    """Summarizes the cases of a campaign and compares its variants."""
    rows = _in_order(summarize_cases(campaign), list(campaign.header["variants"]))
    runs = _parse_runs(row.case for row in rows)
    counted = [row for row in rows if row.clock == "icount" and not is_fio(row)]
    by_time = [row for row in rows if row.clock != "icount"]
    kernels = campaign.header["variants"].items()
    patched = [name for name, kernel in kernels if kernel.get("patched")]
    verdicts = compare_variants(campaign)
    calls = single_calls(campaign.paths)
    return Findings(
        campaign=campaign,
        rows=rows,
        runs=runs,
        counted=counted,
        timed=[row for row in by_time if not is_user(row)],
        user=[row for row in by_time if is_user(row)],
        unpatched=Baseline(counted, "cost", patched, _paths_held_against(campaign)),
        patched=patched,
        verdicts=verdicts,
        families=[
            Family(family, verdicts.aa(family), check_model(rows, family, runs, calls))
            for family in verdicts.families
        ],
        calls=calls,
    )


def _in_order(rows: list[Row], variants: list[str]) -> list[Row]:
    """Variants of a case beside each other in the campaign's order, cases of one path together, and
    the module's own code last.
    """
    paths = {path: place for place, path in enumerate(dict.fromkeys(map(_path, rows)))}
    cases = {case: place for place, case in enumerate(dict.fromkeys(row.case for row in rows))}
    order = {variant: place for place, variant in enumerate(variants)}

    def place(row: Row) -> tuple[bool, int, int, int]:
        is_of_module = bool(OF_THE_MODULE.fullmatch(row.case))
        variant = order.get(row.variant, len(order))
        return is_of_module, paths[_path(row)], cases[row.case], variant

    return sorted(rows, key=place)


def _path(row: Row) -> str:
    return "/".join(row.case.split("/")[:2])


def _parse_runs(cases: Iterable[str]) -> dict[str, FioCase]:
    runs = {case: parse_fio(case) for case in dict.fromkeys(cases)}
    return {case: run for case, run in runs.items() if run is not None}
