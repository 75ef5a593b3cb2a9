# SPDX-License-Identifier: Apache-2.0
"""What a kernel is configured by, as a table of variants or `kernels build --config` names it.
Standard library only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.core.suggestion import instead
from lab.kernels.bases import FOLDER, Base
from lab.kernels.variant import DISTRIBUTION_CONFIG, Image

# What a configuration may begin with, and what that has on top of tinyconfig, lab.config and the
# fragment of the base.
_TINY = "tinyconfig"
_LAB, _DISTRO, _SYSTEMD = (
    FOLDER / "configs" / f"{name}.config" for name in ("lab", "distro", "systemd")
)
CONFIGS: Mapping[str, tuple[Path, ...]] = {
    "lab": (),
    "distro": (_DISTRO,),
    "systemd": (_DISTRO, _SYSTEMD),
}

_OWN = "own"  # in the names of packages in the cache: the variant's own configuration

# Lines that make prints for a distribution's configuration, about: with all its modules.
_STEPS_WITH_MODULES = 35_000


@dataclass(frozen=True)
class Config:
    """What makes the first .config (a make target or DISTRIBUTION_CONFIG), or that .config itself,
    and the fragments on top.
    """

    base: str
    config: Path | None
    fragments: tuple[Path, ...]


def parse(text: str, folder: Path, of_base: Base) -> Config:
    """What a text such as lab, debian, FILE or lab+FILE+FILE means. A KmapbenchError says what is
    wrong with it.

    folder: which files are named relative to.
    """
    whole = [text] if (folder / Path(text).expanduser()).is_file() else []
    first, *more = whole or text.split("+")
    fragments = _on_base(of_base, *(find_file(name, folder) for name in more))
    if first in CONFIGS:
        return Config(_TINY, None, (*_on_base(of_base, _LAB, *CONFIGS[first]), *fragments))
    is_file = whole or "/" in first or "." in first
    if not is_file and (first == DISTRIBUTION_CONFIG or re.fullmatch(r"\w*config", first)):
        return Config(first, None, fragments)
    if not is_file:
        known = [*CONFIGS, DISTRIBUTION_CONFIG, "defconfig"]
        raise KmapbenchError(f"{first}: no such configuration or file; {instead(first, known)}")
    return Config("", find_file(first, folder), fragments)


def find_file(name: str, folder: Path) -> Path:
    """A file or folder that is named relative to a folder; a KmapbenchError: it is not there."""
    path = (folder / Path(name).expanduser()).absolute()
    if not path.exists():
        raise KmapbenchError(f"{name}: no such file or folder")
    return path


def as_packages(image: Image, text: str | None, of_base: Base) -> Image:
    """The image as packages. text: what it is configured by in place of what its own configuration
    begins with, the variant's own fragments on top; None: as the variant says.
    """
    if text is None:
        return replace(image, packed=_OWN)
    chosen = parse(text, Path.cwd(), of_base)
    kinds = _on_base(of_base, _LAB, *(one for kind in CONFIGS.values() for one in kind))
    own = tuple(path for path in image.fragments if path not in kinds)
    word = re.sub(r"[^a-z0-9.]", "-", Path(text.partition("+")[0]).name.lower())
    return replace(
        image,
        base=chosen.base,
        config=chosen.config,
        fragments=(*chosen.fragments, *own),
        steps=image.steps if chosen.base == _TINY else _STEPS_WITH_MODULES,
        packed=word,
    )


def _on_base(of_base: Base, *fragments: Path) -> tuple[Path, ...]:
    return tuple(one for path in fragments for one in of_base.fragments(path))
