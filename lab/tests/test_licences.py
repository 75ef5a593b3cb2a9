# SPDX-License-Identifier: Apache-2.0
import fnmatch
import subprocess
import tomllib

import pytest

from lab.core.dirs import ROOT

# Kernel code; patches in lab/kernels/ are covered by REUSE.toml.
GPL = ("kernel-bench-module/", "kernels/tests/")


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return listing.stdout.splitlines()


def test_every_file_names_its_licence():
    covered = [
        pattern
        for row in tomllib.loads((ROOT / "REUSE.toml").read_text())["annotations"]
        for pattern in row["path"]
    ]
    missing = []
    for name in tracked():
        if name.startswith("LICENSES/") or any(
            fnmatch.fnmatch(name, pattern) for pattern in covered
        ):
            continue
        head = (ROOT / name).read_bytes()[:600].decode(errors="replace")
        expected = "GPL-2.0-only" if name.startswith(GPL) else "Apache-2.0"
        if f"SPDX-License-Identifier: {expected}" not in head:
            missing.append(name)
    assert missing == []
