# SPDX-License-Identifier: Apache-2.0
"""A task of a search on a cluster: the figure of one kernel."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lab.bisect import bisect_plan, commit_figure, kernel_figure, series_walk
from lab.bisect.bisect_plan import SeriesPlan
from lab.core import subprocesses
from lab.kernels import toolchain

Came = tuple[dict[str, Any], dict[str, Any]]  # what figures depend on, and what came out

CONFIG = "config"  # the word of the task that makes the configuration of a series
KERNEL = "kernel"  # the folder of a kernel, in that of the task


def measure_commit(folder: Path, words: Sequence[str], part: Path) -> Came:
    """Finds the figure of a kernel into a folder of its own. words: a commit, or how many patches
    of a series, and how many boots; or CONFIG.
    """
    plan = bisect_plan.read(folder)
    assert plan.like.image is not None  # bisect_plan has seen to that
    about = {"compiler": toolchain.versions(plan.like.image.toolchain)}
    if not plan.static:
        qemu = subprocesses.find("qemu-system-x86_64", "qemu-system-x86")
        about["qemu"] = subprocesses.output([qemu, "--version"]).splitlines()[0]
    if isinstance(plan, SeriesPlan):
        patches = series_walk.patches_of(plan)
        config = series_walk.config_of(plan, patches, partial(print, flush=True))
        if words[0] == CONFIG:
            return about, {}
        variant = series_walk.variant_of(plan, patches[: int(words[0])], config)
    else:
        variant = commit_figure.variant_of(plan, words[0])
    boots = int(words[1])
    figure = kernel_figure.find(plan, words[0], variant, part / KERNEL, boots=boots)
    return about, {"figure": vars(figure)}
