# SPDX-License-Identifier: Apache-2.0
"""Which package has the headers of a kernel."""

import re

# How a distribution's kernels are called, and what installs their headers. Debian and Ubuntu; RHEL,
# its relatives and Fedora; SUSE; Arch.
_OF_DISTRIBUTIONS = (
    (
        re.compile(r"-(amd64|generic|lowlatency|aws|azure|gcp|oracle|kvm)$"),
        "apt-get install linux-headers-{}",
    ),
    (re.compile(r"\.(el|fc)\d+\w*\.x86_64$"), "dnf install kernel-devel-{}"),
    (re.compile(r"-default$"), "zypper install kernel-default-devel"),
    (re.compile(r"-arch\d"), "pacman -S linux-headers"),
)


def headers_mend(release: str) -> str:
    """Where the headers of a kernel come from: a package if it is a distribution's, by its name."""
    for name, command in _OF_DISTRIBUTIONS:
        if name.search(release):
            return command.format(release)
    return f"point /lib/modules/{release}/build at the tree that this kernel was built in"
