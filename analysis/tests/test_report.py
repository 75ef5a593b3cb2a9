# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from analysis.report import writer
from analysis.tests.conftest import HEADER, environment, path, record

PROTECTED = "model/kmap_local/protected"


def cells(text: str, case: str) -> list[list[str]]:
    """The cells of a case in each table of the text."""
    path, _, label = case.rpartition("/")
    found, here = [], ""
    for line in text.splitlines():
        if line.startswith("  ") and line.endswith("/"):
            here = line.strip(" /")
        elif line.startswith(f"    {label} ") and here == path:
            found.append(line.split()[1:])
    return found


@pytest.fixture
def folder(write_campaign):
    records, paths = [], []
    for boot in (1, 2):
        records += [
            record("empty", boot, 0),
            record(boot=boot),
            record(PROTECTED, boot, 11, oracle="held"),
        ]
        paths += [
            path(boot=boot, lowmem_page_address=5),
            path(PROTECTED, boot, wrmsr=2, __wrmsr=6, kb_model_page_address=5),
        ]
    return write_campaign(records, paths)


def test_the_text_has_the_figures_and_fits_a_mail(folder):
    text = writer.write_report(folder).details
    assert max(map(len, text.splitlines())) <= 72
    assert text == (folder / "details.txt").read_text()
    costs, parts = cells(text, PROTECTED)
    assert costs == ["11", "+6", "2", "held"]
    assert parts == ["5", "2", "4"]  # address, WRPKRS, other
    assert "emulated" in text and "Linux 6.12.0-test" in text and "identical to the digit" in text


def test_what_the_patch_adds_is_against_the_same_touch(write_campaign):
    records = [
        record(cost=5),
        record("kernel/kmap_local/dram/read8", cost=6),
        record("model/kmap_local/dram/read8", cost=27),
    ]
    text = writer.write_report(
        write_campaign(records + [record("model/kmap_local/protected_nested/depth3", cost=51)])
    ).details
    assert "    dram/read8                       27    +21      -" in text
    assert "    protected_nested/depth3          51    +46      -" in text
    assert "    dram/read8                        6             -" in text


def test_long_names_fit_a_mail_too(write_campaign):
    case = "model/kmap_local_slim/protected_nested/depth4"
    counted = path(
        case,
        wrmsr=2,
        __wrmsr=6,
        kb_model_page_address=5,
        is_zone_device_page=3,
        kb_published_open=4,
        unnamed=1000,
    )
    text = writer.write_report(
        write_campaign([record(), record(case, cost=1018)], [path(lowmem_page_address=5), counted])
    ).details
    assert max(map(len, text.splitlines())) <= 72
    assert "    protected_nested/depth4" in text


@pytest.fixture
def timed_campaign(write_campaign):
    """Of the running kernel of a machine, whose clock ticks twice a nanosecond and four times in
    three core cycles.
    """

    def timed(case: str, cost: float, cycles: float, **changes) -> dict:
        time = {
            "clock": "tsc",
            "unit": "ticks",
            "variant": "spr",
            "exact": False,
            "cost_core_cycles": cycles,
            "chain": 4 / 3,
        }
        return record(case, cost=cost, **time | changes)

    records = [
        timed("empty", 0, 0),
        timed("kernel/kmap_local/dram", 4, 3),
        timed(PROTECTED, 400, 300, oracle="held"),
        timed("user/kmap_local/protected/nowrite", 40, 30, variant="host"),
    ]
    variants = {
        "spr": {"what": "w", "release": "6.12.0-test", "packages": {}, "cpu": "Xeon", "cmdline": ""}
    }
    folder = write_campaign(records, header={"variants": variants, "tools": {"qemu": None}})
    (folder / "spr" / "boot-01" / "environment.json").write_text(
        json.dumps(environment(model="Xeon", hz=2e9))
    )
    return folder


def test_timed_kernel_cases_are_a_table_of_their_own(timed_campaign):
    text = writer.write_report(timed_campaign).details
    assert max(map(len, text.splitlines())) <= 72
    assert cells(text, PROTECTED) == [
        ["300.0", "+297.0", "400.0", "200.0", "held"]
    ]  # cycles, more than unpatched, ticks, ns
    assert cells(text, "kernel/kmap_local/dram") == [["3.0", "4.0", "2.0"]]
    facts, kernel, user = text.split("spr: ")[1:2] + text.split("spr: ")[2].split(
        "User models on this machine"
    )
    assert facts.startswith("measured on this machine's running kernel, this boot only: Xeon")
    assert "this boot only" in kernel and "user/" not in kernel
    assert "user/kmap_local/protected/nowrite" in user and "model/" not in user
    assert "emulated" not in text
    html = (timed_campaign / "report" / "index.html").read_text()
    assert "this boot only" in html and '<td data-sort="200.0">200</td>' in html


def test_several_boots_of_the_running_kernel_are_said_to_be_several(timed_campaign):
    first = timed_campaign / "spr" / "boot-01"
    second = timed_campaign / "spr" / "boot-02"
    second.mkdir()
    (second / "micro.jsonl").write_text(
        (first / "micro.jsonl").read_text().replace('"boot": 1', '"boot": 2')
    )
    (second / "environment.json").write_text((first / "environment.json").read_text())
    text, html = (
        writer.write_report(timed_campaign).details,
        (timed_campaign / "report" / "index.html").read_text(),
    )
    assert "running kernel, 2 boots: Xeon" in text and "\n2 boots (medians;" in text
    assert "(time, 2 boots)" in html and "Medians, 2 boots." in html
    assert "this boot only" not in text + html


@pytest.mark.parametrize(
    ("boots", "said"), [([2], "boot 2"), ([2, 3, 4], "boot 2, 3, 4"), ([2, 3, 4, 5], "4 boots")]
)
def test_what_a_boot_ran_on_that_others_did_not_is_a_note(write_campaign, boots, said):
    line = 'cpu.microcode was "0x1", is "0x2"'
    steps = [
        {
            "variant": "stock",
            "boot": boot,
            "status": "ok",
            "started": HEADER["started"],
            "ended": HEADER["ended"],
        }
        | ({"differs": [line]} if boot in boots else {})
        for boot in range(1, 6)
    ]
    folder = write_campaign([record(boot=boot) for boot in range(1, 6)], header={"order": steps})
    text = writer.write_report(folder).details
    assert f"- stock, {said}: not as in the variant's other boots: {line}" in " ".join(text.split())
    assert (
        text.count("cpu.microcode") == 1
        and "cpu.microcode" in (folder / "report" / "index.html").read_text()
    )


def test_a_boot_that_crashed_before_it_told_where_it_ran_still_has_a_report(timed_campaign):
    (timed_campaign / "spr" / "boot-01" / "environment.json").unlink()
    text = writer.write_report(timed_campaign).details
    assert cells(text, PROTECTED) == [["300.0", "+297.0", "400.0", "-", "held"]]
    assert "running kernel, this boot only: Xeon" in text


def test_a_figure_that_is_not_exact_is_marked(write_campaign):
    text = writer.write_report(
        write_campaign([record(boot=1, exact=False), record(boot=2, cost=6, exact=False)])
    ).details
    (costs,) = cells(text, "kernel/kmap_local/dram")
    assert costs[0] == "~5.5"
    assert "not all identical" in text


def test_a_case_without_a_figure_shows_none(write_campaign):
    failed = record(
        PROTECTED, cost=None, status="flagged", reason="the open page faulted", oracle="failed"
    )
    text = writer.write_report(write_campaign([record(), failed])).details
    (costs,) = cells(text, PROTECTED)
    assert costs == ["-", "-", "failed"]
    assert "the open page faulted" in text


def test_the_chart_says_its_clock_kernel_and_that_it_is_emulated(folder):
    writer.write_report(folder)
    svg = ElementTree.fromstring((folder / "charts" / "cost-breakdown.svg").read_text())
    words = " ".join(svg.itertext())
    for word in (
        "emulated",
        "clock: icount",
        "Linux 6.12.0-test",
        "QEMU TCG 7.2.22",
        "2 boots",
        "a PKRS write",
        "writes of 185 cycles",
    ):
        assert word in words


def test_a_switch_or_interrupt_is_drawn_call_by_call(write_campaign):
    case = "elsewhere/irq/inside"
    stacks = [
        {"stack": ["kb_body_x"], "instructions": 20, "wrmsr": 0},
        {"stack": ["kb_body_x", "close<&>"], "instructions": 80, "wrmsr": 10},
    ]
    writer.write_report(
        folder := write_campaign(
            [record(case, cost=8)], [path(case, wrmsr=1, x=8) | {"stacks": stacks}]
        )
    )
    words = " ".join(
        ElementTree.parse(folder / "charts" / "profile-elsewhere-irq-inside-stock.svg")
        .getroot()
        .itertext()
    )
    for word in (
        case,
        "Linux 6.12.0-test: stock",
        "emulated",
        "10 instructions, 1 PKRS write",
        "close<&>: 8 instructions",
    ):
        assert word in words
    html = (folder / "report" / "index.html").read_text()
    assert "profile-elsewhere-irq-inside-stock.csv" in html and "close<&>" not in html


def test_cases_that_are_not_exact_are_named(write_campaign):
    switch = [record("elsewhere/switch/same", boot, exact=False) for boot in (1, 2)]
    text = writer.write_report(write_campaign([record(), record(boot=2), *switch])).details
    assert "identical to the digit but for elsewhere/switch/same" in " ".join(text.split())


def test_the_same_campaign_gives_the_same_files(folder):
    def contents():
        writer.write_report(folder)
        return {
            path.name: path.read_bytes()
            for path in folder.rglob("*")
            if path.suffix in (".svg", ".html", ".txt")
        }

    assert contents() == contents()


def test_a_reason_with_html_in_it_stays_text(write_campaign):
    skipped = record(
        PROTECTED,
        cost=None,
        empty=None,
        status="skipped",
        reason="<script>alert(1)</script>",
        samples=[],
        exact=False,
    )
    folder = write_campaign([record(), skipped])
    writer.write_report(folder)
    html = (folder / "report" / "index.html").read_text()
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html


def test_bad_data_is_one_line_and_exit_code_2(tmp_path):
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run(
        [sys.executable, "-m", "analysis", "report", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and str(tmp_path) in result.stderr


def test_a_patched_kernel_is_held_against_an_unpatched_one(write_campaign):
    """Its own path is what was added to; alone it has nothing to be held against."""
    stock = HEADER["variants"]["stock"]
    header = {
        "variants": {"protected": stock | {"patched": True}, "plain": stock | {"patched": False}}
    }
    records = [
        record(cost=19, variant="protected"),
        record(PROTECTED, cost=65, variant="protected"),
        record(cost=5, variant="plain"),
    ]
    text = writer.write_report(write_campaign(records, header=header)).details
    assert "protected plain" in text  # side by side, in the campaign's order
    assert cells(text, "kernel/kmap_local/dram") == [
        ["19", "5"],
        ["+14"],
        ["+14"],
    ]  # costs, beyond the same touch, verdict
    assert cells(text, PROTECTED) == [["65"], ["+60"]]


def test_of_several_unpatched_kernels_the_first_is_the_baseline(write_campaign):
    header = {"variants": {name: HEADER["variants"]["stock"] for name in ("one", "two")}}
    records = [
        record(cost=5, variant="one"),
        record(PROTECTED, cost=65, variant="one"),
        record(cost=7, variant="two"),
    ]
    text = writer.write_report(write_campaign(records, header=header)).details
    assert cells(text, PROTECTED) == [["65"], ["+60"]]


def test_many_variants_side_by_side_fit_a_mail(write_campaign):
    names = [f"a-variant-of-{number}" for number in range(7)]
    header = {"variants": {name: HEADER["variants"]["stock"] for name in names}}
    text = writer.write_report(
        write_campaign(
            [record(variant=name, cost=5 + number) for number, name in enumerate(names)],
            header=header,
        )
    ).details
    assert max(map(len, text.splitlines())) <= 72
    assert [figure for line in cells(text, "kernel/kmap_local/dram") for figure in line] == [
        *map(str, range(5, 12)),
        *(f"+{more}" for more in range(1, 7)),
    ]  # costs, verdicts


def test_wide_figures_side_by_side_keep_apart(write_campaign):
    header = {"variants": {name: HEADER["variants"]["stock"] for name in ("plain", "off")}}
    records = [
        record("elsewhere/fork_exit", cost=378595, variant=variant, exact=False)
        for variant in header["variants"]
    ]
    assert (
        "~378595 ~378595\n" in writer.write_report(write_campaign(records, header=header)).details
    )


def test_wide_counts_by_part_keep_apart(write_campaign):
    case = "elsewhere/user_fault"
    text = writer.write_report(
        write_campaign(
            [record(case, cost=518046)], [path(case, lowmem_page_address=6, unnamed=518040)]
        )
    ).details
    assert "6 518040\n" in text


def test_what_was_assumed_is_said(write_campaign):
    case = "user/kmap_local/protected/delay"
    assumed = record(
        case,
        cost=370,
        clock="tsc",
        unit="ticks",
        exact=False,
        assumed_write_cycles=185,
        cost_core_cycles=370.0,
    )
    text = writer.write_report(write_campaign([record(), assumed])).details
    assert f"- {case}: assumed: a write takes 185 cycles" in " ".join(text.split())


def test_an_oracle_that_failed_on_one_of_several_kernels_is_named(write_campaign):
    header = {"variants": {name: HEADER["variants"]["stock"] for name in ("one", "two")}}
    failed = record(
        PROTECTED,
        cost=None,
        status="flagged",
        reason="the open page faulted",
        oracle="failed",
        variant="two",
    )
    text = writer.write_report(
        write_campaign([record(PROTECTED, variant="one", oracle="held"), failed], header=header)
    ).details
    assert f"Oracle: failed for two {PROTECTED}: no figure." in text


def test_a_patched_kernel_alone_has_no_baseline(write_campaign):
    header = {"variants": {"stock": HEADER["variants"]["stock"] | {"patched": True}}}
    text = writer.write_report(
        write_campaign([record(cost=19), record(PROTECTED, cost=65)], header=header)
    ).details
    assert cells(text, "kernel/kmap_local/dram") == [["19", "-"]] and cells(text, PROTECTED) == [
        ["65", "-"]
    ]


def test_what_is_said_of_several_kernels_is_said_once(write_campaign):
    names = ("plain", "off", "idle")
    skipped = {"cost": None, "status": "skipped", "reason": "no pkeys", "exact": False}
    records = [record(PROTECTED, variant=name, **skipped) for name in names]
    records += [
        one | {"variant": name, "exact": False}
        for name in names
        for one in (record(cost=5), record(cost=6, boot=2))
    ]
    counted = [
        path(boot=boot, **{f"way_{boot}": 5}) | {"variant": name}
        for name in names
        for boot in (1, 2)
    ]
    kernel = HEADER["variants"]["stock"]
    folder = write_campaign(records, counted, header={"variants": dict.fromkeys(names, kernel)})
    notes = writer.write_report(folder).details.split("\nNotes\n")[1]
    said = [" ".join(note.split()) for note in notes.split("\n- ")]
    (skips,) = [note for note in said if "no pkeys" in note]
    assert skips.removeprefix("- ") == f"plain, off, idle: {PROTECTED}: skipped: no pkeys"
    (paths,) = [note for note in said if "the path differs between boots" in note]
    assert all(name in paths.partition(":")[0] for name in names)
    (few,) = [note for note in said if "exploratory" in note]
    assert few.startswith("off, idle against plain: ")
