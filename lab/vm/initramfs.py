# SPDX-License-Identifier: Apache-2.0
"""What the guest boots into: busybox, kmap_bench with its libraries, modules, a job.

Archives are cpio in the newc format; the kernel unpacks several, one after the other,
so that what all boots share is made once, and the job of a boot is a small archive behind it.
"""

import gzip
import lzma
import re
import shutil
import subprocess
from pathlib import Path

from lab.core import subprocesses

GUEST = Path(__file__).parent / "init"


def _unzstd(file: Path) -> bytes:
    """By zstd itself: Python knows the format from 3.14 on."""
    command = [subprocesses.find("zstd", "zstd"), "-dcq", str(file)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


# How distributions compress their modules; insmod of the guest loads them plain.
_DECOMPRESS = {
    ".xz": lambda file: lzma.decompress(file.read_bytes()),
    ".gz": lambda file: gzip.decompress(file.read_bytes()),
    ".zst": _unzstd,
}


def libraries(program: Path) -> list[Path]:
    """The shared libraries of a program, and its loader."""
    listing = subprocesses.output([subprocesses.find("ldd", "libc-bin"), program])
    return [Path(path) for path in re.findall(r"(?:^\s*|=> )(/\S+)", listing, re.MULTILINE)]


class Tree:
    """A folder that becomes an archive."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)

    def add(self, source: Path, name: str, executable: bool = False) -> None:
        """Copies a file to where the guest will see it."""
        target = self.folder / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755 if executable else 0o644)

    def add_text(self, text: str, name: str) -> None:
        target = self.folder / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def add_program(self, program: Path) -> None:
        """A program below /bin, with all it needs."""
        self.add(program, f"bin/{program.name}", executable=True)
        for library in libraries(program):
            if not (self.folder / str(library).lstrip("/")).exists():
                self.add(library, str(library), executable=True)

    def add_modules(self, files: list[Path]) -> None:
        """Kernel modules, to be loaded by init in this order."""
        names = []
        for file in files:
            name = f"lib/modules/{file.stem if file.suffix in _DECOMPRESS else file.name}"
            names.append(f"/{name}\n")
            if file.suffix in _DECOMPRESS:
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_DECOMPRESS[file.suffix](file))
            else:
                self.add(file, name)
        self.add_text("".join(names), "etc/kmapbench/modules")

    def pack(self, archive: Path) -> Path:
        """Writes the archive; everything in it belongs to root."""
        names = sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        with archive.open("wb") as out:
            subprocess.run(
                [
                    subprocesses.find("cpio", "cpio"),
                    "-o",
                    "-H",
                    "newc",
                    "--owner",
                    "+0:+0",
                    "--reproducible",
                    "--quiet",
                ],
                cwd=self.folder,
                input="\n".join(names).encode(),
                stdout=out,
                check=True,
            )
        return archive


def base(folder: Path, programs: list[Path], modules: list[Path], extra: dict[str, Path]) -> Tree:
    """The tree that all boots of a variant share: init, busybox, programs, modules, extra files by
    name.
    """
    tree = Tree(folder)
    tree.add(GUEST / "init", "init", executable=True)
    tree.add(GUEST / "pmem", "etc/kmapbench/pmem")
    tree.add(GUEST / "fio", "etc/kmapbench/fio")
    tree.add(Path(subprocesses.find("busybox", "busybox-static")), "bin/busybox", executable=True)
    for program in programs:
        tree.add_program(program)
    tree.add_modules(modules)
    for name, path in extra.items():
        tree.add(path, name)
    return tree


def concatenate(archives: list[Path], target: Path) -> Path:
    """One initrd of several archives."""
    with target.open("wb") as out:
        for archive in archives:
            with archive.open("rb") as part:
                shutil.copyfileobj(part, out)
    return target
