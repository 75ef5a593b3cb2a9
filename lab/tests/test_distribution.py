# SPDX-License-Identifier: Apache-2.0
"""The distribution's kernels: which there are, and that the module is at home on each."""

import re
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE
from lab.core.errors import CommandFailed
from lab.kernels import debian_kernels, kernel_tree, module_build
from lab.tests.conftest import quiet


@pytest.fixture
def offered(monkeypatch):
    """Package sources of a test's own: package -> what it depends on; those in absent are names
    without a version.
    """

    def set_offered(depends: dict[str, list[str]], absent: tuple[str, ...] = ()) -> None:
        def output(command) -> str:
            verb, names = command[1], [
                str(word) for word in command[2:] if not str(word).startswith("-")
            ]
            if verb == "pkgnames":
                return "\n".join(
                    name for name in depends if name.startswith(names[0] if names else command[-1])
                )
            if unknown := [name for name in names if name not in depends]:
                raise CommandFailed(unknown[0])
            if verb == "policy":
                versions = {name: "(none)" if name in absent else "1-1" for name in names}
                return "".join(
                    f"{name}:\n  Installed: (none)\n  Candidate: {versions[name]}\n"
                    for name in names
                )
            return "".join(
                f"{name}\n" + "".join(f"  Depends: {one}\n" for one in depends[name])
                for name in names
            )

        monkeypatch.setattr(subprocesses, "output", output)
        monkeypatch.setattr(subprocesses, "find", lambda name, _: name)
        monkeypatch.setattr(subprocesses, "has", lambda _: True)

    return set_offered


def debian(release: str, common: str, kbuild: str, **more: list[str]) -> dict[str, list[str]]:
    """A kernel's packages as Debian has them. more: what the image is spread over."""
    image, headers = f"linux-image-{release}", f"linux-headers-{release}"
    spread = [f"linux-{part}-{release}" for part in more.get("spread", [])]
    return {
        image: ["kmod", *spread],
        headers: ["gcc-12", common, f"{image}", f"{image}-unsigned", kbuild],
        f"{image}-unsigned": [],
        f"{image}-dbg": [],
        common: [],
        kbuild: [],
        **{name: [] for name in spread},
    }


SIX_ONE = debian("6.1.0-9-amd64", "linux-headers-6.1.0-9-common", "linux-kbuild-6.1") | debian(
    "6.1.0-9-rt-amd64", "linux-headers-6.1.0-9-common-rt", "linux-kbuild-6.1"
)
SIX_TWELVE = debian("6.12.7-amd64", "linux-headers-6.12.7-common", "linux-kbuild-6.12.7") | debian(
    "6.12.10-amd64", "linux-headers-6.12.10-common", "linux-kbuild-6.12.10"
)
SIX_TWELVE_RT = debian(
    "6.12.10-rt-amd64", "linux-headers-6.12.10-common-rt", "linux-kbuild-6.12.10"
)
CLOUD = debian("6.12.10-cloud-amd64", "linux-headers-6.12.10-common", "linux-kbuild-6.12.10")
SEVEN = debian(
    "7.2.3-amd64",
    "linux-headers-7.2.3-common",
    "linux-kbuild-7.2.3",
    spread=["base", "binary", "modules"],
)
META = {
    "linux-image-amd64": ["linux-image-6.1.0-9-amd64"],
    "linux-headers-amd64": ["linux-headers-6.1.0-9-amd64"],
}
OLD = META | SIX_ONE | SIX_TWELVE | SIX_TWELVE_RT | CLOUD
OF_6_12 = [
    "linux-image-6.12.10-amd64",
    "linux-headers-6.12.10-amd64",
    "linux-headers-6.12.10-common",
    "linux-kbuild-6.12.10",
]
OF_7_2 = [
    "linux-image-7.2.3-amd64",
    "linux-headers-7.2.3-amd64",
    "linux-base-7.2.3-amd64",
    "linux-binary-7.2.3-amd64",
    "linux-modules-7.2.3-amd64",
    "linux-headers-7.2.3-common",
    "linux-kbuild-7.2.3",
]


@pytest.mark.parametrize(
    ("series", "sources", "packages"),
    [
        (None, OLD, OF_6_12),
        (
            "6.1",
            OLD,
            [
                "linux-image-6.1.0-9-amd64",
                "linux-headers-6.1.0-9-amd64",
                "linux-headers-6.1.0-9-common",
                "linux-kbuild-6.1",
            ],
        ),
        (
            "6.12-rt",
            OLD,
            [
                "linux-image-6.12.10-rt-amd64",
                "linux-headers-6.12.10-rt-amd64",
                "linux-headers-6.12.10-common-rt",
                "linux-kbuild-6.12.10",
            ],
        ),
        (None, OLD | SEVEN, OF_7_2),
        ("7.2", SEVEN, OF_7_2),
    ],
)
def test_a_series_is_its_image_and_all_its_headers(offered, series, sources, packages):
    offered(sources)
    assert list(debian_kernels.resolve(series)) == packages


def test_an_rt_kernel_of_another_series_is_not_taken(offered):
    """Where a release's only rt kernel is of 6.1, 6.12-rt is not offered; what is, is said."""
    offered(META | SIX_ONE | SIX_TWELVE)
    with pytest.raises(debian_kernels.KmapbenchError, match=r"Linux 6\.12-rt .* has 6\.12, .*6\.1"):
        debian_kernels.resolve("6.12-rt")


def test_a_release_without_a_version_gives_way_to_the_next(offered):
    offered(OLD, absent=("linux-kbuild-6.12.10",))
    assert next(iter(debian_kernels.resolve(None))) == "linux-image-6.12.7-amd64"


def test_a_kernel_that_was_tried_comes_before_a_newer_one_and_before_none(offered):
    newer = debian("99.1.1-amd64", "linux-headers-99.1.1-common", "linux-kbuild-99.1.1")
    offered(OLD | newer)
    assert next(iter(debian_kernels.resolve(None))) == OF_6_12[0]
    offered(newer)
    assert next(iter(debian_kernels.resolve(None))) == "linux-image-99.1.1-amd64"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("6.12", True),
        ("6.12-rt", True),
        ("/", True),
        ("6", False),
        ("6.12-foo", False),
        ("/nowhere", False),
    ],
)
def test_what_kernel_may_be(text, valid):
    if valid:
        assert debian_kernels.asked(text) == text
    else:
        with pytest.raises(ValueError, match="neither a series"):
            debian_kernels.asked(text)


def kernel_files(root, release: str, lib: str, boot: bool) -> None:
    """An unpacked kernel: image, configuration, a module in each way of compressing it, Debian's
    headers.
    """
    modules = root / lib / "modules" / release
    (modules / "kernel" / "fs").mkdir(parents=True)
    for name in ("vmlinuz", "config"):
        path = root / "boot" / f"{name}-{release}" if boot else modules / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    (modules / "modules.builtin").write_text("kernel/drivers/virtio/virtio-pci.ko\n")
    for name in ("jbd2.ko.xz", "ext-4.ko.zst"):
        (modules / "kernel" / "fs" / name).write_text("")
    headers = root / "usr" / "src" / f"linux-headers-{release}"
    headers.mkdir(parents=True)
    (headers / ".config").write_text("")
    (headers / "Makefile").write_text(
        f"KBUILD_OUTPUT=/usr/src/linux-headers-{release}\ninclude"
        " /usr/src/linux-headers-common/Makefile\n"
    )


LAYOUTS = pytest.mark.parametrize(
    ("lib", "boot"), [("lib", True), ("usr/lib", True), ("usr/lib", False)]
)


@LAYOUTS
def test_a_kernels_files_are_found_in_each_layout(tmp_path, monkeypatch, lib, boot):
    kernel_files(tmp_path, "7.2.3-amd64", lib, boot)
    kernel = debian_kernels.KernelTree(tmp_path, "7.2.3-amd64")
    assert (kernel.image.read_text(), kernel.config.read_text()) == ("vmlinuz", "config")
    monkeypatch.setattr(
        subprocesses, "output", lambda command: "jbd2\n" if "ext-4" in str(command[-1]) else "\n"
    )
    monkeypatch.setattr(subprocesses, "find", lambda name, _: name)
    found = debian_kernels.needed_modules(kernel, ["virtio_pci", "ext_4"], ["nowhere"])
    assert [path.name for path in found] == ["jbd2.ko.xz", "ext-4.ko.zst"]
    with pytest.raises(debian_kernels.KmapbenchError, match="no module nowhere"):
        debian_kernels.needed_modules(kernel, ["nowhere"])


@LAYOUTS
def test_a_folder_that_the_user_names_is_used_and_left_alone(tmp_path, lib, boot):
    folder = tmp_path / "folder"
    kernel_files(folder, "7.2.3-amd64", lib, boot)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    kernel = debian_kernels.fetch(str(folder), tmp_path / "cache", quiet)
    assert kernel.release == "7.2.3-amd64"
    assert (kernel.image.read_text(), kernel.config.read_text()) == ("vmlinuz", "config")
    # make's own folder is the tree of links, the other half the user's
    assert (kernel.headers / "Makefile").read_text().splitlines() == [
        f"KBUILD_OUTPUT={kernel.headers}",
        f"include {folder}/usr/src/linux-headers-common/Makefile",
    ]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_folder_without_one_kernel_says_what_it_has(tmp_path):
    with pytest.raises(debian_kernels.KmapbenchError, match="no kernel with headers"):
        debian_kernels.fetch(str(tmp_path), tmp_path / "cache", quiet)
    for release in ("6.1.1-amd64", "7.2.3-amd64"):
        kernel_files(tmp_path, release, "lib", True)
    with pytest.raises(
        debian_kernels.KmapbenchError, match="several kernels .6.1.1-amd64, 7.2.3-amd64"
    ):
        debian_kernels.fetch(str(tmp_path), tmp_path / "cache", quiet)


def test_a_header_makefile_is_moved_once():
    text = "KBUILD_OUTPUT=/usr/src/a\ninclude /usr/src/b/Makefile\n"
    moved = "KBUILD_OUTPUT=/x/usr/src/a\ninclude /x/usr/src/b/Makefile\n"
    assert (
        kernel_tree.relocated(text, Path("/x")) == moved == kernel_tree.relocated(moved, Path("/x"))
    )


@pytest.mark.all
@pytest.mark.parametrize("series", ["6.1", "6.12", "7.2", "7.3", "6.12-rt"])
def test_the_module_builds_without_a_warning(series, cache, tmp_path):
    """Of a compiler or of objtool; make's own remarks on versions of tools are none."""
    try:
        kernel = debian_kernels.fetch(series, cache, quiet)
    except debian_kernels.KmapbenchError as error:
        pytest.skip(str(error))
    assert debian_kernels.series_of(kernel.release) == series
    assert ("CONFIG_PREEMPT_RT=y" in kernel.config.read_text()) is series.endswith("-rt")
    built = module_build.build(kernel, MODULE_SOURCE, tmp_path, quiet)
    log = (built.parent.parent / f"{built.parent.name}.log").read_text()
    assert "LD [M]" in log  # it is the build's log
    assert re.findall(r".*: warning: .*", log) == []
