# SPDX-License-Identifier: Apache-2.0
"""The table at the end of a test of distributions."""

from collections.abc import Sequence
from difflib import unified_diff
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from lab.core import subprocesses
from lab.distributions import figure_table
from lab.distributions.steps import MADE, Step

if TYPE_CHECKING:
    from lab.distributions.matrix import Tried


def summary(tested: Sequence["Tried"], steps: Sequence[Step]) -> tuple[str, bool]:
    """The table of steps, the table of figures, the differences; and whether all is well."""
    rows = [["", "ended", "seconds", "MB fetched"]]
    notes, good = [], True
    for one in tested:
        for name in (MADE, *(step.name for step in steps)):
            result = one.state.results.get(name)
            good &= result is not None and result.good
            if result is None:
                rows.append([f"{one.suite} {name}", "not begun", "-", "-"])
                continue
            ended = "good" if result.good else f"exit {result.code}"
            megabytes = f"{result.download_bytes / 1e6:.0f}"
            rows.append([f"{one.suite} {name}", ended, f"{result.seconds:.0f}", megabytes])
            if result.why:
                log = one.folder / f"{name.replace('/', '-')}.log"
                notes.append(f"{one.suite} {name}: {result.why}: see {log}")
    text = figure_table.aligned(rows) + "".join(f"{note}\n" for note in notes)
    found, folders = {}, {}
    for one in tested:
        for step in steps:
            made = figure_table.of_campaign(one.campaign(step)) if step.command == "run" else {}
            if made:
                found[f"{one.suite} {step.name}"] = made
                folders[f"{one.suite} {step.name}"] = one.campaign(step)
    if found:
        text += f"\n{figure_table.table(found)}"
    for (name, before), (other, after) in pairwise(found.items()):
        both = [case for case in before if case in after]
        compared = [figure_table.difference(case, before[case], after[case]) for case in both]
        differences = [difference for difference in compared if difference]
        if differences:
            lines = figure_table.explained(differences, name, other)
            text += "\n" + "".join(f"{line}\n" for line in lines)
            text += _code_of(differences, folders[name], folders[other])
        good &= not any(difference.unexplained for difference in differences)
    return text, good


def _code_of(differences: Sequence[figure_table.Difference], one: Path, other: Path) -> str:
    """Writes how the code of these cases differs, and says where."""
    modules = [folder / "kmapbench.ko" for folder in (one, other)]
    if not all(module.is_file() for module in modules):
        return ""
    bodies = dict.fromkeys(difference.body for difference in differences if difference.body)
    listings: list[str] = []
    for body in bodies:
        objdump = [subprocesses.find("objdump", "binutils"), "-d", "--no-show-raw-insn"]
        words = [*objdump, f"--disassemble={body}"]
        before, after = (
            figure_table.code(subprocesses.output([*words, module])) for module in modules
        )
        listings += unified_diff(
            before, after, f"{one} {body}", f"{other} {body}", lineterm="", n=99
        )
    target = other / f"code-against-{one.parent.name}-{one.name}.diff"
    target.write_text("".join(f"{line}\n" for line in listings))
    return f"the code of these: {target}\n"
