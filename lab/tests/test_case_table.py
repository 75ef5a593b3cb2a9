# SPDX-License-Identifier: Apache-2.0
"""The table of cases in docs/cases.md is the one that the programs make."""

import pytest

from lab.core.errors import KmapbenchError
from lab.core.kernel_cases import KernelCase
from lab.host import case_list
from lab.studies import case_table


def test_the_page_has_the_table_of_this_build():
    text = case_table.PAGE.read_text()
    assert case_table.page(text, case_table.table()) == text


def test_each_case_is_in_one_row(monkeypatch):
    one = KernelCase("kernel/x/read8", True, "a page, read8")
    monkeypatch.setattr(case_table.case_list, "own_globs", list)
    monkeypatch.setattr(
        case_table, "listed", lambda: [one, KernelCase("kernel/x/write8", True, "a page, write8")]
    )
    assert case_table.table().splitlines()[2:] == ["| **`kernel/x/TOUCH`** | a page, TOUCH |  |"]
    other = KernelCase("kernel/x/write8", True, "two pages, write8")
    monkeypatch.setattr(case_table, "listed", lambda: [one, other])
    with pytest.raises(KmapbenchError, match="'two pages, TOUCH'"):
        case_table.table()
    rare = KernelCase("kernel/x/write8", False, "a page, write8")
    monkeypatch.setattr(case_table, "listed", lambda: [one, rare])
    with pytest.raises(KmapbenchError, match="some are not"):
        case_table.table()


@pytest.mark.parametrize(
    ("has", "says"),
    [
        (["elsewhere/syscall"], "no such case"),
        (["elsewhere/syscall", "user/empty", "other"], "has no description"),
    ],
)
def test_own_cases_and_descriptions_belong_together(monkeypatch, has, says):
    monkeypatch.setattr(case_list, "_OWN", {"elsewhere/*": "a", "user/*": "b"})
    monkeypatch.setattr(case_list.bench_command, "built", lambda: "")
    monkeypatch.setattr(case_list.bench_program, "matching", lambda *_: has)
    with pytest.raises(KmapbenchError, match=says):
        case_table.table()
