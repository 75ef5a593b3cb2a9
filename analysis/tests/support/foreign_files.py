# SPDX-License-Identifier: Apache-2.0
"""Files as Google Benchmark and fio write them."""

import json
import random


def benchmark_file(
    path, level: float, repetitions: int = 5, seed: int = 1, unit: str = "ns", **context
):
    chooser = random.Random(seed)
    entries = [
        {
            "name": "BM_x/8",
            "run_name": "BM_x/8",
            "run_type": "iteration",
            "repetition_index": number,
            "real_time": level * chooser.gauss(1, 0.001),
            "cpu_time": level,
            "time_unit": unit,
            "bytes_per_second": 2e9 / level,
            "my_counter": 7,
        }
        for number in range(repetitions)
    ]
    entries.append(
        {
            "name": "BM_x/8_cv",
            "run_name": "BM_x/8",
            "run_type": "aggregate",
            "aggregate_name": "cv",
            "real_time": float("nan"),
            "time_unit": unit,
        }
    )
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "context": {
                    "date": str(seed),
                    "host_name": "h",
                    "num_cpus": 2,
                    "load_avg": [seed],
                }
                | context,
                "benchmarks": entries,
            }
        )
    )
    return path


def fio_file(path, latency: float = 6000.0, jobs: int = 2, direction: str = "read", **options):
    none = {"io_bytes": 0, "bw_bytes": 0, "iops": 0.0, "clat_ns": {"mean": 0.0, "N": 0}}
    moved = {
        "io_bytes": 1 << 20,
        "bw_bytes": 4096e9 / latency,
        "iops": 1e9 / latency,
        "clat_ns": {"mean": latency, "N": 256},
    }
    job = {
        "jobname": "dax",
        "error": 0,
        "job options": options,
        "read": none,
        "write": none,
        "trim": none,
    } | {direction: moved}
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "fio version": "fio-3.33",
                "timestamp": 1,
                "global options": {"bs": "4k"},
                "jobs": [job] * jobs,
            }
        )
    )
    return path


def benchmark(*entries: dict, **context) -> dict:
    """A document as Google Benchmark writes it."""
    return {
        "context": {
            "date": "2026-03-04T05:06:07+00:00",
            "num_cpus": 6,
            "mhz_per_cpu": 3100,
            "library_build_type": "release",
        }
        | context,
        "benchmarks": list(entries),
    }


def entry(name: str, time: float, **fields) -> dict:
    """A repetition as library 1.6 and later has it."""
    return {
        "name": name,
        "family_index": 0,
        "per_family_instance_index": 0,
        "run_name": name,
        "run_type": "iteration",
        "repetitions": 1,
        "repetition_index": 0,
        **early_entry(name, time),
    } | fields


def early_entry(name: str, time: float, **fields) -> dict:
    """The same before 1.5."""
    return {
        "name": name,
        "iterations": 1000,
        "real_time": time,
        "cpu_time": time,
        "time_unit": "ns",
    } | fields


def fio(latency: float = 9000.0, read: dict | None = None, job: dict | None = None, **top) -> dict:
    """A document as fio writes it, of one job that reads; with these fields of the direction, the
    job and the whole.
    """
    direction = {
        "io_bytes": 2048000,
        "bw_bytes": 455111110,
        "bw": 444444,
        "iops": 1e9 / latency,
        "total_ios": 500,
        "clat_ns": {"min": 1, "max": 27000, "mean": latency, "stddev": 9.0, "N": 500},
    }
    idle = {"io_bytes": 0, "bw_bytes": 0, "iops": 0.0, "clat_ns": {"mean": 0.0, "max": 0}}
    jobs = {
        "jobname": "lake",
        "error": 0,
        "elapsed": 1,
        "job options": {"rw": "read"},
        "read": direction | (read or {}),
        "write": idle,
        "trim": idle,
    }
    whole = {"fio version": "fio-3.36", "timestamp": 1790000000, "global options": {"bs": "4k"}}
    return whole | {"jobs": [jobs | (job or {})]} | top
