# SPDX-License-Identifier: Apache-2.0
"""A kernel tree in which the path is as long as the configuration says; compiler and objdump are
real.
"""

import re
import subprocess
from pathlib import Path

from lab.core.errors import CommandFailed
from lab.trace.static_tier import BODIES

BASE_CONFIG = "CONFIG_LONG=0\n# CONFIG_CALLS is not set\n# CONFIG_PATCHED is not set\nCONFIG_B=y\n"

BODY = """
    .globl {name}
    .type {name}, @function
{name}:
    endbr64
{name}_head:
    {step}
    sub $1, %rbx
    jne {name}_head
    ret
    .size {name}, . - {name}
"""


class FakeMake:
    """As make in a kernel tree: olddefconfig knows four symbols, and the path's loop is as long as
    the configuration and a file `extra` of the source say.
    """

    def __init__(self, source: Path):
        self.extra = source / "extra"
        self.config = source / "build" / ".config"
        self.config.parent.mkdir(parents=True)
        self.config.write_text(BASE_CONFIG)
        self.log = source.parent / "log"
        self.log.write_text("1.c:1: error: of what was before\n")
        self.prepared = 0

    def __call__(self, *targets: str) -> None:
        values = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", self.config.read_text(), re.MULTILINE))
        if targets == ("olddefconfig",):
            if "CONFIG_LONG" in values and values["CONFIG_LONG"] != "0":
                values["CONFIG_B"] = "n"  # goes with it
            lines = ['CONFIG_CC_VERSION_TEXT="gcc"']
            for symbol in ("CONFIG_LONG", "CONFIG_CALLS", "CONFIG_PATCHED", "CONFIG_B"):
                value = values.get(symbol, "n")
                lines.append(f"# {symbol} is not set" if value == "n" else f"{symbol}={value}")
            self.config.write_text("\n".join(lines) + "\n")
        elif targets == ("modules_prepare",):
            self.prepared += 1
            if values.get("CONFIG_LONG") == "7":
                assert not self.log.exists()  # else an old error would be told
                raise CommandFailed("include/broken.h:7: error: no")
        else:
            module, *objects = targets
            self._compile(Path(module.removeprefix("M=")), values, objects)

    def _compile(self, out: Path, values: dict, objects) -> None:
        extra = int(self.extra.read_text()) if self.extra.exists() else 0
        step = "add $1, %rax\n" * (5 + int(values["CONFIG_LONG"]) + extra)
        if values.get("CONFIG_CALLS") == "y":
            step += "call elsewhere\n"
        place = "patched: nop\n" if values.get("CONFIG_PATCHED") == "y" else ""
        bodies = {name: step for name in BODIES.values()}
        bodies["kb_body_kernel_kmap_none"] += place
        table = '.section .altinstructions, "a"\n.long patched - .\n' if place else ""
        texts = {"kernel_path.o": bodies, "cases.o": {"kb_body_empty": ""}}
        for name in objects:
            code = "".join(BODY.format(name=one, step=how) for one, how in texts[name].items())
            assembly = ".text\n" + code + (table if name == "kernel_path.o" else "")
            (out / f"{name}.s").write_text(assembly)
            subprocess.run(["gcc", "-c", f"{name}.s", "-o", name], cwd=out, check=True)
