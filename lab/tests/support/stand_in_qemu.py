# SPDX-License-Identifier: Apache-2.0
"""In QEMU's place where many boots are made to be killed: sends what a guest would, in the same
channels.

It has no kernel. Its twin is test_interruptions.py, where the guests are real.
"""

import io
import json
import os
import re
import sys
import tarfile
import time
from pathlib import Path

CASES = [f"kernel/kmap_local/dram/case{number}" for number in range(12)]
RECORD_SECONDS = 0.01
ENVIRONMENT = {
    "format": 1,
    "kernel": {
        "release": "0",
        "version": "0",
        "machine": "x86_64",
        "cmdline": "",
        "config_sha256": None,
    },
    "cpu": {"vendor_id": "none", "model name": "none"},
    "clock": {"clocksource": "tsc", "tsc_step_ticks": 1, "tsc_hz": 1e9},
    "kmapbench": {"commit": "unknown", "dirty": False, "compiler": "none", "build_type": "none"},
}


def _is_planted(what: str, name: str) -> bool:
    """Whether a machine, or a boot, is to do what no good one does: STAND_IN_WHAT names those."""
    return name in os.environ.get(f"STAND_IN_{what}", "").split()


def record(case: str, variant: str, boot: int) -> dict:
    """What a boot measures: a figure that depends on the case alone, as an exact one does. Of the
    variant STAND_IN_MORE the last case takes one instruction more.
    """
    cost = int(case.removeprefix("kernel/kmap_local/dram/case"))
    if (variant, case) == (os.environ.get("STAND_IN_MORE"), CASES[-1]):
        cost += 1
    cost += _is_planted("OTHER_COUNT", os.environ.get("SLURMD_NODENAME", ""))
    return {
        "case": case,
        "variant": variant,
        "boot": boot,
        "launch": 1,
        "clock": "icount",
        "unit": "instructions",
        "better": "lower",
        "status": "ok",
        "ops": 10,
        "cost": cost,
        "empty": 3,
        "exact": True,
        "oracle": "none",
        "counters": {},
        "rejected": {},
        "samples": [10 * (cost + 3), 20 * (cost + 3)] * 63,
        "empty_samples": [30, 60] * 63,
    }


def main(arguments: list[str]) -> None:
    line = " ".join(arguments)
    if "--version" in line or "-help" in line:
        other = _is_planted("OTHER_VERSION", os.environ.get("SLURMD_NODENAME", ""))
        print(f"QEMU emulator version {int(other)} (stand-in)")
        return
    if "-M none" in line:  # lab/vm/plugin_api.py asks which plugins it loads
        sys.exit("-plugin: invalid option")
    stream = int(re.search(r"fd=(\d+),set=1", line)[1])
    variant, boot = re.search(r"/([a-z]+)-(\d+)\.initrd", line).groups()
    files, log = (
        Path(re.search(rf"file,id={name},path=(\S+)", line)[1]) for name in ("files", "console")
    )

    def send(value: dict) -> None:
        os.write(stream, json.dumps(value).encode() + b"\n")

    log.write_text("stand-in\n")
    if variant == os.environ.get("STAND_IN_CRASH"):
        log.write_text("Kernel panic - not syncing: planted\n")
        return
    if _is_planted("CRASHES", f"{variant}-{boot}"):
        sys.exit(1)
    if _is_planted("SLOW", f"{variant}-{boot}"):
        time.sleep(1000)
    send({"event": "begin", "step": "micro"})
    for case in CASES:
        send({"event": "case", "name": case})
        time.sleep(RECORD_SECONDS)
        send(record(case, variant, int(boot)))
    send({"event": "end", "step": "micro", "code": 0})
    with tarfile.open(files, "w") as archive:
        for name, value in (("environment.json", ENVIRONMENT), ("micro.json", {})):
            content = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    send({"event": "done"})


if __name__ == "__main__":
    main(sys.argv[1:])
