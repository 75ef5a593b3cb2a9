# SPDX-License-Identifier: Apache-2.0
"""Writes what a campaign has to say: report.txt, report/index.html, charts/."""

from dataclasses import dataclass
from pathlib import Path

from analysis.compare import within_campaign
from analysis.data.load import Campaign, load
from analysis.fio_model import cost_model, fio_calls
from analysis.report.figures import case_figures
from analysis.report.html import case_tables, key_figures, page, verdict_tables
from analysis.report.text import diagnostics, fio_summary, render, verdict_section
from analysis.summary import controls
from analysis.summary.cases import Row, rows, started
from analysis.summary.provenance import emulator, machine, repeatability

_TITLE = "What WRPKRS costs in kmap_local_page() and kunmap_local()"


@dataclass(frozen=True)
class Written:
    """What was written."""

    text: str  # of report.txt
    problems: list[str]  # why no figure of it can be trusted


def write(folder: Path) -> Written:
    """Reports on a campaign."""
    campaign = load(folder)
    table = rows(campaign)
    warnings = campaign.warnings + [warning for row in table for warning in row.warnings]
    if reason := campaign.header["tools"].get("not_observed"):
        warnings.insert(0, reason)
    problems = [f"NOT VALID: {problem}" for problem in controls.problems(campaign)]
    facts = _facts(campaign, table)
    if not problems and (sentence := controls.sentence(campaign)):
        facts.append(sentence)
    names = list(campaign.header["variants"])
    patched = [
        name for name, kernel in campaign.header["variants"].items() if kernel.get("patched")
    ]
    verdicts = within_campaign.of(campaign)
    warnings += verdict_section.notes(verdicts) + _differing(campaign)
    baseline = verdicts.baseline if verdicts.groups else names[0] if names else ""
    calls = fio_calls.calls(campaign.paths)
    held = [cost_model.held(table, family, calls) for family in verdicts.families()]
    fio = [fio_calls.text(calls, baseline, names), *map(fio_summary.text, held)]
    plain = render.report(problems, _TITLE, facts, table, verdicts, warnings, names, patched, fio)
    (folder / "report.txt").write_text(plain)
    charts = case_figures.draw(campaign, table, verdicts, folder / "charts")
    html = page.render(
        page.Page(
            title=_TITLE,
            problems=problems,
            facts=facts,
            headlines=key_figures.of(table, names, patched),
            charts=charts,
            sheets=[
                *(sheet for family in held for sheet in fio_summary.sheet(family)),
                *fio_calls.sheets(calls, baseline),
                *verdict_tables.of(verdicts),
                *case_tables.of(table, names),
            ],
            quality={
                variant: diagnostics.sentences([row for row in table if row.variant == variant])
                for variant in names
            },
            notes=warnings + render.notes_of(table),
        )
    )
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "index.html").write_text(html)
    return Written(plain, problems)


def _facts(campaign: Campaign, table: list[Row]) -> list[str]:
    """What was measured, on what, how often: a line each."""
    facts = [
        f"campaign {campaign.header['name']}, kmapbench"
        f" {campaign.header['kmapbench']['commit'][:12]}"
        + (" with local changes" if campaign.header["kmapbench"]["dirty"] else "")
    ]
    facts += _kernels(campaign, table)
    if "host" in campaign.environments:
        facts.append(f"host: {machine(campaign, 'host')}")
    if any(row.wrmsr for row in table):
        facts.append(
            "Instructions are not time: a WRMSR counts as one and takes far longer than any other."
        )
    failed = [step for step in campaign.header["order"] if step["status"] != "ok"]
    facts += [
        f"{step['variant']}, boot {step['boot']}: {step['status']}:"
        f" {step.get('reason', 'not ended')}"
        for step in failed
    ]
    return facts


def _differing(campaign: Campaign) -> list[str]:
    """What boots ran on that others of their variant did not, as the lab found it; each difference
    once.
    """
    boots: dict[tuple[str, str], list[int]] = {}
    for step in campaign.header["order"]:
        for line in step.get("differs", []):
            boots.setdefault((step["variant"], line), []).append(step["boot"])
    return [
        f"{variant}, {_numbers(numbers)}: not as in the variant's other boots: {line}"
        for (variant, line), numbers in boots.items()
    ]


def _numbers(boots: list[int]) -> str:
    return f"boot {', '.join(map(str, boots))}" if len(boots) <= 3 else f"{len(boots)} boots"


def _kernels(campaign: Campaign, table: list[Row]) -> list[str]:
    """Each variant's kernel, and where it ran; what is the same for all is said once."""
    measured = {
        name: [row for row in table if row.variant == name] for name in campaign.header["variants"]
    }
    measured = {
        name: chosen
        for name, chosen in measured.items()
        if any(row.cost is not None for row in chosen)
    }
    lab = {
        name: chosen
        for name, chosen in measured.items()
        if any(row.clock == "icount" for row in chosen)
    }
    common = len(lab) > 1 and len({repeatability(chosen) for chosen in lab.values()}) == 1
    facts = []
    if common:
        facts.append(
            f"emulated: {emulator(campaign)}, -icount; {repeatability(next(iter(lab.values())))}"
        )
    for name, chosen in measured.items():
        kernel = campaign.header["variants"][name]
        if name not in lab:
            facts.append(
                f"{name}: measured on this machine's running kernel, {started(chosen)}:"
                f" {machine(campaign, name)}"
            )
        elif common:
            booted = f", booted with {kernel['cmdline']}" if kernel["cmdline"] else ""
            facts.append(f"{name}: Linux {kernel['release']}, -cpu {kernel['cpu']}{booted}")
        else:
            facts.append(
                f"{name}: Linux {kernel['release']}, emulated ({emulator(campaign)}, -cpu"
                f" {kernel['cpu']}, -icount), {repeatability(chosen)}"
            )
    return facts
