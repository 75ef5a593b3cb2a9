# SPDX-License-Identifier: Apache-2.0
"""Judges a gate, writes what CI systems read, and prints the answer."""

from pathlib import Path

from analysis.data.bad_data import printable
from analysis.gate.function_changes import list_changes
from analysis.gate.gate_comment import write_comment
from analysis.gate.gate_folder import read_folder
from analysis.gate.gate_kcidb import write_kcidb
from analysis.gate.gate_ktap import write_ktap
from analysis.gate.judgement import changed_rows, judge
from formats.gate_files import COMMENT, KCIDB, KTAP


def write_gate(folder: Path) -> int:
    """The exit code. BadData where the folder is none of a gate."""
    asked = read_folder(folder)
    found = judge(asked)
    functions = []
    if found.campaign and found.group:
        cases = [row.case for row in changed_rows(found.group)]
        functions = list_changes(found.campaign, cases)
    texts = {
        COMMENT: write_comment(asked, found, functions),
        KTAP: write_ktap(asked, found),
        KCIDB: write_kcidb(asked, found, functions),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    print(printable(f"{found.word}: {found.answer}"))
    for line in (*found.failures, *found.unjudged, *found.notes):
        if line != found.answer:
            print(printable(f"  {line}"))
    print("".join(f"{Path(name).stem:8} {folder / name}\n" for name in texts), end="")
    return found.code
