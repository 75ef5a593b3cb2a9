# SPDX-License-Identifier: Apache-2.0
"""Debian's archive as this machine's package client reaches it. Standard library only."""

from dataclasses import dataclass

from lab.core import subprocesses
from lab.core.errors import KmapbenchError

# apt's settings of the network that are taken along: no credentials, no programs of this machine.
_NETWORK = (
    *("Acquire::http::", "Acquire::https::", "Acquire::Retries"),
    *("Acquire::ForceIPv4", "Acquire::ForceIPv6", "Acquire::Check-Valid-Until"),
)
_LEFT_OUT = ("SslCert", "SslKey", "Proxy-Auto-Detect", "ProxyAutoDetect", "User-Agent")


@dataclass(frozen=True)
class Archive:
    """Where packages come from: two roots of suites, and apt's settings for the way there."""

    main: str
    security: str | None
    settings: str  # as in apt.conf
    proxy: str | None


def archive() -> Archive:
    """This machine's own, by its package client."""
    form = "$(REPO_URI)\t$(ORIGIN)\t$(LABEL)"
    targets = ["indextargets", "--format", form, "Created-By: Packages"]
    settings = ["dump", "--no-empty", "--format", "%f\t%v%n"]
    return archive_of(
        subprocesses.output([subprocesses.find("apt-get", "apt"), *targets]),
        subprocesses.output([subprocesses.find("apt-config", "apt"), *settings]),
    )


def archive_of(targets: str, settings: str) -> Archive:
    """targets: address, origin and label of each package list; settings: names and values."""
    found: dict[str, str] = {}
    for address, origin, label in (line.split("\t") for line in targets.splitlines()):
        if origin == "Debian" and address.startswith(("http://", "https://")):
            found.setdefault(label, address)
    if "Debian" not in found:
        raise KmapbenchError(
            "this machine's package sources have no Debian archive on the network, "
            "which packages of other suites would come from: "
            "add one to /etc/apt/sources.list.d and run 'apt-get update'"
        )
    kept = {}
    for name, value in (line.split("\t", 1) for line in settings.splitlines() if "\t" in line):
        left_out = name.endswith("::") or any(word in name for word in _LEFT_OUT)
        if name.startswith(_NETWORK) and value and not left_out:
            kept[name] = value
    text = "".join(f'{name} "{value}";\n' for name, value in kept.items())
    proxies = (kept.get(f"Acquire::{scheme}::Proxy", "DIRECT") for scheme in ("http", "https"))
    proxy = next((address for address in proxies if address != "DIRECT"), None)
    return Archive(found["Debian"], found.get("Debian-Security"), text, proxy)
