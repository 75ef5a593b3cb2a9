# SPDX-License-Identifier: Apache-2.0
"""Values checked against the schemas of a campaign's files."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from formats import schema
from lab.core.errors import KmapbenchError

_COUNTS = {"type": "integer", "minimum": 0}


@cache
def _validator(name: str) -> Any:
    """A jsonschema.Validator. Imported here, since reading a campaign works without it."""
    import jsonschema

    draft = jsonschema.Draft202012Validator

    def items(validator: Any, items: Any, instance: Any, schema: Any) -> Iterator[Any]:
        """The draft's own check, but for an array of counts, which holds thousands: a call for each
        would take seconds of a run.
        """
        if (
            items == _COUNTS
            and isinstance(instance, list)
            and all(type(value) is int and value >= 0 for value in instance)
        ):
            return
        yield from draft.VALIDATORS["items"](validator, items, instance, schema)

    return jsonschema.validators.extend(draft, {"items": items})(schema.load(name))


def validate(name: str, value: dict[str, Any]) -> None:
    """Checks a value against results/schema/NAME.schema.json."""
    from jsonschema import exceptions

    error = exceptions.best_match(_validator(name).iter_errors(value))
    if error:
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        raise KmapbenchError(f"{name}: {where}: {error.message[:200]}")
