# SPDX-License-Identifier: Apache-2.0
"""How many CPUs a build may use."""

import os


def count() -> int:
    """All of this machine's; in a job of Slurm, those that the job has been given."""
    given = os.environ.get("SLURM_CPUS_ON_NODE", "")
    return int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1
