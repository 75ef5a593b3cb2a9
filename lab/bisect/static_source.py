# SPDX-License-Identifier: Apache-2.0
"""A prepared source that becomes one kernel of a search after the other.

What a kernel differs in from the last one is applied, so that only that is compiled again. Where it
does not apply, the source is made anew.
"""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from lab.core.dirs import cache_dir
from lab.core.errors import KmapbenchError
from lab.kernels import git_tree, source_build, source_checkout
from lab.kernels.variant import Image
from lab.trace.static_tier import Count, StaticTier


class StaticSource:
    """A context manager; it may be entered again while it is open. Nothing is made before the first
    count.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._opened = ExitStack()
        self._image: Image | None = None

    def __enter__(self) -> "StaticSource":
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._close()

    def count(self, image: Image, case: str) -> tuple[Count, dict[tuple[str, ...], int]]:
        """The case on the kernel of an image, and its instructions by function. A KmapbenchError
        where the kernel cannot be configured or compiled.
        """
        if not self._became(image):
            self._open(image)
        self._tier.configure([])
        counted = self._tier.count()[case]
        return counted, self._tier.functions(case)

    def _open(self, image: Image) -> None:
        self._close()
        self._source, make = self._opened.enter_context(
            source_build.open_source(image, cache_dir(), lambda _: None)
        )
        self._log = make.log
        self._tier = StaticTier(self._source, make)
        # What is asked for and is not there yet may come with a later commit or patch.
        asked = [image.config] if image.config else [*image.fragments]
        self._tier.base += "".join(path.read_text() for path in asked)
        self._image = image

    def _close(self) -> None:
        self._opened.close()
        self._opened = ExitStack()
        self._image = None

    def _became(self, image: Image) -> bool:
        """Applies what the image differs in from the last one; False: that cannot be done."""
        old, self._image = self._image, None  # as long as it may be half done
        if old is None or _beside_source(old) != _beside_source(image):
            return False
        try:
            if image.tree and image.commit != old.commit:
                if old.patches or image.patches:
                    return False
                self._move(image.tree, old.commit, image.commit)
            elif image.patches[: len(old.patches)] == old.patches:
                for patch in image.patches[len(old.patches) :]:
                    source_checkout.apply(patch, self._source, self._log)
            else:
                return False
        except KmapbenchError:
            return False
        self._image = image
        return True

    def _move(self, tree: Path, old: str, new: str) -> None:
        patch = self._source.parent / "difference"
        git_tree.write_difference(tree, old, new, patch)
        if patch.stat().st_size:
            source_checkout.apply(patch, self._source, self._log, f"{old}..{new}")


def _beside_source(image: Image) -> Image:
    return replace(image, commit="", patches=())
