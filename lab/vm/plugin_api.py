# SPDX-License-Identifier: Apache-2.0
"""The observer for this machine's QEMU: the build that declares a version which it loads."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses

# What QEMU says of a plugin that is too old for it, and what ours says where it is not.
_TOO_OLD = re.compile(r"supports only a minimum version of (\d+)")
_SPEAKS = re.compile(r"^observer: plugin interface \d+ to \d+", re.MULTILINE)

# A QEMU that takes the plugin all the same, and starts, is ended.
ANSWER_SECONDS = 60

_TAKE_ANOTHER = "take a newer kmapbench, or a QEMU that it knows (7.2 to 11.1)"


@dataclass(frozen=True)
class Observer:
    """The plugin that counts from outside, or why there is none."""

    plugin: Path | None
    refusal: str | None = None  # one line, with the mend


def find(folder: Path, qemu: str | None = None) -> Observer:
    """Asks a QEMU once, by a plugin that declares version 0: the refusal names the oldest it loads.

    folder: where the builds of the observer are, one for each version that it can declare.
    """
    built = {int(path.stem.rpartition("-")[2]): path for path in folder.glob("libobserver-*.so")}
    if 0 not in built:
        return Observer(None, f"{folder}: no observer is built; build with cmake --build build")
    said = _answer(qemu or subprocesses.find("qemu-system-x86_64", "qemu-system-x86"), built[0])
    if _SPEAKS.search(said):
        return Observer(built[0])
    oldest = _TOO_OLD.search(said)
    if oldest is None:
        last = (said.strip().splitlines() or ["no message"])[-1]
        mend = "use a QEMU that was configured with --enable-plugins (Debian's is)"
        return Observer(None, f"QEMU does not load the observer ({last}); {mend}")
    version = int(oldest[1])
    if version not in built:
        wants = f"QEMU loads plugins of interface version {version} and later"
        known = f"the observer knows up to {max(built)}"
        return Observer(None, f"{wants}, and {known}; {_TAKE_ANOTHER}")
    return Observer(built[version])


def _answer(qemu: str, plugin: Path) -> str:
    """What a QEMU prints on standard error when it is to load a plugin without its argument."""
    asked = [qemu, *("-M", "none", "-nodefaults", "-no-user-config", "-display", "none")]
    asked += ["-accel", "tcg"]
    asked += ["-plugin", str(plugin).replace(",", ",,")]
    try:
        result = subprocess.run(
            subprocesses.ended_with_us(asked),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=subprocesses.plain_environment(),
            timeout=ANSWER_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "no answer"
    return result.stderr.decode(errors="replace")
