# SPDX-License-Identifier: Apache-2.0
"""Questions to apt about what the package sources offer."""

from contextlib import suppress
from pathlib import Path

from formats.cache_folder import cache_path
from lab.core import subprocesses

# What apt makes of its lists, to be asked quickly.
INDEX = Path("/var/cache/apt/pkgcache.bin")


def ask(verb: str, *words: str) -> str:
    """What `apt-cache VERB WORDS` says. Raises KmapbenchError without apt, CommandFailed where it
    does not know what it is asked for.

    Debian's images for containers have apt keep no index: then it makes one for each question, in
    half a second of CPU time or more. Where there is none, one is kept in our cache if that can be
    written; apt makes it anew when its lists have changed.
    """
    program = subprocesses.find("apt-cache", "apt")
    return subprocesses.output([program, verb, *words, *([] if INDEX.exists() else _ours())])


def _ours() -> list[str]:
    folder = cache_path() / "apt"
    with suppress(OSError):  # apt does without an index that it cannot write
        folder.mkdir(parents=True, exist_ok=True)
    return [f"-oDir::Cache::pkgcache={folder / INDEX.name}"]
