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

pytestmark = pytest.mark.all


def key(command: dict, tidy: str) -> str:
    """Of what a file is compiled from, and what looks at it."""
    words = shlex.split(command["command"])
    preprocess = [*words[: words.index("-o")], "-E", "-P", command["file"]]
    result = subprocess.run(preprocess, cwd=command["directory"], capture_output=True, check=True)
    source = Path(command["file"]).read_bytes()  # comments may switch a check off
    config = (ROOT / ".clang-tidy").read_bytes()
    return hashlib.sha256(tidy.encode() + config + source + result.stdout).hexdigest()


def test_nothing_is_found_but_what_is_planted(tmp_path, cache):
    seen = cache / "clang-tidy"
    seen.mkdir(parents=True, exist_ok=True)
    planted = tmp_path / "planted.cc"
    planted.write_text(PLANTED)
    commands = json.loads((build_dir() / "compile_commands.json").read_text())
    ours = [command for command in commands if command["file"].endswith(".cc")]
    for command in ours:
        command["command"] = " ".join(
            word for word in command["command"].split() if word not in OF_GCC
        )
    assert len(ours) > 30
    program = subprocesses.find("run-clang-tidy", "clang-tidy")
    version = subprocesses.output([subprocesses.find("clang-tidy", "clang-tidy"), "--version"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = list(pool.map(lambda command: key(command, version), ours))
    looked_at = [
        (command, name)
        for command, name in zip(ours, keys, strict=True)
        if not (seen / name).exists()
    ]
    compile_planted = {
        "directory": str(tmp_path),
        "file": str(planted),
        "command": f"c++ -std=c++20 -c {planted}",
    }
    (tmp_path / "compile_commands.json").write_text(
        json.dumps([command for command, _ in looked_at] + [compile_planted])
    )
    config = f"-config={(ROOT / '.clang-tidy').read_text()}"
    run = [program, "-quiet", f"-j{os.cpu_count()}", "-p", tmp_path, config]
    said = re.sub(r"\x1b\[[\d;]*m", "", subprocess.run(run, capture_output=True, text=True).stdout)
    found = [line for line in said.splitlines() if re.search(r": (error|warning): ", line)]
    assert len(found) == 1 and str(planted) in found[0], "\n".join(found)
    for _, name in looked_at:
        (seen / name).touch()
