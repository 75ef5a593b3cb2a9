# SPDX-License-Identifier: Apache-2.0
"""What version 5.3 of KCIDB's format asks of checkouts, builds and tests, as a JSON Schema of ours.

The format's own schema is a part of kcidb-io (GPL-2.0-or-later, on PyPI alone), and is not copied
here. Names of fields, which of them are needed, and how values look are facts of that version.
"""

_TEXT = {"type": "string", "pattern": "^[^\\0]*$"}
_ORIGIN = {"type": "string", "pattern": "^[a-z0-9_]+$"}
_ID = {"type": "string", "pattern": "^[a-z0-9_]+:[^\\0]*$"}
_TIME = {"type": "string", "format": "date-time"}
_STATUS = {"enum": ["FAIL", "ERROR", "MISS", "PASS", "DONE", "SKIP"]}
_EXCERPT = _TEXT | {"maxLength": 16384}


def _object(required: list[str], **properties: dict) -> dict:
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


_COMMON = {
    "id": _ID,
    "origin": _ORIGIN,
    "comment": _TEXT,
    "start_time": _TIME,
    "misc": {"type": "object"},
    "log_excerpt": _EXCERPT,
}
_CHECKOUT = _object(
    ["id", "origin"],
    **_COMMON,
    git_commit_hash={"type": "string", "pattern": "^[0-9a-f]{40}$"},
    patchset_hash={"type": "string", "pattern": "^$|^[0-9a-f]{64}$"},
    valid={"type": "boolean"},
)
_BUILD = _object(
    ["id", "origin", "checkout_id"],
    **_COMMON,
    checkout_id=_ID,
    architecture={"type": "string", "pattern": "^[a-z0-9_]*$"},
    compiler=_TEXT,
    config_name=_TEXT,
    status=_STATUS,
)
_TEST = _object(
    ["id", "origin", "build_id"],
    **_COMMON,
    build_id=_ID,
    environment=_object([], comment=_TEXT, misc={"type": "object"}),
    path={"type": "string", "pattern": r"^([a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*)?$"},
    status=_STATUS,
    number=_object(["value"], value={"type": "number"}, unit=_TEXT),
)
SCHEMA = _object(
    ["version"],
    version=_object(["major"], major={"const": 5}, minor={"type": "integer", "maximum": 3}),
    checkouts={"type": "array", "items": _CHECKOUT},
    builds={"type": "array", "items": _BUILD},
    tests={"type": "array", "items": _TEST},
)
