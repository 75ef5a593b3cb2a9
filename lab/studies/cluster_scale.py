# SPDX-License-Identifier: Apache-2.0
"""What a campaign of very many boots takes of whoever submits and collects it: no boot is made, but
all files are. `python3 -m lab.studies.cluster_scale 1000 10000` prints the table of docs/fleet.md.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from formats.campaign_format import PAIRS
from lab.campaign import collected_boots, node_agreement, rounds, schedule, store
from lab.campaign.collected_boots import Made
from lab.campaign.one_boot import OneBoot
from lab.cluster import sbatch_script
from lab.cluster.sbatch_script import Submission
from lab.cluster.task_array import TaskArray

VARIANTS = ("plain", "off", "idle", "protected")
CASES = 12
_MOST_TASKS = 1000


def main(numbers: Sequence[int]) -> None:
    """Prints a row of CPU times for each number of boots."""
    print("boots | tasks written | boots taken in | counts compared | what is left, asked")
    for number in numbers:
        with tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch:
            took = " | ".join(f"{seconds:.2f} s" for seconds in measure(number, Path(scratch)))
            print(f"{number} | {took}", flush=True)


def measure(number: int, scratch: Path) -> list[float]:
    """Seconds of CPU time of each step of a campaign of so many boots."""
    planned = schedule.steps(VARIANTS, number // len(VARIANTS), 1, "plain")
    campaign = store.Campaign.begin(scratch / "campaign", _header(planned))
    made = [_make(campaign, step, scratch / "parts" / str(at)) for at, step in enumerate(planned)]
    began = [time.process_time()]
    tasks = [(step.variant, str(step.boot), "1") for step in campaign.left()]
    array = TaskArray("boots", ("task", "boot", str(campaign.folder)), tasks)
    sbatch_script.submitting(Submission([array], scratch, [], _MOST_TASKS, {}))
    began.append(time.process_time())
    collected_boots.collect(campaign, made)
    began.append(time.process_time())
    if found := list(node_agreement.disagreements(campaign.folder, campaign.header)):
        raise AssertionError(found[0])
    began.append(time.process_time())
    if rounds.left(campaign.header) or len(campaign.header["order"]) != len(planned):
        raise AssertionError("a boot is lost, or there twice")
    began.append(time.process_time())
    campaign.release()
    return [after - before for before, after in zip(began, began[1:])]


def _header(planned: Sequence[schedule.Step]) -> dict:
    steps = [{"variant": one.variant, "boot": one.boot, "round": one.round} for one in planned]
    return {
        "asked": {"arguments": [], "boots": len(planned), "only": "micro", "kernel": None},
        "seed": 1,
        "variants": {},
        "tools": {},
        "kmapbench": {"commit": "unknown", "dirty": False},
        "planned": steps,
        "design": PAIRS,
        "coins": [],
    }


def _make(campaign: store.Campaign, step: schedule.Step, folder: Path) -> Made:
    """The files of a boot, as a task leaves them."""
    folder.mkdir(parents=True)
    kept = OneBoot(folder, campaign.header).begin_boot(step.variant, step.boot)
    record = {"status": "ok", "exact": True, "cost": 5, "empty": 2, "ops": 10}
    lines = [record | {"case": f"case{case}", "samples": [70, 140] * 63} for case in range(CASES)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (kept.folder / "micro.jsonl").write_text(text)
    (kept.folder / "environment.json").write_text(json.dumps({"kernel": {"release": "0"}}))
    kept.end()
    return Made(folder, step.variant, step.boot, 1, f"node{step.boot % 10}", "")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
