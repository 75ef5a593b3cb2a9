# SPDX-License-Identifier: Apache-2.0
"""The two kernels of a gate, as rows of a table of variants, and what is said of each.

A kernel that is built is a row of its own, called by its content, so that a commit that was HEAD
once and is BASE now is not built again. Standard library only.
"""

import argparse
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from formats.gate_files import BASE, HEAD
from lab.core.errors import KmapbenchError
from lab.kernels import bases, built_kernel, git_tree, image_check, variant_table, variants
from lab.kernels.variant import Variant

Row = dict[str, Any]
Side = dict[str, Any]  # of gate.json

# So much of the name of a content is enough for the name of a kernel.
_LETTERS = 12


def describe_sides(arguments: argparse.Namespace) -> dict[str, Side]:
    """What BASE and HEAD are: of a tree the commits, else where they are built. A KmapbenchError
    where one of them is nothing.
    """
    if not arguments.tree:
        return {
            BASE: _built("BASE", arguments.base),
            HEAD: _built("HEAD", arguments.head),
        }
    tree = _absolute(arguments.tree)
    head = _commit(tree, "HEAD", arguments.head or arguments.base)
    return {
        BASE: _commit(tree, "BASE", arguments.base),
        HEAD: head | (_patched(arguments.patches) if arguments.patches else {}),
    }


def are_same(sides: Mapping[str, Side]) -> bool:
    """Whether both are the same content, or the same built kernel."""
    names = ("content", "patchset", "built")
    return all(sides[BASE].get(name) == sides[HEAD].get(name) for name in names)


def rows_of(arguments: argparse.Namespace, sides: Mapping[str, Side]) -> dict[str, Row]:
    """The rows of both kernels. Files are named from the root, as the table lies elsewhere."""
    booted = {} if arguments.cmdline is None else {"cmdline": arguments.cmdline}
    rows: dict[str, Row] = {}
    for name, side in sides.items():
        row: Row
        if "built" in side:
            row = {"built": side["built"]}
        else:
            kernel = f"gate-{side['content'][:_LETTERS]}{'-patched' if 'patchset' in side else ''}"
            rows.setdefault(kernel, _build(arguments, side))
            row = {"image": kernel}
        rows[name] = row | {"what": f"{name.upper()} of a gate"} | booted
    return rows


def variants_of(table: Path, rows: Mapping[str, Row]) -> list[Variant]:
    """BASE and HEAD as variants of a table that need not be written yet. A KmapbenchError has the
    option.
    """
    ours = variants.load()
    try:
        known = variant_table.from_rows(table, rows, bases.find(None), ours)
        chosen = [known[BASE], known[HEAD]]
        for variant in chosen:
            if variant.image:
                image_check.check(variant.image)
    except KmapbenchError as error:
        raise KmapbenchError(_in_options(table, str(error))) from None
    return chosen


def without_table(table: Path, message: str) -> str:
    """What ended a build, without the row of the gate's own table in front."""
    return re.sub(rf"^{re.escape(str(table))}: variants\.[^.:]+(\.\w+)?: ", "", message)


def _in_options(table: Path, message: str) -> str:
    """A key of the table is an option of the same name."""
    return re.sub(rf"^{re.escape(str(table))}: variants\.[^.:]+\.(\w+): ", r"--\1: ", message)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _built(word: str, text: str) -> Side:
    path = _absolute(Path(text))
    try:
        if not path.exists():
            raise KmapbenchError("no such file or folder; of a commit, give --tree DIR")
        built_kernel.check(path)
    except KmapbenchError as error:
        raise KmapbenchError(f"{word} {text}: {error}") from None
    return {"said": text, "built": str(path.resolve())}


def _commit(tree: Path, word: str, text: str) -> Side:
    found = git_tree.find_commit(tree, word, text)
    side = {
        "said": text,
        "commit": git_tree.commit_of(tree, found),
        "content": git_tree.content(tree, found),
    }
    if found == git_tree.WORK:
        return side | {"subject": "what lies in the tree", "work": True}
    subject = git_tree.subject(tree, found)
    return side | {"subject": subject.encode(errors="replace").decode()}


def _patched(given: Path) -> Side:
    """The patches of HEAD, and their hash as KCIDB forms it."""
    path = _absolute(given)
    files = sorted(path.glob("*.patch")) if path.is_dir() else [path]
    if not files or not path.exists():
        raise KmapbenchError(f"--patches {given}: no *.patch there, and no mailbox")
    hashes = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    together = "".join(f"{one}\n" for one in hashes)
    return {
        "patches": [file.name for file in files],
        "patchset": hashlib.sha256(together.encode()).hexdigest(),
    }


def _build(arguments: argparse.Namespace, side: Side) -> Row:
    row = {
        "tree": str(_absolute(arguments.tree)),
        "commit": git_tree.WORK if side.get("work") else side["commit"],
    }
    if arguments.config:
        row["config"] = _config(arguments.config)
    if arguments.toolchain:
        row["toolchain"] = arguments.toolchain
    if "patchset" in side:
        row["patches"] = str(_absolute(arguments.patches))
    return row


def _config(text: str) -> str:
    """A configuration, with files in it named from the root."""
    words = [text] if Path(text).expanduser().is_file() else text.split("+")
    files = (_absolute(Path(word)) for word in words)
    return "+".join(str(file) if file.is_file() else word for word, file in zip(words, files))
