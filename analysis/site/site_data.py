# SPDX-License-Identifier: Apache-2.0
"""Data of a site as script files: a page that was opened from a disk may fetch nothing else."""

import hashlib
import json
import re
from typing import Any

_BEGIN, _END = "kmapbench.add(", ");\n"
# Letters of a hash that names a file.
_LETTERS = 16
# Letters of a name that are kept for people; the hash behind them tells names apart.
_KEPT = 60


def encode_json(value: Any) -> str:
    """JSON in ASCII, the same for the same value. Names are never keys: they may be anything."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_value(value: Any) -> str:
    """A short hash of a JSON value."""
    return hashlib.sha256(encode_json(value).encode()).hexdigest()[:_LETTERS]


def file_name(text: str) -> str:
    """A name of a file for any text: two texts have two, also where case of letters is lost."""
    kept = re.sub(r"[^a-z0-9.]+", "_", text.lower())[:_KEPT].strip("._")
    hashed = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{kept or 'case'}-{hashed}"


def shard_path(name: str) -> str:
    """Where the data of this name is, in the folder of the site."""
    return f"data/{name}.js"


def encode_shard(name: str, value: Any) -> bytes:
    """A script file that hands a value to the page that asked for it."""
    return f"{_BEGIN}{encode_json(name)},{encode_json(value)}{_END}".encode()


def decode_shard(name: str, content: bytes) -> Any:
    """The value in a script file that encode_shard made."""
    begin = f"{_BEGIN}{encode_json(name)},"
    text = content.decode()
    return json.loads(text[len(begin) : -len(_END)])
