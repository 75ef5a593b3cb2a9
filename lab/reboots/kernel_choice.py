# SPDX-License-Identifier: Apache-2.0
"""The kernels of this machine that a campaign is to boot: which names mean which."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.campaign_format import USER_SPACE
from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.host import header_packages
from lab.kernels import supported

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What our series adds to a configuration, whether it is switched on or off there.
_OF_THE_SERIES = re.compile(r"^(# )?CONFIG_DEVMAP_ACCESS_PROTECTION[ =]", re.MULTILINE)


@dataclass(frozen=True)
class InstalledKernel:
    """A kernel in /boot, by the name that it has in the campaign."""

    name: str
    release: str

    @property
    def image(self) -> str:
        """Its file, as seen from the root of the system."""
        return f"/boot/vmlinuz-{self.release}"


def installed(root: Path) -> list[str]:
    """Releases in /boot."""
    return sorted(path.name.removeprefix("vmlinuz-") for path in root.glob("boot/vmlinuz-*"))


def choose(words: Sequence[str], root: Path) -> list[InstalledKernel]:
    """The kernels that NAME or NAME=RELEASE mean. A name alone is a release, or what exactly one
    release ends in after a '-'. A KmapbenchError where one means none, or several.
    """
    releases = installed(root)
    chosen = [_chosen(word, releases) for word in words]
    for attribute in ("name", "release"):
        values = [getattr(kernel, attribute) for kernel in chosen]
        for value in values:
            if values.count(value) > 1:
                raise KmapbenchError(f"--kernels: {value} is there twice")
    return chosen


def _chosen(word: str, releases: Sequence[str]) -> InstalledKernel:
    name, equals, release = word.partition("=")
    if not _NAME.fullmatch(name) or name == USER_SPACE:
        raise KmapbenchError(
            f"--kernels: '{name}' is no name for a folder: letters, digits, '.', '_', '-', and not"
            f" '{USER_SPACE}'; give NAME=RELEASE"
        )
    if equals:
        found = [release] if release in releases else []
    else:
        found = [one for one in releases if one == name or one.endswith(f"-{name}")]
    if len(found) == 1:
        return InstalledKernel(name, found[0])
    there = ", ".join(found or releases) or "none"
    wrong = "means several" if found else "no such kernel in /boot"
    raise KmapbenchError(
        f"--kernels: {word}: {wrong}; there is: {there}; give a release, its end, or NAME=RELEASE"
    )


def problems(kernel: InstalledKernel, root: Path) -> list[str]:
    """Why a kernel cannot be measured: its modules or headers are not there."""
    modules = root / "lib/modules" / kernel.release
    if not modules.is_dir():
        return [f"{kernel.name}: {modules}: not there: install the package of this kernel again"]
    headers = modules / "build"
    if not (headers / "Makefile").exists():
        mend = header_packages.headers_mend(kernel.release)
        return [f"{kernel.name}: {headers}: no headers, so no module for this kernel: {mend}"]
    refused = supported.refusal(kernel.release, headers)
    return [f"{kernel.name}: the module refuses Linux {kernel.release}: {refused}"] * bool(refused)


def is_patched(kernel: InstalledKernel, root: Path) -> bool:
    """Whether our series is applied to it, as its configuration tells."""
    config = subprocesses.value(root / f"boot/config-{kernel.release}") or ""
    return bool(_OF_THE_SERIES.search(config))
