# SPDX-License-Identifier: Apache-2.0
"""Kernels that users have built, in all forms that they have: found, checked, left alone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.kernels import built_kernel, debian_kernels, needs

RELEASE = "6.12.1-mine"
IMAGE = "arch/x86/boot/bzImage"


def config(**changes: str) -> str:
    """A configuration that meets all needs, by modules where there is a choice. changes: symbols
    without CONFIG_ that are otherwise.
    """
    values = {need.symbol: need.values[-1] for need in needs.load() if not need.build_only}
    values |= {f"CONFIG_{name}": value for name, value in changes.items()}
    values |= {"CONFIG_X86_64": "y", "CONFIG_SPARSEMEM_VMEMMAP": "y"}
    return "".join(f"{symbol}={value}\n" for symbol, value in values.items() if value != "n")


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def build(tmp_path) -> Path:
    """A folder in which make has built a kernel with a module."""
    folder = tmp_path / "o"
    files = {
        IMAGE: "image",
        ".config": config(),
        "System.map": "symbols",
        "vmlinux": "vmlinux",
        "Module.symvers": "exports",
        "Makefile": "include ../Makefile\n",
        "include/config/kernel.release": f"{RELEASE}\n",
        "include/config/auto.conf": config(),
        "modules.builtin": "kernel/drivers/virtio/virtio_pci.ko\n",
        "modules.order": "fs/ext4/ext4.o\nfs/jbd2/jbd2.o\n",
        "fs/ext4/ext4.ko": "module",
        "scripts/tests.ko": "no module of the kernel's",
    }
    fill(folder, files)
    return folder


def installed(root: Path, release: str, lib: str = "lib") -> Path:
    """An installed kernel, headers by the modules' link, as `make dir-pkg` leaves it."""
    headers = root / "headers"
    fill(headers, {"Makefile": "", ".config": config(), "include/config/auto.conf": config()})
    fill(
        root,
        {
            f"boot/vmlinuz-{release}": "image",
            f"boot/config-{release}": config(),
            f"{lib}/modules/{release}/kernel/fs/ext4.ko": "module",
        },
    )
    (root / lib / "modules" / release / "build").symlink_to(headers)
    return root


def package(folder: Path, name: str, files: dict[str, str], version="1-1", depends="") -> Path:
    """Makes a .deb by dpkg-deb."""
    tree = folder / "tree"
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
    control += "Maintainer: A <a@example.com>\nDescription: none\n"
    control += f"Depends: {depends}\n" if depends else ""
    fill(tree, {"DEBIAN/control": control, **files})
    target = folder / f"{name}_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--build", tree, target], check=True, capture_output=True)
    shutil.rmtree(tree)
    return target


@pytest.fixture
def debs(tmp_path) -> Path:
    """A folder with an image, its debug symbols, its headers, and what those depend on."""
    folder = tmp_path / "debs"
    folder.mkdir()
    headers = f"usr/src/linux-headers-{RELEASE}"
    package(
        folder,
        f"linux-image-{RELEASE}",
        {f"boot/vmlinuz-{RELEASE}": "image", f"boot/config-{RELEASE}": config()},
    )
    package(folder, f"linux-image-{RELEASE}-dbg", {"usr/lib/debug/x": ""})
    package(
        folder,
        f"linux-headers-{RELEASE}",
        {f"{headers}/Makefile": "include /usr/src/linux-headers-common/Makefile\n"},
        depends="gcc, linux-headers-common (= 1-1), linux-kbuild-6.12",
    )
    package(folder, "linux-headers-common", {"usr/src/linux-headers-common/Makefile": "all:\n"})
    package(folder, "linux-headers-other", {"usr/src/linux-headers-other/Makefile": "all:\n"})
    return folder


def fault(path: Path) -> str:
    with pytest.raises(KmapbenchError) as error:
        built_kernel.check(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def state(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def assert_is_tree(kernel) -> None:
    assert kernel.release == RELEASE
    assert (kernel.image.read_text(), kernel.config.read_text()) == ("image", config())
    assert (kernel.headers / "Makefile").is_file()


def test_a_build_folder_is_used_and_left_alone(build, tmp_path, monkeypatch):
    before = state(build)
    built_kernel.check(build)
    kernel = built_kernel.use(build, tmp_path / "cache")
    assert_is_tree(kernel)
    assert (kernel.symbols.read_text(), kernel.vmlinux.read_text()) == ("symbols", "vmlinux")
    assert kernel.headers.resolve() == build
    monkeypatch.setattr(subprocesses, "output", lambda command: "\n")
    monkeypatch.setattr(subprocesses, "find", lambda name, _: name)
    found = debian_kernels.needed_modules(kernel, ["virtio_pci", "ext4"])
    assert [path.resolve() for path in found] == [build / "fs/ext4/ext4.ko"]
    assert state(build) == before


def test_modules_are_found_in_the_older_form_of_kbuilds_list(build, tmp_path):
    (build / "modules.order").write_text("kernel/fs/ext4/ext4.ko\n")
    kernel = built_kernel.use(build, tmp_path / "cache")
    assert (kernel.modules / "kernel" / "fs" / "ext4" / "ext4.ko").read_text() == "module"


@pytest.mark.parametrize("changed", [IMAGE, ".config", "Module.symvers", "fs/ext4/ext4.ko"])
def test_what_was_built_anew_is_another_kernel(build, tmp_path, changed):
    first = built_kernel.use(build, tmp_path / "cache")
    assert built_kernel.use(build, tmp_path / "cache").key == first.key
    (build / changed).write_text("anew")
    assert built_kernel.use(build, tmp_path / "cache").key != first.key


@pytest.mark.parametrize("lib", ["lib", "usr/lib"])
def test_an_installed_kernel_is_named_by_its_modules(tmp_path, lib):
    root = installed(tmp_path / "root", RELEASE, lib)
    installed(tmp_path / "root" / "x", "6.1.0")
    built_kernel.check(root)
    assert_is_tree(built_kernel.use(root, tmp_path / "cache"))
    shutil.copytree(root / lib / "modules" / RELEASE, root / lib / "modules" / "7.0", symlinks=True)
    shutil.copyfile(root / "boot" / f"vmlinuz-{RELEASE}", root / "boot" / "vmlinuz-7.0")
    assert f"has several kernels ({RELEASE}, 7.0)" in fault(root)
    built_kernel.check(root / lib / "modules" / RELEASE)
    assert_is_tree(built_kernel.use(root / lib / "modules" / RELEASE, tmp_path / "cache"))


@pytest.mark.program
@pytest.mark.parametrize("name", ["", f"linux-image-{RELEASE}_1-1_amd64.deb"])
def test_packages_are_unpacked_with_what_the_headers_depend_on(debs, tmp_path, name):
    built_kernel.check(debs / name)
    kernel = built_kernel.use(debs / name, tmp_path / "cache")
    assert_is_tree(kernel)
    text = (kernel.headers / "Makefile").read_text()
    assert text == f"include {kernel.folder}/usr/src/linux-headers-common/Makefile\n"
    sources = {path.name for path in (kernel.folder / "usr" / "src").iterdir()}
    assert sources == {f"linux-headers-{RELEASE}", "linux-headers-common"}
    assert built_kernel.use(debs / name, tmp_path / "cache") == kernel


@pytest.mark.program
def test_packages_that_lack_something_are_named(debs):
    (debs / f"linux-image-{RELEASE}_1-1_amd64.deb").rename(debs / "x.deb")
    assert "no package of a kernel image" in fault(debs / "linux-headers-common_1-1_amd64.deb")
    built_kernel.check(debs / "x.deb")
    (debs / "linux-headers-other_1-1_amd64.deb").write_text("nonsense")
    with pytest.raises(KmapbenchError, match="linux-headers-other_1-1_amd64.deb: no package"):
        built_kernel.check(debs / "x.deb")
    (debs / "linux-headers-other_1-1_amd64.deb").unlink()
    (debs / f"linux-headers-{RELEASE}_1-1_amd64.deb").unlink()
    package(debs, f"linux-headers-{RELEASE}", {"usr/src/x": ""}, version="2-1")
    assert f"linux-headers-{RELEASE}, of the same version, is not beside it" in fault(
        debs / "x.deb"
    )


def test_what_cannot_be_measured_is_said_before(build, tmp_path):
    assert "no such file or folder" in fault(tmp_path / "gone")
    assert "has no kernel with headers" in fault(tmp_path)
    (build / "System.map").unlink()
    assert "not built to the end, System.map is missing: run make" in fault(build)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"VIRTIO_CONSOLE": "n"},
            "CONFIG_VIRTIO_CONSOLE has to be y or m: the channels by which records leave the guest",
        ),
        ({"BINFMT_SCRIPT": "m"}, "CONFIG_BINFMT_SCRIPT has to be y: the guest's init"),
        ({"MODULE_SIG_FORCE": "y"}, "CONFIG_MODULE_SIG_FORCE has to be n: kmapbench.ko has no"),
        ({"PRINTK": "n", "FUTEX": "n"}, "(and 1 more: kmapbench kernels needs)"),
        ({"ZONE_DEVICE": "n"}, "kmapbench needs CONFIG_ZONE_DEVICE"),
    ],
)
def test_a_symbol_that_the_lab_needs_is_named_with_its_reason(build, changes, said):
    (build / ".config").write_text(config(**changes))
    assert said in fault(build)
