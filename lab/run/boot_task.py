# SPDX-License-Identifier: Apache-2.0
"""Tasks of a campaign on a cluster: one begins the campaign, each of the others makes one boot."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.campaign import environment_diff, store
from lab.campaign.one_boot import OneBoot
from lab.campaign.schedule import Step
from lab.core import bench_command
from lab.core.dirs import cache_dir
from lab.core.errors import KmapbenchError
from lab.core.progress import Display
from lab.core.time_left import TimeLeft
from lab.kernels import build_place
from lab.run import disk_space, manifest, parallel, plan_options, runner
from lab.run.targets import Context, Guests

Came = tuple[dict[str, Any], dict[str, Any]]  # what its figures depend on, and what came out


def begin_campaign(folder: Path, words: Sequence[str], _: Path) -> Came:
    """Prepares all variants, and begins their campaign. words: options of `run`."""
    runner.begin(plan_options.parse([*words, "--out", str(folder)]))
    return {}, {}


def make_boot(folder: Path, words: Sequence[str], part: Path) -> Came:
    """Makes a boot of a campaign into a folder of its own. words: variant, boot, attempt."""
    name, boot, attempt = words[0], int(words[1]), int(words[2])
    header = store.peek(folder)
    plan = plan_options.parse(["--resume", str(folder)])
    chosen = [variant for variant in plan.variants if variant.name == name]
    with (
        tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch,
        Display() as display,
        ExitStack() as leaving,
    ):
        context = Context(
            replace(plan, variants=chosen),
            bench_command.built(),
            cache_dir(),
            Path(scratch),
            display,
            TimeLeft(cache_dir() / "durations.json", "task"),
        )
        _check_kernel(context)
        guests = Guests(context)
        guests.prepare(leaving)
        described = manifest.describe(context.plan, [guests], [], context.kmap_bench)
        _check_same(folder, header, described, name)
        campaign = OneBoot(part, header)
        problems = parallel.boot_all(
            [Step(name, boot, attempt=attempt)],
            lambda step: guests.boot(campaign.begin_boot(step.variant, step.boot)),
            None,
            1,
            display.say,
        )
    return {}, {"problems": problems}


def _check_kernel(context: Context) -> None:
    """A KmapbenchError where the kernel is not in the cache: a boot builds none, for its neighbours
    would build the same one.
    """
    (context.cache / "kernels").mkdir(exist_ok=True)
    with build_place.scratch(context.cache / "kernels"):  # lets a client of NFS look anew
        missing = [image.name for image in disk_space.images_to_build(context.plan)]
    if missing:
        raise KmapbenchError(
            f"{context.cache}: no kernel {missing[0]} there; KMAPBENCH_CACHE has to be on a file"
            " system that all machines share, and all need the same compiler"
        )


def _check_same(folder: Path, header: dict, described: dict, name: str) -> None:
    """A KmapbenchError where this machine would measure with something else than the campaign was
    begun with.
    """
    was = header | {"variants": {name: header["variants"][name]}}
    for field in ("variants", "tools", "kmapbench"):
        # Which other variants there are, a task of one does not know.
        old, new = _without_baseline(was[field]), _without_baseline(described[field])
        if difference := next(environment_diff.differences(old, new, field), None):
            raise KmapbenchError(
                f"{folder.name}: begun with something else than this machine has: {difference}"
            )


def _without_baseline(value: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {name: said for name, said in one.items() if name != "baseline"}
        if isinstance(one, dict)
        else one
        for key, one in value.items()
    }
