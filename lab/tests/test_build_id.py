# SPDX-License-Identifier: Apache-2.0
"""A guest that runs another kernel than the one that is measured is found out."""

import shutil
import struct
import subprocess

import pytest

from lab.core.errors import KmapbenchError
from lab.kernels import source_build, variant_choice, variants
from lab.kernels.kernel_tree import KernelTree
from lab.run import runner
from lab.tests.conftest import quiet
from lab.vm import build_id

ID = bytes(range(20))


def note(name: bytes, kind: int, content: bytes) -> bytes:
    padded = [part + bytes(-len(part) % 4) for part in (name, content)]
    return struct.pack("<3I", len(name), len(content), kind) + b"".join(padded)


def test_the_build_id_is_found_among_notes():
    others = (
        note(b"Xen\0", 6, b"linux") + note(b"GNU\0", 5, b"12345") + note(b"Linux\0", 3, b"1234")
    )
    assert build_id.of_notes(others + note(b"GNU\0", 3, ID) + others) == ID.hex()
    assert build_id.of_notes(others) is None and build_id.of_notes(b"") is None


def test_a_file_has_the_build_id_that_its_linker_was_told(tmp_path):
    shutil.which("gcc") or pytest.skip("gcc is not installed")
    (tmp_path / "empty.c").write_text("")
    for name, value in (("with", f"0x{ID.hex()}"), ("without", "none")):
        command = ["gcc", "-shared", f"-Wl,--build-id={value}", "-o", name, "empty.c"]
        subprocess.run(command, cwd=tmp_path, check=True)
    assert build_id.of_file(tmp_path / "with") == ID.hex()
    assert build_id.of_file(tmp_path / "without") is None
    assert build_id.of_file(tmp_path / "not there") is None
    vmlinux = tmp_path / "with"
    same, other = note(b"GNU\0", 3, ID), note(b"GNU\0", 3, ID[::-1])
    assert build_id.difference("6.12", vmlinux, "6.12", same) is None
    assert build_id.difference("6.12", tmp_path / "not there", "6.12", other) is None
    assert build_id.difference("6.12", vmlinux, "6.13", same) == "it is 6.13, not 6.12"
    said = build_id.difference("6.12", vmlinux, "6.12", other)
    assert said == f"its build ID is {ID[::-1].hex()}, not {ID.hex()}"
    assert "its build ID is none" in build_id.difference("6.12", vmlinux, "6.12", b"")


@pytest.mark.guest
@pytest.mark.kernels
@pytest.mark.parametrize(("form", "advice"), [("", "delete .*plain_"), ("mine=", "run make for ")])
def test_a_boot_of_an_image_that_is_of_another_build_is_no_boot(
    cache, tmp_path, monkeypatch, form, advice
):
    """As a compiler's cache had it: the same release, the same modules, another compressed kernel
    in the bzImage. Of a kernel that a user has built, too.
    """
    plain, off = (
        source_build.fetch(variants.find(name).image, cache, quiet) for name in ("plain", "off")
    )
    if form:
        folder = tmp_path / "folder"
        shutil.copytree(plain.folder, folder, symlinks=True)
        shutil.copyfile(off.vmlinux, KernelTree(folder, plain.release).vmlinux)
        (variant,) = variant_choice.choose([f"mine={folder}"], None)
    else:
        variant, other = variants.find("plain"), off.vmlinux
        monkeypatch.setattr(KernelTree, "vmlinux", property(lambda _: other))
    plan = runner.Plan([variant], 1, 1, "micro", None, "empty", tmp_path / "campaign", [])
    said = f"is not the one that was built: its build ID is .*; {advice}"
    with pytest.raises(KmapbenchError, match=said):
        runner.run(plan)
