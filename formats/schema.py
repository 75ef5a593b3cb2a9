# SPDX-License-Identifier: Apache-2.0
"""The JSON schemas of the files of campaigns and predictions, in results/schema/."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "results" / "schema"
NAMES = ("campaign", "environment", "gate", "path", "prediction", "record")


@cache
def load(name: str) -> dict[str, Any]:
    """The schema of that name, one of NAMES."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text())
    return schema
