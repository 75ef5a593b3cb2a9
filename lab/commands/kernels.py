# SPDX-License-Identifier: Apache-2.0
"""`kmapbench kernels`: the variants and what is built of them; `kernels build`, `kernels needs`."""

from collections.abc import Sequence
from pathlib import Path

from formats import exit_codes
from formats.cache_folder import cache_path
from lab.core import subprocesses
from lab.core.dirs import cache_dir
from lab.kernels import (
    bases,
    debian_kernels,
    kernel_cache,
    needs,
    source_build,
    variant_choice,
    variants,
)
from lab.kernels.variant import Image, Variant


def show(file: Path | None = None, base: str | None = None) -> int:
    """Prints all variants, each with its kernel's folder and size. file: the user's own table."""
    cache = cache_path()
    table = variant_choice.table_of(file, base)
    option = f" --base {base}" if base and base != bases.default() else ""
    images = {variant.image.name: variant.image for variant in table.values() if variant.image}
    # Without a compiler nothing was built here: a kernel's name has the compiler's.
    built = {
        name: kernel_cache.built(image, cache) if subprocesses.has("gcc") else None
        for name, image in images.items()
    }
    sizes = {name: kernel_cache.code_bytes(folder) for name, folder in built.items() if folder}
    width = max(map(len, table))
    for variant in table.values():
        if variant.image and (folder := built[variant.image.name]):
            state = [str(folder), _size_line(variant.image, images, sizes)]
        elif variant.image:
            state = [f"not built: kmapbench kernels build {variant.name}{option}"]
        elif variant.built:
            state = [str(variant.built)]
        else:
            state = [str(folder) for folder in debian_kernels.fetched(cache)] or [
                "not fetched yet: kmapbench run does it"
            ]
        print(f"{variant.name:{width}} {variant.what}")
        print("".join(f"{'':{width}} {line}\n" for line in state), end="")
    return exit_codes.OK


def build(chosen: Sequence[Variant], file: Path | None, base: str | None) -> int:
    """Builds or fetches the kernels of variants, and prints them all. file: the user's own
    table.
    """
    from lab.core.progress import Display  # rich, which show() can do without

    cache = cache_dir()
    with Display() as display:
        source_build.provide([variant.image for variant in chosen if variant.image], cache, display)
        for variant in chosen:
            if variant.packaged:
                debian_kernels.fetch(None, cache, display.say)
    return show(file, base)


def show_needs() -> int:
    """Prints what a kernel needs to be measured in the lab, a line for each symbol."""
    rows = [(need.symbol, " or ".join(need.values), need.why) for need in needs.load()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for symbol, values, why in rows:
        print(f"{symbol:{widths[0]}}  {values:{widths[1]}}  {why}")
    return exit_codes.OK


def _size_line(image: Image, images: dict[str, Image], sizes: dict[str, int]) -> str:
    baseline = variants.unpatched(image, images)
    known = baseline and baseline is not image and baseline.name in sizes
    against = (
        f", {sizes[image.name] - sizes[baseline.name]:+,d} against {baseline.name}"
        if known and baseline
        else ""
    )
    return f"{sizes[image.name]:,d} bytes of code{against}"
