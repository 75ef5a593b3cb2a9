# SPDX-License-Identifier: Apache-2.0
"""This checkout as hosts get it, and one build of it that all of them use: none compiles."""

import re
import shutil
import subprocess
from pathlib import Path

from lab.core.dirs import ROOT, build_dir


def home_checkout(folder: Path) -> str:
    """Clones this checkout, with what is changed in it as one more commit, which is returned."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    said = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "-c", "-o", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, said.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", "-C", str(folder), "add", "-A"], check=True)
    subprocess.run(
        ["git", "-C", str(folder), *who, "commit", "-q", "--allow-empty", "-m", "test"], check=True
    )
    head = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()


def build_for(checkout: str, folder: Path) -> dict[str, str]:
    """Copies the build as if it were of a checkout at this path; the environment that uses it."""
    build, programs = folder / "build", folder / "bin"
    shutil.copytree(build_dir(), build, ignore=shutil.ignore_patterns("*.o", "Testing"))
    cache = build / "CMakeCache.txt"
    text = re.sub(r"(?m)^(CMAKE_HOME_DIRECTORY:\w+=).*", rf"\g<1>{checkout}", cache.read_text())
    cache.write_text(re.sub(r"(?m)^(CMAKE_CACHEFILE_DIR:\w+=).*", rf"\g<1>{build}", text))
    programs.mkdir()
    (programs / "cmake").write_text("#!/bin/sh\nexit 0\n")  # all is built
    (programs / "cmake").chmod(0o755)
    return {
        "KMAPBENCH_BUILD": str(build),
        "PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
