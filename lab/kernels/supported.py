# SPDX-License-Identifier: Apache-2.0
"""Whether the module takes a kernel, said before it is built: by the #error lines of supported.h
itself.
"""

import re
from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE

_HEADER = MODULE_SOURCE / "supported.h"
_RULE = re.compile(
    r"#if(?:ndef (?P<symbol>CONFIG_\w+)| LINUX_VERSION_CODE < KERNEL_VERSION\((?P<oldest>\d+, \d+,"
    r" \d+)\))\n"
    r'#error "(?P<why>[^"]*)"\n#endif'
)


def refusal(release: str, headers: Path) -> str | None:
    """Why the module does not build for a kernel of this release with these headers; None: nothing
    is known against it.
    """
    version = _numbers(release)
    symbols = _symbols(headers)
    for rule in rules():
        if rule["oldest"] and version < _numbers(rule["oldest"]):
            return rule["why"]
        if rule["symbol"] and symbols is not None and rule["symbol"] not in symbols:
            return rule["why"]
    return None


def rules() -> list[re.Match]:
    """What supported.h refuses: a version (group oldest) or the lack of a symbol, and why."""
    return list(_RULE.finditer(_HEADER.read_text()))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _symbols(headers: Path) -> set[str] | None:
    """What is switched on in the configuration of the headers; None: it is not there."""
    for name in (".config", "include/config/auto.conf"):
        if (text := subprocesses.value(headers / name)) is not None:
            return set(re.findall(r"^(CONFIG_\w+)=[ym]$", text, re.MULTILINE))
    return None
