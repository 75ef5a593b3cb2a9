# SPDX-License-Identifier: Apache-2.0
"""A campaign as a cluster makes it: what it leaves out, and the tasks. Standard library only.

The kernels that are missing are an array of tasks; after it one task prepares all variants and
begins the campaign; after that each boot is a task.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from formats.campaign_format import USER_SPACE
from lab.campaign import rounds, store
from lab.campaign.schedule import Step
from lab.cluster import slurm_options, task_parts
from lab.cluster.cluster_work import ClusterWork
from lab.cluster.sbatch_script import JOBS
from lab.cluster.task_array import TaskArray
from lab.core.dirs import RESULTS
from lab.core.errors import KmapbenchError
from lab.run import campaign_name, disk_space, selection
from lab.run.plan import Plan

TIMED = (
    "is time, which is only true where nothing else runs: a cluster starts other jobs beside it, on"
    " whichever machine is free"
)
# What a boot takes beside its guest's memory, in MiB: QEMU, and ourselves.
_BESIDE_GUEST_MIB = 768


def adapted(plan: Plan) -> Plan:
    """A plan as a cluster can measure it: without user models. A KmapbenchError where nothing is
    left of it.
    """
    if plan.here:
        raise KmapbenchError(f"--slurm: what --here measures {TIMED}; leave --slurm out")
    if plan.only == "user" or plan.cases.startswith("user/"):
        raise KmapbenchError(f"--slurm: what user models take {TIMED}; leave --slurm out")
    if plan.resume:
        return plan
    named = replace(plan, only=plan.only or "micro")
    new = campaign_name.new_folder(RESULTS, campaign_name.name_of(named))
    return replace(named, out=plan.out or new)


def folder_of(plan: Plan) -> Path:
    """Where an adapted plan's campaign is, or will be."""
    folder = plan.resume or plan.out
    assert folder is not None  # adapted() has seen to that
    return folder


def check_has_begun(folder: Path) -> None:
    """A KmapbenchError where a campaign was submitted, and no task has begun it yet."""
    work = task_parts.work_of(folder)
    if work.is_dir() and not (folder / "campaign.json").exists():
        raise KmapbenchError(
            f"{folder}: its first jobs have not begun it: wait for them (squeue), or, if they have"
            f" failed (the logs are in {work}), give the command again that has submitted them"
        )


def check_no_jobs(folder: Path) -> None:
    """A KmapbenchError where a campaign's boots may still be in the queue of a cluster."""
    work = task_parts.work_of(folder)
    if (work / JOBS).exists():
        raise KmapbenchError(
            f"{folder}: its boots may be in the queue of a cluster: go on with --slurm, or, if they"
            f" are not, remove {work / JOBS}"
        )


def scripts(plan: Plan, options: Sequence[str]) -> str:
    """What would be submitted first: a script for sh."""
    folder = folder_of(plan)
    work = ClusterWork(folder, options, print)
    campaign = store.peek(folder) if plan.resume else None
    return work.scripts(arrays(plan, folder, steps_left(plan, campaign, None), campaign is None))


def steps_left(plan: Plan, header: dict | None, most: int | None) -> list[Step]:
    """Boots of guests that are still to be made, of so many rounds; header: campaign.json."""
    left = rounds.left(header) if header else selection.steps(plan)
    return [
        step for step in left if step.variant != USER_SPACE and (most is None or step.boot <= most)
    ]


def arrays(plan: Plan, folder: Path, steps: Sequence[Step], is_new: bool) -> list[TaskArray]:
    """The kernels that are missing, the beginning of a new campaign, and the boots."""
    found = []
    if is_new:
        found += _kernels(plan)
        words = slurm_options.without(plan.arguments)
        words.remove("run")
        words += ["--seed", str(plan.seed), "--only", plan.only or "micro"]
        after = tuple(array.name for array in found)
        command = ("task", "campaign", str(folder))
        found.append(TaskArray("campaign", command, [tuple(words)], after))
    largest = max(variant.memory_mib for variant in plan.variants)
    boots = [(step.variant, str(step.boot), str(step.attempt)) for step in steps]
    after = ("campaign",) if is_new else ()
    command = ("task", "boot", str(folder))
    return [*found, TaskArray("boots", command, boots, after, largest + _BESIDE_GUEST_MIB)]


def _kernels(plan: Plan) -> list[TaskArray]:
    """An array that builds the kernels that are not in the cache; none, where all are."""
    missing = {image.name for image in disk_space.images_to_build(plan)}
    first = {
        variant.image.name: variant.word for variant in reversed(plan.variants) if variant.image
    }
    tasks = [(word,) for name, word in first.items() if name in missing]
    command = ["kernels", "build"]
    command += ["--base", plan.base] if plan.base else []
    command += ["--variants-file", plan.variants_file] if plan.variants_file else []
    return [TaskArray("kernels", tuple(command), tasks, whole_machine=True)] if tasks else []
