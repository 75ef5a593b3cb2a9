# SPDX-License-Identifier: Apache-2.0
"""Whether machines that made boots of one campaign count the same: to the digit, where a record is
exact.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.campaign import safe_files
from lab.campaign.one_boot import boot_name

_Counted = dict[str, dict[str, Any]]  # by machine: its counts by what is compared of them


def disagreements(folder: Path, header: dict[str, Any]) -> Iterator[str]:
    """Cases of which two machines have different counts, each one and the same in all its boots.
    Where boots of one machine differ, too, it is not the machine that makes the difference.
    """
    counts: dict[tuple[str, str], _Counted] = defaultdict(lambda: defaultdict(dict))
    for step in _good_boots(header):
        file = folder / step["variant"] / boot_name(step["boot"]) / "micro.jsonl"
        for record in safe_files.read_lines(file):
            if record["status"] == "ok" and record["exact"]:
                by_node = counts[step["variant"], record["case"]]
                by_node[step["node"]][_counted(record)] = record["cost"]
    for (variant, case), by_node in counts.items():
        if any(len(values) > 1 for values in by_node.values()):
            continue
        if len({key for values in by_node.values() for key in values}) > 1:
            costs = [f"{cost:g} on {node}" for node, (cost,) in _costs(by_node)]
            yield f"{variant}, {case}: machines do not count the same: {', '.join(costs)}"


def _good_boots(header: dict[str, Any]) -> list[dict[str, Any]]:
    """The last try of each boot, where it is good and somebody said which machine made it."""
    last = {(step["variant"], step["boot"]): step for step in header["order"]}
    return [step for step in last.values() if step["status"] == "ok" and "node" in step]


def _counted(record: dict[str, Any]) -> str:
    """What has to be the same: an exact record has the same two samples again and again."""
    names = ("cost", "cost_shifted", "empty", "ops", "pkrs_writes")
    return repr([record.get(name) for name in names] + record.get("samples", [])[:2])


def _costs(by_node: _Counted) -> list[tuple[str, list[Any]]]:
    return [(node, list(values.values())) for node, values in sorted(by_node.items())]
