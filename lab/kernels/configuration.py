# SPDX-License-Identifier: Apache-2.0
"""The configuration that a kernel is built with: what it starts from, fragments on top, and what
the lab needs of it.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from lab.core import text_file
from lab.core.errors import KmapbenchError
from lab.kernels import debian_kernels, kconfig, needs
from lab.kernels.kbuild import Make
from lab.kernels.source_checkout import BuildFault, logged
from lab.kernels.variant import DISTRIBUTION_CONFIG, Image

ADDED = "needs.config"

# What is said of symbols in one line.
_SHOWN = 6


def fragments(image: Image) -> list[tuple[str, str]]:
    """Name and text of each fragment of an image."""
    return [(path.name, path.read_text()) for path in image.fragments]


def identity(image: Image) -> str:
    """All that decides on the configuration beside the source: text, the same for the same."""
    asked = kconfig.asked(fragments(image))
    text = "\n".join(f"{symbol}={wanted}" for symbol, (_, wanted) in sorted(asked.items()))
    if image.config:
        values = kconfig.parse(image.config.read_text())
        text += "\0".join(
            f"{symbol}={value}"
            for symbol, value in sorted(values.items())
            if not kconfig.is_of_toolchain(symbol)
        )
    if image.base == DISTRIBUTION_CONFIG:
        text += f"\0{' '.join(debian_kernels.resolve(_series(image)))}"
    if image.packed:
        text += f"\0{needs.load(needs.PACKAGE_TABLE)}"
    return f"{text}\0{needs.load()}" if image.table or image.packed else text


def configure(
    image: Image, make: Make, source: Path, cache: Path, say: Callable[[str], None]
) -> None:
    """Makes build/.config in a source, and sees that what was asked for holds. What was set because
    the lab needs it is in ADDED beside the source, if anything was.
    """
    config = source / "build" / ".config"
    config.parent.mkdir()
    if image.config:
        shutil.copyfile(image.config, config)
    elif image.base == DISTRIBUTION_CONFIG:
        shutil.copyfile(debian_kernels.fetch(_series(image), cache, say).config, config)
    else:
        make(image.base)
    _merge(image.fragments, make, source)
    make("olddefconfig")
    added = _add_needs(image, make, source) if image.table or image.packed else []
    if added:
        who = "packages need" if image.packed else "the lab needs"
        say(f"{image.name}: set, as {who} it: {_listed(added)}")
    _check(image, make, config.read_text())
    if image.config:
        moved = _moved(image.config, config, added)
        _note(make, moved)
        if moved:
            say(f"{image.name}: not as in {image.config.name}: {_listed(moved)}")


def _merge(files: tuple[Path, ...], make: Make, source: Path) -> None:
    """Puts fragments on top of build/.config, in this order."""
    if not files:
        return
    script = source / "scripts" / "kconfig" / "merge_config.sh"
    logged(
        [script, "-m", "-O", "build", source / "build" / ".config", *files],
        make.log,
        "merging the fragments",
        cwd=source,
    )


def _add_needs(image: Image, make: Make, source: Path) -> list[str]:
    """Sets what the lab needs and is otherwise; the lines of it."""
    config = source / "build" / ".config"
    unmet = _unmet(image, config)
    asked = kconfig.asked(fragments(image))
    for need in unmet:
        if need.symbol in asked:
            name, value = asked[need.symbol]
            raise BuildFault("config", f"{name} asks for {need.symbol}={value}; {need}")
    lines = list(dict.fromkeys(line for need in unmet for line in need.lines))
    if lines:
        added = source.parent / ADDED
        added.write_text("".join(f"{line}\n" for line in lines))
        _merge((added,), make, source)
        make("olddefconfig")
    if left := _unmet(image, config):
        raise BuildFault("config", f"it cannot be had with this configuration that {left[0]}")
    return lines


def _unmet(image: Image, config: Path) -> list[needs.Need]:
    return needs.unmet(kconfig.parse(config.read_text()), False, bool(image.packed))


def _check(image: Image, make: Make, text: str) -> None:
    """A BuildFault where a fragment asks for what does not hold."""
    broken = [
        one
        for one in kconfig.broken(fragments(image), text)
        if one.symbol not in image.gone and not kconfig.is_of_toolchain(one.symbol)
    ]
    _note(make, [str(one) for one in broken])
    if broken:
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise BuildFault("config", f"{broken[0]}{more}")


def _moved(asked: Path, config: Path, added: list[str]) -> list[str]:
    """Symbols of the user's .config that have another value, and were not set for the lab."""
    ours = kconfig.parse("\n".join(added))
    return [
        f"{one.symbol}={one.found} ({one.asked})"
        for one in kconfig.broken([(asked.name, asked.read_text())], config.read_text())
        if one.symbol not in ours and not kconfig.is_of_toolchain(one.symbol)
    ]


def _note(make: Make, lines: list[str]) -> None:
    with make.log.open("a") as log:
        log.writelines(f"{line}\n" for line in lines)


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"{', '.join(words[:_SHOWN])}{more}"


def _series(image: Image) -> str | None:
    """The series of the distribution's kernel whose configuration is meant; None: the newest."""
    return None if image.tree else image.source.rpartition("-")[2]


def check_files(image: Image) -> None:
    """A KmapbenchError where a file of the user's is no configuration."""
    for path in filter(None, (image.config, *image.fragments)):
        try:
            lines = text_file.read(path).splitlines()
        except OSError as error:
            raise KmapbenchError(f"{path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError as error:
            raise KmapbenchError(f"{path}: cannot be read ({error})") from None
        if wrong := kconfig.first_wrong_line(lines):
            number, line = wrong
            raise KmapbenchError(f"{path}:{number}: '{line}' is no line of a configuration")
        if not any(map(kconfig.parse, lines)):
            raise KmapbenchError(f"{path}: no configuration: no line of it sets a symbol")
