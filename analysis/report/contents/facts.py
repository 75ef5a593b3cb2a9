# SPDX-License-Identifier: Apache-2.0
"""Facts about a campaign, as sentences: what was measured, on what, how often; and notes."""

from collections.abc import Sequence

from analysis.compare.within_campaign import Verdicts
from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.report.comparison import format
from analysis.summary import controls
from analysis.summary.cases import Row, boots_in_words, is_user
from analysis.summary.provenance import describe_machine, emulator, repeatability

# Boots of one difference that are named; more are counted.
_NAMED_BOOTS = 3


def list_facts(campaign: Campaign, rows: list[Row], problems: Sequence[str]) -> list[str]:
    """What was measured, on what, how often: a line each."""
    header = campaign.header
    changes = " with local changes" if header["kmapbench"]["dirty"] else ""
    facts = [f"campaign {header['name']}, kmapbench {header['kmapbench']['commit'][:12]}{changes}"]
    facts += _kernels(campaign, rows)
    if "host" in campaign.environments:
        facts.append(f"host: {describe_machine(campaign, 'host')}")
    if any(row.pkrs_writes for row in rows):
        facts.append(
            "Instructions are not time: a WRMSR counts as one and takes far longer than any other."
        )
    facts += [
        f"{step['variant']}, boot {step['boot']}: {step['status']}:"
        f" {step.get('reason', 'not ended')}"
        for step in header["order"]
        if step["status"] != "ok"
    ]
    if not problems and (sentence := controls.sentence(campaign)):
        facts.append(sentence)
    return facts


def list_warnings(campaign: Campaign, rows: list[Row], verdicts: Verdicts) -> list[str]:
    """What a reader has to know of the campaign and its comparisons; repeats are said once."""
    unobserved = campaign.header["tools"].get("not_observed")
    notes = [
        (group.old.label, note, group.new.label)
        for group in verdicts.groups
        for note in format.list_notes(group)
    ]
    compared = [
        f"{', '.join(new for *_, new in same)} against {old}: {note}"
        for (old, note), same in group_by(notes, lambda one: one[:2]).items()
    ]
    return [
        *([unobserved] if unobserved else []),
        *campaign.warnings,
        *_of_rows(rows),
        *compared,
        *(f"{one.new} against {one.old}: not compared: {one.why}" for one in verdicts.refused),
        *_differing_boots(campaign),
    ]


def _of_rows(rows: list[Row]) -> list[str]:
    """Warnings of cases; variants with the same one are named together."""
    said = [
        (row.variant, warning.removeprefix(f"{row.variant} "))
        for row in rows
        for warning in row.warnings
    ]
    return [
        f"{', '.join(variant for variant, _ in same)} {warning}"
        for warning, same in group_by(said, lambda one: one[1]).items()
    ]


def list_refusals(verdicts: Verdicts) -> list[str]:
    """Which variants were not compared, for the first lines: why, where it is the first, and of
    the others that the notes say it.
    """
    if not verdicts.refused:
        return []
    first, *others = verdicts.refused
    said = [f"NOT COMPARED: {first.new} against {first.old}: {first.why}"]
    if others:
        named = ", ".join(f"{one.new} against {one.old}" for one in others)
        said.append(f"NOT COMPARED, TOO (why: details.txt): {named}")
    return said


def list_left_out(campaign: Campaign) -> list[str]:
    """Of a campaign over reboots, for the first lines: kernels that were not booted any more, and
    why it ended early.
    """
    reboots = campaign.header.get("reboots", {})
    lines = [f"LEFT OUT: {name}: {why}" for name, why in reboots.get("left_out", {}).items()]
    stopped = reboots.get("stopped")
    return lines + ([f"STOPPED before all boots were made: {stopped}"] if stopped else [])


def list_notes(rows: list[Row]) -> list[str]:
    """Notes on cases; cases with the same note are named together, and variants with the same."""
    several = len({row.variant for row in rows if not is_user(row)}) > 1
    cases: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.note:
            cases.setdefault((row.variant if several else "", row.note), []).append(row.case)
    sentences = [
        (variant, f"{note}: {', '.join(named)}" if len(named) > 1 else f"{named[0]}: {note}")
        for (variant, note), named in cases.items()
    ]
    return [
        ": ".join(filter(None, (", ".join(filter(None, (name for name, _ in same))), sentence)))
        for sentence, same in group_by(sentences, lambda one: one[1]).items()
    ]


def _differing_boots(campaign: Campaign) -> list[str]:
    """Differences between the boots of a variant, as the lab found them; each difference once."""
    boots: dict[tuple[str, str], list[int]] = {}
    for step in campaign.header["order"]:
        for line in step.get("differs", []):
            boots.setdefault((step["variant"], line), []).append(step["boot"])
    return [
        f"{variant}, {_name_boots(numbers)}: not as in the variant's other boots: {line}"
        for (variant, line), numbers in boots.items()
    ]


def _name_boots(boots: list[int]) -> str:
    if len(boots) > _NAMED_BOOTS:
        return f"{len(boots)} boots"
    return f"boot {', '.join(map(str, boots))}"


def _kernels(campaign: Campaign, rows: list[Row]) -> list[str]:
    """Each variant's kernel, and where it ran; what is common to all is said once."""
    by_variant = {
        name: [row for row in rows if row.variant == name] for name in campaign.header["variants"]
    }
    measured = {
        name: own for name, own in by_variant.items() if any(row.cost is not None for row in own)
    }
    emulated = {
        name: own for name, own in measured.items() if any(row.clock == "icount" for row in own)
    }
    repeats = {name: repeatability(own) for name, own in emulated.items()}
    common = len(emulated) > 1 and len(set(repeats.values())) == 1
    facts = []
    if common:
        facts.append(f"emulated: {emulator(campaign)}, -icount; {next(iter(repeats.values()))}")
    for name, own in measured.items():
        kernel = campaign.header["variants"][name]
        if name not in emulated:
            facts.append(
                f"{name}: measured on this machine's running kernel, {boots_in_words(own)}:"
                f" {describe_machine(campaign, name)}"
            )
        elif common:
            booted = f", booted with {kernel['cmdline']}" if kernel["cmdline"] else ""
            facts.append(f"{name}: Linux {kernel['release']}, -cpu {kernel['cpu']}{booted}")
        else:
            facts.append(
                f"{name}: Linux {kernel['release']}, emulated ({emulator(campaign)}, -cpu"
                f" {kernel['cpu']}, -icount), {repeats[name]}"
            )
    return facts
