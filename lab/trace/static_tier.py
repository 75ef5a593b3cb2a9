# SPDX-License-Identifier: Apache-2.0
"""What the path takes under a configuration, without a kernel: its headers are prepared, two
objects of the module are compiled, and objdump counts.

That holds for bodies that are straight lines. Where there is another way through one, only a boot
says which is taken.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.core.dirs import MODULE_SOURCE
from lab.core.errors import CommandFailed
from lab.kernels import kconfig
from lab.kernels.kbuild import Make
from lab.kernels.source_checkout import BuildFault
from lab.trace import straight_line, symbols

# Case -> its body in _PATH.
BODIES = {
    "kernel/kmap_local/dram": "kb_body_kernel_kmap_local_none",
    "kernel/kmap_local_folio/dram": "kb_body_kernel_kmap_local_folio_none",
    "kernel/kmap_atomic/dram": "kb_body_kernel_kmap_atomic_none",
    "kernel/kmap/dram": "kb_body_kernel_kmap_none",
}
_PATH, _CASES = "kernel_path.o", "cases.o"
_ELF = b"\x7fELF"


@dataclass(frozen=True)
class Count:
    """Instructions of an operation, or why the code alone does not say."""

    cost: int | None
    why: str = ""


class StaticTier:
    """A prepared source in which one configuration after another is made."""

    def __init__(self, source: Path, make: Make):
        """source, make: as source_build.open_source() gives them."""
        self._make = make
        self._build = source / "build"
        self._out = source.parent / "module"
        self._out.mkdir()
        for file in MODULE_SOURCE.iterdir():
            if file.suffix in (".c", ".h") or file.name == "Kbuild":
                (self._out / file.name).symlink_to(file)
        self.base = self._config.read_text()

    @property
    def _config(self) -> Path:
        return self._build / ".config"

    def configure(self, lines: Sequence[str]) -> str:
        """Makes the configuration that is the base with these lines, and returns it; a BuildFault
        where one of them does not hold.
        """
        self._make.log.unlink(missing_ok=True)  # an error is of this configuration
        wanted = kconfig.parse("\n".join(lines))
        if wanted and not kconfig.broken([("the list", "\n".join(lines))], self.base):
            raise BuildFault("set", "it is so in the base, too")
        kept = [
            line
            for line in self.base.splitlines()
            if not kconfig.parse(line).keys() & wanted.keys()
        ]
        self._config.write_text("\n".join([*kept, *lines, ""]))
        self._make("olddefconfig")
        text = self._config.read_text()
        for broken in kconfig.broken([("the list", "\n".join(lines))], text):
            raise BuildFault("set", f"it cannot be had on this base: {broken}")
        return text

    def count(self) -> dict[str, Count]:
        """The cases of BODIES under the configuration that was made last."""
        self._compile()
        path = self._out / _PATH
        if not path.read_bytes().startswith(_ELF):
            raise BuildFault("set", "its objects are no machine code, as with LTO: link it to see")
        empty = straight_line.loop_of(
            straight_line.disassemble(self._out / _CASES, straight_line.EMPTY)
        )
        why = empty.first_branch() if empty else "it is no loop"
        if empty is None or why:
            raise BuildFault("set", f"the empty loop is no straight line: {why}")
        rewritten, nops = straight_line.rewritten(path), straight_line.nops(path)
        return {
            case: _count(path, body, len(empty), rewritten, nops) for case, body in BODIES.items()
        }

    def _compile(self) -> None:
        try:
            self._make("modules_prepare")
            self._make(f"M={self._out}", _PATH, _CASES)
        except CommandFailed as error:
            text = str(error).replace(f"{self._out}/", "").replace(f"{self._build}/", "")
            raise BuildFault("set", text) from None

    def functions(self, case: str) -> dict[tuple[str, ...], int]:
        """Instructions of a round of a case that was counted, the loop's own included, by the
        functions that they were inlined from.
        """
        path = self._out / _PATH
        loop = straight_line.loop_of(straight_line.disassemble(path, BODIES[case]))
        places = [address for address, _ in loop.code] if loop else []
        return Counter(symbols.inlined_chains(path, ".text", places))


def _count(path: Path, body: str, empty: int, rewritten: set[int], nops: set[int]) -> Count:
    loop = straight_line.loop_of(straight_line.disassemble(path, body))
    if loop is None:
        return Count(None, "it has no loop")
    why = loop.first_branch(rewritten, nops)
    return Count(None, why) if why else Count(len(loop) - empty)


def moved(base: str, text: str, asked: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Symbols that are not what they are in the base and were not asked for: old and new value."""
    before, after = kconfig.parse(base), kconfig.parse(text)
    left_out = kconfig.parse("\n".join(asked)).keys()
    return {
        symbol: (_value(before, symbol), _value(after, symbol))
        for symbol in sorted({*before, *after} - left_out)
        if _value(before, symbol) != _value(after, symbol) and not kconfig.is_of_toolchain(symbol)
    }


def _value(values: Mapping[str, str], symbol: str) -> str:
    return values.get(symbol, kconfig.UNSET)
