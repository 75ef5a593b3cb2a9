# SPDX-License-Identifier: Apache-2.0
"""clang-tidy finds nothing in our C++, by .clang-tidy.

It takes minutes. A file in which it found nothing is not looked at again until something that it is
compiled from has changed: its name in the cache is the hash of that.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir

# gcc's own, which clang does not take.
OF_GCC = ("-fno-move-loop-invariants", "-fno-tree-loop-im")

# Shows that findings are seen: a string is copied for nothing.
PLANTED = "#include <string>\nunsigned long Length(std::string text) { return text.size(); }\n"

pytestmark = pytest.mark.checkers


def key(command: dict, tidy: str) -> str:
    """Of what a file is compiled from, and what looks at it."""
    words = shlex.split(command["command"])
    preprocess = [*words[: words.index("-o")], "-E", "-P", command["file"]]
    result = subprocess.run(preprocess, cwd=command["directory"], capture_output=True, check=True)
    source = Path(command["file"]).read_bytes()  # comments may switch a check off
    config = (ROOT / ".clang-tidy").read_bytes()
    anywhere = result.stdout.replace(str(ROOT).encode(), b"")  # assertions name their file
    return hashlib.sha256(tidy.encode() + config + source + anywhere).hexdigest()


def findings(file: Path, command: dict, folder: Path) -> list[str]:
    """What clang-tidy finds in a file that is compiled so."""
    folder.mkdir()
    (folder / "compile_commands.json").write_text(json.dumps([command]))
    config = f"--config={(ROOT / '.clang-tidy').read_text()}"
    tidy = subprocesses.find("clang-tidy", "clang-tidy")
    result = subprocess.run(
        [tidy, "--quiet", "-p", folder, config, file], capture_output=True, text=True
    )
    said = re.sub(r"\x1b\[[\d;]*m", "", result.stdout)
    return [line for line in said.splitlines() if re.search(r": (error|warning): ", line)]


def test_a_finding_is_seen(tmp_path):
    planted = tmp_path / "planted.cc"
    planted.write_text(PLANTED)
    command = {
        "directory": str(tmp_path),
        "file": str(planted),
        "command": f"c++ -std=c++20 -c {planted}",
    }
    (found,) = findings(planted, command, tmp_path / "database")
    assert str(planted) in found and "text" in found


def test_nothing_is_found(tmp_path, cache):
    seen = cache / "clang-tidy"
    seen.mkdir(parents=True, exist_ok=True)
    commands = json.loads((build_dir() / "compile_commands.json").read_text())
    ours = [command for command in commands if command["file"].endswith(".cc")]
    for command in ours:
        command["command"] = " ".join(
            word for word in command["command"].split() if word not in OF_GCC
        )
    assert len(ours) > 30
    version = subprocesses.output([subprocesses.find("clang-tidy", "clang-tidy"), "--version"])

    def look_at(numbered: tuple[int, dict]) -> list[str]:
        number, command = numbered
        mark = seen / key(command, version)
        if mark.exists():
            return []
        found = findings(Path(command["file"]), command, tmp_path / str(number))
        if not found:
            mark.touch()
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [line for lines in pool.map(look_at, enumerate(ours)) for line in lines]
    assert found == [], "\n".join(found)
