# SPDX-License-Identifier: Apache-2.0
"""Command lines that are wrong, what has to be said of each, and where they are tried."""

import shutil
from pathlib import Path

from lab.core.dirs import ROOT

COMMANDS = [
    "run",
    "bisect",
    "configs",
    "gate",
    "report",
    "calibrate",
    "compare",
    "check",
    "tune",
    "cases",
    "list",
    "show",
    "test",
    "kernels",
    "kernels build",
    "kernels needs",
]

# Arguments, and words of the one line that is said. {there}: a folder that is no campaign.
WRONG = [
    (["fly"], ["fly", "there are: run"]),
    (["rum"], ["did you mean run?"]),
    (["run", "stock"], ["--variants stock;"]),
    (["run", "--variants", "plain", "off"], ["--variants plain,off;"]),
    (["run", "--variants", "Plain"], ["did you mean plain?"]),
    (["run", "--variants", "STOCK"], ["did you mean stock?"]),
    (["run", "--variants", "stock,,plain"], ["an empty name"]),
    (["run", "--variants", "plain,mine=/nowhere"], ["mine", "/nowhere", "no such file"]),
    (["run", "--variants", "plain", "mine=/nowhere"], ["--variants plain,mine=/nowhere"]),
    (["run", "--variants-file", "{there}/plan.toml"], ["--variants-file", "--variants"]),
    (["kernels", "--variants-file", "{there}/plan.toml"], ["{there}/plan.toml: boots: not known"]),
    (["run", "--variants", "plain", "--kernel", "6.1"], ["--kernel", "stock"]),
    ([], ["COMMAND"]),
    (["run", "--variant", "plain"], ["--variant"]),
    (["run", "--no-inst"], ["--no-inst"]),
    (["test", "--kern"], ["--kern"]),
    (["compare", "a", "b", "--fail", "slower"], ["--fail"]),
    (["run", "--variants", "nope"], ["nope", "stock"]),
    (["run", "--variants", "stock,stock"], ["twice"]),
    (["run", "--boots", "0"], ["'0'"]),
    (["run", "--cases", ""], ["--cases", "kernel/*"]),
    (["run", "--out", "{there}"], ["{there}", "--out"]),
    (["run", "--out", "{there}/file/below"], ["{there}/file", "no folder"]),
    (["run", "--resume", "{there}"], ["{there}"]),
    (["run", "--only", "dax", "--preset", "nope"], ["nope", "quick"]),
    (["run", "--plan", "{there}/plan.toml"], ["{there}/plan.toml", "boots"]),
    (["run", "--plan", "{there}/nothing.toml"], ["{there}/nothing.toml"]),
    (["run", "--here", "--variants", "plain"], ["--here", "--variants"]),
    (["run", "--tune"], ["--tune", "--here"]),
    (["tune", "--rest"], ["--rest"]),
    (["report", "{there}"], ["{there}", "no campaign"]),
    (["show", "{there}", "empty"], ["{there}", "no campaign"]),
    (["compare", "{there}", "{there}"], ["{there}", "neither a campaign"]),
    (["compare", "{there}/gone:plain", "{there}"], ["{there}/gone", "no such file"]),
    (["compare"], ["sides", "--history"]),
    (["bisect", "v1"], ["BAD is missing"]),
    (["bisect", "v1", "v2", "--tree", "{there}"], ["--case is missing"]),
    (["bisect", "--resume", "{there}"], ["{there}", "no search of kmapbench bisect"]),
    (["bisect", "v1", "--resume", "{there}"], ["--resume", "leave out"]),
    (["gate", "v1"], ["HEAD is missing"]),
    (["gate", "v1", "v2"], ["BASE v1", "no such file or folder", "--tree"]),
    (["gate", "v1", "v2", "--tree", "{there}/none"], ["--tree {there}/none", "no such folder"]),
    (["gate", "{there}", "{there}", "--patches", "{there}"], ["--patches", "--tree"]),
    (["gate", "v1", "v2", "--origin", "My CI"], ["My CI", "a-z"]),
    (["gate", "--resume", "{there}"], ["{there}", "no gate of kmapbench"]),
    (["gate", "v1", "--resume", "{there}"], ["--resume", "leave out"]),
    (["configs", "--only", "DEBUGVM"], ["DEBUGVM", "did you mean DEBUG_VM?"]),
    (["configs", "--only", "NUMA,NUMA"], ["NUMA is named twice"]),
    (["configs", "--like", "stock"], ["--like stock", "not built"]),
    (["configs", "--symbols", "{there}/plan.toml"], ["{there}/plan.toml", "boots"]),
    (["configs", "--resume", "{there}"], ["{there}", "no table of kmapbench configs"]),
    (["configs", "--static", "--resume", "{there}"], ["--resume", "leave out"]),
    (["kernels", "build", "nope"], ["nope", "plain"]),
    (["kernels", "build", "plain", "--dry-run"], ["--dry-run", "kernels build --help"]),
    (["run", "--kernel", "{there}"], ["{there}", "no kernel with headers"]),
    (["run", "--seed", "-1"], ["--seed", "'-1'"]),
    (["run", "--plan", "/dev/zero"], ["/dev/zero", "no file"]),
    (["run", "--variants", "a,b", "--variants-file", "/dev/zero"], ["/dev/zero", "no file"]),
    (["configs", "--symbols", "/dev/zero"], ["/dev/zero", "no file"]),
    (["configs", "--symbols", "{there}"], ["{there}", "directory"]),
    (
        ["bisect", "--series", "{there}/plan.toml", "--static", "--case", "kernel/kmap_local/dram"],
        ["{there}/plan.toml", "neither a patch nor a mailbox"],
    ),
    (["calibrate", "--jobs", "0"], ["--jobs", "'0'"]),
    (["calibrate", "--seed", "-1"], ["--seed", "'-1'"]),
    (["compare", "--history", "{there}/file"], ["{there}/file", "no folder"]),
    (["compare", "{there}", "{there}", "--variants", ","], ["--variants", "empty"]),
    (["list", ""], ["empty value after list"]),
    (["kernels", "raze"], ["raze", "build"]),
]


def checkout(folder: Path) -> Path:
    """A copy of what the launcher is made of, with nothing built in it."""
    shutil.copytree(
        ROOT,
        folder,
        ignore=shutil.ignore_patterns("reference", "20*", "build", ".git", "__pycache__"),
    )
    return folder


def make_there(folder: Path) -> Path:
    """A folder that is no campaign, with a plan file that has a mistake."""
    folder.mkdir()
    (folder / "file").touch()
    (folder / "plan.toml").write_text('boots = "three"\n')
    return folder


def tree(folder: Path) -> set[str]:
    """All that is in a folder, but what Python keeps for itself."""
    return {str(path) for path in folder.rglob("*") if "__pycache__" not in path.parts}
