# SPDX-License-Identifier: Apache-2.0
"""The distribution's own kernels: fetched by the package client, unpacked into the cache.

Nothing is installed and no package source is edited.  Versions are never written down
here: distributions withdraw them; what was used stands in campaign.json.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.core import requirements, subprocesses
from lab.core.errors import CommandFailed, KmapbenchError
from lab.kernels import apt_lists, built_kernel, deb_kernel, kernel_folder
from lab.kernels.deb_kernel import release_of
from lab.kernels.kernel_tree import KernelTree, relocate_headers

# What the module was tried on, oldest and newest (docs/kernels.md).
KNOWN = ((6, 1), (7, 3))

# A kernel image's package, and what its name says: version and flavour, Debian's or Ubuntu's.
_IMAGE = re.compile(
    r"linux-image-(?:unsigned-)?\d+\.\d+[\w.+~]*(?:-\d+)?(?:-rt)?-(?:amd64|generic)(?:-unsigned)?"
)


def fetch(series: str | None, cache: Path, say) -> KernelTree:
    """A kernel: from the cache, unpacked now, or one that is there already.

    series: "6.12", "6.12-rt", a folder with a kernel (built_kernel.py), or None: the newest that
    was tried of those that the package sources offer; without apt, of those that are installed.
    say: called with a line before anything slow.
    """
    if series and is_folder(series):
        return built_kernel.use(Path(series), cache)
    if not requirements.has_apt():
        return kernel_folder.use(Path("/"), cache, _best(kernel_folder.releases(Path("/")), series))
    packages = resolve(series)
    image = next(name for name in packages if name.startswith("linux-image-"))
    release = release_of(image)
    assert release is not None  # resolve() has found it by that
    folder = cache / "kernels" / f"{image}_{packages[image].replace(':', '%')}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as scratch:
            tree = Path(scratch) / "tree"
            download_and_unpack(packages, Path(scratch), tree, say)
            relocate_headers(tree, folder)
            tree.rename(folder)
    return KernelTree(folder, release, packages)


def is_folder(series: str | None) -> bool:
    """Whether --kernel names a folder, and not a series."""
    return series is not None and "/" in series


def asked(text: str) -> str:
    """What --kernel may be: a series, or a folder, as an absolute path. ValueError: neither."""
    if re.fullmatch(r"\d+\.\d+(-rt)?", text):
        if _order(text) < KNOWN[0]:
            raise ValueError(
                f"Linux {text} is older than {'.'.join(map(str, KNOWN[0]))}: name a series as 6.12"
                " or 6.12-rt"
            )
        return text
    if text and Path(text).is_dir():
        return str(Path(text).absolute())
    raise ValueError(
        f"'{text}' is neither a series, as 6.12 or 6.12-rt, nor a folder with a kernel"
    )


def series_of(release: str) -> str:
    """The series of a kernel release: 6.12, 6.12-rt."""
    number = re.match(r"\d+\.\d+", release)
    return (number[0] if number else release) + ("-rt" if re.search(r"-rt\b", release) else "")


def is_known(series: str) -> bool:
    """Whether the module was tried on kernels of about this series."""
    return KNOWN[0] <= _order(series)[:2] <= KNOWN[1]


def _order(release: str) -> tuple[int, ...]:
    """Releases and series by age: all numbers in them."""
    return tuple(int(number) for number in re.findall(r"\d+", release))


def _best(releases: Iterable[str], wanted: str | None) -> str:
    """Of these releases the newest of a series; of none in particular: the newest that was tried,
    else what is next.
    """
    ordered = sorted(releases, key=_order, reverse=True)
    if wanted:
        ordered = [release for release in ordered if series_of(release) == wanted]
    else:
        usual = [
            release
            for release in ordered
            if not series_of(release).endswith("-rt") and _order(release)[:2] >= KNOWN[0]
        ]
        known = [release for release in usual if is_known(release)]
        ordered = known or usual[::-1]
    if ordered:
        return ordered[0]
    there = sorted({series_of(release) for release in releases}, key=_order, reverse=True)
    has = f"has {', '.join(there)}" if there else "has none with headers"
    asked_for = wanted or f"{'.'.join(map(str, KNOWN[0]))} or newer"
    raise KmapbenchError(
        f"Linux {asked_for} is not to be had: this machine {has}; add a package source and run"
        " 'apt-get update', or name another series or a folder by --kernel"
    )


def resolve(wanted: str | None) -> dict[str, str]:
    """Packages of a kernel, image and headers, each with its version."""
    offered = _offered()
    while True:
        release = _best(offered, wanted)
        names = [offered[release], f"linux-headers-{release}"]
        try:
            return candidates(names + _parts(names, release))
        except KmapbenchError:  # a name that is known, and of which there is no version
            del offered[release]


def _offered() -> dict[str, str]:
    """Kernels of the package sources that have headers: release -> image package, a signed one
    before others.
    """
    headers = set(apt_lists.ask("pkgnames", "linux-headers-").split())
    images: dict[str, str] = {}
    for name in sorted(
        apt_lists.ask("pkgnames", "linux-image-").split(),
        key=lambda name: ("unsigned" in name, name),
    ):
        release = release_of(name) if _IMAGE.fullmatch(name) else None
        if release and f"linux-headers-{release}" in headers:
            images.setdefault(release, name)
    return images


def _parts(packages: list[str], release: str) -> list[str]:
    """What image and headers are spread over, in one distribution or another: direct dependencies
    of theirs.
    """
    exact = re.escape(release)
    version = re.escape(release.rpartition("-")[0])
    patterns = (
        rf"linux-(base|binary|modules|modules-extra)-{exact}(-unsigned)?",
        r"linux-headers-.*-common(-rt)?",
        r"linux-kbuild-.*",
        rf"linux-headers-{version}",
    )
    try:
        listing = apt_lists.ask("depends", "--important", *packages)
    except CommandFailed:  # it does not know one of them
        raise KmapbenchError(
            f"{packages[-1]}: this machine's package sources do not have it"
        ) from None
    parts: dict[str, str] = {}  # by what is no alternative of another
    for name in re.findall(r"^[ |]*Depends: (\S+)$", listing, re.MULTILINE):
        if name not in packages and any(re.fullmatch(pattern, name) for pattern in patterns):
            parts.setdefault(name.removesuffix("-unsigned"), name)
    return list(parts.values())


def candidate(package: str) -> str:
    """The version of a package that would be fetched."""
    return candidates([package])[package]


def candidates(packages: list[str]) -> dict[str, str]:
    """The versions of packages that would be fetched, by name."""
    listing = apt_lists.ask("policy", *packages)
    found = dict(
        re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (\S+)$", listing, re.MULTILINE)
    )
    for package in packages:
        if found.get(package, "(none)") == "(none)":
            raise KmapbenchError(
                f"{package}: this machine's package sources do not have it: run 'apt-get update', "
                "or add the distribution's security suite"
            )
    return {package: found[package] for package in packages}


def download_and_unpack(
    packages: dict[str, str], scratch: Path, tree: Path, say, options: Sequence[str] = ()
) -> None:
    """Packages of these versions, their files below tree; scratch is a folder for the packages
    themselves. options: of apt-get.
    """
    say(f"fetching {', '.join(packages)}")
    log = scratch / "apt.log"
    try:
        # As root apt would drop to a user who cannot write here, and only warn.
        subprocesses.logged(
            ["apt-get", "-q", *options, "-o", "APT::Sandbox::User=root", "download"]
            + [f"{name}={version}" for name, version in packages.items()],
            log,
            "fetching the kernel",
            cwd=scratch,
        )
    except CommandFailed:
        errors = [
            line for line in log.read_text(errors="replace").splitlines() if line.startswith("E: ")
        ]
        why = errors[0].removeprefix("E: ") if errors else "apt-get download failed"
        raise KmapbenchError(
            f"the kernel packages cannot be fetched ({why}): check the package sources and the"
            " network"
        ) from None
    say("unpacking the kernel")
    for package in sorted(scratch.glob("*.deb")):
        deb_kernel.extract(package, tree)


def fetched(cache: Path) -> list[Path]:
    """Kernels of the distribution that are in the cache, of all series."""
    return sorted((cache / "kernels").glob("linux-image-*"))


def needed_modules(
    kernel: KernelTree, names: list[str], optional: Sequence[str] = ()
) -> list[Path]:
    """Module files that provide names, each after what it needs; built-in ones need none.

    optional: a kernel may lack these; those that are no names come last. Read from the modules
    themselves: an unpacked package has no modules.dep, and where kmod looks for one differs between
    distributions.
    """
    files = {_module_name(path.name): path for path in (kernel.modules / "kernel").rglob("*.ko*")}
    files |= {_module_name(path.name): path for path in (kernel.modules / "updates").rglob("*.ko*")}
    built_in = kernel.modules / "modules.builtin"
    built_in_names = (
        {_module_name(line) for line in built_in.read_text().split()}
        if built_in.exists()
        else set()
    )
    ordered: list[Path] = []

    def add(name: str) -> None:
        path = files[name]
        if path in ordered:
            return
        needs = subprocesses.output(
            [subprocesses.find("modinfo", "kmod"), "-F", "depends", path]
        ).strip()
        for need in filter(None, needs.split(",")):
            add(_module_name(need))
        ordered.append(path)

    for name in dict.fromkeys([*names, *optional]):
        if _module_name(name) in files:
            add(_module_name(name))
        elif _module_name(name) not in built_in_names and name not in optional:
            raise KmapbenchError(
                f"{kernel.folder}: Linux {kernel.release} has no module {name}, neither as a file"
                " nor built in"
            )
    return ordered


def _module_name(text: str) -> str:
    """The name of a module, of its file's name or path: - and _ are the same."""
    return re.sub(r"\.ko(\.\w+)?$", "", text.rpartition("/")[2]).replace("-", "_")


def system() -> str:
    """The distribution, for messages: PRETTY_NAME of os-release."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return os.uname().sysname
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.MULTILINE)
    return match[1] if match else os.uname().sysname
