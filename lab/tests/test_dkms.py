# SPDX-License-Identifier: Apache-2.0
"""dkms.conf, as bash reads it: DKMS sources the file and runs what it says."""

import re
import shlex
import shutil
import subprocess

import pytest

from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE, ROOT

pytestmark = pytest.mark.program


def conf(*names: str, kernel_source_dir: str = "") -> list[str]:
    """Values of variables after dkms.conf was sourced."""
    script = f"kernel_source_dir={shlex.quote(kernel_source_dir)}; . ./dkms.conf; " + "".join(
        f'echo "${{{name}}}"; ' for name in names
    )
    return subprocess.run(
        ["bash", "-euc", script], cwd=MODULE_SOURCE, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_version_is_the_abi_that_kmap_bench_asks_for():
    (abi,) = re.findall(
        r"^#define KMAPBENCH_ABI\s+(\d+)", (MODULE_SOURCE / "kmapbench.h").read_text(), re.MULTILINE
    )
    assert conf("PACKAGE_NAME", "PACKAGE_VERSION") == ["kmapbench", abi]


def test_commands_that_are_named_have_that_version():
    (version,) = conf("PACKAGE_VERSION")
    for file in (MODULE_SOURCE / "dkms.conf", ROOT / "docs" / "hardware.md"):
        assert re.findall(r"dkms install kmapbench/(\d+)", file.read_text()) == [version]


def test_its_commands_build_and_clean_the_module(kernel, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(
        MODULE_SOURCE, source, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*.cmd")
    )
    make, clean, name = conf(
        "MAKE[0]", "CLEAN", "BUILT_MODULE_NAME[0]", kernel_source_dir=str(kernel.headers)
    )
    # As dkms calls it: with the release as a variable of make's.
    for command, built in ((f"{make} KERNELRELEASE={kernel.release}", True), (clean, False)):
        result = subprocess.run(shlex.split(command), cwd=source, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert (source / f"{name}.ko").exists() is built


@pytest.mark.all
@pytest.mark.skipif(shutil.which("dkms") is None, reason="dkms is not installed")
def test_dkms_itself_builds_it(kernel, tmp_path):
    source, trees = tmp_path / "source", [
        "--dkmstree",
        tmp_path / "tree",
        "--sourcetree",
        tmp_path / "src",
    ]
    shutil.copytree(
        MODULE_SOURCE, source, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*.cmd")
    )
    for folder in ("tree", "src"):
        (tmp_path / folder).mkdir()
    name, version = conf("PACKAGE_NAME", "PACKAGE_VERSION")
    subprocesses.output(["dkms", "add", source, *trees])
    subprocesses.output(
        [
            "dkms",
            "build",
            f"{name}/{version}",
            "-k",
            kernel.release,
            "--kernelsourcedir",
            kernel.headers,
            *trees,
        ]
    )
    assert "built" in subprocesses.output(["dkms", "status", *trees])
    assert list((tmp_path / "tree").rglob("kmapbench.ko*"))
