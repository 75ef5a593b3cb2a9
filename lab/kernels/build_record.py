# SPDX-License-Identifier: Apache-2.0
"""What a campaign keeps of a kernel that was built by the user's table."""

from typing import Any

from lab.kernels import configuration, git_tree
from lab.kernels.kernel_tree import KernelTree
from lab.kernels.variant import Image


def describe(image: Image, kernel: KernelTree) -> dict[str, Any]:
    """Of what it is built, without what was left to kmapbench; with what was set for the lab."""
    added = kernel.folder / configuration.ADDED
    said: dict[str, Any] = {
        "config": str(image.config or image.base),
        "fragments": [path.name for path in image.fragments],
        "patches": [path.name for path in image.patches],
        "toolchain": image.toolchain,
        "make": list(image.make),
        "set_for_the_lab": added.read_text().splitlines() if added.exists() else [],
    }
    if image.tree:
        said["tree"] = str(image.tree)
        said["commit"] = git_tree.commit_of(image.tree, image.commit)
        said["content"] = git_tree.content(image.tree, image.commit)
    return {name: value for name, value in said.items() if value}
