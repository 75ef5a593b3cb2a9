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
