# SPDX-License-Identifier: Apache-2.0
"""What each patch of a series costs: the figure of a kernel with none of them, with the first, with
the first two, and so on.

All are configured as the one with all patches; symbols that a patch brings are not there before it.
"""

import email
import email.policy
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from formats import exit_codes, series_table
from lab.bisect import kernel_figure
from lab.bisect.bisect_plan import SeriesPlan
from lab.bisect.kernel_figure import NAME, Figure
from lab.campaign import safe_files
from lab.core.dirs import cache_dir
from lab.core.errors import KmapbenchError
from lab.kernels import source_build, source_checkout
from lab.kernels.variant import Image, Variant

Find = Callable[[SeriesPlan, str, Variant, Path], Figure]


def walk(plan: SeriesPlan, say: Callable[[str], None], find: Find = kernel_figure.find) -> int:
    """Finds the figure of each number of patches, prints what each patch adds, and returns the exit
    code: FAILED where a figure is missing.
    """
    patches = patches_of(plan)
    config = config_of(plan, patches, say)
    figures: list[Figure] = []
    names = ["none of the patches", *map(subject, patches)]
    lines = []
    for number in range(len(patches) + 1):
        variant = variant_of(plan, patches[:number], config)
        figure = find(plan, str(number), variant, folder_of(plan, number))
        if not figure.exact:
            raise KmapbenchError(
                f"{plan.case}: samples of one boot differ, so that one boot a patch says nothing;"
                " ./kmapbench run says which cases are exact"
            )
        told = [f"{number:4} {_words(figures, figure)}  {names[number]}"]
        if figures and None not in (figures[-1].cost, figure.cost):
            told += [f"       {line}" for line in kernel_figure.differences(figures[-1], figure)]
        figures.append(figure)
        lines += told
        for line in told:
            say(line)
    heading = f"{plan.case}: instructions, and what each patch adds"
    (plan.folder / "result.txt").write_text("\n".join([heading, *lines]) + "\n")
    _write_table(plan, names, figures)
    whole = all(figure.cost is not None for figure in figures)
    return exit_codes.OK if whole else exit_codes.FAILED


def _write_table(plan: SeriesPlan, names: list[str], figures: list[Figure]) -> None:
    """The same for programs: of each number of patches the last one's subject and the figure."""
    image = plan.like.image
    assert isinstance(image, Image)
    table = {
        "format": series_table.FORMAT,
        "case": plan.case,
        "like": plan.like.name,
        "source": image.source or f"{image.tree.name if image.tree else ''} {image.commit}".strip(),
        "static": plan.static,
        "patches": [
            {
                "subject": name,
                "cost": figure.cost,
                "why": figure.why,
                "functions": figure.functions,
            }
            for name, figure in zip(names, figures, strict=True)
        ],
    }
    safe_files.write_json(plan.folder / series_table.FILE, table)


def folder_of(plan: SeriesPlan, number: int) -> Path:
    """Where the figure of a number of patches is kept."""
    return plan.folder / "patches" / f"{number:04d}"


def variant_of(plan: SeriesPlan, patches: list[Path], config: Path | None) -> Variant:
    """The kernel with some of the patches. config: a .config; None: as the variant has it."""
    like = plan.like
    assert isinstance(like.image, Image)  # bisect_plan has seen to that
    image = replace(like.image, name=NAME, variants=(NAME,), patches=tuple(patches), table=None)
    if config:
        image = replace(image, config=config, fragments=())
    return replace(like, name=NAME, what=f"{len(patches)} patches", image=image, table=None)


def subject(patch: Path) -> str:
    """A patch's subject, without what stands in brackets before it."""
    whole = patch.with_suffix("")  # of one out of a mailbox, the mail
    text = (whole if whole.is_file() else patch).read_bytes()
    mail = email.message_from_bytes(text, policy=email.policy.default)
    words = " ".join(str(mail["subject"] or patch.name).split())
    return re.sub(r"^(\[[^]]*\]\s*)+", "", words)


def patches_of(plan: SeriesPlan) -> list[Path]:
    """The patches of the series, a file each; those of a mailbox are taken out of it once."""
    if plan.patches.is_dir():
        return sorted(plan.patches.glob("*.patch"))
    kept = plan.folder / "mails"
    if not kept.is_dir():
        scratch = plan.folder / ".mails"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        source_checkout.mails(plan.patches, scratch, plan.folder / "log")
        scratch.rename(kept)
    return sorted(kept.glob("*/*.patch"))


def config_of(plan: SeriesPlan, patches: list[Path], say: Callable[[str], None]) -> Path:
    """The configuration of the kernel with all patches."""
    kept = plan.folder / "config"
    if not kept.is_file():
        image = variant_of(plan, patches, None).image
        assert image is not None
        with source_build.open_source(image, cache_dir(), say) as (source, _):
            text = (source / "build" / ".config").read_text()
        safe_files.write_bytes(kept, text.encode())
    return kept


def _words(figures: list[Figure], figure: Figure) -> str:
    if figure.cost is None:
        return f"not measured ({figure.why})"
    if not figures:
        return f"{figure.cost:6g}       "
    last = figures[-1].cost
    return f"{figure.cost:6g} " + (f"{figure.cost - last:+6g}" if last is not None else "     ?")
