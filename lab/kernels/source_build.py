# SPDX-License-Identifier: Apache-2.0
"""Kernels built from the distribution's source package: patched, configured, checked.

What is kept of one has the layout of an unpacked package (KernelTree), so that the rest of the
lab does not know the one from the other. It is built in a scratch folder of the cache and moved
into place when it is whole.
"""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.core import requirements, subprocesses
from lab.core.errors import CommandFailed, Interrupted, KmapbenchError
from lab.kernels import debian_kernels, kconfig, kernel_cache
from lab.kernels.debian_kernels import KernelTree
from lab.kernels.kbuild import Make, environment
from lab.kernels.variant import Image

# A failed or ended build leaves its folder behind when we are killed: the next one removes it.
_SCRATCH_PREFIX = ".building-"


def _ignore(_: str) -> None:
    pass


def fetch(
    image: Image, cache: Path, say: Callable[[str], None], on_step: Callable[[str], None] = _ignore
) -> KernelTree:
    """The kernel of an image, from the cache or built now.

    say: called with a line before anything slow. on_step: called with each file that make makes.
    """
    version = debian_kernels.candidate(image.source)
    folder = kernel_cache.folder(image, version, cache)
    if not folder.is_dir():
        missing = missing_packages()
        if missing:
            raise KmapbenchError(
                f"{_names(image)}: a kernel build needs packages that are missing:"
                f" {' '.join(missing)}"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent, say):
            if not folder.is_dir():  # who was before us may have built it
                _build(image, version, folder, cache, say, on_step)
    return _tree(image, version, folder)


def provide(images: Iterable[Image], cache: Path, display) -> None:
    """Builds those that are not in the cache, and shows how far it is."""
    wanted = {image.name: image for image in images}.values()
    missing = [
        image
        for image in wanted
        if not kernel_cache.folder(image, debian_kernels.candidate(image.source), cache).is_dir()
    ]
    if not missing:
        return
    expected = {image.name: _expected_steps(image, cache) for image in missing}
    display.plan(sum(expected.values()))
    for image in missing:
        steps = _Steps(image.name, expected[image.name], display)
        display.say(f"{image.name} is not in the cache: building it")
        fetch(image, cache, display.say, steps)
        steps.end()


def missing_packages() -> list[str]:
    """Packages that a kernel build needs, and this machine lacks."""
    wanted = requirements.needs(["kernel-build"], requirements.distribution())
    return requirements.names(requirements.missing(wanted, lambda _: True))


class _Steps:
    """Tells the display of the steps of one build, of which there may be more or fewer than
    expected.
    """

    def __init__(self, name: str, expected: int, display):
        self._name, self._expected, self._display = name, expected, display
        self._done = 0

    def __call__(self, file: str) -> None:
        self._done += 1
        if self._done <= self._expected:
            self._display.advance(1)
        so_far = f"{self._name}: {self._done} of about {self._expected} steps"
        if self._done % (self._expected // 10 or 1) == 0:
            self._display.say(so_far)
        self._display.detail(f"{so_far}: {Path(file).name}")

    def end(self) -> None:
        self._display.advance(max(0, self._expected - self._done))


def _expected_steps(image: Image, cache: Path) -> int:
    """As many as the last build of this image took here, else what the table says."""
    return int(kernel_cache.last_steps(image, cache) or image.steps)


def _tree(image: Image, version: str, folder: Path) -> KernelTree:
    (modules,) = (folder / "lib" / "modules").iterdir()
    return KernelTree(folder, modules.name, {image.source: version})


def _names(image: Image) -> str:
    """For messages: the variants that the user knows."""
    return ", ".join(image.variants) or image.name


@contextmanager
def _alone(kernels: Path, say) -> Iterator[None]:
    """One build at a time in a cache: each takes all CPUs, and two of the same would be in each
    other's way.
    """
    with (kernels / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another kernel build in this cache")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for abandoned in kernels.glob(f"{_SCRATCH_PREFIX}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        yield


def _build(image: Image, version: str, final: Path, cache: Path, say, on_step) -> None:
    """Builds into a scratch folder, and moves what is to be kept to final."""
    log = final.with_name(f"{final.name}.log")
    began = time.monotonic()
    with (
        _explained(image, log),
        tempfile.TemporaryDirectory(dir=final.parent, prefix=_SCRATCH_PREFIX) as name,
    ):
        log.unlink(missing_ok=True)
        scratch = Path(name)
        source, make = configured(image, version, scratch, log, cache, say, on_step)
        say(f"{image.name}: compiling")
        make("all")
        say(f"{image.name}: keeping what is needed")
        tree = keep(make, source, scratch / "tree")
        (tree / "steps").write_text(f"{make.steps}\n")
        (tree / "seconds").write_text(f"{time.monotonic() - began:.0f}\n")
        tree.rename(final)


def configured(
    image: Image, version: str, scratch: Path, log: Path, cache: Path, say, on_step=_ignore
) -> tuple[Path, Make]:
    """The source of an image in a scratch folder of the cache, patched and configured, and make for
    it.

    Its files are hard links to the unpacked package: change one by writing a new file in its place.
    """
    pristine = source_of(image.source, version, cache, log, say)
    say(f"{image.name}: patching and configuring")
    source = scratch / "source"
    _logged(["cp", "-al", pristine, source], log, "linking the source")
    for patch in image.patches:
        apply(patch, source, log)
    make = _make(image, source, scratch, log, cache, on_step)
    _configure(image, make, source)
    return source, make


@contextmanager
def _explained(image: Image, log: Path) -> Iterator[None]:
    """Whatever ends a build is one line with variant and log file."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"{_names(image)}: the build was interrupted, nothing of it is kept; see {log}"
        ) from None
    except KmapbenchError as error:
        see = f"; see {log}" if log.exists() else ""
        raise KmapbenchError(f"{_names(image)}: {error}{see}") from None
    except OSError as error:
        free = shutil.disk_usage(log.parent).free >> 20
        raise KmapbenchError(
            f"{_names(image)}: {error.filename or log}: {error.strerror} ({free} MiB free); see"
            f" {log}"
        ) from None


def _logged(command: list, log: Path, doing: str, cwd: Path | None = None) -> None:
    """A step of a build that is not make's; its failure is told in the words of the log."""
    try:
        subprocesses.logged(command, log, doing, cwd)
    except CommandFailed:
        raise KmapbenchError(f"{doing} failed: {_why(log)}") from None


def _why(log: Path) -> str:
    """What the log says is wrong; a full disk may have kept it from saying anything."""
    full = shutil.disk_usage(log.parent).free < 1 << 20
    return subprocesses.first_error(log) or (
        "No space left on device" if full else "without a word"
    )


def source_of(package: str, version: str, cache: Path, log: Path, say) -> Path:
    """The unpacked source, as the package has it; read only by agreement."""
    final = cache / "sources" / f"{package}_{version.replace(':', '%')}"
    if not final.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".unpacking-") as name:
            scratch = Path(name)
            debian_kernels.download_and_unpack(
                {package: version}, scratch, scratch / "package", say
            )
            (archive,) = (scratch / "package" / "usr" / "src").glob(f"{package}.tar.*")
            _logged(
                [subprocesses.find("tar", "tar"), "-xf", archive, "-C", scratch],
                log,
                "unpacking the source",
            )
            (scratch / package).rename(final)
    return final


def apply(patch: Path, source: Path, log: Path) -> None:
    """A patch has to fit exactly: where it nearly does, somebody has to look."""
    # Else git would take paths to be of the repository that the cache may lie in.
    git = ["env", f"GIT_CEILING_DIRECTORIES={source.parent}", subprocesses.find("git", "git")]
    _logged(
        [*git, "apply", "--whitespace=nowarn", patch],
        log,
        f"applying {patch.parent.name}/{patch.name}",
        cwd=source,
    )


def _make(image: Image, source: Path, scratch: Path, log: Path, cache: Path, on_step) -> Make:
    # O= inside the source: then kbuild names sources by relative paths, the same in each scratch
    # folder.
    variables = {
        "O": "build",
        "CC": "ccache gcc",
        "HOSTCC": "ccache gcc",
        "LOCALVERSION": f"-{image.name}",
    }
    return Make(source, log, variables, environment(scratch, cache), on_step)


def _configure(image: Image, make: Make, source: Path) -> None:
    """Base, fragments on top, and a look at whether they hold."""
    config = source / "build" / ".config"
    (source / "build").mkdir()
    make(image.base)
    merge = source / "scripts" / "kconfig" / "merge_config.sh"
    _logged(
        [merge, "-m", "-O", "build", config, *image.fragments],
        make.log,
        "merging the fragments",
        cwd=source,
    )
    make("olddefconfig")
    broken = kconfig.broken(kernel_cache.fragments(image), config.read_text())
    if broken:
        with make.log.open("a") as log:
            log.writelines(f"{one}\n" for one in broken)
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise KmapbenchError(f"{broken[0]}{more}")


def keep(make: Make, source: Path, tree: Path) -> Path:
    """Image, configuration, symbols, modules, and what modules are built against: as a package has
    them.
    """
    build = source / "build"
    make(
        "modules_install",
        f"INSTALL_MOD_PATH={tree}",
        f"DEPMOD={subprocesses.find('depmod', 'kmod')}",
    )
    release = (build / "include" / "config" / "kernel.release").read_text().strip()
    for link in ("build", "source"):
        (tree / "lib" / "modules" / release / link).unlink(missing_ok=True)
    (tree / "boot").mkdir()
    for file, name in (
        ("arch/x86/boot/bzImage", "vmlinuz"),
        (".config", "config"),
        ("System.map", "System.map"),
        ("vmlinux", "vmlinux"),
    ):
        shutil.copyfile(build / file, tree / "boot" / f"{name}-{release}")
    headers = KernelTree(tree, release).headers
    # The kernel's own script, which its packages are made with, too.
    make(
        "run-command",
        f"KBUILD_RUN_COMMAND=$(srctree)/scripts/package/install-extmod-build {headers}",
    )
    return tree
