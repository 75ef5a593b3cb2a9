# SPDX-License-Identifier: Apache-2.0
"""systemd-boot: entry files of our own beside the machine's, its one-shot entry, and its default,
which is the first kernel's as long as ours are there: else it may be one of ours.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from lab.campaign import safe_files
from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.reboots.kernel_choice import InstalledKernel

# Where entries lie, by the Boot Loader Specification: below the boot partition or the ESP.
_FOLDERS = ("boot/loader/entries", "boot/efi/loader/entries", "efi/loader/entries")
_VERSION = re.compile(r"^version\s+(\S+)\s*$", re.MULTILINE)
_OPTIONS = re.compile(r"^options\b.*$", re.MULTILINE)
_LINUX = re.compile(r"^linux\s+\S*?(vmlinuz-\S+|linux)\s*$", re.MULTILINE)
_PREFIX = "kmapbench-"
# Tries that are left, and made, of an entry whose boots are counted: no part of its ID.
_TRIES = re.compile(r"\+\d+(-\d+)?(?=\.conf$)")
# The firmware's variable of the default entry, by systemd's Boot Loader Interface.
_DEFAULT = "sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_ATTRIBUTES_BYTES = 4
# In our entries: the default that there was.
_BEFORE = re.compile(r"^# default before: (.*)$", re.MULTILINE)


class SystemdBoot:
    """lab/reboots/boot_loader.py: Loader."""

    name = "systemd-boot"
    with_kexec = False

    def __init__(self, root: Path, kernels: Sequence[InstalledKernel], first: str, added: str):
        self._kernels, self._first, self._added = kernels, first, added
        folder = self.folder(root)
        if folder is None:
            raise KmapbenchError(f"{root / _FOLDERS[0]}: no entries there: give another --loader")
        self._folder, self._default = folder, root / _DEFAULT

    @staticmethod
    def folder(root: Path) -> Path | None:
        """Where its entries lie. GRUB reads such files, too, where grub.cfg says so."""
        grub = [root / "boot" / name / "grub.cfg" for name in ("grub", "grub2")]
        if any(file.is_file() for file in grub):
            return None
        folders = (root / name for name in _FOLDERS)
        return next((folder for folder in folders if any(folder.glob("*.conf"))), None)

    def problems(self) -> list[str]:
        found = [] if subprocesses.has("bootctl") else ["bootctl is missing: give --loader kexec"]
        for release in dict.fromkeys([self._first, *(one.release for one in self._kernels)]):
            if not self._file(release):
                found.append(
                    f"{self._folder}: no entry with 'version {release}': kernel-install add"
                    f" {release} /boot/vmlinuz-{release} makes one; of a unified kernel image the"
                    " command line cannot be changed: give --loader kexec"
                )
        return found

    def describe(self) -> list[str]:
        return [
            *(
                f"{self._folder / self._name(kernel.name)}: removed at the end; as"
                f" {self._required(kernel.release).name}, with {self._added}"
                for kernel in self._kernels
            ),
            "bootctl set-oneshot: for one boot",
            f"bootctl set-default {_id(self._required(self._first))}: after a crash the machine"
            " starts this entry; the default that there is now is set again at the end",
        ]

    def install(self) -> None:
        before = self._default_before()
        for kernel in self._kernels:
            text = safe_files.read_any_text(self._required(kernel.release))
            title = f"title kmapbench campaign: {kernel.name}, Linux {kernel.release}"
            text = re.sub(r"^title\b.*$", lambda _: title, text, flags=re.MULTILINE)
            if _OPTIONS.search(text):
                text = _OPTIONS.sub(lambda line: f"{line[0].rstrip()} {self._added}", text, count=1)
            else:
                text = f"{text.rstrip()}\noptions {self._added}\n"
            text = f"# default before: {before}\n{text}"
            safe_files.rewrite_text(self._folder / self._name(kernel.name), text)
        subprocesses.output(["bootctl", "set-default", _id(self._required(self._first))])

    def choose(self, name: str | None) -> None:
        entry = self._name(name) if name else _id(self._required(self._first))
        subprocesses.output(["bootctl", "set-oneshot", entry])

    def remove(self) -> None:
        if files := self._ours():
            subprocesses.output(["bootctl", "set-oneshot", ""])
            subprocesses.output(["bootctl", "set-default", self._default_before()])
            for file in files:
                file.unlink()
            safe_files.sync(self._folder)

    def _ours(self) -> list[Path]:
        return sorted(self._folder.glob(f"{_PREFIX}*.conf"))

    def _default_before(self) -> str:
        """The default entry that was set before ours were there; empty: none was."""
        for path in self._ours():
            if said := _BEFORE.search(safe_files.read_any_text(path)):
                return said[1]
        try:
            value = self._default.read_bytes()[_ATTRIBUTES_BYTES:]
        except OSError:
            return ""
        return value.decode("utf-16-le", errors="replace").rstrip("\0")

    @staticmethod
    def _name(name: str) -> str:
        return f"{_PREFIX}{name}.conf"

    def _file(self, release: str) -> Path | None:
        """The machine's own entry of a kernel, without tries that are counted."""
        for path in sorted(self._folder.glob("*.conf")):
            text = path.read_text(errors="replace")
            version = _VERSION.search(text)
            if not path.name.startswith(_PREFIX) and version and version[1] == release:
                if _LINUX.search(text):
                    return path
        return None

    def _required(self, release: str) -> Path:
        path = self._file(release)
        if path is None:
            raise KmapbenchError(f"{self._folder}: the entry of Linux {release} is gone")
        return path


def _id(entry: Path) -> str:
    """What bootctl calls an entry."""
    return _TRIES.sub("", entry.name)
