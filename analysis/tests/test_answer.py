# SPDX-License-Identifier: Apache-2.0
"""The answer: which figure stands in which cell, and what the mail says of it."""

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from analysis.data.load import load
from analysis.report import writer
from analysis.report.builder import build_report
from analysis.report.contents.answer_tables import pair_table
from analysis.report.contents.answers import build_answer
from analysis.report.contents.findings import judge_campaign
from analysis.report.text.layout import WIDTH
from analysis.report.text.mail import render_mail
from analysis.summary.cases import summarize_cases
from analysis.summary.families import families
from analysis.tests.conftest import HEADER, environment, path, record

pytestmark = pytest.mark.program

RESULTS = Path(__file__).parents[2] / "results"
KERNEL = HEADER["variants"]["stock"]
PAIR = "kernel/kmap_local/"
WHEN = "2026-01-01T00:00:00Z"
MOST_LINES = {False: 40, True: 15}  # of the mail; True: of a campaign of DAX
REFERENCES = ("pks-6.12", "stock-6.12", "elsewhere-6.12", "dax-6.12")


def header(*names: str, **fields: dict) -> dict:
    """campaign.json's variants; who is called plain is unpatched. fields: further ones by name."""
    return {
        "variants": {
            name: KERNEL | {"patched": "plain" not in name} | fields.get(name, {}) for name in names
        }
    }


def skipped(case: str, variant: str) -> dict:
    return record(PAIR + case, cost=None, variant=variant) | {
        "status": "skipped",
        "reason": "this kernel protects no device pages",
        "exact": False,
    }


def of(variant: str, **costs: float | None) -> list[dict]:
    """Records of a variant's pair; None: skipped."""
    return [
        skipped(case, variant) if cost is None else record(PAIR + case, cost=cost, variant=variant)
        for case, cost in costs.items()
    ]


def cells(folder, *variants: str) -> dict[str, list[tuple]]:
    table = pair_table(summarize_cases(load(folder)), variants)
    return {row.label: [(cell.value, cell.case) for cell in row.cells] for row in table.rows}


def mail(folder) -> str:
    return render_mail(build_answer(judge_campaign(load(folder))), [])


def test_a_page_of_pmem_is_one_row_whether_it_is_protected_or_not(write_campaign):
    folder = write_campaign(
        of("plain", dram=5, devmap=6, protected=None, protected_nested=None, devmap_nested=7)
        + of("protected", dram=19, devmap=29, protected=56, protected_nested=44, devmap_nested=30),
        header=header("plain", "protected"),
    )
    found = cells(folder, "plain", "protected")
    assert found["pmem page"] == [(6, f"{PAIR}devmap"), (56, f"{PAIR}protected")]
    assert found["pmem page nested"] == [
        (7, f"{PAIR}devmap_nested"),
        (44, f"{PAIR}protected_nested"),
    ]
    assert found["device page"] == [(6, f"{PAIR}devmap"), (29, f"{PAIR}devmap")]
    text = mail(folder)
    assert "+50 instructions for a pmem page, +14 instructions for a DRAM page" in " ".join(
        text.split()
    )
    assert 'pmem rows of plain: measured as "device page"' in text


def test_nothing_stands_in_for_a_page_that_failed_or_was_not_asked_for(write_campaign):
    failed = record(f"{PAIR}protected", cost=None, variant="protected") | {
        "status": "flagged",
        "reason": "the page was not closed",
        "exact": False,
    }
    folder = write_campaign(
        of("plain", devmap=6) + of("protected", devmap=29) + [failed],
        header=header("plain", "protected"),
    )
    assert "pmem page" not in cells(folder, "plain", "protected")
    assert "pmem page" not in mail(folder)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("plain", "off", "protected"), {"plain": ("plain", "off", "protected")}),
        (
            ("distro", "plain", "distro-plain", "idle", "distro-off"),
            {"plain": ("plain", "idle"), "distro-plain": ("distro-plain", "distro", "distro-off")},
        ),
        (("off", "idle", "protected"), {"off": ("off", "idle", "protected")}),
        (("rt",), {"rt": ("rt",)}),
    ],
)
def test_families_by_name(names, found):
    groups = families(HEADER | header(*names))
    assert {group.baseline: group.variants for group in groups} == found


def test_what_the_lab_says_of_a_baseline_goes_before_its_name():
    said = header("plain", "other", "mine", mine={"baseline": "other"}, other={"baseline": "other"})
    groups = {group.baseline: group.variants for group in families(HEADER | said)}
    assert groups["other"] == ("other", "mine")


COMPILERS = {
    "clang": {"patched": False, "baseline": "plain", "module_compiler": "clang version 19.1.7 (3)"},
    "clang-protected": {"baseline": "clang", "module_compiler": "clang version 19.1.7 (3)"},
    "plain": {"baseline": "plain", "module_compiler": "gcc (Debian 12.2.0-14) 12.2.0"},
    "protected": {"baseline": "plain", "module_compiler": "gcc (Debian 12.2.0-14) 12.2.0"},
}


def test_a_baseline_may_have_another_baseline_itself(write_campaign):
    """The same path by another compiler: the patch is held against what that one made."""
    names = ("plain", "clang", "protected", "clang-protected")
    said = header(*names, **COMPILERS)
    groups = {group.baseline: group.variants for group in families(HEADER | said)}
    assert groups == {
        "plain": ("plain", "clang", "protected"),
        "clang": ("clang", "clang-protected"),
    }
    costs = dict(zip(names, (5, 4, 12, 13), strict=True))
    records = [one for name, cost in costs.items() for one in of(name, dram=cost)]
    folder = write_campaign(records, header=said)
    text = " ".join(mail(folder).split())
    assert "clang-protected (against clang): DRAM page 13 (+9)." in text
    assert "gcc 12.2.0 (plain, protected), clang 19.1.7 (clang)." in text
    verdicts = judge_campaign(load(folder)).verdicts
    assert {(group.old.label, group.new.label) for group in verdicts.groups} == {
        ("plain", "clang"),
        ("plain", "protected"),
        ("clang", "clang-protected"),
    }


@pytest.mark.parametrize(
    ("kernel", "writes", "start"),
    [
        ({"built_from": {"tree": "t"}}, 0, "mine against plain, in kmap_local_page()/"),
        ({"built": "/o"}, 0, "mine against plain, in kmap_local_page()/"),
        ({"built_from": {"tree": "t"}}, 2, "PKS in kmap_local_page()/"),
        ({}, 0, "PKS in kmap_local_page()/"),
    ],
)
def test_what_a_users_kernel_pays_is_no_pks_unless_it_has_it(write_campaign, kernel, writes, start):
    said = header("plain", "mine", mine=kernel | {"patched": False, "baseline": "plain"})
    records = [
        one | {"pkrs_writes": writes if name == "mine" else 0}
        for name, cost in (("plain", 5), ("mine", 6))
        for one in of(name, dram=cost)
    ]
    text = " ".join(mail(write_campaign(records, header=said)).split())
    added = "+1 instruction and 2 PKRS writes" if writes else "+1 instruction"
    assert text.startswith(f"{start}kunmap_local(): {added} for a DRAM page")


def test_a_kernel_that_is_in_no_table_is_named(write_campaign):
    names = ("plain", "protected", "distro-plain")
    said = header(*names, **{"distro-plain": {"baseline": "distro-plain"}})
    records = [one for name in names for one in of(name, dram=5)]
    assert "Measured, too (details.txt): distro-plain." in mail(
        write_campaign(records, header=said)
    )


def test_writes_and_figures_that_vary_are_marked(write_campaign):
    records = of("plain", dram=5, devmap=6, protected=None)
    records += of("protected", dram=19, devmap=29, protected=56)
    fork = [
        record("elsewhere/fork_exit", boot=boot, variant=variant, cost=cost, exact=False)
        for variant, cost in (("plain", 378595), ("protected", 381415))
        for boot in (1, 2)
    ]
    counted = path(f"{PAIR}protected", wrmsr=2, kmap=56) | {"variant": "protected"}
    folder = write_campaign(records + fork, [counted], header("plain", "protected"))
    lines = mail(folder).splitlines()
    assert re.search(r"pmem page +6 +56 +\+50 +2$", "\n".join(lines), re.MULTILINE)
    (forked,) = [line for line in lines if "fork+exit" in line]
    assert forked.split() == ["fork+exit+wait", "~378.6k", "~381.4k", "~+0.74%", "-"]
    assert "and 2 PKRS writes" in " ".join(lines)


def test_a_kernel_without_the_patch_stands_beside_its_replicas(write_campaign):
    model = [
        record(f"model/{form}/{state}", cost=cost)
        for form, costs in (("kmap_local", (26, 105)), ("kmap_local_slim", (21, 60)))
        for state, cost in zip(("dram", "protected"), costs, strict=True)
    ]
    text = mail(write_campaign(of("stock", dram=5, devmap=5, protected=None) + model))
    assert re.search(r"pmem page +5 +105 +60 +\+55 +-$", text, re.MULTILINE)
    assert "+100 instructions for a pmem page as published" in " ".join(text.split())
    assert "./kmapbench run --variants" in text


def test_cases_that_are_in_no_table_are_an_answer_by_name(campaign):
    name = "kernel/kmap_atomic/devmap"
    costs = {"plain": 11, "on": 35}
    several = [record(name, cost=cost, variant=variant) for variant, cost in costs.items()]
    several += [record("kernel/kmap/dram", cost=8, variant=variant) for variant in costs]
    text = mail(campaign("both", several, header=header(*costs)))
    assert text.startswith(f"on against plain: +24 instructions for {name}")
    assert re.search(rf"^  {name} +11 +35 +\+24 ", text, re.MULTILINE)
    same = mail(campaign("same", several[2:], header=header(*costs)))
    assert same.startswith("on against plain: no difference in 1 case\n")
    lone = mail(campaign("lone", several[:1], header=header("plain")))
    assert lone.startswith(f"plain: 11 instructions for {name}\n")


@pytest.mark.parametrize(
    ("writes", "said"),
    [
        (("wrpkru", "delay", "nowrite"), "WRPKRU stands in"),
        (("delay", "nowrite"), "assumed length stands in"),
        (("nowrite",), "is left out"),
    ],
)
def test_user_models_alone_are_an_answer(write_campaign, writes, said):
    """By the closest stand-in for the write that this machine has, each pair by itself."""
    cycles = {"kmap_local/": 400, "kmap_local_slim/": 380}
    models = [
        record(f"user/{form}{name}", cost=2 * cost, variant="host")
        | {"cost_core_cycles": cost, "clock": "tsc", "unit": "ticks", "exact": False}
        for form, most in cycles.items()
        for name, cost in {
            "key_off/alone": most / 20,
            **{f"protected/{write}": most / 4 for write in writes},
            **{f"protected/alone/{write}": most / 10 for write in writes},
            f"protected/alone/{writes[0]}": most,
        }.items()
    ]
    text = " ".join(mail(write_campaign(models, header={"variants": {}})).split())
    assert "400 core cycles for a pmem page as published, 380 in our series, 20 with the" in text
    assert said in text and "pmem page ~20 ~400 ~380" in text


def test_a_boot_that_is_missing_is_said(write_campaign):
    order = [
        {
            "variant": "plain",
            "boot": boot,
            "try": number,
            "started": WHEN,
            "ended": WHEN,
            "status": status,
        }
        for boot, number, status in ((1, 1, "crashed"), (1, 2, "crashed"), (2, 1, "ok"))
    ]
    folder = write_campaign(of("plain", dram=5), header=header("plain") | {"order": order})
    assert "missing: plain, boot 1: crashed\n" in mail(folder)


def test_why_nothing_is_valid_stands_first(write_campaign):
    answer = build_answer(judge_campaign(load(write_campaign(of("stock", dram=5)))))
    assert render_mail(answer, ["NOT VALID: the loop"]).startswith("NOT VALID: the loop\n")


@pytest.mark.parametrize("name", REFERENCES)
def test_a_published_report_is_what_is_written_now(tmp_path, name):
    published = RESULTS / "reference" / name
    folder = tmp_path / name
    shutil.copytree(published, folder)
    written = writer.write_report(folder)
    assert written.mail == (published / "report.txt").read_text()
    assert written.details == (published / "details.txt").read_text()


@pytest.mark.parametrize("name", REFERENCES)
def test_the_mail_of_a_reference_campaign_has_the_form(name):
    """Claim; unit and kernel; tables; what is missing, the tool and the command last."""
    text = mail(RESULTS / "reference" / name)
    lines = text.splitlines()
    assert len(lines) <= MOST_LINES[name == "dax-6.12"] and max(map(len, lines)) <= WIDTH
    blocks = [block.splitlines() for block in text.rstrip("\n").split("\n\n")]
    assert blocks[0][0].startswith("PKS ")
    setting = " ".join(blocks[1])
    assert re.match("Instructions per (operation|call), counted in QEMU TCG [0-9.]+ ", setting)
    assert "NOT time: a WRMSR counts as 1. Linux 6.12." in setting and "gcc 12." in setting
    tables = [block for block in blocks[2:] if "PKRS" in block[0] + block[min(1, len(block) - 1)]]
    assert tables and all(len({len(line) for line in table[1:4]}) == 1 for table in tables)
    last = " ".join(blocks[-1])
    source = r"kmapbench [0-9a-f]{12}, 20\d\d-\d\d-\d\d; \./kmapbench run "
    assert re.search(rf"Not measured: cycles\. {source}", last)


def test_the_mails_pmem_row_is_what_the_records_say():
    """By the records themselves, read without our code."""
    costs: dict[tuple[str, str], float] = {}
    with tarfile.open(RESULTS / "reference" / "pks-6.12" / "records.tar.xz") as packed:
        for member in packed:
            if member.name.endswith("boot-01/micro.jsonl"):
                for line in packed.extractfile(member):
                    raw = json.loads(line)
                    costs[raw["variant"], raw["case"]] = raw["cost"]
    shown = [costs[variant, f"{PAIR}devmap"] for variant in ("plain", "off", "idle")] + [
        costs["protected", f"{PAIR}protected"]
    ]
    expected = [*(f"{cost:g}" for cost in shown), f"+{shown[-1] - shown[0]:g}", "2"]
    (row,) = [
        line
        for line in mail(RESULTS / "reference" / "pks-6.12").splitlines()
        if line.startswith("  pmem page ") and "nested" not in line
    ]
    assert row.split()[2:] == expected


def test_the_summary_says_where_everything_is(write_campaign):
    folder = write_campaign(
        of("plain", dram=5) + of("protected", dram=19), header=header("plain", "protected")
    )
    (folder / "plan.toml").write_text("")
    summary = writer.write_report(folder).summary
    assert "+14 instructions for a DRAM page" in " ".join(summary.split())
    assert f"page     {folder}/report/index.html\n" in summary
    assert f"again    ./kmapbench run --plan {folder}/plan.toml\n" in summary
    assert f"compare  ./kmapbench compare {folder}:plain {folder}:protected\n" in summary


@pytest.mark.parametrize("elsewhere", ["off", "protected"])
def test_a_comparison_that_was_refused_is_the_first_thing_that_is_said(write_campaign, elsewhere):
    names = {"plain": 5, "off": 6, "protected": 56}
    folder = write_campaign(
        [one for name, cost in names.items() for one in of(name, dram=cost)],
        header=header(*names),
    )
    for name in names:
        facts = environment(model="another" if name == elsewhere else "QEMU TCG")
        (folder / name / "boot-01" / "environment.json").write_text(json.dumps(facts))
    written = writer.write_report(folder)
    first = f"NOT COMPARED: {elsewhere} against plain: plain and {elsewhere} differ in cpu.model"
    for text in (written.mail, written.details, written.summary):
        assert " ".join(text.split()).startswith(first)
    page = (folder / "report" / "index.html").read_text()
    assert f'role="alert">{first}' in page.partition("<h1>")[0]
    claim = " ".join(written.mail.partition("\n\n")[0].split())
    (row,) = re.findall(r"DRAM page.*", written.mail)
    if elsewhere == "protected":
        assert claim.endswith("protected was not compared with plain")
        assert row.split()[2:] == ["5", "6", "56", "-", "-"] and "+51" not in page
    else:
        assert claim.endswith("+51 instructions for a DRAM page") and " on off" not in claim


def test_a_kernel_that_was_left_out_is_the_first_thing_that_is_said(write_campaign):
    left_out = {"off": "did not come up 2 times in a row"}
    reboots = {"loader": "grub", "first": "6.1", "left_out": left_out, "stopped": "no space"}
    folder = write_campaign(
        of("plain", dram=5) + of("protected", dram=19),
        header=header("plain", "protected") | {"reboots": reboots},
    )
    (folder / "plan.toml").write_text("")
    written = writer.write_report(folder)
    first = "LEFT OUT: off: did not come up 2 times in a row STOPPED before all boots were made: no"
    for text in (written.mail, written.details, written.summary):
        assert " ".join(text.split()).startswith(first)
    assert f"again    sudo ./kmapbench campaign --plan {folder}/plan.toml\n" in written.summary


def test_a_kernel_that_was_left_out_takes_no_column(write_campaign):
    reboots = {"loader": "grub", "first": "6.1", "left_out": {"broken": "did not come up"}}
    folder = write_campaign(
        of("plain", dram=5) + of("off", dram=5) + of("protected", dram=19),
        header=header("plain", "off", "protected", "broken") | {"reboots": reboots},
    )
    text = writer.write_report(folder).mail
    assert "+14 instructions for a DRAM page" in " ".join(text.split())
    (row,) = re.findall(r"DRAM page +\d.*", text)
    assert row.split()[2:] == ["5", "5", "19", "+14", "-"]
    assert "broken" in text.partition("\n")[0] and "broken" not in text.partition("\n")[2]


def test_what_differs_by_boots_is_marked_and_nothing_is_no_sum(write_campaign):
    """A difference of figures that vary is no exact one, on the page neither."""
    fork = [
        record("elsewhere/fork_exit", boot, cost, variant=name, exact=False)
        for name, costs in (("plain", (2000, 2010)), ("protected", (2100, 2120)))
        for boot, cost in enumerate(costs, 1)
    ]
    calls = [record("elsewhere/syscall", cost=204, variant=name) for name in ("plain", "protected")]
    folder = write_campaign(fork + calls, header=header("plain", "protected"))
    text = writer.write_report(folder).mail
    assert re.search(r"fork\+exit\+wait +~2005 +~2110 +~\+105 5.2% ", text)
    assert re.search(r"getppid\(\) +204 +204 +0 +-\n", text)
    page = (folder / "report" / "index.html").read_text()
    assert '<td class="added about">~+105 <small>5.2 %</small></td>' in page
    assert '<td class="added">0</td>' in page


def test_cases_of_the_module_come_last_and_the_pmem_page_first(write_campaign):
    names = ("plain", "off", "protected")
    of_module = [
        record(case, cost=9, variant=name)
        for name in names
        for case in ("model/kmap_local/dram", "msr/wrpkrs/toggle")
    ]
    kernels = [
        *of("plain", dram=5, devmap=5, protected=None),
        *of("off", dram=5, devmap=5, protected=None),
        *of("protected", dram=7, protected=53),
    ]
    events = [record("elsewhere/irq/outside", cost=80, variant=name) for name in names]
    folder = write_campaign(of_module + kernels + events, header=header(*names))
    tables = {table.name: table for table in build_report(load(folder)).tables}
    first = ("pmem page", 5, 5, 53)
    assert tables["by-variant"].rows[0] == first
    for name in ("by-variant", "instructions", "verdicts-cost"):
        cases = [row[0] for row in tables[name].rows]
        of_kernel = [not case.startswith(("model/", "msr/")) for case in cases]
        assert of_kernel == sorted(of_kernel, reverse=True) and False in of_kernel
    assert tables["verdicts-cost"].rows[0][0] == "pmem page"
    details = writer.write_report(folder).details
    assert re.search(r"plain +off +protected\n  pmem page +5 +5 +53\n", details)
    costs = details.partition("The same, beyond")[0]
    assert costs.count("  kernel/kmap_local/\n") == 1
