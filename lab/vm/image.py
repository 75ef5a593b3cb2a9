# SPDX-License-Identifier: Apache-2.0
"""A variant made ready to boot: kernel, module, what its guests boot into, the machine they run on.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE, build_dir
from lab.kernels import built_kernel, debian_kernels, module_build, source_build
from lab.kernels.debian_kernels import KernelTree
from lab.kernels.variant import Variant
from lab.vm import initramfs, plugin_api, qemu

# crc32c_generic is an algorithm, which xfs asks for and no module names.
GUEST_MODULES = ["virtio_pci", "virtio_console", "ext4", "crc32c_generic", "nd_pmem", "nd_e820"]
# Of these, what a guest without persistent memory can do without.
_PMEM_MODULES = ("ext4", "nd_pmem", "nd_e820")
# Kernels without huge pages (RT) have no device-dax; from 6.16 on ext4 needs no CRC of the crypto
# API.
OPTIONAL_MODULES = ["crc32c_generic", "dax_pmem", "device_dax"]

# Two regions of the guest's memory that the kernel takes for persistent: lab/vm/init/pmem uses
# them. And one that it leaves alone, at a physical address that the module may make a device of.
DEVICE_MEMORY = 448 << 20
PMEM_REGIONS = ("memmap=64M!256M", "memmap=64M!384M")
DEVICE_CMDLINE = f"memmap=2M${DEVICE_MEMORY:#x}"
PMEM_CMDLINE = " ".join([*PMEM_REGIONS, DEVICE_CMDLINE])


@dataclass(frozen=True)
class Content:
    """What guests are made of beside kernel, module and job."""

    programs: list[Path]
    modules: list[str]
    cmdline: str
    regions: tuple[str, ...] = ()  # of persistent memory: the variant says how many of them


def micro(kmap_bench: Path) -> Content:
    """For kernel cases."""
    return Content([kmap_bench], GUEST_MODULES, DEVICE_CMDLINE, PMEM_REGIONS)


@dataclass(frozen=True)
class Prepared:
    """A variant ready to boot."""

    variant: Variant
    cmdline: str
    kernel: KernelTree
    module: Path
    base: Path  # archive that all its boots share


def prepare(
    variant: Variant, series: str | None, content: Content, cache: Path, scratch: Path, say
) -> Prepared:
    """Kernel, module and the shared archive of a variant."""
    if variant.image:
        kernel = source_build.fetch(variant.image, cache, say)
    elif variant.built:
        kernel = built_kernel.use(variant.built, cache)
    else:
        kernel = debian_kernels.fetch(series, cache, say)
    return prepare_kernel(variant, kernel, content, cache, scratch, say)


def prepare_kernel(
    variant: Variant, kernel: KernelTree, content: Content, cache: Path, scratch: Path, say
) -> Prepared:
    """The same of a kernel that is at hand."""
    built = module_build.build(kernel, MODULE_SOURCE, cache, say)
    folder = scratch / variant.name
    stripped = scratch / f"{variant.name}.ko"
    subprocesses.output([subprocesses.find("strip", "binutils"), "-g", "-o", stripped, built])
    modules = [name for name in content.modules if variant.regions or name not in _PMEM_MODULES]
    tree = initramfs.base(
        folder,
        content.programs,
        debian_kernels.needed_modules(kernel, modules, OPTIONAL_MODULES),
        {"kmapbench.ko": stripped, f"boot/config-{kernel.release}": kernel.config},
    )
    return Prepared(
        variant,
        " ".join([*content.regions[: variant.regions], content.cmdline, variant.cmdline]).strip(),
        kernel,
        built,
        tree.pack(scratch / f"{variant.name}.cpio"),
    )


def initrd(prepared: Prepared, text: str, target: Path) -> Path:
    """The shared archive with a job behind it."""
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        tree = initramfs.Tree(Path(name) / "tree")
        tree.add_text(text, "job")
        archive = tree.pack(Path(name) / "job.cpio")
        return initramfs.concatenate([prepared.base, archive], target)


def machine(prepared: Prepared, initrd_path: Path, observer: Path | None = None) -> qemu.Machine:
    """What QEMU is to boot."""
    variant = prepared.variant
    return qemu.Machine(
        prepared.kernel.image,
        initrd_path,
        variant.cpu,
        prepared.cmdline,
        memory_mib=variant.memory_mib,
        observer=observer,
        limit_seconds=variant.limit_seconds,
    )


def observer_plugin(say: Callable[[str], None] = lambda _: None) -> Path | None:
    """The plugin that counts from outside; where this QEMU takes none, say is told why."""
    found = plugin_api.find(build_dir() / "bench" / "observer")
    if found.refusal:
        say(f"nothing is counted from outside: {found.refusal}")
    return found.plugin
