# SPDX-License-Identifier: Apache-2.0
"""GRUB: entries of our own in custom.cfg, which grub.cfg reads, and its one-shot next_entry."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.campaign import safe_files
from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.real_machine import mount_of

# The block of ours in custom.cfg.
_BEGIN = "### BEGIN kmapbench campaign: removed when it ends, or by: kmapbench campaign --cancel"
_END = "### END kmapbench campaign"
_BLOCK = re.compile(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}\n?", re.DOTALL)
_MENU_SECONDS = 3
# IDs of its entries: of the kernel that the machine comes back to, and of those that are measured.
_FIRST, _MEASURED = "kmapbench-first", "kmapbench-kernel-"
# Folders of GRUB, and the prefix of its programs there.
_FOLDERS = {"boot/grub": "grub", "boot/grub2": "grub2"}
_ENTRY = re.compile(r"^\s*menuentry\s+.*?\{\s*$", re.MULTILINE)
_LINUX = re.compile(r"^(\s*linux\w*\s+)(\S+)(.*)$", re.MULTILINE)
_LOADING = re.compile(r"^\s*(linux|initrd)\w*\s.*$", re.MULTILINE)
# Behind each of those, for GRUB itself may refuse an image. It would wait in its menu then: it
# takes no fallback but by number, and no entry knows its own.
_OR_START_AGAIN = '\tif [ "$?" != "0" ]; then reboot; fi'
# It would make our entry the user's default, which GRUB keeps in grubenv.
_SAVING = re.compile(r"^\s*savedefault\b.*\n", re.MULTILINE)
_OUR_NEXT = re.compile(r"^next_entry=(kmapbench-.*)?$", re.MULTILINE)
# File systems on which GRUB can write its environment block while it boots.
_WRITABLE = ("ext2", "ext3", "ext4", "vfat", "xfs")


class Grub:
    """lab/reboots/boot_loader.py: Loader."""

    name = "grub"
    with_kexec = False

    def __init__(self, root: Path, kernels: Sequence[InstalledKernel], first: str, added: str):
        self._root, self._kernels, self._first, self._added = root, kernels, first, added
        folder = self.folder(root)
        if folder is None:
            raise KmapbenchError(f"{root / 'boot/grub/grub.cfg'}: not there: give another --loader")
        self._folder = folder
        self._editenv = f"{_FOLDERS[str(folder.relative_to(root))]}-editenv"

    @staticmethod
    def folder(root: Path) -> Path | None:
        """Where grub.cfg lies."""
        folders = (root / name for name in _FOLDERS)
        return next((folder for folder in folders if (folder / "grub.cfg").is_file()), None)

    def problems(self) -> list[str]:
        found = []
        config = self._config()
        if "custom.cfg" not in config:
            found.append(
                f"{self._folder / 'grub.cfg'}: does not read custom.cfg: restore"
                " /etc/grub.d/41_custom and run update-grub, or give --loader kexec"
            )
        if "next_entry" not in config:
            found.append(
                f"{self._folder / 'grub.cfg'}: knows no next_entry: run update-grub, or give"
                " --loader kexec"
            )
        if not subprocesses.has(self._editenv):
            found.append(f"{self._editenv} is missing: give --loader kexec")
        for release in dict.fromkeys([self._first, *(one.release for one in self._kernels)]):
            if not self._body(release):
                found.append(
                    f"{self._folder / 'grub.cfg'}: no entry of Linux {release}: run update-grub, or"
                    " give --loader kexec"
                )
        return [*found, *self._unwritable()]

    def _unwritable(self) -> Iterator[str]:
        """GRUB has to take back next_entry itself as it boots: else a kernel that hangs is booted
        again and again.
        """
        kind, device = mount_of(self._folder, self._root)
        block = self._root / "sys/class/block" / Path(device).resolve().name
        mapped = (block / "dm").exists() or (block / "md").exists()
        if kind not in _WRITABLE or mapped:
            on = f"{kind} on {device}" if kind else "an unknown file system"
            yield (
                f"{self._folder}: on {on}, where GRUB cannot write: a kernel that hangs would be"
                " booted again and again; give --loader kexec"
            )

    def describe(self) -> list[str]:
        lines = [f"{self._folder / 'custom.cfg'}: a block of entries, removed at the end:"]
        for kernel in self._kernels:
            line = _LINUX.search(self._body(kernel.release))
            assert line, "problems() comes first"
            lines.append(f"  {_MEASURED}{kernel.name}: {line[2]}{line[3].rstrip()} {self._added}")
        return [
            *lines,
            f"  as long as it is there, the default is this kernel, {self._first}, and the menu"
            f" shows for {_MENU_SECONDS} s",
            f"{self._folder / 'grubenv'}: next_entry, which GRUB takes back as it boots",
        ]

    def install(self) -> None:
        block = [_BEGIN, f'if [ "${{boot_once}}" != "true" ]; then set default={_FIRST}; fi']
        block += [f"set timeout={_MENU_SECONDS}"]
        block += _entry(_FIRST, "back from a campaign", self._first, self._body(self._first))
        for kernel in self._kernels:
            body = _LINUX.sub(
                lambda line: f"{line[0].rstrip()} {self._added}", self._body(kernel.release)
            )
            body = _LOADING.sub(lambda line: f"{line[0]}\n{_OR_START_AGAIN}", body)
            title = f"{kernel.name} of a campaign"
            block += _entry(_MEASURED + kernel.name, title, kernel.release, body)
        text = self._without_block()
        safe_files.rewrite_text(self._custom, text + "\n".join([*block, _END, ""]))

    def choose(self, name: str | None) -> None:
        entry = f"{_MEASURED}{name}" if name else _FIRST
        subprocesses.output([self._editenv, self._folder / "grubenv", "set", f"next_entry={entry}"])
        safe_files.sync_file(self._folder / "grubenv")

    def remove(self) -> None:
        environment = self._folder / "grubenv"
        # GRUB itself leaves it empty.
        if _OUR_NEXT.search(subprocesses.value(environment) or ""):
            subprocesses.output([self._editenv, environment, "unset", "next_entry"])
            safe_files.sync_file(environment)
        if _BLOCK.search(subprocesses.value(self._custom) or ""):
            rest = self._without_block()
            if rest:
                safe_files.rewrite_text(self._custom, rest)
            else:
                self._custom.unlink()
                safe_files.sync(self._folder)

    @property
    def _custom(self) -> Path:
        return self._folder / "custom.cfg"

    def _without_block(self) -> str:
        text = safe_files.read_any_text(self._custom) if self._custom.exists() else ""
        return _BLOCK.sub("", text)

    def _config(self) -> str:
        return safe_files.read_any_text(self._folder / "grub.cfg")

    def _body(self, release: str) -> str:
        """What the first entry of a kernel does that starts it as usual; empty where there is none.

        An entry ends with a line that is a closing brace.
        """
        config = self._config()
        for entry in _ENTRY.finditer(config):
            body = re.split(r"^\s*\}\s*$", config[entry.end() :], maxsplit=1, flags=re.MULTILINE)[0]
            line = _LINUX.search(body)
            if line and Path(line[2]).name == f"vmlinuz-{release}":
                if not {"single", "recovery", "init=/bin/sh"} & set(line[3].split()):
                    return _SAVING.sub("", f"{body}\n").strip("\n")
        return ""


def _entry(entry: str, title: str, release: str, body: str) -> list[str]:
    head = f"menuentry 'kmapbench: {title}, Linux {release}' --unrestricted --id {entry} {{"
    return [head, body, "}"]
