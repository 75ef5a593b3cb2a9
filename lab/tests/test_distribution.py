# SPDX-License-Identifier: Apache-2.0
"""The distribution's kernels: which there are, and that the module is at home on each."""

import re

import pytest

from lab import distribution, module, tools
from lab.errors import CommandFailed
from lab.paths import MODULE_SOURCE
from lab.tests.conftest import quiet


@pytest.fixture
def offered(monkeypatch):
    """Package sources of a test's own: package -> what it depends on."""

    def set_offered(depends: dict[str, list[str]]) -> None:
        def output(command) -> str:
            package = command[-1]
            if package not in depends and not any(package in names for names in depends.values()):
                raise CommandFailed(package)
            if "policy" in command:
                return f"{package}:\n  Installed: (none)\n  Candidate: 1-1\n"
            return "".join(f"  Depends: {name}\n" for name in depends.get(package, []))

        monkeypatch.setattr(tools, "output", output)

    return set_offered


OFFERED = {
    "linux-image-amd64": ["linux-image-6.1.0-9-amd64"],
    "linux-headers-amd64": ["linux-headers-6.1.0-9-amd64"],
    "linux-headers-6.1.0-9-amd64": ["linux-headers-6.1.0-9-common", "linux-kbuild-6.1"],
    "linux-image-rt-amd64": ["linux-image-6.1.0-9-rt-amd64"],
    "linux-headers-rt-amd64": ["linux-headers-6.1.0-9-rt-amd64"],
    "linux-image-6.12-amd64": ["linux-image-6.12.7-amd64"],
    "linux-headers-6.12-amd64": ["linux-headers-6.12.7-amd64"],
    "linux-headers-6.12.7-amd64": ["linux-headers-6.12.7-common", "linux-kbuild-6.12.7"],
    "linux-image-6.12-rt-amd64": ["linux-image-6.12.7-rt-amd64"],
    "linux-headers-6.12-rt-amd64": ["linux-headers-6.12.7-rt-amd64"],
    "linux-headers-6.12.7-rt-amd64": ["linux-headers-6.12.7-common-rt", "linux-kbuild-6.12.7"],
}


@pytest.mark.parametrize(
    ("series", "packages"),
    [
        (None, ["linux-image-6.12.7-amd64", "linux-headers-6.12.7-amd64", "linux-headers-6.12.7-common", "linux-kbuild-6.12.7"]),
        ("6.1", ["linux-image-6.1.0-9-amd64", "linux-headers-6.1.0-9-amd64", "linux-headers-6.1.0-9-common", "linux-kbuild-6.1"]),
        ("6.12-rt", ["linux-image-6.12.7-rt-amd64", "linux-headers-6.12.7-rt-amd64", "linux-headers-6.12.7-common-rt", "linux-kbuild-6.12.7"]),
    ],
)
def test_a_series_is_its_image_and_all_its_headers(offered, series, packages):
    offered(OFFERED)
    assert list(distribution.resolve(series)) == packages


def test_an_rt_kernel_of_another_series_is_not_taken(offered):
    """Where a release's plain rt package is of 6.1, 6.12-rt is not offered."""
    offered({name: names for name, names in OFFERED.items() if "6.12-rt" not in name})
    with pytest.raises(distribution.KmapbenchError, match="no Linux 6.12-rt"):
        distribution.resolve("6.12-rt")


@pytest.mark.all
@pytest.mark.parametrize("series", distribution.SERIES + distribution.RT_SERIES)
def test_the_module_builds_without_a_warning(series, cache, tmp_path):
    kernel = distribution.fetch(series, cache, quiet)
    assert kernel.release.startswith(series.partition("-")[0])
    assert ("CONFIG_PREEMPT_RT=y" in kernel.config.read_text()) is (series in distribution.RT_SERIES)
    built = module.build(kernel, MODULE_SOURCE, tmp_path, quiet)
    log = (built.parent.parent / f"{built.parent.name}.log").read_text()
    assert "LD [M]" in log  # it is the build's log
    assert re.findall(r"(?i).*warning.*", log) == []
