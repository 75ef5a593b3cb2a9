# SPDX-License-Identifier: Apache-2.0
"""fio's JSON output as totals over all its jobs and directions. Pure."""

import json
from dataclasses import dataclass

from lab.core.errors import KmapbenchError

# Whose fields are known; others may mean something else by the same names.
MAJOR_VERSION = "fio-3."
# Of the latencies, beside their mean.
_PERCENTILES = (50, 99)


@dataclass(frozen=True)
class Totals:
    """Of one run of fio."""

    ios: int
    bytes: int
    runtime_ms: int  # of the job that ran longest
    # mean over I/Os, from submission to completion; None: not measured (gtod_reduce)
    latency_ns: float | None
    # of the same, by the percentile (50, 99); empty: fio gave none, or several parts that have each
    # its own
    percentiles_ns: dict[int, float]


def read(text: str, name: str, block_bytes: int, jobs: int) -> Totals:
    """The totals; a KmapbenchError in one line where the output cannot be trusted. name: of the
    file, for the message.
    """
    try:
        value = json.loads(text)
        version, parts = value["fio version"], value["jobs"]
    except (ValueError, KeyError, TypeError):
        raise KmapbenchError(f"{name}: no JSON of fio: was it killed?") from None
    if not str(version).startswith(MAJOR_VERSION):
        raise KmapbenchError(
            f"{name}: written by {version}, and {MAJOR_VERSION}x is read: use that version"
        )
    try:
        directions = [part[way] for part in parts for way in ("read", "write")]
        errors = [part["error"] for part in parts if part["error"]]
        ran = [sum(part[way]["total_ios"] for way in ("read", "write")) for part in parts]
        short = sum(way["short_ios"] + way["drop_ios"] for way in directions)
        ios, moved = sum(ran), sum(way["io_bytes"] for way in directions)
        runtime_ms = max(part["job_runtime"] for part in parts)
        measured = [way["clat_ns"] for way in directions if way["clat_ns"]["N"]]
        timed = sum(one["N"] for one in measured)
        latency = sum(one["mean"] * one["N"] for one in measured) / timed if timed else None
        percentiles = _percentiles(measured[0]) if len(measured) == 1 else {}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KmapbenchError(f"{name}: a field is missing or wrong: {error}") from None
    if errors:
        raise KmapbenchError(f"{name}: fio met error {errors[0]}")
    if len(parts) != jobs or not all(ran):
        raise KmapbenchError(f"{name}: {sum(map(bool, ran))} of {jobs} jobs did I/O")
    if short or moved != ios * block_bytes:
        raise KmapbenchError(
            f"{name}: {moved} bytes by {ios} I/Os of {block_bytes} bytes, {short} of them short"
        )
    return Totals(ios, moved, runtime_ms, latency, percentiles)


def _percentiles(latencies: dict) -> dict[int, float]:
    """fio names them as 99.000000."""
    listed = {float(name): value for name, value in latencies.get("percentile", {}).items()}
    return {percent: listed[percent] for percent in _PERCENTILES if percent in listed}
