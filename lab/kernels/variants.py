# SPDX-License-Identifier: Apache-2.0
"""The variants that there are, and which of them belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from lab.core.errors import KmapbenchError
from lab.core.suggestion import instead
from lab.kernels import bases, variant_table
from lab.kernels.variant import Image, Variant

SERIES_FRAGMENT = "pks.config"  # switches our series on


@cache
def load(base: str | None = None) -> Mapping[str, Variant]:
    """Those of kernels/variants.toml by name, in the order of the table, for a base; None: for the
    default.
    """
    return variant_table.read(variant_table.TABLE, bases.find(base))


def find(name: str, table: Mapping[str, Variant] | None = None) -> Variant:
    """The variant of that name; a KmapbenchError lists those there are.

    table: where it is looked for; None: kernels/variants.toml, for the default base.
    """
    there = load() if table is None else table
    if name not in there:
        raise KmapbenchError(f"{name or 'an empty name'}: no such variant; {instead(name, there)}")
    return there[name]


def unpatched(image: Image, images: Mapping[str, Image]) -> Image | None:
    """The image that differs from this one by its patches alone: it has none, and of our series not
    the fragment that switches it on.
    """
    wanted = _without_series(replace(image, patches=()))
    return next(
        (
            one
            for one in images.values()
            if not one.patches and _without_series(one) == wanted and not _switches_on(one)
        ),
        None,
    )


def switched_off(image: Image, images: Mapping[str, Image]) -> Image | None:
    """The image in which our series is not switched on, and that is else as this one; also for that
    one itself, where it is switched on in another.
    """
    wanted = _without_series(image)
    alike = [one for one in images.values() if _without_series(one) == wanted]
    off = [one for one in alike if not _switches_on(one)]
    return off[0] if off and len(alike) > len(off) else None


def _without_series(image: Image) -> Image:
    """What decides on the code of an image, without the fragment that switches our series on."""
    fragments = tuple(path for path in image.fragments if path.name != SERIES_FRAGMENT)
    return replace(image, name="", fragments=fragments, steps=0, variants=(), table=None)


def _switches_on(image: Image) -> bool:
    return any(path.name == SERIES_FRAGMENT for path in image.fragments)


def baseline(variant: Variant, measured: Sequence[Variant]) -> str | None:
    """The one of these variants that differs from it by its patches alone, or else by our series
    not being switched on; an unpatched one is its own. A kernel of the user's that has none goes
    with the first unpatched one. None: it is not among them.
    """
    images = {one.image.name: one.image for one in measured if one.image}
    wanted = None
    if variant.image and variant.patched:
        wanted = unpatched(variant.image, images)
        if wanted is None and not variant.of_user:
            wanted = switched_off(variant.image, images)
    if wanted:
        return next(one.name for one in measured if one.image == wanted)
    if variant.of_user:
        return next((one.name for one in measured if not one.patched), None)
    return None if variant.patched else variant.name
