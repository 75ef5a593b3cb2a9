# SPDX-License-Identifier: Apache-2.0
"""What comes out of a guest (or of kmap_bench here): JSON lines, records and events. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Line:
    """One whole line: a record or an event."""

    record: dict[str, Any] | None = None
    event: dict[str, Any] | None = None


@dataclass
class Parser:
    """Takes bytes as they come, gives back whole lines; what is torn stays in rest."""

    rest: bytes = b""
    broken: list[str] = field(default_factory=list)  # lines that are no JSON object of ours

    def feed(self, data: bytes) -> list[Line]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line for line in map(self._parse, lines) if line]

    def _parse(self, raw: bytes) -> Line | None:
        try:
            value = json.loads(raw)
        except ValueError:
            value = None
        if isinstance(value, dict) and "case" in value:
            return Line(record=value)
        if isinstance(value, dict) and "event" in value:
            return Line(event=value)
        self.broken.append(raw[:200].decode(errors="replace"))
        return None
