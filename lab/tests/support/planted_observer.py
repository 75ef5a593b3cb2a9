# SPDX-License-Identifier: Apache-2.0
"""A build folder whose observer counts each instruction twice: for tests that a run notices."""

import shutil
import subprocess
from pathlib import Path

from lab.core.dirs import ROOT, build_dir

SOURCE = ROOT / "bench" / "observer"
COUNTS_ONCE = "++*instruction->executions;"
COUNTS_TWICE = "*instruction->executions += 2;"


def counting_twice(folder: Path) -> Path:
    """Made in folder, to be KMAPBENCH_BUILD: all but the observer is this build's own."""
    source = folder / "source"
    shutil.copytree(SOURCE, source)
    code = (source / "observer.cc").read_text()
    assert code.count(COUNTS_ONCE) == 1
    (source / "observer.cc").write_text(code.replace(COUNTS_ONCE, COUNTS_TWICE))
    build = folder / "build"
    (build / "bench").mkdir(parents=True)
    for path in build_dir().iterdir():
        if path.name != "bench":
            (build / path.name).symlink_to(path)
    for path in (build_dir() / "bench").iterdir():
        if path.name != "observer":
            (build / "bench" / path.name).symlink_to(path)
    (build / "bench" / "observer").mkdir()
    flags = ["-std=c++20", "-O2", "-fPIC", "-fvisibility=hidden"]
    shared = folder / "observer.o"
    subprocess.run(["c++", *flags, "-c", source / "observer.cc", "-o", shared], check=True)
    for path in (build_dir() / "bench" / "observer").glob("libobserver-*.so"):
        version = path.stem.rpartition("-")[2]
        declared = [f"-DDECLARED_VERSION={version}", source / "declared_version.cc"]
        target = build / "bench" / "observer" / path.name
        subprocess.run(["c++", *flags, "-shared", *declared, shared, "-o", target], check=True)
    return build
