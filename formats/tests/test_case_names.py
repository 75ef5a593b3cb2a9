# SPDX-License-Identifier: Apache-2.0
"""Names of cases are read as they are written."""

import pytest

from formats import case_names

NAME = "dax/ext4_cache/io_uring/randread/4k/jobs2/direct/latency"


def test_a_name_is_its_parts_again():
    case = case_names.parse_fio(NAME)
    assert (case.on, case.engine, case.rw, case.block_bytes) == (
        "ext4_cache",
        "io_uring",
        "randread",
        4096,
    )
    assert (case.jobs, case.direct, case.figure, case.name) == (2, True, "latency", NAME)


@pytest.mark.parametrize(
    ("name", "count"), [("512", 512), ("4k", 4096), ("64k", 65536), ("2m", 2 << 20), ("1000", 1000)]
)
def test_a_size_has_one_name(name, count):
    assert (case_names.size_name(count), case_names.size_bytes(name)) == (name, count)


@pytest.mark.parametrize("name", ["kernel/kmap_local/dram", "dax/ext4", f"{NAME}/more", ""])
def test_another_case_is_no_run_of_fio(name):
    assert case_names.parse_fio(name) is None
