# SPDX-License-Identifier: Apache-2.0
"""clang-tidy finds nothing in our C++, by .clang-tidy."""

import json
import os
import re
import subprocess

import pytest

from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir

# gcc's own, which clang does not take.
OF_GCC = ("-fno-move-loop-invariants", "-fno-tree-loop-im")

# Shows that findings are seen: a string is copied for nothing.
PLANTED = "#include <string>\nunsigned long Length(std::string text) { return text.size(); }\n"


@pytest.mark.all
def test_nothing_is_found_but_what_is_planted(tmp_path):
    planted = tmp_path / "planted.cc"
    planted.write_text(PLANTED)
    commands = json.loads((build_dir() / "compile_commands.json").read_text())
    ours = [command for command in commands if command["file"].endswith(".cc")]
    for command in ours:
        command["command"] = " ".join(
            word for word in command["command"].split() if word not in OF_GCC
        )
    ours.append(
        {
            "directory": str(tmp_path),
            "file": str(planted),
            "command": f"c++ -std=c++20 -c {planted}",
        }
    )
    (tmp_path / "compile_commands.json").write_text(json.dumps(ours))
    run = [
        subprocesses.find("run-clang-tidy", "clang-tidy"),
        "-quiet",
        f"-j{os.cpu_count()}",
        "-p",
        tmp_path,
        f"-config={(ROOT / '.clang-tidy').read_text()}",
    ]
    said = re.sub(r"\x1b\[[\d;]*m", "", subprocess.run(run, capture_output=True, text=True).stdout)
    found = [line for line in said.splitlines() if re.search(r": (error|warning): ", line)]
    assert len(found) == 1 and str(planted) in found[0], "\n".join(found)
    assert len(ours) > 30
