# SPDX-License-Identifier: Apache-2.0
"""User models on this machine: kmap_bench launched several times, a launch the unit of randomness."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab import tools
from lab.campaign import Boot, write_json
from lab.errors import CommandFailed
from lab.stream import Parser

USER_CASES = "^user/"


def measure(boot: Boot, kmap_bench: Path, launches: int, cases: str, on_launch: Callable[[], None]) -> None:
    """Launches kmap_bench, one after the other; records go into the boot, and micro.json holds all launches."""
    outputs = []
    with tempfile.TemporaryDirectory() as scratch:
        for launch in range(1, launches + 1):
            out = Path(scratch) / f"{launch}.json"
            environment = Path(scratch) / "environment.json"
            command = [
                str(kmap_bench),
                f"--benchmark_filter={cases}",
                f"--benchmark_out={out}",
                f"--kmapbench_variant={boot.variant}",
                f"--kmapbench_boot={boot.number}",
                f"--kmapbench_launch={launch}",
                "--kmapbench_repetitions=1",
                f"--kmapbench_environment={environment}",
            ]
            _launch(command, boot)
            outputs.append(json.loads(out.read_text()))
            on_launch()
        boot.write_environment(json.loads(environment.read_text()))
    write_json(boot.folder / "micro.json", merged(outputs))


def merged(outputs: list[dict]) -> dict:
    """Google Benchmark's JSON of several launches as one: a launch is a repetition."""
    benchmarks = [
        {**benchmark, "repetitions": len(outputs), "repetition_index": index}
        for index, output in enumerate(outputs)
        for benchmark in output["benchmarks"]
    ]
    return {"context": outputs[0]["context"], "benchmarks": benchmarks}


def _launch(command: list[str], boot: Boot) -> None:
    parser = Parser()
    read_fd, write_fd = os.pipe()
    with os.fdopen(read_fd, "rb", buffering=0) as reader, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, f"--kmapbench_records=/dev/fd/{write_fd}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=[write_fd],
            start_new_session=True,
            preexec_fn=tools.die_with_parent,
        )
        os.close(write_fd)
        try:
            while data := reader.read(1 << 16):
                for line in parser.feed(data):
                    if line.record:
                        boot.append(line.record)
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode < 0:
            raise CommandFailed(f"kmap_bench was ended by {signal.Signals(-process.returncode).name}")
        if process.returncode > 1:
            said.seek(0)
            last = (said.read().decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise CommandFailed(last)
