# SPDX-License-Identifier: Apache-2.0
"""A task of a table of configurations on a cluster: looks at some of its changes."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from lab.configs import configs_plan, configs_run
from lab.core import subprocesses
from lab.core.dirs import cache_dir
from lab.core.time_left import TimeLeft
from lab.kernels import source_build
from lab.trace.static_tier import StaticTier

Came = tuple[dict[str, Any], dict[str, Any]]  # what figures depend on, and what came out


def measure_symbols(folder: Path, words: Sequence[str], part: Path) -> Came:
    """Looks at changes of a table into a folder of its own, and at the base, which has to have the
    same figures on all machines. words: names of changes.
    """
    plan = replace(configs_plan.read(folder), folder=part)
    changes = [change for change in configs_run.all_changes(plan) if change.name in words]
    times = TimeLeft(cache_dir() / "durations.json", "task")
    say = partial(print, flush=True)
    about: dict[str, Any] = configs_run.sources(plan)
    assert plan.like.image is not None  # configs_plan has seen to that
    with source_build.open_source(plan.like.image, cache_dir(), say) as (source, make):
        tier = StaticTier(source, make)
        configs_run.count_all(plan, changes, times, say, tier)
        tier.configure([])
        about["base"] = {case: asdict(count) for case, count in tier.count().items()}
    if plan.booted:
        qemu = subprocesses.find("qemu-system-x86_64", "qemu-system-x86")
        about["qemu"] = subprocesses.output([qemu, "--version"]).splitlines()[0]
    for change in changes:
        if configs_run.is_booted(plan, change):
            configs_run.boot(plan, change, times, say)
    return about, {}
