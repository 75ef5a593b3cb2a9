# SPDX-License-Identifier: Apache-2.0
import gzip
import lzma
import shutil
import subprocess

import pytest

from lab.core import subprocesses
from lab.vm import initramfs

pytestmark = pytest.mark.program


def listing(archive) -> dict[str, str]:
    out = subprocess.run(
        [subprocesses.find("cpio", "cpio"), "-tvn", "--quiet"],
        stdin=archive.open("rb"),
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split()[-1]: line for line in out.stdout.splitlines()}


def test_a_program_brings_its_libraries(tmp_path):
    tree = initramfs.Tree(tmp_path / "tree")
    program = subprocesses.find("cmake", "cmake")
    tree.add_program(initramfs.Path(program))
    names = listing(tree.pack(tmp_path / "a.cpio"))
    libraries = [str(path).lstrip("/") for path in initramfs.libraries(initramfs.Path(program))]
    assert len(libraries) > 3
    assert set(libraries) <= set(names)


def test_everything_belongs_to_root_and_packs_the_same_twice(tmp_path):
    tree = initramfs.Tree(tmp_path / "tree")
    tree.add_text("text", "etc/file")
    first = tree.pack(tmp_path / "a.cpio")
    lines = listing(first)
    assert set(lines) == {"etc", "etc/file"}
    assert all(line.split()[2:4] == ["0", "0"] for line in lines.values())
    assert first.read_bytes() == tree.pack(tmp_path / "b.cpio").read_bytes()


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz", ".zst"])
def test_modules_are_loaded_plain_whatever_they_are_compressed_with(tmp_path, suffix):
    file = tmp_path / f"nd_pmem.ko{suffix}"
    if suffix == ".zst":
        if not shutil.which("zstd"):
            pytest.skip("zstd is not installed")
        file.write_bytes(
            subprocess.run(
                ["zstd", "-qc"], input=b"code", stdout=subprocess.PIPE, check=True
            ).stdout
        )
    else:
        file.write_bytes({"": bytes, ".xz": lzma.compress, ".gz": gzip.compress}[suffix](b"code"))
    tree = initramfs.Tree(tmp_path / "tree")
    tree.add_modules([file])
    assert (tmp_path / "tree/lib/modules/nd_pmem.ko").read_bytes() == b"code"
    assert (tmp_path / "tree/etc/kmapbench/modules").read_text() == "/lib/modules/nd_pmem.ko\n"
