# SPDX-License-Identifier: Apache-2.0
"""Our PKS series is whole after each patch: the directories that a patch touches are built after
it, and the kernel after each group of patches. Hours: part of `./kmapbench test --all`, which goes
on where it was ended.
"""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lab.kernels import bases, source_build, source_checkout, variants
from lab.kernels.variant import Image
from lab.tests.conftest import quiet
from lab.tests.support.kept import once

pytestmark = pytest.mark.all

# The subject of the last patch of each, as git names its file. Where there are several: of those
# that a base has.
GROUPS = {
    "preparatory": {"mmc-cb710-sdricoh-Use-thread-local-mappings-of-data"},
    "CPU and entry": {
        "entry-x86-pks-Close-protected-pages-to-exception-han",
        "x86-pks-Write-IA32_PKRS-by-what-the-CPU-has-for-it",
    },
    "memremap and kmap": {"mm-highmem-Tell-of-unmaps-that-belong-to-no-mapping-"},
    "DAX, pmem and callers": {"nvdimm-pmem-device-dax-Protect-the-memory"},
    "tests and documentation": {"Documentation-Describe-protection-keys-for-superviso"},
}
BASES = list(bases.load())
each_group = pytest.mark.parametrize(
    ("base", "group"), [(base, group) for base in BASES for group in GROUPS]
)

# What nothing of the lab has: who touches pages of user space on other machines. COMPILE_TEST:
# before the patch that has a user of it, supervisor keys can be chosen for compile tests only.
OTHERS = """
CONFIG_COMPILE_TEST=y
CONFIG_HYPERVISOR_GUEST=y
CONFIG_PARAVIRT=y
CONFIG_XEN=y
CONFIG_XEN_PV=y
CONFIG_ACRN_GUEST=y
CONFIG_VIRT_DRIVERS=y
CONFIG_ACRN_HSM=y
CONFIG_USB_SUPPORT=y
CONFIG_USB=y
CONFIG_USB_STORAGE=y
CONFIG_BLK_DEV_DRBD=y
CONFIG_CEPH_LIB=y
CONFIG_MMC=y
CONFIG_MMC_CB710=y
CONFIG_PCCARD=y
CONFIG_PCMCIA=y
CONFIG_MMC_SDRICOH_CS=y
CONFIG_MTD=y
CONFIG_MTD_BLOCK=y
CONFIG_INFINIBAND=y
CONFIG_INFINIBAND_ADDR_TRANS=y
CONFIG_RDMA_RXE=y
CONFIG_INFINIBAND_RDMAVT=y
CONFIG_NFS_FS=y
CONFIG_SUNRPC_XPRT_RDMA=y
CONFIG_VMWARE_VMCI=y
CONFIG_DRM=y
CONFIG_DRM_QXL=y
CONFIG_TCM_PSCSI=y
CONFIG_NETDEVICES=y
CONFIG_WIRELESS=y
CONFIG_CFG80211=y
CONFIG_WLAN=y
CONFIG_WLAN_VENDOR_ATH=y
CONFIG_WIL6210=y
CONFIG_DEBUG_FS=y
CONFIG_WIL6210_DEBUGFS=y
"""

OTHERS_OF = {
    "6.12": "CONFIG_BCACHEFS_FS=y\n",
    "7.3": "CONFIG_X86_FRED=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_IO_URING_ZCRX=y\n",
}

# Who builds what lies in a directory without a Makefile, or uses a header.
BUILT_BY = {
    "virt/kvm": "arch/x86/kvm",
    "include/linux/highmem.h": "mm",
    "include/linux/highmem-internal.h": "mm",
    "include/linux/skbuff.h": "net/core",
}

# Each as soon as there is such a symbol.
ADDED = ("CONFIG_SUPERVISOR_PKEYS=y\n", "CONFIG_DEVMAP_ACCESS_PROTECTION=y\n")


def ends(base: str) -> dict[str, int]:
    """How many patches there are up to the end of each group."""
    patches = variants.load(base)["protected"].image.patches
    subjects = [path.stem.split("-", 1)[1] for path in patches]
    return {
        name: max(number for number, subject in enumerate(subjects, 1) if subject in last)
        for name, last in GROUPS.items()
    }


def of_group(base: str, name: str) -> tuple[int, int]:
    """The patches of a group: the number before its first, and its last."""
    numbers = [0, *ends(base).values()]
    index = list(GROUPS).index(name)
    return numbers[index], numbers[index + 1]


def image_of(base: str, variant: str, *more: Path) -> Image:
    """A variant with our whole series, not switched on, and with more fragments."""
    whole = variants.load(base)[variant].image
    fragments = [path for path in whole.fragments if path.name != variants.SERIES_FRAGMENT]
    return replace(whole, fragments=(*fragments, *more))


def touched(patch: Path) -> list[str]:
    """The sources that a patch touches, or, where there are none, the headers."""
    paths = re.findall(r"^\+\+\+ b/(.+\.[ch])$", patch.read_text(), flags=re.MULTILINE)
    return [path for path in paths if path.endswith(".c")] or paths


def warnings(log: Path, patches: Sequence[Path]) -> list[str]:
    """The compiler's, of files that the patches touch: the source has some of its own."""
    files = {
        path
        for patch in patches
        for path in re.findall(r"^\+\+\+ b/(.+)$", patch.read_text(), flags=re.MULTILINE)
    }
    return [
        line
        for line in log.read_text().splitlines()
        if (found := re.match(r"(?:\.\./)*([^\s:]+):\d+:.*warning:", line)) and found[1] in files
    ]


def builder(path: str) -> str:
    """The directory that make is to build for a file."""
    directory = str(Path(path).parent)
    return BUILT_BY.get(path) or BUILT_BY.get(directory, directory)


@contextmanager
def opened(image: Image, first: int, cache: Path, log: Path):
    """The source with so many patches, configured, and make for it; patches that come later may
    have symbols of their own.
    """
    image = replace(image, patches=image.patches[:first])
    version = source_checkout.version(image)
    with tempfile.TemporaryDirectory(dir=cache / "kernels", prefix=".each-") as scratch:
        yield source_build.configured(image, version, Path(scratch), log, cache, quiet)


def add_symbols(source: Path, make) -> str:
    """The configuration with all of ADDED that there are."""
    config = source / "build" / ".config"
    with config.open("a") as out:
        out.writelines(ADDED)
    make("olddefconfig")
    return config.read_text()


def digest(image: Image, last: int) -> str:
    """Of the series up to a patch, of the source, and of its configuration."""
    value = hashlib.sha256(source_checkout.version(image).encode())
    for path in (*image.patches[:last], *image.fragments):
        value.update(path.read_bytes())
    return value.hexdigest()[:16]


@each_group
def test_each_patch_builds_the_directories_it_touches(base, group, cache, tmp_path):
    first, last = of_group(base, group)
    others = tmp_path / "others.config"
    others.write_text(OTHERS + OTHERS_OF[base])
    image = image_of(base, "callers", others)

    def build() -> str:
        log = tmp_path / "log"
        built = []
        with opened(image, first, cache, log) as (source, make):
            for patch in image.patches[first:last]:
                source_checkout.apply(patch, source, log)
                add_symbols(source, make)
                paths = touched(patch)
                if paths:
                    make(*sorted({f"{builder(path)}/" for path in paths}))
                for path in paths:
                    if path.endswith(".c"):
                        assert (source / "build" / path).with_suffix(".o").is_file(), path
                    built.append(f"{patch.name}: {path}\n")
        assert not warnings(log, image.patches[:last])
        return "".join(built)

    name = f"directories-{base}-{first}-{last}-{digest(image, last)}"
    once(cache / "series-builds", name, build)


@each_group
def test_each_group_ends_in_a_kernel(base, group, cache, tmp_path):
    _, last = of_group(base, group)
    compile_test = tmp_path / "compile-test.config"
    compile_test.write_text("CONFIG_COMPILE_TEST=y\n")
    image = image_of(base, "protected", compile_test)

    def build() -> str:
        log = tmp_path / "log"
        with opened(image, last, cache, log) as (source, make):
            text = add_symbols(source, make)
            make("vmlinux")
        assert not warnings(log, image.patches[:last])
        there = "".join(line for line in ADDED if line in text)
        if last >= ends(base)["memremap and kmap"]:
            assert there == "".join(ADDED)
        return there

    once(cache / "series-builds", f"vmlinux-{base}-{last}-{digest(image, last)}", build)
