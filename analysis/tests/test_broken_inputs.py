# SPDX-License-Identifier: Apache-2.0
"""Whatever is in the files: one line that names the file and what to do, exit code 2, nothing
written.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest

from analysis.tests.conftest import HEADER, environment, record
from analysis.tests.support.broken import break_campaign

pytestmark = pytest.mark.program

ROOT = Path(__file__).resolve().parents[2]
BROKEN = 200


def contents(folder: Path) -> dict[str, tuple]:
    """All that could be written over, by name: of each file kind, size and when it was last
    written.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        found[str(path)] = (
            state.st_mode,
            state.st_size if path.is_file() else 0,
            state.st_mtime_ns if path.is_file() else 0,
        )
    return found


def make_campaign(folder: Path, cost: float = 5) -> Path:
    boot = folder / "stock" / "boot-01"
    boot.mkdir(parents=True)
    (folder / "campaign.json").write_text(json.dumps(HEADER))
    (boot / "environment.json").write_text(json.dumps(environment()))
    (boot / "micro.jsonl").write_text(
        "".join(
            json.dumps(record(case, cost=cost)) + "\n"
            for case in ("empty", "kernel/kmap_local/dram")
        )
    )
    return folder


# Root as one who may not read everything: permissions hold for it, and the checkout can lie in its
# home.
_CAPS = "-dac_override,-dac_read_search"
_BOUND = ("setpriv", f"--bounding-set={_CAPS}", f"--inh-caps={_CAPS}")

# Runs the commands of each line of its input, in one interpreter: 400 would take minutes to start.
_RUNNER = """
import contextlib, io, os, runpy, sys
for line in sys.stdin:
    sys.argv = ["analysis", *line.rstrip("\\n").split("\\t")]
    said, failed, code = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(failed):
        try:
            runpy.run_module("analysis", run_name="__main__")
        except SystemExit as ended:
            code = ended.code
        except BaseException as raised:
            code = f"traceback: {raised!r:.300}"
    print(repr((code, said.getvalue(), failed.getvalue())), flush=True)
"""


@pytest.fixture(scope="module")
def commands():
    """Runs `analysis` with these arguments: exit code, output, errors."""
    as_whom = _BOUND if os.geteuid() == 0 else ()
    process = subprocess.Popen(
        [*as_whom, sys.executable, "-c", _RUNNER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(*arguments) -> tuple:
        process.stdin.write("\t".join(map(str, arguments)) + "\n")
        process.stdin.flush()
        return ast.literal_eval(process.stdout.readline())

    yield run
    process.stdin.close()
    process.wait()


@pytest.fixture(scope="module")
def shared():
    """A folder that nobody in particular may read, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("seed", range(BROKEN))
def test_a_broken_campaign_is_one_line_and_nothing_is_written(commands, shared, seed):
    good, folder = make_campaign(shared / f"{seed}-good", cost=6), make_campaign(
        shared / f"{seed}-broken"
    )
    broken = break_campaign(folder, seed)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o777)  # who wants to write over something, can
    before = contents(folder)
    for arguments in (["report", folder], ["compare", folder, good], ["compare", good, folder]):
        code, said, failed = commands(*arguments)
        assert (
            code == 2 and not said
        ), f"{broken.what}: {arguments[0]}: {code} {said[:200]} {failed[:200]}"
        assert (
            failed.count("\n") == 1 and failed.isascii() and failed[:-1].isprintable()
        ), f"{broken.what}: {failed[:300]!r}"
        assert str(broken.file) in failed and (
            ";" in failed or ":" in failed.partition(str(broken.file))[2]
        ), f"{broken.what}: {failed[:300]}"
        assert len(failed) < 600, broken.what
    assert contents(folder) == before, broken.what


def test_what_is_not_broken_is_compared(commands, shared):
    """The same campaigns unbroken: so it is the breaking that is refused."""
    one, two = make_campaign(shared / "one"), make_campaign(shared / "two", cost=6)
    code, said, failed = commands("compare", one, two)
    assert (code, failed) == (0, "") and "2 more" in said


def benchmarks(entries: bytes) -> bytes:
    """A file of Google Benchmark with these entries."""
    return b'{"context": {"num_cpus": 2}, "benchmarks": ' + entries + b"}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"[" * 200_000,
        benchmarks(b"[]"),
        b'{"context": 1, "benchmarks": [{"name": "x", "real_time": 1}]}',
        benchmarks(b"{}"),
        benchmarks(b"[1]"),
        benchmarks(b'[{"name": 7}]'),
        benchmarks(b'[{"name": "x", "real_time": NaN}]'),
        benchmarks(b'[{"name": "x", "real_time": "1"}]'),
        benchmarks(b'[{"name": "x", "real_time": 1, "time_unit": "h"}]'),
        benchmarks(b'[{"name": "x", "run_name": [], "real_time": 1}]'),
        benchmarks(b'[{"name": "x", "real_time": 1, "time_unit": []}]'),
        b'{"fio version": "fio-3", "jobs": {}}',
        b'{"fio version": "fio-3", "jobs": []}',
        b'{"fio version": "fio-3", "jobs": [{"read": []}]}',
        b'{"fio version": "fio-3", "jobs": [{"read": {"io_bytes": 1}}]}',
        b'{"fio version": "fio-3", "jobs": [{"error": 5}]}',
        b'{"fio version": "fio-3", "jobs": [{"read": {"io_bytes": 1, "iops": 1e999}}]}',
        b"fio: this job ended\n{}",
    ],
)
def test_a_broken_foreign_file_is_one_line(commands, shared, content):
    path = shared / f"{zlib.crc32(content)}.json"
    path.write_bytes(content)
    code, said, failed = commands("compare", path, path)
    assert (code, said, failed.count("\n")) == (2, "", 1) and str(
        path
    ) in failed, f"{code} {said[:200]} {failed[:300]}"
    assert path.read_bytes() == content
