# SPDX-License-Identifier: Apache-2.0
"""The table of kernels in docs/kernels.md: what the path costs on each, from campaigns of `run
--kernel`.

    python3 -m lab.studies.kernel_table DIR...

Each column is a campaign's variant `stock`. Where a case is a straight line its figure is held
against objdump of the module that ran there; one that differs is printed with both, and the exit
code is 1.
"""

import json
import re
import sys
from pathlib import Path

from formats import exit_codes
from lab.core import subprocesses
from lab.core.dirs import cache_dir
from lab.core.errors import KmapbenchError
from lab.kernels.module_build import NAME
from lab.trace import straight_line

# Case -> its body in the module where it is a straight line, else None.
ROWS: dict[str, str | None] = {
    "kernel/kmap_local/dram": "kb_body_kernel_kmap_local_none",
    "kernel/kmap_local/devmap": "kb_body_kernel_kmap_local_none",
    "kernel/kmap_local/devmap_nested": "kb_body_kernel_kmap_local_none",
    "kernel/kmap_local/devmap_tail": "kb_body_kernel_kmap_local_none",
    "kernel/kmap_local_folio/dram": "kb_body_kernel_kmap_local_folio_none",
    "kernel/kmap_atomic/dram": "kb_body_kernel_kmap_atomic_none",
    "model/kmap_local/key_off": "kb_body_published_none",
    "model/kmap_local/dram": None,
    "model/kmap_local/devmap": None,
    "model/kmap_local/protected": None,
    "model/kmap_local/protected_nested": None,
    "model/kmap_local_slim/key_off": "kb_body_slim_none",
    "model/kmap_local_slim/dram": None,
    "model/kmap_local_slim/devmap": None,
    "model/kmap_local_slim/devmap_tail": None,
    "model/kmap_local_slim/protected": None,
    "model/kmap_local_slim/protected_nested": None,
    "msr/wrpkrs/toggle": "kb_body_wrpkrs_toggle",
    "msr/wrpkrs/same": "kb_body_wrpkrs_same",
    "msr/rdpkrs": "kb_body_rdpkrs",
}


def column(folder: Path) -> tuple[str, dict[str, str], bool]:
    """Head and cells of a campaign, by case; whether every straight line is what objdump counts."""
    header = json.loads((folder / "campaign.json").read_text())
    stock = header["variants"]["stock"]
    module = cache_dir() / "modules" / stock["module"] / NAME
    if not module.is_file():
        raise KmapbenchError(
            f"{module}: the module that ran is gone from the cache: make {folder} again"
        )
    lines = (folder / "stock" / "boot-01" / "micro.jsonl").read_text().splitlines()
    costs = {(record := json.loads(line))["case"]: record.get("cost") for line in lines}
    empty = straight_line.length(module, straight_line.EMPTY)
    cells, good = {}, True
    for case, body in ROWS.items():
        cost = costs.get(case)
        cells[case] = "-" if cost is None else f"{cost:g}"
        if body and cost is not None:
            counted = straight_line.length(module, body)
            straight = counted - empty if counted and empty else None
            agrees = straight == cost
            cells[case] += " =" if agrees else f" (objdump: {straight or 'no straight line'})"
            good = good and agrees
    compiler = re.search(
        r"GCC: \((.*?)\) ([\d.]+)|(clang version \S+)",
        subprocesses.output([subprocesses.find("readelf", "binutils"), "-p", ".comment", module]),
    )
    return (
        (
            f"{stock['release']},"
            f" {f'gcc {compiler[2]}' if compiler and compiler[2] else compiler and compiler[3]}"
        ),
        cells,
        good,
    )


def main(folders: list[str]) -> int:
    columns = [column(Path(folder)) for folder in folders]
    print("| case | " + " | ".join(head for head, _, _ in columns) + " |")
    print("|---|" + "---|" * len(columns))
    for case in ROWS:
        print(f"| `{case}` | " + " | ".join(cells[case] for _, cells, _ in columns) + " |")
    return exit_codes.OK if all(good for _, _, good in columns) else exit_codes.FAILED


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KmapbenchError as error:
        sys.exit(f"kernel_table: {error}")
