# SPDX-License-Identifier: Apache-2.0
"""Writes what a campaign has to say: report.txt, report/index.html, charts/."""

import re
from pathlib import Path

import jinja2

from analysis import quality, text
from analysis.load import Campaign, load
from analysis.parts import PARTS, TITLES
from analysis.table import Row, rows

_TEMPLATES = Path(__file__).with_name("templates")
_UNTOUCHED = re.compile(r"(kernel|model)/kmap_[a-z_]+/[a-z_]+")
_TITLE = "What WRPKRS costs in kmap_local_page() and kunmap_local()"


def write(folder: Path) -> str:
    """Reports on a campaign and returns the text of report.txt."""
    campaign = load(folder)
    table = rows(campaign)
    warnings = campaign.warnings + [warning for row in table for warning in row.warnings]
    facts = _facts(campaign, table)
    patched = [name for name, kernel in campaign.header["variants"].items() if kernel.get("patched")]
    plain = text.report(_TITLE, facts, table, warnings, patched)
    (folder / "report.txt").write_text(plain)

    drawn = []
    for variant in campaign.header["variants"]:
        # Paths without a touch: a copy would dwarf all else.
        chosen = [row for row in table if row.variant == variant and row.parts and _UNTOUCHED.fullmatch(row.case)]
        if chosen:
            from analysis import charts  # matplotlib takes a second, which a campaign without a chart is spared

            (folder / "charts").mkdir(exist_ok=True)
            svg, _ = charts.cost_breakdown(
                chosen,
                "What one kmap_local map/unmap pair costs, and where it goes",
                _chart_subtitle(campaign, variant, chosen),
                "kernel/: this kernel's own path.  model/: the patched path in a module, as published and (slim) shorter.",
                folder / "charts" / f"cost-breakdown-{variant}",
            )
            drawn.append(svg.read_text())
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "index.html").write_text(_html(campaign, facts, table, warnings, drawn))
    return plain


def _emulator(campaign: Campaign) -> str:
    return campaign.header["tools"]["qemu"].split(" (")[0].replace("emulator version", "TCG")


def _repeatability(table: list[Row]) -> str:
    measured = [row for row in table if row.cost is not None]
    boots = max(row.boots for row in measured)
    if all(row.exact for row in measured):
        return f"{boots} boots, identical to the digit" if boots > 1 else "1 boot"
    return f"{boots} boots, not all identical"


def _chart_subtitle(campaign: Campaign, variant: str, table: list[Row]) -> str:
    release = campaign.header["variants"][variant]["release"]
    return f"{variant}: Linux {release}, emulated ({_emulator(campaign)}, -icount), {_repeatability(table)}"


def _facts(campaign: Campaign, table: list[Row]) -> list[str]:
    """What was measured, on what, how often: a line each."""
    facts = [f"campaign {campaign.header['name']}, kmapbench {campaign.header['kmapbench']['commit'][:12]}"
             + (" with local changes" if campaign.header["kmapbench"]["dirty"] else "")]
    for variant, kernel in campaign.header["variants"].items():
        measured = [row for row in table if row.variant == variant and row.cost is not None]
        if any(row.clock == "icount" for row in measured):
            lab = [row for row in table if row.variant == variant]
            facts.append(f"{variant}: Linux {kernel['release']}, emulated ({_emulator(campaign)}, -cpu {kernel['cpu']}, -icount), {_repeatability(lab)}")
        elif measured:
            facts.append(_machine(campaign, variant, f"{variant}: measured on this machine's running kernel, this boot only: "))
    if "host" in campaign.environments:
        facts.append(_machine(campaign, "host", "host: "))
    if any(row.wrmsr for row in table):
        facts.append("Instructions are not time: a WRMSR counts as one and takes far longer than any other.")
    failed = [step for step in campaign.header["order"] if step["status"] != "ok"]
    facts += [f"{step['variant']}, boot {step['boot']}: {step['status']}: {step.get('reason', 'not ended')}" for step in failed]
    return facts


def _machine(campaign: Campaign, variant: str, before: str) -> str:
    environment = campaign.environments.get(variant)
    if environment is None:  # its boot crashed before it was handed out
        kernel = campaign.header["variants"][variant]
        return f"{before}{kernel['cpu']}, Linux {kernel['release']}"
    virtual = ", a virtual machine: its times include what its host does" if environment["cpu"].get("hypervisor") else ""
    return f"{before}{environment['cpu']['model name']}, Linux {environment['kernel']['release']}{virtual}"


def _html(campaign: Campaign, facts: list[str], table: list[Row], warnings: list[str], drawn: list[str]) -> str:
    timed = [row for row in table if row.clock != "icount"]
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("index.html.j2").render(
        title=_TITLE,
        facts=facts,
        lab=[row for row in table if row.clock == "icount" and row.case != "empty"],
        timed=[row for row in timed if text.is_user(row) and not row.case.endswith("/empty")],
        kernel_timed=[row for row in timed if not text.is_user(row) and row.case != "empty"],
        empties=[row for row in table if row.case.rpartition("/")[2] == "empty" and row.empty is not None],
        quality={
            variant: quality.sentences([row for row in table if row.variant == variant]) for variant in campaign.header["variants"]
        },
        warnings=warnings + text.notes_of(table),
        parts=[part for part in PARTS if any(row.parts and row.parts[part] for row in table)],
        titles=TITLES,
        # Our own charts, without the XML prologue that has no place inside HTML.
        charts=[svg[svg.index("<svg") :] for svg in drawn],
    )
