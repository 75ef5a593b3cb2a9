# SPDX-License-Identifier: Apache-2.0
"""The compilers that a kernel can be built by: what make is told, and which programs that takes."""

from lab.core import subprocesses
from lab.core.errors import KmapbenchError


def variables(toolchain: str) -> dict[str, str]:
    """Variables of make for a toolchain, by way of ccache: gcc-14, llvm, llvm-19; "": gcc."""
    kind, dash, version = toolchain.partition("-")
    if kind == "llvm":
        compiler = f"ccache clang{dash}{version}"
        return {"LLVM": f"-{version}" if version else "1", "CC": compiler, "HOSTCC": compiler}
    return {name: f"ccache {toolchain or 'gcc'}" for name in ("CC", "HOSTCC")}


def versions(toolchain: str) -> str:
    """What compiler and linker say of themselves, as far as the toolchain names them."""
    return "".join(
        subprocesses.output([program, "--version"]).splitlines()[0]
        for program, _ in _programs(toolchain)[:2]
    )


def check(toolchain: str) -> None:
    """A KmapbenchError names the first program that is missing, and its package. That of gcc is a
    matter of all kernel builds.
    """
    for program, package in _programs(toolchain) if toolchain else ():
        if not subprocesses.has(program):
            raise KmapbenchError(f"{program} is missing: install the package {package}")


def _programs(toolchain: str) -> list[tuple[str, str]]:
    """Programs and their packages (Debian's names), the compiler first."""
    kind, dash, version = toolchain.partition("-")
    suffix = f"{dash}{version}"
    if kind == "llvm":
        packages = {"clang": "clang", "ld.lld": "lld", "llvm-ar": "llvm"}
        return [(f"{name}{suffix}", f"{package}{suffix}") for name, package in packages.items()]
    return [(toolchain or "gcc", toolchain or "gcc")]
