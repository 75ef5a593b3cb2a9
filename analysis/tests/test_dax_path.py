# SPDX-License-Identifier: Apache-2.0
"""Single reads and writes, counted from outside: what a variant adds, and where."""

import pytest

from analysis.data.load import load
from analysis.fio_model import fio_calls
from analysis.fio_model.fio_calls import Call
from analysis.report import writer
from analysis.report.contents.fio_tables import call_tables
from analysis.report.text.fio_section import render_calls
from analysis.tests.support.dax_campaign import VARIANTS, call, fio

READ, LOAD, FAULTING = "dax/ext4/pread/4k", "dax/ext4/load/4k", "dax/ext4/pread_faulting/4k"


@pytest.fixture
def campaign(write_campaign):
    """Two boots of each; the first read of protected is longer in its second boot."""
    writes = {"pks_open_pgmap": 1, "pks_close_pgmap": 1}
    paths = []
    for boot in (1, 2):
        for variant in ("off", "idle"):
            more = 2 if variant == "idle" else 0
            paths += [
                call(READ, variant, boot, copy=500, dax_iomap_iter=90 + more),
                call(LOAD, variant, boot, copy=533),
                call(FAULTING, variant, boot, copy=900),
            ]
        paths.append(
            call(
                READ,
                "protected",
                boot,
                writes,
                copy=500,
                dax_iomap_iter=94,
                pks_open_pgmap=20,
                pks_close_pgmap=21,
            )
        )
        paths.append(call(LOAD, "protected", boot, copy=533))
        paths.append(
            call(
                FAULTING,
                "protected",
                boot,
                {"irqentry_enter": 1, "irqentry_exit": 1} | writes,
                copy=900 + 7 * boot,
            )
        )
    records = [
        one
        for variant in VARIANTS
        for one in fio("dax/ext4/psync/randread/4k/jobs1/latency", variant, [6000.0, 6001.0])
    ]
    return write_campaign(records, paths, header={"variants": VARIANTS})


def test_calls_are_told_from_the_paths_of_kernel_cases_and_by_boot(campaign):
    found = {(one.case, one.variant): one for one in fio_calls.single_calls(load(campaign).paths)}
    assert found[READ, "off"] == Call(
        READ, "off", 590, 0, {"copy": 500, "dax_iomap_iter": 90}, steady=True
    )
    assert (
        found[READ, "protected"].pkrs_writes == 2 and found[READ, "protected"].instructions == 635
    )
    assert not found[FAULTING, "protected"].steady and found[FAULTING, "off"].steady


def test_the_text_says_what_a_variant_adds_to_a_call_and_in_which_function(campaign):
    text = writer.write_report(campaign).details
    assert max(map(len, text.splitlines())) <= 72
    cells = [line.split() for line in text.splitlines()]
    assert ["pread/4k", "590", "+2", "+45"] in cells and ["load/4k", "533", "+0", "+0"] in cells
    assert [
        "pread_faulting/4k",
        "900",
        "+0",
        "+7?",
    ] in cells  # as in the first boot, and not in the other
    words = " ".join(text.split())
    assert (
        f"WRMSR of one call: off: none. idle: none. protected: 2 in {READ}; 4 in {FAULTING}; none"
        f" in {LOAD}." in words
    )
    assert (
        f"{READ}, protected, by function: pks_close_pgmap +21, pks_open_pgmap +20,"
        " dax_iomap_iter +4." in words
    )
    assert f"{READ}, idle, by function: dax_iomap_iter +2." in words


def test_of_many_functions_the_largest_are_named_and_the_rest_is_summed():
    old = Call(READ, "off", 100, 0, {}, steady=True)
    new = Call(
        READ,
        "protected",
        200,
        2,
        {f"f{number:02d}": 20 - number for number in range(10)},
        steady=True,
    )
    text = " ".join(render_calls([old, new], "off", ["off", "protected"]).split())
    assert "by function: f00 +20, f01 +19," in text and "f07 +13, and +23 in 2 more." in text


def test_the_page_has_calls_and_functions_as_tables(campaign):
    calls, functions = call_tables(fio_calls.single_calls(load(campaign).paths), "off")
    rows = {(row[0], row[1]): row[2:] for row in calls.rows}
    assert rows[READ, "protected"] == (635, 2, 45, "yes") and rows[READ, "off"] == (
        590,
        0,
        0,
        "yes",
    )
    assert rows[FAULTING, "protected"][3] == "no"
    assert ("pks_open_pgmap", READ, "protected", 20, 20) in functions.rows and not any(
        row[0] == "copy" and row[1] == READ for row in functions.rows
    )
    writer.write_report(campaign)
    page = (campaign / "report" / "index.html").read_text()
    assert "Single reads and writes (emulated)" in page and 'download="dax-functions.csv"' in page


def test_where_nothing_was_counted_nothing_is_said(write_campaign):
    folder = write_campaign(
        fio("dax/ext4/psync/randread/4k/jobs1/latency", "off", [6000.0]),
        header={"variants": {"off": VARIANTS["off"]}},
    )
    assert call_tables(fio_calls.single_calls(load(folder).paths), "off") == []
    assert "one call" not in writer.write_report(folder).details


def test_one_variant_alone_is_held_against_nothing(campaign):
    alone = [one for one in fio_calls.single_calls(load(campaign).paths) if one.variant == "off"]
    assert render_calls(alone, "off", ["off"]) == ""
    assert len(call_tables(alone, "off")) == 1
