# SPDX-License-Identifier: Apache-2.0
"""Builds the site of many campaigns: all pages, data, feed and badges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.data.bad_data import BadData, printable
from analysis.data.grouping import group_by
from analysis.history.case_history import CaseHistory, judge_cases
from analysis.history.figure_store import Known, Store
from analysis.site import browser_rules
from analysis.site.badges import render_badge
from analysis.site.campaign_reader import CampaignReader, SiteCampaign
from analysis.site.case_model import CaseModel, SetupRow
from analysis.site.case_texts import find_body
from analysis.site.config_tables import read_table
from analysis.site.feed import MOST_ENTRIES, render_feed
from analysis.site.path_blocks import body_of, build_block
from analysis.site.prediction_pages import describe_prediction, find_predictions
from analysis.site.series_tables import read_walk
from analysis.site.site_answers import SiteAnswers
from analysis.site.site_data import file_name
from analysis.site.site_folder import SiteFolder
from analysis.site.site_inputs import find_inputs
from analysis.site.site_pages import SitePages, hash_makers

Context = dict[str, Any]
# Bases and machines whose tables are on the front page; changes there, and on the page of changes.
_MOST_GROUPS, _FEW_CHANGES, _MOST_CHANGES = 8, 10, 500


@dataclass(frozen=True)
class Built:
    """A site that was built."""

    campaigns: int
    cases: int
    changes: int
    written: int  # files that were not there as they should be
    left_out: dict[str, str]  # what is not shown, and why


def build_site(given: Sequence[Path], out: Path, address: str = "") -> Built:
    """Builds the site of what lies in these folders and archives, or brings it up to date. BadData
    where there is no campaign, or the folder has something else in it.

    address: where it will be on the web, for links in the feed; empty: not known.
    """
    inputs = find_inputs(given)
    site = SiteFolder(out, hash_makers())
    reader = CampaignReader(site)
    with Store() as store:
        campaigns, unread = reader.read_all(store, inputs.campaigns)
        valid = [one for one in campaigns if not one.card["problems"]]
        rows = _judge_setups(store, valid)
    left_out = inputs.left_out | unread
    tables = _read_each(inputs.tables, read_table, left_out)
    walks = _read_each(inputs.walks, read_walk, left_out)
    model = CaseModel(campaigns, rows, reader)
    answers = SiteAnswers(reader, site.kept.get("answers", {}))
    predictions = _read_predictions(valid, left_out)
    pages = SitePages(
        site,
        {
            "has_configs": bool(tables),
            "has_series": bool(walks),
            "has_predictions": bool(predictions),
        },
    )
    build = _Build(site, pages, reader, campaigns, valid, model, left_out)
    pages.write_assets()
    build.write_cases()
    build.write_lists()
    build.write_tables(tables, walks)
    build.write_predictions(predictions)
    build.write_front(answers.groups(valid))
    changes = build.write_changes(address)
    cards = {one.id: one.card for one in campaigns}
    site.close({"cards": cards, "answers": answers.used, "pages": pages.keys})
    problems = {
        one.where: f"not valid: {one.card['problems'][0]}"
        for one in campaigns
        if one.card["problems"]
    }
    return Built(len(campaigns), len(model.cases), changes, site.written, left_out | problems)


def _judge_setups(store: Store, campaigns: Sequence[SiteCampaign]) -> list[SetupRow]:
    """Histories of all cases, those of each setup apart: campaigns of several kernels take turns,
    and what differs between these is no change.
    """
    by_setup: dict[str, dict[str, list[Known]]] = {}
    for one in campaigns:
        for name, variant in one.variants.items():
            by_setup.setdefault(variant["setup"], {}).setdefault(name, []).append(one.known)

    def of_setup(setup: str) -> list[CaseHistory]:
        return judge_cases(store, (), of_variant=lambda name: by_setup[setup].get(name, ()))

    return [SetupRow(setup, row) for setup in sorted(by_setup) for row in of_setup(setup)]


def _read_each(
    files: dict[str, Path], read: Callable[[Path], Context], left_out: dict[str, str]
) -> list[Context]:
    """What is whole, with where it lies; why other things are not goes to left_out."""
    found = []
    for where, path in files.items():
        try:
            found.append(read(path) | {"where": where})
        except (BadData, OSError) as error:
            left_out[where] = printable(str(error)).replace(printable(str(path)), where)
    return found


def _read_predictions(
    campaigns: Sequence[SiteCampaign], left_out: dict[str, str]
) -> list[tuple[Context, list[Context]]]:
    """What a page says of each prediction, and its charts."""
    found = []
    for one in campaigns:
        files = find_predictions(one.folder, one.where)
        for about in _read_each(files, describe_prediction, left_out):
            charts = about.pop("charts")
            found.append((about | {"id": one.id, "name": one.known.name}, charts))
    return found


@dataclass(frozen=True)
class _Build:
    """All that pages are made of."""

    site: SiteFolder
    pages: SitePages
    reader: CampaignReader
    campaigns: list[SiteCampaign]
    valid: list[SiteCampaign]
    model: CaseModel
    left_out: dict[str, str]

    def write_cases(self) -> None:
        """A page, the data of its chart, and a badge for each case; and the list of cases."""
        listed: list[Context] = []
        for case in self.model.cases:
            context = self.model.context(case)
            file = context["file"]
            self.pages.render(
                f"case/{file}.html",
                "case.html.j2",
                context,
                lambda case=case: self._paths(case),  # type: ignore[misc]
            )
            self.pages.write_data(f"history/{file}", self.model.chart(case))
            self.site.write(f"badges/{file}.svg", _badge(context))
            listed.append(
                {name: context[name] for name in ("case", "file", "what")}
                | {"kernels": len({row["variant"] for t in context["tables"] for row in t["rows"]})}
            )
        parts = group_by(listed, lambda row: row["case"].split("/")[0])
        named = [[{"name": name, "file": file_name(name)}, rows] for name, rows in parts.items()]
        self.pages.render("cases.html", "cases.html.j2", {"parts": named})
        self.pages.write_data("cases", [[row["case"], row["file"], row["what"]] for row in listed])

    def _paths(self, case: str) -> Context:
        """The paths of a case, and the source of its body."""
        blocks, body = [], ""
        for one, variants in self.model.paths(case):
            loaded = self.reader.load(one)
            body = body or body_of(loaded, case, variants)
            lead = one.variants[variants[0]]
            blocks.append(
                build_block(loaded, case, variants)
                | {"setup": lead["setup"], "machine": lead["machine"]}
                | {"link": {"id": one.id, "name": one.known.name}}
            )
        return {"blocks": blocks, "body": find_body(body) if body else None}

    def write_lists(self) -> None:
        """The pages that show what their address asks for, and what they choose from."""
        for name in ("campaign", "campaigns", "compare"):
            self.pages.render(f"{name}.html", f"{name}.html.j2", {})
        self.pages.write_data("campaigns", _list(self.campaigns))
        self.pages.write_data("rules", browser_rules.rules())
        invalid = [
            {"id": one.id, "name": one.known.name, "where": one.where}
            | {"why": "; ".join(one.card["problems"])}
            for one in self.campaigns
            if one.card["problems"]
        ]
        rows = [[where, why] for where, why in sorted(self.left_out.items())]
        self.pages.render("left-out.html", "left-out.html.j2", {"rows": rows, "invalid": invalid})

    def write_tables(self, tables: list[Context], walks: list[Context]) -> None:
        """The pages of configurations and of patches, where there are any; and what is found by
        words in them.
        """
        found = []
        for number, table in enumerate(tables, 1):
            for row in table["rows"]:
                row["id"] = file_name(row["name"])
                address = f"configs.html#{number}-{row['id']}"
                found.append([f"{row['name']}: {row['why']}", "configuration", address])
        for number, walk in enumerate(walks, 1):
            for row in walk["rows"]:
                address = f"series.html#walk-{number}-{row['number']}"
                found.append([row["subject"], "patch", address])
        if tables:
            self.pages.render("configs.html", "configs.html.j2", {"tables": tables})
        if walks:
            self.pages.render("series.html", "series.html.j2", {"walks": walks})
        self.pages.write_data("tables", found)

    def write_predictions(self, predictions: list[tuple[Context, list[Context]]]) -> None:
        """The page of predicted cycles, where there are any, and the data of its charts."""
        for about, charts in predictions:
            self.pages.write_data(f"prediction/{about['id']}", charts)
        if predictions:
            shown = [about for about, _ in predictions]
            self.pages.render("predictions.html", "predictions.html.j2", {"predictions": shown})

    def write_front(self, groups: list[Context]) -> None:
        """The front page."""
        days = [one.day for one in (self.campaigns[0], self.campaigns[-1]) if one.day]
        invalid = len(self.campaigns) - len(self.valid)
        self.pages.render(
            "index.html",
            "index.html.j2",
            {
                "count": {
                    "campaigns": len(self.campaigns),
                    "cases": len(self.model.cases),
                    "days": " to ".join(dict.fromkeys(days)),
                },
                "left_out": len(self.left_out) + invalid,
                "groups": groups[:_MOST_GROUPS],
                "more_groups": groups[_MOST_GROUPS:],
                "changed": self.model.all_changes[:_FEW_CHANGES],
            },
        )

    def write_changes(self, address: str) -> int:
        """The page of changes and the feed; how many changes there are."""
        changes = self.model.all_changes
        self.pages.render(
            "changes.html",
            "changes.html.j2",
            {"rows": changes[:_MOST_CHANGES], "more": max(0, len(changes) - _MOST_CHANGES)},
        )
        begun = {one.id: one.known.begun for one in self.campaigns}
        self.site.write("feed.xml", render_feed(changes[:MOST_ENTRIES], begun, address))
        return len(changes)


def _badge(context: Context) -> bytes:
    """The newest figure of a case: the last row of its first table."""
    label = context["case"]
    tables = [table for table in context["tables"] if table["rows"]]
    if not tables:
        return render_badge(label, "no figure")
    table, row = tables[0], tables[0]["rows"][-1]
    emulated = ", emulated" if table["is_emulated"] else ""
    about = "" if row["is_exact"] else "~"
    return render_badge(
        label, f"{about}{row['value']} {table['unit']}{emulated} ({row['variant']})"
    )


def _list(campaigns: Sequence[SiteCampaign]) -> Context:
    """All campaigns, the oldest first; what many have in common is there once."""
    kinds: dict[str, int] = {}
    shared: list[list] = []
    rows = []
    for one in campaigns:
        variants = [
            [
                variant[name]
                for name in (
                    "name",
                    "base",
                    "machine",
                    "release",
                    "compiler",
                    "facts",
                    "config",
                    "emulated",
                    "described",
                    "what",
                )
            ]
            for variant in one.card["variants"]
        ]
        key = repr(variants)
        if key not in kinds:
            kinds[key] = len(shared)
            shared.append(variants)
        problems = "; ".join(one.card["problems"])
        rows.append([one.id, one.known.name, one.known.begun, one.where, kinds[key], problems])
    return {"kinds": shared, "rows": rows}
