# SPDX-License-Identifier: Apache-2.0
"""The figure of a case on the kernel of one commit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lab.bisect import kernel_figure
from lab.bisect.bisect_plan import BisectPlan
from lab.bisect.kernel_figure import NAME, Figure
from lab.bisect.static_source import StaticSource
from lab.kernels.variant import Image, Variant
from lab.run import runner
from lab.run.plan import Plan


def measure(
    plan: BisectPlan,
    commit: str,
    boots: int = 1,
    run: Callable[[Plan], list[str]] = runner.measure,
    source: StaticSource | None = None,
) -> Figure:
    """The figure of a commit, from the folder of the search or found now, of so many boots."""
    folder = folder_of(plan, commit)
    return kernel_figure.find(plan, commit, variant_of(plan, commit), folder, run, source, boots)


def folder_of(plan: BisectPlan, commit: str) -> Path:
    """Where the figure of a commit is kept."""
    return plan.folder / "commits" / commit[:12]


def variant_of(plan: BisectPlan, commit: str) -> Variant:
    """The kernel of a commit, built and booted as the variant that the search goes by."""
    like = plan.like
    assert isinstance(like.image, Image)  # bisect_plan has seen to that
    image = replace(
        like.image, name=NAME, variants=(NAME,), source="", tree=plan.tree, commit=commit
    )
    return replace(like, name=NAME, what=f"commit {commit[:12]}", image=image, table=None)
