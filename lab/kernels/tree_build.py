# SPDX-License-Identifier: Apache-2.0
"""What the lab boots of a kernel that is built here: compiled, and kept in the layout of a package
(KernelTree).
"""

import shutil
from pathlib import Path

from lab.core import subprocesses
from lab.kernels import kconfig
from lab.kernels.kbuild import Make
from lab.kernels.kernel_tree import KernelTree


def compile_kernel(make: Make, build: Path) -> None:
    """Makes the kernel, and what modules are built against. Its own modules are not made: the lab
    has built in what it needs, and a distribution's configuration has thousands of others.
    """
    config = kconfig.parse((build / ".config").read_text())
    if "m" not in config.values():
        make("all")
        return
    make("bzImage", "modules_prepare")
    shutil.copyfile(build / "vmlinux.symvers", build / "Module.symvers")


def keep(make: Make, source: Path, tree: Path) -> Path:
    """Image, configuration, symbols, modules, and what modules are built against: as a package has
    them.
    """
    build = source / "build"
    release = (build / "include" / "config" / "kernel.release").read_text().strip()
    modules = tree / "lib" / "modules" / release
    if (build / "modules.order").exists():
        make(
            "modules_install",
            f"INSTALL_MOD_PATH={tree}",
            f"DEPMOD={subprocesses.find('depmod', 'kmod')}",
        )
        for link in ("build", "source"):
            (modules / link).unlink(missing_ok=True)
    else:
        modules.mkdir(parents=True)
        shutil.copyfile(build / "modules.builtin", modules / "modules.builtin")
    (tree / "boot").mkdir()
    for file, name in (
        ("arch/x86/boot/bzImage", "vmlinuz"),
        (".config", "config"),
        ("System.map", "System.map"),
        ("vmlinux", "vmlinux"),
    ):
        shutil.copyfile(build / file, tree / "boot" / f"{name}-{release}")
    headers = KernelTree(tree, release).headers
    # The kernel's own script, which its packages are made with, too.
    make(
        "run-command",
        f"KBUILD_RUN_COMMAND=$(srctree)/scripts/package/install-extmod-build {headers}",
    )
    return tree
