# SPDX-License-Identifier: Apache-2.0
"""What can be said against a kernel that is to be built, before anything is fetched or built.
Standard library only.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from lab.core.errors import KmapbenchError
from lab.kernels import configuration, git_tree, toolchain
from lab.kernels.variant import Image


def check(image: Image) -> None:
    """A KmapbenchError with file and key where the user's table asks for what is not there."""
    with _explained(image, "config"):
        configuration.check_files(image)
    with _explained(image, "toolchain"):
        toolchain.check(image.toolchain)
    if image.tree:
        with _explained(image, "tree"):
            git_tree.check(image.tree, image.commit)


@contextmanager
def _explained(image: Image, key: str) -> Iterator[None]:
    try:
        yield
    except KmapbenchError as error:
        where = image.where(getattr(error, "key", key))
        raise KmapbenchError(f"{where}: {error}") from None
