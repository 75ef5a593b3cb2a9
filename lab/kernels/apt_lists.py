# SPDX-License-Identifier: Apache-2.0
"""Questions to apt about what the package sources offer."""

from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import cache_dir

# What apt makes of its lists, to be asked quickly.
INDEX = Path("/var/cache/apt/pkgcache.bin")


def ask(verb: str, *words: str) -> str:
    """What `apt-cache VERB WORDS` says. Raises KmapbenchError without apt, CommandFailed where it
    does not know what it is asked for.

    Debian's images for containers have apt keep no index: then it makes one for each question, in
    half a second of CPU time or more. Where there is none, one is kept in our cache; apt makes it
    anew when its lists have changed.
    """
    program = subprocesses.find("apt-cache", "apt")
    ours = [] if INDEX.exists() else [f"-oDir::Cache::pkgcache={_folder() / INDEX.name}"]
    return subprocesses.output([program, verb, *words, *ours])


def _folder() -> Path:
    folder = cache_dir() / "apt"
    folder.mkdir(exist_ok=True)
    return folder
