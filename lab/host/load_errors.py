# SPDX-License-Identifier: Apache-2.0
"""Why a kernel refuses to load a module, from sysfs and procfs below a root: for the run that needs
one, and for `check`.
"""

import errno
from pathlib import Path

from lab.core import subprocesses

# Global variable GUID (UEFI specification 3.3); four bytes of attributes, then the value.
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

SIGN = "sign the module with an enrolled key (docs/hardware.md)"


def lockdown(root: Path) -> str | None:
    """The lockdown mode: integrity or confidentiality; None: off, or not in this kernel."""
    text = subprocesses.value(root / "sys/kernel/security/lockdown") or ""
    mode = text[text.find("[") + 1 : text.find("]")] if "[" in text else "none"
    return None if mode == "none" else mode


def secure_boot(root: Path) -> bool:
    try:
        return (root / _SECURE_BOOT).read_bytes()[4:5] == b"\1"
    except OSError:
        return False


def signatures_enforced(root: Path) -> bool:
    """By module.sig_enforce=1 on the command line, or by the kernel's configuration."""
    return subprocesses.value(root / "sys/module/module/parameters/sig_enforce") == "Y"


def loading_disabled(root: Path) -> bool:
    return subprocesses.value(root / "proc/sys/kernel/modules_disabled") == "1"


def lockdown_mend(root: Path) -> str:
    if secure_boot(root):
        return f"{SIGN}, or turn secure boot off: mokutil --disable-validation, and reboot"
    return f"{SIGN}, or boot without lockdown= on the kernel command line"


def enforced_mend() -> str:
    return f"{SIGN}, or boot without module.sig_enforce=1"


def why(error: int, root: Path) -> str:
    """Why finit_module() gave this errno, and the mend, in one line."""
    if error == errno.EEXIST:
        return "a module of that name is loaded already: rmmod kmapbench"
    if error == errno.EPERM and loading_disabled(root):
        return "kernel.modules_disabled is 1, and stays so until the next boot: reboot without it"
    if error == errno.EPERM and lockdown(root):
        by = ", by secure boot" if secure_boot(root) else ""
        return (
            f"lockdown is on ({lockdown(root)}{by}) and the module is not signed:"
            f" {lockdown_mend(root)}"
        )
    if error == errno.EPERM:
        return "root here may not load modules (CAP_SYS_MODULE): run it outside the container"
    if error in (errno.EKEYREJECTED, errno.ENOKEY):
        return (
            "it loads only modules with a signature it knows (module.sig_enforce):"
            f" {enforced_mend()}"
        )
    if error == errno.ENOEXEC:
        return (
            "the headers are of another kernel than the one that runs: install its own, and boot"
            " the kernel they belong to"
        )
    if error == errno.ENOSYS:
        return "it was built without modules (CONFIG_MODULES): boot a kernel that has them"
    if error == errno.EOPNOTSUPP:
        return (
            "samples are timed by RDTSCP and a known speed of the TSC, which this CPU or kernel"
            " lacks (dmesg says which)"
        )
    return f"{errno.errorcode.get(error, error)}: see the last lines of dmesg"
