# SPDX-License-Identifier: Apache-2.0
"""`kmapbench cases` lists what a run can measure, and nothing else."""

import pytest

from lab.commands import list_cases
from lab.core import bench_command
from lab.core.errors import KmapbenchError
from lab.host import bench_program, case_list


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in text.splitlines()[1:-1]}


def test_every_case_is_listed_once_with_what_it_needs(capsys):
    list_cases.list_cases("*")
    text = capsys.readouterr().out
    names = [line.split()[0] for line in text.splitlines()[1:-1]]
    assert len(names) == len(set(names)) > 150
    own = bench_program.matching(bench_command.built(), "all", None)
    assert set(own) <= set(names)
    found = rows(text)
    assert found["kernel/kmap_local/dram"][1] == "*"
    assert found["kernel/kmap/dram"][1] != "*"
    needs = "PKS, our series, DAX file"
    assert " ".join(found["kernel/kmap_local/protected"][2:7]) == needs


def test_a_glob_chooses_and_one_of_nothing_says_where_to_look(capsys):
    list_cases.list_cases("msr/rd*")
    assert set(rows(capsys.readouterr().out)) == {"msr/rdpkrs", "msr/rdpkru"}
    with pytest.raises(KmapbenchError, match="./kmapbench cases lists them"):
        list_cases.list_cases("kernel")


def test_what_is_marked_is_what_a_run_measures_that_chooses_nothing():
    default = {case.name for case in case_list.all_cases() if case.default}
    assert set(bench_program.matching(bench_command.built(), "default", None)) <= default
    assert "empty" in default and "kernel/kmap_local/dram/read8" not in default
