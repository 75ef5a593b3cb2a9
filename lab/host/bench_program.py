# SPDX-License-Identifier: Apache-2.0
"""kmap_bench on this machine: user models, and the running kernel's cases where its module is
loaded.
"""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from lab.campaign.store import Boot
from lab.core import bench_command, subprocesses
from lab.core.bench_command import BenchCommand
from lab.core.errors import CommandFailed
from lab.core.event_stream import Line, Parser
from lab.host.machine_state import Watch


@dataclass
class Place:
    """Where kmap_bench runs on this machine."""

    wrapper: tuple[str, ...] = ()  # the command that starts it, if one does
    described: dict[str, Any] = field(default_factory=dict)  # in environment.json
    cpus: Sequence[int] | None = None  # that it runs on; None: those of this process
    watch: Watch = field(default_factory=Watch)  # of the machine, while it runs

    def environment(self) -> dict[str, Any]:
        """What environment.json has of it, after a launch."""
        return self.described | {"conditions": self.watch.end()}


def matching(kmap_bench: Path, cases: str, half: str | None) -> list[str]:
    """Names of the cases that --cases means, as kmap_bench lists them on this machine.

    half: bench_command.KERNEL or USER; None: both.
    """
    which = "default" if cases == "default" else "all"
    command = BenchCommand(kmap_bench, half=half, cases=which, listing=True)
    listed = subprocesses.output(command.words()).splitlines()
    if cases in ("default", "all"):
        return listed
    return bench_command.matching(listed, cases)


def measure(
    boot: Boot,
    runs: Sequence[tuple[BenchCommand, int]],
    on_line: Callable[[Line], None] = lambda _: None,
    place: Place | None = None,
) -> None:
    """Launches kmap_bench, one after the other; records go into the boot, and micro.json holds all
    launches.

    runs: what to measure, and how, with a number of launches each. on_line is called for each line
    that kmap_bench wrote. place: by default anywhere.
    """
    contents = []
    place = place or Place()
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch) / "environment.json"
        for command, launches, wrapper in _launched_apart(runs, place):
            outputs = []
            for launch in range(1, launches + 1):
                out = Path(scratch) / f"{launch}.json"
                one = replace(
                    command,
                    out=out,
                    variant=boot.variant,
                    boot=boot.number,
                    launch=launch,
                    environment=environment,
                )
                _launch(one, boot, on_line, wrapper)
                outputs.append(_read(out))
            contents.append(merged(outputs))
        boot.write_environment(_read(environment) | place.environment())
    benchmarks = [benchmark for content in contents for benchmark in content["benchmarks"]]
    boot.write_micro(contents[0] | {"benchmarks": benchmarks})


def _launched_apart(
    runs: Sequence[tuple[BenchCommand, int]], place: Place
) -> Iterator[tuple[BenchCommand, int, Sequence[str]]]:
    """Commands with their launches and the wrapper of each. Models whose threads run at once need a
    CPU each: outside of a wrapper, which leaves them one, in launches of their own.
    """
    for command, launches in runs:
        names = command.names or ()
        apart = [name for name in names if "/threads" in name] if place.wrapper else []
        rest = [name for name in names if name not in apart]
        if rest or not apart:
            yield replace(command, names=rest) if apart else command, launches, place.wrapper
        if apart:
            place.watch.widen()
            yield replace(command, names=apart), launches, ()


def _read(path: Path) -> dict[str, Any]:
    """Of kmap_bench and Google Benchmark, the latter of which does not see that a disk is full."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CommandFailed(
            f"kmap_bench wrote no whole file to {path.parent}, which may be full: {error}"
        ) from None
    return found


def describe(boot: Boot, kmap_bench: Path, place: Place) -> None:
    """environment.json of this machine, where nothing is measured by kmap_bench."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch) / "environment.json"
        command = BenchCommand(
            kmap_bench,
            listing=True,
            environment=environment,
            variant=boot.variant,
            boot=boot.number,
        )
        subprocesses.output(command.words())
        boot.write_environment(_read(environment) | place.environment())


def merged(outputs: list[dict]) -> dict:
    """Google Benchmark's JSON of several launches as one, in which a launch is a repetition; of a
    single launch, as it is.
    """
    if len(outputs) == 1:
        return outputs[0]
    benchmarks = [
        {**benchmark, "repetitions": len(outputs), "repetition_index": index}
        for index, output in enumerate(outputs)
        for benchmark in output["benchmarks"]
    ]
    return {"context": outputs[0]["context"], "benchmarks": benchmarks}


def _start(
    command: BenchCommand, write_fd: int, said: IO[bytes], wrapper: Sequence[str]
) -> subprocess.Popen:
    words = replace(command, records=f"/dev/fd/{write_fd}").words()
    try:
        return subprocess.Popen(
            subprocesses.ended_with_us([*wrapper, *words]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=[write_fd],
            start_new_session=True,
        )
    finally:
        os.close(write_fd)


def _launch(
    command: BenchCommand, boot: Boot, on_line: Callable[[Line], None], wrapper: Sequence[str]
) -> None:
    parser = Parser()
    first = len(boot.records)
    read_fd, write_fd = os.pipe()
    with os.fdopen(read_fd, "rb", buffering=0) as reader, tempfile.TemporaryFile() as said:
        process = _start(command, write_fd, said, wrapper)
        try:
            while data := reader.read(1 << 16):
                for line in parser.feed(data):
                    if line.record:
                        boot.append(line.record)
                    on_line(line)
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode < 0:
            raise CommandFailed(
                f"kmap_bench was ended by {signal.Signals(-process.returncode).name}"
            )
        said.seek(0)
        last = (said.read().decode(errors="replace").strip().splitlines() or ["no message"])[-1]
    made = boot.records[first:]
    told = any(record["status"] == "flagged" or record["oracle"] == "failed" for record in made)
    if process.returncode > 1 or (process.returncode == 1 and not told):
        raise CommandFailed(last)
    if lost := sorted(set(command.names or ()) - {record["case"] for record in made}):
        raise CommandFailed(f"kmap_bench left no record of {', '.join(lost)}")
