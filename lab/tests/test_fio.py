# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from lab.core.errors import KmapbenchError
from lab.workloads.fio import fio_output


def way(ios: int = 0, mean: float = 0.0, block: int = 4096, **changes) -> dict:
    return {
        "total_ios": ios,
        "io_bytes": ios * block,
        "short_ios": 0,
        "drop_ios": 0,
        "clat_ns": {"mean": mean, "N": ios},
    } | changes


def output(*parts: dict, version: str = "fio-3.33") -> str:
    return json.dumps({"fio version": version, "jobs": list(parts)})


def part(read: dict, write: dict | None = None, runtime_ms: int = 50, error: int = 0) -> dict:
    return {"read": read, "write": write or way(), "job_runtime": runtime_ms, "error": error}


def test_all_jobs_and_both_directions_are_in_the_totals():
    text = output(
        part(way(100, 10.0), way(300, 20.0), 50), part(way(400, 40.0), way(200, 10.0), 51)
    )
    totals = fio_output.read(text, "a.json", 4096, 2)
    assert (totals.ios, totals.bytes, totals.runtime_ms) == (1000, 4096000, 51)
    assert totals.latency_ns == pytest.approx((1000 + 6000 + 16000 + 2000) / 1000)


def test_without_latencies_there_is_none():
    untimed = way(100, clat_ns={"mean": 0.0, "N": 0})
    assert fio_output.read(output(part(untimed)), "a.json", 4096, 1).latency_ns is None


LISTED = {"1.000000": 7, "50.000000": 11, "99.000000": 40, "99.900000": 90}


@pytest.mark.parametrize(
    ("parts", "percentiles"),
    [
        ([part(way(10, clat_ns={"mean": 12.0, "N": 10, "percentile": LISTED}))], {50: 11, 99: 40}),
        # each part has its own, which give none of all
        ([part(way(10, clat_ns={"mean": 12.0, "N": 10, "percentile": LISTED}), way(10, 9.0))], {}),
        ([part(way(10, 12.0))], {}),
        ([part(way(10, clat_ns={"mean": 12.0, "N": 10, "percentile": {"50.0": 11}}))], {50: 11}),
    ],
)
def test_percentiles_are_those_of_one_direction(parts, percentiles):
    assert fio_output.read(output(*parts), "a.json", 4096, 1).percentiles_ns == percentiles


@pytest.mark.parametrize("listed", [[1, 2], {"median": 3}])
def test_percentiles_of_another_form_are_refused(listed):
    text = output(part(way(10, clat_ns={"mean": 12.0, "N": 10, "percentile": listed})))
    with pytest.raises(KmapbenchError, match="field is missing or wrong"):
        fio_output.read(text, "a.json", 4096, 1)


@pytest.mark.parametrize(
    "text, said",
    [
        (output(part(way(10)))[:-9], "no JSON of fio"),
        ("[]", "no JSON of fio"),
        (output(part(way(10)), version="fio-4.1"), "written by fio-4.1"),
        (output(part(way(10), error=5)), "error 5"),
        (output(part(way(10)), part(way(0))), "1 of 2 jobs did I/O"),
        (output(part(way(10))), "1 of 2 jobs did I/O"),
        (output(part(way(10, io_bytes=40959)), part(way(10))), "81919 bytes by 20 I/Os"),
        (output(part(way(10, short_ios=1)), part(way(10))), "1 of them short"),
        (output({"read": {}, "write": {}, "error": 0}), "field is missing or wrong"),
    ],
)
def test_output_that_cannot_be_trusted_is_one_line_naming_the_file(text, said):
    with pytest.raises(KmapbenchError, match=said) as caught:
        fio_output.read(text, "a.json", 4096, 2)
    assert str(caught.value).startswith("a.json: ") and "\n" not in str(caught.value)
