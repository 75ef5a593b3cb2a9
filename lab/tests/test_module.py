# SPDX-License-Identifier: Apache-2.0
"""Which compiler a module is built by."""

import pytest

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.kernels import module_build

DEBIAN_13 = "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"
FEDORA = "gcc (GCC) 15.2.1 20250924 (Red Hat 15.2.1-2)"
CLANG = "Debian clang version 19.1.7 (3+b1)"


@pytest.mark.parametrize(
    ("built_by", "there", "options"),
    [
        (DEBIAN_13, {"x86_64-linux-gnu-gcc-14", "gcc-14", "gcc"}, ["CC=x86_64-linux-gnu-gcc-14"]),
        (DEBIAN_13, {"gcc-14", "gcc"}, ["CC=gcc-14"]),
        (DEBIAN_13, {"gcc-12", "gcc"}, ["CC=gcc"]),
        (FEDORA, {"gcc"}, ["CC=gcc"]),
        ("", {"gcc"}, ["CC=gcc"]),
        (CLANG, {"clang-19", "ld.lld-19", "clang", "ld.lld", "gcc"}, ["LLVM=-19"]),
        (CLANG, {"clang", "ld.lld", "gcc"}, ["LLVM=1"]),
        (CLANG, {"gcc", "clang"}, "install clang-19 and lld-19"),
        (DEBIAN_13, set(), "install the package gcc"),
    ],
)
def test_the_kernels_own_compiler_is_taken_where_it_is_there(
    tmp_path, monkeypatch, built_by, there, options
):
    kind = "CONFIG_CC_IS_CLANG=y\n" if "clang" in built_by else "CONFIG_CC_IS_GCC=y\n"
    (tmp_path / ".config").write_text(
        f'{kind}CONFIG_CC_VERSION_TEXT="{built_by}"\n' if built_by else ""
    )
    monkeypatch.setattr(subprocesses, "has", there.__contains__)
    if isinstance(options, list):
        assert module_build.compiler(tmp_path) == options
    else:
        with pytest.raises(KmapbenchError, match=options):
            module_build.compiler(tmp_path)
