# SPDX-License-Identifier: Apache-2.0
"""`kmapbench configs`: looks at one configuration after another, and makes the table."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from formats import exit_codes
from lab.configs import boot_tier, configs_plan, cost_table
from lab.configs.configs_plan import ConfigsPlan
from lab.configs.cost_table import Entry
from lab.configs.symbol_list import BASE, Change
from lab.core import signals
from lab.core.dirs import cache_dir
from lab.core.errors import Interrupted, KmapbenchError
from lab.core.time_left import TimeLeft, in_words
from lab.kernels import source_build, source_checkout, toolchain
from lab.trace.static_tier import BODIES, StaticTier, moved

_STATIC, _BOOT = "configuration", "kernel"


def run(plan: ConfigsPlan, say: Callable[[str], None] = partial(print, flush=True)) -> int:
    """Makes the table, prints it, and returns the exit code: FAILED where code and boot of a
    configuration do not agree.
    """
    configs_plan.write(plan)
    go_on = f"./kmapbench configs --resume {shlex.quote(str(plan.folder))}"
    try:
        return _make_table(plan, say)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"ended by {signals.cause(error)}; what was found is kept, and {go_on} goes on",
            signals.exit_code(error),
        ) from None


def _make_table(plan: ConfigsPlan, say: Callable[[str], None]) -> int:
    changes = all_changes(plan)
    found = {change.name: cost_table.kept(_folder(plan, change)) for change in changes}
    new = [change for change in changes if found[change.name] is None]
    to_boot = [
        change for change in changes if is_booted(plan, change) and not is_whole(plan, change)
    ]
    times = TimeLeft(cache_dir() / "durations.json", "configs")
    times.plan({_STATIC: len(new), _BOOT: len(to_boot)}, frozenset({_STATIC, _BOOT}), 1)
    if new:
        assert plan.like.image is not None  # configs_plan has seen to that
        with source_build.open_source(plan.like.image, cache_dir(), say) as (source, make):
            count_all(plan, new, times, say, StaticTier(source, make))
    for change in to_boot:
        boot(plan, change, times, say)
    return write_table(plan, say)


def write_table(plan: ConfigsPlan, say: Callable[[str], None]) -> int:
    """Makes the table of what was found, prints it, and returns the exit code."""
    changes = all_changes(plan)
    entries = [entry for change in changes if (entry := cost_table.kept(_folder(plan, change)))]
    say(cost_table.write(entries, _about(plan), plan.folder))
    say(f"table  {plan.folder}/table.txt")
    wrong = [f"{entry.name}: {entry.disagreement}" for entry in entries if entry.disagreement]
    for sentence in wrong:
        say(f"NOT VALID: {sentence}")
    return exit_codes.FAILED if wrong else exit_codes.OK


def all_changes(plan: ConfigsPlan) -> list[Change]:
    """The changes of a plan, behind the base, which is none."""
    return [Change(BASE, (), plan.like.what, boot=True), *plan.changes]


def is_booted(plan: ConfigsPlan, change: Change) -> bool:
    """Whether a kernel of a change is to be booted."""
    return plan.booted and change.boot


def is_whole(plan: ConfigsPlan, change: Change) -> bool:
    """Whether nothing is left to do for a change."""
    entry = cost_table.kept(_folder(plan, change))
    if entry is None:
        return False
    return not is_booted(plan, change) or entry.booted is not None or bool(entry.failed)


def _folder(plan: ConfigsPlan, change: Change) -> Path:
    return plan.folder / cost_table.ENTRIES / change.name


def count_all(
    plan: ConfigsPlan,
    changes: Iterable[Change],
    times: TimeLeft,
    say: Callable[[str], None],
    tier: StaticTier,
) -> None:
    """Makes each configuration and counts in the code."""
    for change in changes:
        _say_left(change.name, times, say)
        times.begin(_STATIC)
        cost_table.keep(_counted(tier, change, _folder(plan, change)), _folder(plan, change))
        times.end(_STATIC)


def _counted(tier: StaticTier, change: Change, folder: Path) -> Entry:
    entry = Entry(change.name, list(change.lines), change.why)
    try:
        text = tier.configure(change.lines)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config").write_text(text)
        entry.moved = moved(tier.base, text, change.lines)
        entry.static = tier.count()
    except KmapbenchError as error:
        if change.name == BASE:
            raise
        entry.failed = str(error)
    return entry


def boot(plan: ConfigsPlan, change: Change, times: TimeLeft, say: Callable[[str], None]) -> None:
    """Builds and boots the kernel of a change that was counted."""
    folder = _folder(plan, change)
    entry = cost_table.kept(folder)
    if entry is None or entry.failed:
        return
    _say_left(f"{change.name}: a kernel", times, say)
    times.begin(_BOOT)
    try:
        variant = boot_tier.variant_of(plan.like, folder / "config")
        cases = (*BODIES, *boot_tier.EVENTS)
        entry.booted = boot_tier.measure(variant, folder, plan.given, cases)
    except Interrupted:
        raise
    except KmapbenchError as error:
        if change.name == BASE:
            raise
        entry.failed = str(error)
    cost_table.keep(entry, folder)
    times.end(_BOOT)
    if entry.disagreement:
        say(f"NOT VALID: {entry.name}: {entry.disagreement}")


def _say_left(what: str, times: TimeLeft, say: Callable[[str], None]) -> None:
    left = times.left()
    say(f"{what}{'' if left is None else f'; about {in_words(left)} left'}")


def _about(plan: ConfigsPlan) -> dict[str, str]:
    return {
        "base": f"{plan.like.name}, {plan.like.what}",
        **sources(plan),
        "command": shlex.join(["./kmapbench", *_without_folder(plan.given)]),
    }


def sources(plan: ConfigsPlan) -> dict[str, str]:
    """What kernels are built of, and by what."""
    image = plan.like.image
    assert image is not None
    version = source_checkout.version(image)
    return {
        "source": f"{image.tree}" if image.tree else f"{image.source} {version}",
        "compiler": toolchain.versions(image.toolchain),
    }


def _without_folder(words: Sequence[str]) -> list[str]:
    """A command line that says nothing of where its files went."""
    named = [index for index, word in enumerate(words) if word == "--out"]
    left_out = {*named, *(index + 1 for index in named)}
    return [
        word
        for index, word in enumerate(words)
        if index not in left_out and not word.startswith("--out=")
    ]
