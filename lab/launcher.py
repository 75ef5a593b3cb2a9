# SPDX-License-Identifier: Apache-2.0
"""From a machine with nothing but Python to one that can run the command: packages, the build, then
the command itself.

Options come first: whatever can be said of them is said before anything is installed or built.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from lab import cli, completion
from lab.core.dirs import build_dir, writable_build_dir
from lab.core.errors import KmapbenchError


def main() -> int:
    """The launcher's Python half."""
    return cli.guarded(lambda: _work(sys.argv[1:]))


def _work(arguments: Sequence[str]) -> int:
    os.environ.setdefault("KMAPBENCH_BUILD", str(writable_build_dir()))
    if completion.is_asked_for():
        completion.answer(cli.parser())
    parsed = cli.parse(arguments)
    if not getattr(parsed, "dry_run", False):
        _make_ready(parsed, arguments)
    return parsed.function(parsed)


def _make_ready(parsed: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Installs and builds what is missing; does not return where another Python has to go on."""
    from lab.core import requirements
    from lab.setup import cpp_build, interpreter, packages

    wanted = requirements.needs(parsed.groups(parsed), requirements.distribution())
    modules = [need.name for need in wanted if need.kind == "modules"]
    lacking = requirements.missing(wanted, interpreter.has_module(wanted))
    if lacking:
        packages.provide(lacking, may_install=not getattr(parsed, "no_install", False))
        if left := requirements.missing(wanted, interpreter.has_module(wanted)):
            names = ", ".join(need.name for need in left)
            raise KmapbenchError(
                f"still missing after the install: {names}; is it in a folder that is not searched?"
            )
    python = interpreter.choose(modules)
    if python is None:
        raise KmapbenchError(f"no python3 of 3.11 or later has all of: {' '.join(modules)}")
    if python != sys.executable:
        os.execv(python, [python, "-P", "-m", "lab.launcher", *arguments])
    if parsed.is_built(parsed):
        cpp_build.build(build_dir())
        if parsed.command == "run":
            parsed.check(parsed)  # now that the lists of cases are there


if __name__ == "__main__":
    sys.exit(main())
