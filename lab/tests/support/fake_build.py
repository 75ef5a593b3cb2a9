# SPDX-License-Identifier: Apache-2.0
"""Builds a kernel of fake_source.py in a cache that has its source: python3 -m ... CACHE NAME."""

import sys
from functools import partial
from pathlib import Path

from lab.kernels import debian_kernels, source_build
from lab.kernels.variant import Image

VERSION = "1.0-1"
PACKAGE = "linux-fake"


def main(cache: Path, name: str) -> None:
    debian_kernels.candidate = lambda _: VERSION
    source_build.missing_packages = list
    image = Image(name, PACKAGE, "tinyconfig", (cache / "lab.config",), (), 2, (name,))
    source_build.fetch(image, cache, partial(print, flush=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
