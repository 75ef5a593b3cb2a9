# SPDX-License-Identifier: Apache-2.0
"""Names that are known to belong to a machine: those of the machine in front, and those that a
campaign's own files give away.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from formats.name_kinds import PUBLIC_MAIL, is_public

# Kinds, as name_kinds has them.
HOST, USER, SERIAL, MAC = "host name", "user", "serial number", "MAC address"

# Names that so many machines and users have that they name nobody.
GENERIC = frozenset(
    "admin administrator arch archlinux boot build builder busybox centos cloud cloud-user"
    " debian default dev docker ec2-user empty fedora guest here home host hostname idle kernel"
    " kmapbench kvm lab linux live local localhost localdomain machine me mockbuild nobody none off"
    " plain prep protected pks qemu rhel root runner run server stock test tester ubuntu unknown"
    " user users vagrant virtual vm work workstation".split()
)
# What firmware says where nobody has set a serial number.
_PLACEHOLDER = re.compile(
    r"(?i)none|n/?a|(not |un)(specified|known|available|applicable|provided).*|to be filled.*"
    r"|default.*|system serial.*|chassis serial.*|base board serial.*|empty|x+|0+|(0?123456789)+0?"
)
_SHORTEST_SERIAL = 5

_SERIAL_FILES = (
    *("sys/class/dmi/id/*_serial", "sys/class/dmi/id/*_asset_tag", "sys/class/dmi/id/product_uuid"),
    *("sys/block/*/serial", "sys/block/*/device/serial", "sys/block/*/device/wwid"),
    *("sys/block/*/wwid", "sys/bus/nd/devices/*/uuid", "sys/bus/nd/devices/nmem*/nfit/serial"),
    "etc/machine-id",
)
# What a text says of a host or a user: each pattern has the name in its only group.
_TOLD = (
    (HOST, re.compile(r"ostname set to <([^>\s]+)>")),
    (HOST, re.compile(r"(?:^|[\s,\"])systemd\.hostname=([\w.-]+)")),
    (HOST, re.compile(r'"host_?name": ?"([^"\s]+)"')),
    (SERIAL, re.compile(r'"serial": ?"([^"\s]+)"')),
    (USER, re.compile(r"/(?:home|Users)/([A-Za-z0-9_][\w.-]*)")),
)
# Of the environment, which say who runs a program.
USER_VARIABLES = ("USER", "LOGNAME", "SUDO_USER", "USERNAME")
_MAIL = re.compile(r"(?<![\w.+-])([A-Za-z_][\w.+-]*)@([A-Za-z][\w-]*)(?![\w.@-])")


def machine_names(
    root: Path = Path("/"), environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Names of the machine below root and of who uses it, each with its kind; only what this user
    may read.
    """
    found = [(HOST, _value(root / "proc/sys/kernel/hostname"))]
    found += [(USER, environment.get(name, "")) for name in USER_VARIABLES]
    found.append((USER, Path(environment.get("HOME", "")).name))
    found += [(SERIAL, _value(path)) for name in _SERIAL_FILES for path in root.glob(name)]
    found += [(MAC, _value(path)) for path in root.glob("sys/class/net/*/address")]
    return _names(found)


def told_names(texts: Iterable[str]) -> dict[str, str]:
    """Names that texts give away, such as the host name in a line of systemd's, by kind."""
    return _names(told for text in texts for told in _told(text))


def _told(text: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in _TOLD:
        for found in pattern.finditer(text):
            yield kind, found[1]
    for found in _MAIL.finditer(text):  # a user and a host without a domain
        if found[0] not in PUBLIC_MAIL and not is_public(found[2]):
            yield USER, found[1]
            yield HOST, found[2]


def _names(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those that name somebody; of a host with its domain also the first part."""
    names: dict[str, str] = {}
    for kind, name in found:
        candidates = [name, name.partition(".")[0]] if kind == HOST else [name]
        for candidate in candidates:
            if is_name(kind, candidate):
                names.setdefault(candidate, kind)
    return dict(sorted(names.items(), key=lambda one: (-len(one[0]), one[0])))


def is_name(kind: str, name: str) -> bool:
    """Whether a word of a kind names somebody: it is neither generic nor a placeholder."""
    if kind == SERIAL:
        is_set = not _PLACEHOLDER.fullmatch(name) and any(map(str.isdigit, name))
        return is_set and len(name) >= _SHORTEST_SERIAL
    if kind == MAC:
        return bool(name.strip("0:"))
    is_word = re.fullmatch(r"(?=.*[A-Za-z])[\w.-]{2,}", name) is not None
    return is_word and name.lower() not in GENERIC and name not in ("HOST", "USER", "PATH")


def _value(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
