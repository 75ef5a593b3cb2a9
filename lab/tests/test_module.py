# SPDX-License-Identifier: Apache-2.0
"""Which compiler a module is built by."""

import pytest

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.kernels import module_build

DEBIAN_13 = "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"
FEDORA = "gcc (GCC) 15.2.1 20250924 (Red Hat 15.2.1-2)"
CLANG = "Debian clang version 19.1.7 (3+b1)"


# As make writes its configuration, and as it does for itself, which is all that the headers of a
# kernel built here have.
CONFIGS = {
    ".config": 'CONFIG_CC_VERSION_TEXT="{}"\n',
    "include/config/auto.conf": "CONFIG_CC_VERSION_TEXT={}\n",
}


@pytest.mark.parametrize("config", CONFIGS)
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
    tmp_path, monkeypatch, built_by, there, options, config
):
    kind = "CONFIG_CC_IS_CLANG=y\n" if "clang" in built_by else "CONFIG_CC_IS_GCC=y\n"
    (tmp_path / config).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / config).write_text(kind + CONFIGS[config].format(built_by) if built_by else "")
    monkeypatch.setattr(subprocesses, "has", there.__contains__)
    if isinstance(options, list):
        assert module_build.compiler(tmp_path) == options
    else:
        with pytest.raises(KmapbenchError, match=options):
            module_build.compiler(tmp_path)


def test_a_module_is_told_apart_by_source_and_by_compiler_whatever_that_is_called(
    tmp_path, monkeypatch
):
    said = {
        "x86_64-linux-gnu-gcc-12": "x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0\n",
        "gcc": "gcc (Debian 12.2.0-14) 12.2.0\n",
        "gcc-13": "gcc-13 (Debian 13.3.0-13) 13.3.0\n",
        "clang-19": "Debian clang version 19.1.7\n",
        "ld.lld-19": "",
    }
    monkeypatch.setattr(subprocesses, "has", said.__contains__)
    monkeypatch.setattr(subprocesses, "output", lambda words: said[words[0]])
    source = tmp_path / "source"
    source.mkdir()
    (source / "kernel_path.c").write_text("")

    def described(built_by: str) -> dict[str, str]:
        kind = "CLANG" if "clang" in built_by else "GCC"
        headers = tmp_path / "headers"
        headers.mkdir(exist_ok=True)
        text = f'CONFIG_CC_IS_{kind}=y\nCONFIG_CC_VERSION_TEXT="{built_by}"\n'
        (headers / ".config").write_text(text)
        return module_build.describe(headers, source)

    gcc = described("gcc (Debian 12.2.0-14) 12.2.0")
    assert described("x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0") == gcc
    assert gcc["module_compiler"] == "gcc (Debian 12.2.0-14) 12.2.0"
    other = described("gcc-13 (Debian 13.3.0-13) 13.3.0")
    assert other == gcc | {"module_compiler": "gcc (Debian 13.3.0-13) 13.3.0"}
    clang = described("Debian clang version 19.1.7")
    assert clang == gcc | {"module_compiler": "Debian clang version 19.1.7"}
    (source / "kernel_path.mod.c").write_text("generated")
    assert described("gcc (Debian 12.2.0-14) 12.2.0") == gcc
    (source / "kernel_path.c").write_text("nop")
    assert described("gcc (Debian 12.2.0-14) 12.2.0")["module_source"] != gcc["module_source"]
