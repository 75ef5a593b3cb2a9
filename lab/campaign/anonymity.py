# SPDX-License-Identifier: Apache-2.0
"""What a campaign may show of the machine that measures: all, or nothing that names it."""

from functools import cache
from pathlib import Path
from typing import Any

from formats import known_names, private_names
from lab.campaign import safe_files
from lab.core.errors import KmapbenchError

# Files of a boot that are text of others, and that no JSON of ours passes through.
_TEXTS = ("console.log", "dax/*.json", "crash/*")


@cache
def own_names() -> dict[str, str]:
    """Names of this machine and its user, each with its kind."""
    return known_names.machine_names()


class Anonymity:
    """Hides names, where that was asked for."""

    def __init__(self, header: dict[str, Any]):
        self.is_asked = bool(header["asked"].get("anonymize"))

    def value(self, value: dict[str, Any]) -> dict[str, Any]:
        """A JSON object as it may be shown."""
        if not self.is_asked:
            return value
        hidden: dict[str, Any] = private_names.hide_in_json(value, own_names())
        return hidden

    def text(self, text: str) -> str:
        """A text as it may be shown."""
        return private_names.hide_names(text, own_names()) if self.is_asked else text

    def data(self, data: bytes) -> bytes:
        """The bytes of a text file as they may be shown."""
        text = data.decode(errors="replace")
        shown = self.text(text)
        return data if shown == text else shown.encode()

    def hide_in_files(self, boot: Path) -> None:
        """Hides names in the files of a boot's folder that others have written."""
        found = [path for name in _TEXTS for path in boot.glob(name) if path.is_file()]
        for path in found if self.is_asked else ():
            data = path.read_bytes()
            if (shown := self.data(data)) != data:
                safe_files.write_bytes(path, shown)

    def hide_in_plan(self, plan: Path) -> None:
        """Hides names in a plan file, which cannot be gone on with after that."""
        if self.is_asked and plan.is_file():
            shown = private_names.hide_in_plan(plan.read_text(), own_names())
            safe_files.write_bytes(plan, shown.encode())

    def check_variants(self, header: dict[str, Any]) -> None:
        """A KmapbenchError where a variant is called by a name that is to be hidden."""
        for name in header["variants"] if self.is_asked else ():
            if list(private_names.find_names(name, own_names())):
                raise KmapbenchError(
                    f"{name}: a variant of this name says whose machine it was, and --anonymize was"
                    " given: choose another name (--label NAME, --variants NAME=DIR)"
                )
