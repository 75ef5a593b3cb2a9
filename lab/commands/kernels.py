# SPDX-License-Identifier: Apache-2.0
"""`kmapbench kernels`: the variants and what is built of them; `kernels build`."""

from collections.abc import Sequence

from formats import exit_codes
from formats.cache_folder import cache_path
from lab.core import subprocesses
from lab.core.dirs import cache_dir
from lab.kernels import debian_kernels, kernel_cache, source_build, variants
from lab.kernels.variants import Image


def show() -> int:
    """Prints all variants, each with its kernel's folder and size."""
    cache = cache_path()
    table = variants.load()
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
            state = [f"not built: kmapbench kernels build {variant.name}"]
        else:
            state = [str(folder) for folder in debian_kernels.fetched(cache)] or [
                "not fetched yet: kmapbench run does it"
            ]
        print(f"{variant.name:{width}} {variant.what}")
        print("".join(f"{'':{width}} {line}\n" for line in state), end="")
    return exit_codes.OK


def build(names: Sequence[str]) -> int:
    """Builds or fetches the kernels of variants, and prints them all."""
    from lab.core.progress import Display  # rich, which show() can do without

    chosen = [variants.find(name) for name in names]
    cache = cache_dir()
    with Display() as display:
        source_build.provide([variant.image for variant in chosen if variant.image], cache, display)
        for variant in chosen:
            if variant.image is None:
                debian_kernels.fetch(None, cache, display.say)
    return show()


def _size_line(image: Image, images: dict[str, Image], sizes: dict[str, int]) -> str:
    baseline = variants.unpatched(image, images)
    known = baseline and baseline is not image and baseline.name in sizes
    against = (
        f", {sizes[image.name] - sizes[baseline.name]:+,d} against {baseline.name}"
        if known and baseline
        else ""
    )
    return f"{sizes[image.name]:,d} bytes of code{against}"
