# SPDX-License-Identifier: Apache-2.0
"""Kernels built from the distribution's source package: patched, configured, checked.

What is kept of one has the layout of an unpacked package (KernelTree), so that the rest of the
lab does not know the one from the other. It is built in a scratch folder of the cache and moved
into place when it is whole.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.core import requirements
from lab.core.errors import Interrupted, KmapbenchError
from lab.kernels import (
    build_place,
    configuration,
    deb_build,
    kernel_cache,
    module_build,
    source_checkout,
    toolchain,
    tree_build,
)
from lab.kernels.kbuild import Make, environment
from lab.kernels.kernel_tree import KernelTree
from lab.kernels.variant import Image


def _ignore(_: str) -> None:
    pass


def fetch(
    image: Image, cache: Path, say: Callable[[str], None], on_step: Callable[[str], None] = _ignore
) -> KernelTree:
    """The kernel of an image, from the cache or built now.

    say: called with a line before anything slow. on_step: called with each file that make makes.
    """
    folder, version = _kept(image, cache, say, on_step)
    return _tree(image, version, folder)


def fetch_packages(
    image: Image, cache: Path, say: Callable[[str], None], on_step: Callable[[str], None] = _ignore
) -> list[Path]:
    """The packages of an image that is to become some: that of the kernel and that of its headers,
    from the cache or built now.
    """
    return deb_build.packages(_kept(image, cache, say, on_step)[0])


def _kept(image: Image, cache: Path, say, on_step) -> tuple[Path, str]:
    """Where the kernel of an image is kept, or its packages, built now if they are not there; and
    the version of its source.
    """
    version = source_checkout.version(image)
    folder = kernel_cache.folder(image, version, cache)
    if not folder.is_dir():
        missing = missing_packages("deb-build") if image.packed else missing_packages()
        if missing:
            raise KmapbenchError(
                f"{image.where()}: a kernel build needs packages that are missing:"
                f" {' '.join(missing)}"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        kernels = cache / "kernels"
        kernels.mkdir(parents=True, exist_ok=True)
        with build_place.alone(kernels, folder, say), build_place.scratch(kernels) as scratch:
            # Who was before us may have built it. That we have made a folder beside it lets a
            # client of NFS look anew, too, whatever it remembers of names that were not there.
            if not folder.is_dir():
                _build(image, version, folder, scratch, cache, say, on_step)
    return folder, version


def provide(images: Iterable[Image], cache: Path, display) -> None:
    """Builds those that are not in the cache, and shows how far it is."""
    wanted = {image.name: image for image in images}.values()
    missing = [
        image
        for image in wanted
        if not kernel_cache.folder(image, source_checkout.version(image), cache).is_dir()
    ]
    if not missing:
        return
    expected = {image.name: _expected_steps(image, cache) for image in missing}
    display.plan(sum(expected.values()))
    for image in missing[1:]:  # of the first one the build itself says it soon enough
        if image.table:
            check(image, cache, display.say)
    for image in missing:
        steps = _Steps(image.name, expected[image.name], display)
        display.say(f"{image.name} is not in the cache: building it")
        _kept(image, cache, display.say, steps)
        steps.end()


@contextmanager
def open_source(
    image: Image, cache: Path, say: Callable[[str], None]
) -> Iterator[tuple[Path, Make]]:
    """The source of an image, patched and configured, in a scratch folder, and make for it, until
    the block ends. No kernel is built by this machine in this cache meanwhile.
    """
    kernels = cache / "kernels"
    version = source_checkout.version(image)
    folder = kernel_cache.folder(image, version, cache)
    for place in (kernels, folder.parent):
        place.mkdir(parents=True, exist_ok=True)
    with build_place.alone_here(kernels, say), build_place.scratch(kernels) as scratch:
        # Another machine may have opened the same source.
        log = folder.with_name(f"{folder.name}{build_place.log_suffix(scratch)}")
        with _explained(image, log):
            opened = configured(image, version, scratch, log, cache, say)
        yield opened
        log.unlink(missing_ok=True)


def check(image: Image, cache: Path, say: Callable[[str], None]) -> None:
    """A KmapbenchError where patches do not apply or the configuration does not hold, which nobody
    wants to hear of after another kernel is built.
    """
    with open_source(image, cache, say):
        pass


def missing_packages(*more: str) -> list[str]:
    """Packages that a kernel build needs, and this machine lacks. more: groups of requirements that
    it needs, too.
    """
    wanted = requirements.needs(["kernel-build", *more], requirements.distribution())
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
        expected = f" of about {self._expected}" if self._done <= self._expected else ""
        so_far = f"{self._name}: {self._done}{expected} steps"
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
    return KernelTree(folder, modules.name, {} if image.tree else {image.source: version})


def _build(
    image: Image, version: str, final: Path, scratch: Path, cache: Path, say, on_step
) -> None:
    """Builds into a scratch folder, and moves what is to be kept to final."""
    log = final.with_name(f"{final.name}.log")
    began = time.monotonic()
    with _explained(image, log):
        log.unlink(missing_ok=True)
        source, make = configured(image, version, scratch, log, cache, say, on_step)
        say(f"{image.name}: compiling")
        if image.packed:
            tree = deb_build.build(image, make, source, scratch / "tree")
        else:
            tree_build.compile_kernel(make, source / "build")
            say(f"{image.name}: keeping what is needed")
            tree = tree_build.keep(make, source, scratch / "tree")
            options = next((tree / "usr" / "src").iterdir()) / module_build.OPTIONS
            options.write_text("".join(f"{word}\n" for word in image.make))
        if (scratch / configuration.ADDED).exists():
            shutil.copyfile(scratch / configuration.ADDED, tree / configuration.ADDED)
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
    say(f"{image.name}: patching and configuring")
    source = source_checkout.check_out(image, version, scratch, log, cache, say)
    make = _make(image, source, scratch, log, cache, on_step)
    configuration.configure(image, make, source, cache, say)
    return source, make


@contextmanager
def _explained(image: Image, log: Path) -> Iterator[None]:
    """Whatever ends a build is one line with variant and log file."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"{image.where()}: the build was interrupted, nothing of it is kept; see {log}"
        ) from None
    except KmapbenchError as error:
        see = f"; see {log}" if log.exists() else ""
        where = image.where(getattr(error, "key", ""))
        raise KmapbenchError(f"{where}: {error}{see}") from None
    except OSError as error:
        free = shutil.disk_usage(log.parent).free >> 20
        raise KmapbenchError(
            f"{image.where()}: {error.filename or log}: {error.strerror} ({free} MiB free); see"
            f" {log}"
        ) from None


def _make(image: Image, source: Path, scratch: Path, log: Path, cache: Path, on_step) -> Make:
    # O= inside the source: then kbuild names sources by relative paths, the same in each scratch
    # folder.
    variables = {"O": "build", **toolchain.variables(image.toolchain)}
    variables["LOCALVERSION"] = f"-{image.name}"
    given = dict(word.split("=", 1) for word in image.make)
    return Make(source, log, variables | given, environment(scratch, cache), on_step)
