# SPDX-License-Identifier: Apache-2.0
"""A lab guest with Debian's userland: this machine's own, read-only by 9p, below an overlay that
forgets.

With it the guest can build the module against its headers and run kmapbench as on a machine of
its own. Nothing that it writes reaches this machine.
"""

import shlex
import sys
from pathlib import Path

from lab.core.dirs import ROOT, build_dir
from lab.kernels import debian_kernels
from lab.kernels.debian_kernels import KernelTree
from lab.vm import initramfs, qemu

MODULES = ["virtio_pci", "virtio_console", "9p", "9pnet_virtio", "overlay", "nd_pmem", "nd_e820"]
MEMORY_MIB = 2048
LIMIT_SECONDS = 900

# What a Debian system mounts, and the kernel's packages where they would be installed.
# RELEASE, TREE, MODULES, SITE, SCRATCH, CHECKOUT, BUILD, ROOT and HOST_BUILD are set by machine().
_MOUNTS = """
mkdir /share /new /over
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro share /share
mount -t tmpfs over /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/share,upperdir=/over/upper,workdir=/over/work,xino=off overlay /new
for name in proc sys dev; do mount -o bind /$name /new/$name; done
ln -s /proc/self/fd /dev/fd
mkdir /new/dev/shm
mount -t tmpfs shm /new/dev/shm
mount -t securityfs security /new/sys/kernel/security
# also FOLDER NAME: a folder of the userland, at a second place in it
also() { mkdir -p "/new$2" && mount -o bind "/new$1" "/new$2"; }
also "$MODULES" "/usr/lib/modules/$RELEASE"
for folder in "/new$TREE"/usr/src/linux-headers-* "/new$TREE"/usr/lib/linux-kbuild-*; do
	also "${folder#/new}" "${folder#"/new$TREE"}"
done
also "$ROOT" "$CHECKOUT"
also "$HOST_BUILD" "$BUILD"
mkdir -p -m 1777 "/new$SCRATCH"
mkdir "/new$SITE"
cp /sitecustomize.py "/new$SITE"
"""

# matplotlib takes minutes for a report in an emulator, and has tests of its own.
WITHOUT_CHARTS = """
import sys, types
drawing = types.ModuleType("analysis.report.charts.drawing")
drawing.DrawnChart, drawing.draw_figures = object, lambda figures, folder: []
sys.modules[drawing.__name__] = drawing
"""

# By 9p a file has another inode and time of change, for which git would read every file anew.
BY_SIZE_AND_TIME = {
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "core.checkStat",
    "GIT_CONFIG_VALUE_0": "minimal",
    "GIT_CONFIG_KEY_1": "core.trustctime",
    "GIT_CONFIG_VALUE_1": "false",
}

# Inside: a folder that everyone may write to; the checkout and its build, where an ordinary user
# can get at them.
SCRATCH = Path("/tmp/guest")
CHECKOUT = Path("/kmapbench")
BUILD = Path("/kmapbench-build")
_SITE = Path("/kmapbench-site")  # what Python reads when it starts


def machine(
    kernel: KernelTree,
    job: str,
    scratch: Path,
    files: dict[str, Path],
    modules: tuple[str, ...] = (),
    **changes,
) -> qemu.Machine:
    """A guest that runs this job, with files added to its initramfs by name, and modules to those
    it always has. changes: fields of guest.Machine.
    """
    tree = initramfs.base(
        scratch / "tree", [], debian_kernels.needed_modules(kernel, [*MODULES, *modules]), files
    )
    places = {
        "RELEASE": kernel.release,
        "TREE": kernel.folder,
        "MODULES": kernel.modules,
        "ROOT": ROOT,
        "HOST_BUILD": build_dir().absolute(),
    }
    places |= {"SITE": _SITE, "SCRATCH": SCRATCH, "CHECKOUT": CHECKOUT, "BUILD": BUILD}
    settings = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in places.items())
    tree.add_text(WITHOUT_CHARTS, "sitecustomize.py")
    tree.add_text(settings + _MOUNTS + job, "job")
    fields = {
        "cpu": "max",
        "cmdline": "",
        "memory_mib": MEMORY_MIB,
        "limit_seconds": LIMIT_SECONDS,
        "share": Path("/"),
    } | changes
    return qemu.Machine(kernel.image, tree.pack(scratch / "initrd"), **fields)


def kmapbench(
    name: str,
    arguments: list[str],
    cache: Path,
    user: int = 0,
    background: bool = False,
    module: str = "lab",
) -> str:
    """A step of a job: kmapbench in the userland, as the launcher would start it, or another module
    of ours; its output is kept in SCRATCH/NAME.out and .err
    """
    variables = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(SCRATCH),
        "PYTHONPATH": f"{_SITE}:{CHECKOUT}",
        "KMAPBENCH_BUILD": str(BUILD),
        "KMAPBENCH_CACHE": str(cache),
        **BY_SIZE_AND_TIME,
    }
    become = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    # A shell starts what runs in the background with Ctrl-C ignored.
    words = [
        "env",
        "-i",
        "--default-signal=INT",
        *(f"{key}={value}" for key, value in variables.items()),
    ]
    words += ["setpriv", *become, sys.executable, "-m", module, *arguments]
    script = (
        f"cd {CHECKOUT} && exec {shlex.join(words)} >{SCRATCH}/{name}.out 2>{SCRATCH}/{name}.err"
    )
    return f"step {name} chroot /new /bin/sh -c {shlex.quote(script)}{' &' if background else ''}\n"


def send(*names: str) -> str:
    """A line of a job for each file or folder in SCRATCH that is to be handed out."""
    return "".join(f"send /new{SCRATCH}/{name}\n" for name in names)
