# SPDX-License-Identifier: Apache-2.0
"""The answer tables of a site: for each base and machine those of its newest campaigns."""

from collections.abc import Sequence
from typing import Any

from analysis.report.contents.answer_tables import REPLICA_COLUMNS
from analysis.report.contents.answers import build_answer
from analysis.report.contents.findings import judge_campaign
from analysis.report.model.answer import Answer, AnswerBlock
from analysis.site.campaign_reader import CampaignReader, SiteCampaign
from formats.campaign_format import USER_SPACE

# Campaigns of one base and machine that are asked for their tables: the newest of each kind.
_MOST_KINDS = 6

Context = dict[str, Any]


class SiteAnswers:
    """Answers of campaigns; those of an earlier build are taken from there."""

    def __init__(self, reader: CampaignReader, kept: dict[str, Any]):
        """kept: what `used` of the earlier build was."""
        self._reader = reader
        self._kept = kept
        self.used: dict[str, Context] = {}  # by id

    def groups(self, campaigns: Sequence[SiteCampaign]) -> list[Context]:
        """Of each base and machine, the newest first: headings, and tables with their campaigns.
        campaigns: valid ones, the oldest first.
        """
        kinds: dict[tuple[str, str], dict[tuple, SiteCampaign]] = {}
        for one in campaigns:
            lead = _lead(one)
            parts = frozenset(
                case.split("/")[0] for _, cases in one.card["measured"] for case in cases
            )
            of_group = kinds.setdefault((lead["base"], lead["machine"]), {})
            of_group.pop((tuple(one.variants), parts), None)
            of_group[tuple(one.variants), parts] = one
        groups = [
            self._group(base, machine, list(of_group.values())[::-1][:_MOST_KINDS])
            for (base, machine), of_group in kinds.items()
        ]
        groups.sort(key=lambda group: (group["begun"], group["base"]), reverse=True)
        return groups

    def _group(self, base: str, machine: str, newest: Sequence[SiteCampaign]) -> Context:
        """newest: the newest campaign of each kind, the newest first."""
        chosen: dict[tuple[str, bool], tuple[tuple[int, int], SiteCampaign, Context, Context]] = {}
        for one in newest:
            answer = self._answer(one)
            for block in answer["blocks"]:
                key = (block["heading"], block["is_replica"])
                size = (len(block["table"]["columns"]), len(block["table"]["rows"]))
                if key not in chosen or size > chosen[key][0]:
                    chosen[key] = (size, one, answer, block)
        # Kernels that have the patch before replicas of it, pairs before events.
        ordered = sorted(chosen.items(), key=lambda item: (item[0][1], item[0][0]))
        return {
            "base": base,
            "machine": machine,
            "begun": newest[0].known.begun,
            "is_emulated": _lead(newest[0])["emulated"],
            "tables": _tables([found[1:] for _, found in ordered]),
        }

    def _answer(self, campaign: SiteCampaign) -> Context:
        if campaign.id not in self.used:
            kept = self._kept.get(campaign.id)
            self.used[campaign.id] = kept or _context(
                build_answer(judge_campaign(self._reader.load(campaign)))
            )
        return self.used[campaign.id]


def _tables(chosen: Sequence[tuple[SiteCampaign, Context, Context]]) -> list[Context]:
    """Blocks with what is said of them; a claim once, where several are of one campaign."""
    tables = []
    said: set[str] = set()
    for one, answer, block in chosen:
        tables.append(
            {
                "block": block,
                "claim": "" if answer["claim"] in said else answer["claim"],
                "setting": [*answer["setting"], *(f"{remark}." for remark in answer["remarks"])],
                "campaign": {"id": one.id, "name": one.known.name, "day": one.day},
            }
        )
        said.add(answer["claim"])
    return tables


def _lead(campaign: SiteCampaign) -> dict[str, Any]:
    """The variant that a campaign is listed by: the first kernel that was measured."""
    kernels = [one for name, one in campaign.variants.items() if name != USER_SPACE]
    return (kernels or list(campaign.variants.values()))[0]


def _context(answer: Answer) -> Context:
    return {
        "claim": answer.claim,
        "setting": answer.setting,
        "remarks": answer.remarks,
        "blocks": [_block(block) for block in answer.blocks],
    }


def _block(block: AnswerBlock) -> Context:
    """With the names that the template of the table knows."""
    table = block.table
    return {
        "heading": block.heading,
        "with_percent": block.with_percent,
        "is_replica": table.columns[1:] == tuple(REPLICA_COLUMNS),
        "table": {
            "unit": table.unit,
            "columns": list(table.columns),
            "headings": list(table.headings),
            "rows": [
                {
                    "label": row.label,
                    "cells": [
                        {
                            "value": _number(cell.value),
                            "exact": cell.exact,
                            "writes": _number(cell.writes),
                        }
                        for cell in row.cells
                    ],
                    "added": _number(row.added),
                    "is_exact": row.is_exact,
                    "percent_in_words": row.percent_in_words,
                }
                for row in table.rows
            ],
        },
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
