# SPDX-License-Identifier: Apache-2.0
import json
import random
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.compare import gate
from analysis.data.bad_data import BadData
from analysis.report.comparison import as_html, as_json, as_markdown, as_text
from analysis.stats.verdict import Verdict
from analysis.tests.conftest import KERNEL, by_coin, counted_windows, environment, record
from analysis.tests.support.comparisons import boots, groups, in_turn, run, timed, verdicts

pytestmark = pytest.mark.program


def test_one_instruction_more_in_one_case_is_slower_by_one_and_nothing_else_is(campaign):
    cases = ["empty", "kernel/kmap_local/dram", "kernel/kmap_local/devmap"]
    one = campaign("old", [record(case, boot, 5) for boot in (1, 2) for case in cases])
    two = campaign(
        "new",
        [record(case, boot, 6 if case == cases[1] else 5) for boot in (1, 2) for case in cases],
    )
    (group,) = groups(one, two)
    assert {row.case: (str(row.verdict), row.difference) for row in group.rows} == {
        cases[0]: ("same", 0),
        cases[1]: ("slower", 1),
        cases[2]: ("same", 0),
    }
    assert f"  {cases[1]:34}{5:>9}{6:>9}{'+1':>8}  more\n" in as_text.export([group], [])
    assert verdicts(two, one)[cases[1]] == "faster"


def test_boots_that_do_not_agree_are_not_compared_digit_by_digit(campaign):
    one = campaign("old", [record(boot=1), record(boot=2, cost=6)])
    two = campaign("new", [record(boot=1), record(boot=2)])
    (group,) = groups(one, two)
    assert [(row.exact, row.verdict) for row in group.rows] == [(False, Verdict.EXPLORATORY)]


@pytest.mark.parametrize(
    "other",
    [
        {"samples": [71, 141]},
        {"samples": [69, 139]},
        {"shifted_samples": [70, 141]},
        {"ops": 11, "samples": [77, 154]},
    ],
)
def test_one_cost_from_other_samples_is_not_exact(campaign, other):
    samples = {"samples": [70, 140], "shifted_samples": [70, 140]}
    one = campaign("old", [record(boot=1, **samples), record(boot=2, **samples | other)])
    two = campaign("new", [record(boot=boot, **samples) for boot in (1, 2)])
    assert [row.exact for row in groups(one, two)[0].rows] == [False]


def test_a_change_of_time_is_found_in_both_directions_and_by_direction_of_the_metric(campaign):
    records = in_turn(boots("off", 300), boots("on", 312))
    both = campaign("both", records, header=by_coin(records))
    assert set(verdicts(both, baseline="off").values()) == {"slower"}
    assert set(verdicts(both, baseline="on").values()) == {"faster"}
    higher = [one | {"better": "higher"} for one in records]
    folder = campaign("higher", higher, header=by_coin(higher))
    assert set(verdicts(folder, baseline="off").values()) == {"faster"}


def test_pairs_without_a_coin_are_exploratory(campaign):
    """By date, or of two campaigns, whatever they would be with one."""
    records = in_turn(boots("off", 300), boots("on", 312))
    (by_date,) = groups(campaign("both", records))
    off, on = (campaign(name, boots(name, level)) for name, level in (("off", 300), ("on", 312)))
    (apart,) = groups(f"{off}:off", f"{on}:on")
    blocks = campaign("blocks", boots("off", 300) + boots("on", 312))
    (in_blocks,) = groups(blocks)
    for group, why in ((by_date, "by date"), (apart, "no pairs"), (in_blocks, "no pairs")):
        (row,) = group.rows
        assert row.verdict is Verdict.EXPLORATORY and why in row.reason and row.p_holm is None
        assert 1.03 < row.ratio < 1.05
        assert "exploratory: looks slower by 4" in as_text.export([group], [])


def test_a_campaign_is_compared_with_itself_by_content(campaign):
    one = campaign(
        "one", boots("off", 300) + [record("empty", boot, boot, variant="off") for boot in (1, 2)]
    )
    copy = one.with_name("copy")
    shutil.copytree(one, copy)
    for other in (one, copy):
        (group,) = groups(one, other)
        assert group.identical and {(row.ratio, row.verdict) for row in group.rows} == {
            (1, Verdict.SAME)
        }
        assert gate.gate([group], "unresolved").code == 0
        assert "the same files" in as_text.export([group], [])


def test_a_machine_that_was_tuned_is_compared_with_itself_only_where_that_is_allowed(campaign):
    one = campaign("one", [record(cost=5)])
    two = campaign("two", [record(cost=6)], environment() | {"tuned": {"c_states": "none"}})
    with pytest.raises(BadData, match=r"differ in tuned\.c_states .*--allow tuned\.c_states"):
        groups(one, two)
    (group,) = groups(one, two, allow=["tuned"])
    assert list(group.allowed) == ["tuned.c_states"]


def test_what_differs_beside_the_factor_is_refused_by_name(campaign):
    one = campaign("one", [record()])
    two = campaign("two", [record(cost=6)], {"cpu": environment()["cpu"] | {"microcode": "0x2"}})
    with pytest.raises(
        BadData, match=r"differ in cpu\.microcode \(0x1 there, 0x2 here\).*--allow cpu\.microcode"
    ):
        groups(one, two)
    (group,) = groups(one, two, allow=["cpu.microcode"])
    assert group.allowed == {"cpu.microcode": ("0x1", "0x2")}
    for export in (as_text, as_markdown, as_html, as_json):
        assert "microcode" in export.export([group], [])


@pytest.mark.parametrize(
    "changed",
    [
        "kernel.release",
        "kernel.config_sha256",
        "clock.clocksource",
        "kmapbench.commit",
        "kmapbench.compiler",
        "cpu.model name",
        "emulator.memory_mib",
    ],
)
def test_each_fact_of_the_fingerprint_counts(campaign, changed):
    part, name = changed.split(".")
    emulator = {"emulator": {"cpu": "max", "memory_mib": 640, "observed": True}}
    facts = environment() | emulator
    one = campaign("one", [record()], facts)
    two = campaign(
        "two",
        [record()],
        facts | {part: facts[part] | {name: 1024 if name == "memory_mib" else "f" * 64}},
    )
    (two / "stock" / "boot-01" / "micro.jsonl").write_text(json.dumps(record(cost=6)) + "\n")
    with pytest.raises(BadData, match=f"differ in {changed} "):
        groups(one, two)


def test_what_is_measured_anew_in_each_boot_is_no_difference(campaign):
    one = campaign("one", [record()])
    two = campaign("two", [record(cost=6)], environment(hz=1.0001e9))
    assert verdicts(one, two) == {"kernel/kmap_local/dram": "slower"}


def test_variants_of_the_lab_differ_in_what_they_declare_and_in_nothing_else(campaign):
    def lab(release: str, node: str | None = None, size: str = "67108864", **cpu) -> dict:
        facts = environment(release)
        pmem = {"namespace0.0": {"mode": "memory", "bytes": size, "node": node}}
        return facts | {
            "cpu": facts["cpu"] | cpu,
            "pmem": pmem,
            "emulator": {"cpu": "max", "memory_mib": 640, "observed": True},
        }

    header = {
        "variants": {"plain": KERNEL | {"kernel": "plain_1"}, "off": KERNEL | {"kernel": "off_2"}}
    }
    both = campaign(
        "both", [record(variant="plain"), record(variant="off")], lab("6.12-plain"), header
    )
    off = both / "off" / "boot-01" / "environment.json"
    off.write_text(json.dumps(lab("6.12-off")))
    assert verdicts(both) == {"kernel/kmap_local/dram": "same"}
    off.write_text(json.dumps(lab("6.12-off", node="0")))  # a kernel without NUMA does not tell
    assert verdicts(both) == {"kernel/kmap_local/dram": "same"}
    for differs, facts in (
        (r"cpu\.microcode", lab("6.12-off", microcode="0x2")),
        (r"pmem\.namespace0\.0\.bytes", lab("6.12-off", size="1")),
    ):
        off.write_text(json.dumps(facts))
        with pytest.raises(BadData, match=differs):
            groups(both)


def test_running_kernels_may_differ_in_the_series_symbols_and_in_no_other(campaign):
    def here(name: str, variant: str, config: str) -> Path:
        facts = environment(f"6.12.0-{name}")
        folder = campaign(
            name,
            [timed(variant, 1, 300)],
            facts | {"kernel": facts["kernel"] | {"config_sha256": name[0] * 64}},
        )
        (folder / variant / "config").write_text(config)
        return folder

    old = here("a", "off", "CONFIG_NUMA=y\n# CONFIG_SUPERVISOR_PKEYS is not set\n")
    new = here(
        "b",
        "on",
        "CONFIG_NUMA=y\nCONFIG_SUPERVISOR_PKEYS=y\nCONFIG_DEVMAP_ACCESS_PROTECTION=y\n"
        'CONFIG_LOCALVERSION="-pks"\n',
    )
    other = here("c", "on", "CONFIG_SUPERVISOR_PKEYS=y\n")
    assert verdicts(old, new) == {"kernel/kmap_local/dram": "exploratory"}
    with pytest.raises(
        BadData, match=r"differ in kernel\.config\.CONFIG_NUMA \(y there, none here\):"
    ):
        groups(old, other)
    with pytest.raises(BadData, match=r"differ in kernel\.config_sha256"):
        (new / "on" / "config").unlink()
        groups(old, new)


def test_the_plan_says_which_boots_are_the_halves_of_the_baseline(campaign):
    """Boots 1 to 6 take longer than 7 to 12: halves of the plan differ, every other one does
    not.
    """
    off = [
        timed("off", boot, (330 if boot <= 6 else 300) * random.Random(boot).gauss(1, 0.001))
        for boot in range(1, 13)
    ]
    records = in_turn(off, boots("on", 600, 12))
    planned = [
        step | ({"half": "A" if step["boot"] <= 6 else "A'"} if step["variant"] == "off" else {})
        for step in by_coin(records)["planned"]
    ]
    for plan, differs in ((planned, True), ([], False)):
        header = {"planned": plan, "design": "pairs"} if plan else {}
        (group,) = groups(campaign(f"differs-{differs}", records, header=header))
        (aa,) = group.aa
        assert (aa.n_old, aa.n_new) == (6, 6)
        assert aa.ratio_95.excludes(1) is differs


def test_clocks_are_never_mixed(campaign):
    with pytest.raises(
        BadData, match="in instructions by icount .* and in ticks by tsc .*: never compared"
    ):
        groups(
            campaign("one", [record()]), campaign("two", [timed("stock", 1, 5)]), metrics=["cost"]
        )


def test_a_baseline_that_differs_from_itself_is_a_bound_and_vetoes_nothing(campaign):
    jumps = [
        one
        | {key: one[key] * (1.2 if one["boot"] % 2 else 1) for key in ("cost", "cost_core_cycles")}
        for one in boots("off", 300, 12)
    ]
    records = in_turn(jumps, boots("on", 600, 12)) + [
        record("kernel/counted", boot, cost, variant=name)
        for boot in range(1, 13)
        for name, cost in (("off", 5), ("on", 12))
    ]
    (group,) = groups(campaign("both", records, header=by_coin(records)), metrics=["cost"])
    assert {row.case: row.verdict for row in group.rows} == {
        "kernel/kmap_local/dram": Verdict.SLOWER,
        "kernel/counted": Verdict.SLOWER,
    }
    assert [row.case for row in group.aa] == ["kernel/kmap_local/dram"]
    (said,) = re.findall(r"at most (\d+) %", as_text.export([group], []))
    assert 15 < int(said) < 25
    assert gate.gate([group], "slower").code == 1


@pytest.mark.parametrize("number", range(4, 8))
def test_an_aa_row_that_could_not_be_tested_says_so(campaign, number):
    records = in_turn(boots("off", 200, number), boots("on", 260, number))
    (group,) = groups(campaign("both", records, header=by_coin(records)))
    assert "A/A: the baseline against itself, 1 comparison: not tested" in " ".join(
        as_text.export([group], []).split()
    )


@pytest.mark.parametrize("number", [12, 14, 15, 19, 31])
def test_figures_that_are_the_same_to_the_digit_differ_by_nothing(campaign, number):
    """Medians of the halves of a constant, rounded in another order."""
    records = [
        record(boot=boot, cost=421.674, variant=name, exact=False, samples=[4236, 8472])
        for boot in range(1, number + 1)
        for name in ("off", "on")
    ]
    (group,) = groups(campaign("both", records, header=by_coin(records)))
    assert [row.verdict for row in group.rows] == [Verdict.SAME]
    assert "differs from itself by at most 0 %" in " ".join(as_text.export([group], []).split())


def test_one_campaign_is_its_variants_against_the_unpatched_one(campaign):
    header = {
        "variants": {
            "on": KERNEL | {"patched": True},
            "off": KERNEL | {"patched": False},
            "idle": KERNEL | {"patched": True},
        }
    }
    folder = campaign(
        "three", [record(variant=name) for name in ("on", "off", "idle")], header=header
    )
    assert [(group.old.variant, group.new.variant) for group in groups(folder)] == [
        ("off", "on"),
        ("off", "idle"),
    ]
    assert [group.new.variant for group in groups(folder, baseline="idle")] == ["on", "off"]


def test_many_are_compared_with_the_first(campaign):
    folders = [campaign(name, [record(cost=cost)]) for name, cost in (("a", 5), ("b", 6), ("c", 4))]
    assert [str(group.rows[0].verdict) for group in groups(*folders)] == ["slower", "faster"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a"], "one variant has nothing to be compared with"),
        (["a", "nowhere"], "no such file or folder"),
        (["a", "a:other"], "no records of other; there are stock"),
        (["a", "two"], "which to compare is not clear"),
    ],
)
def test_sides_that_are_not_clear_are_said_so(campaign, monkeypatch, arguments, said):
    folder = campaign("a", [record()])
    campaign("two", [record(variant="x"), record(variant="y")])
    monkeypatch.chdir(folder.parent)
    with pytest.raises(BadData, match=said):
        groups(*arguments)


def test_a_case_without_figure_is_said_and_has_no_verdict(campaign):
    failed = record(
        "empty", cost=None, status="flagged", reason="it faulted", oracle="failed", exact=False
    )
    one, two = campaign("one", [record(), record("empty")]), campaign("two", [record(), failed])
    (group,) = groups(one, two)
    assert [row.case for row in group.rows] == ["kernel/kmap_local/dram"]
    assert f"{two}:stock: no figure of empty: flagged: it faulted (boot 1)" in group.notes


def test_kernels_of_which_one_counts_preemption(campaign):
    count, none = "CONFIG_NUMA=y\nCONFIG_PREEMPT_COUNT=y\n", "CONFIG_NUMA=y\n"

    def notes(old: str | None, new: str | None) -> list[str]:
        folders = []
        for name, config in (("one", old), ("two", new)):
            shutil.rmtree(root / name, ignore_errors=True)
            folders.append(campaign(name, [record()]))
            if config is not None:
                (folders[-1] / "stock" / "config").write_text(config)
        (group,) = groups(*folders, allow=["kernel"])
        return [note for note in group.notes if "preemption" in note]

    root = campaign("somewhere", [record()]).parent
    said = "counts preemption (CONFIG_PREEMPT_COUNT), and the other one does not"
    assert [note.split(": ")[0] for note in notes(none, count)] == [f"{root}/two:stock {said}"]
    assert [note.split(": ")[0] for note in notes(count, none)] == [f"{root}/one:stock {said}"]
    assert notes(count, count) == notes(none, none) == notes(None, count) == []


def test_exit_codes_say_what_was_asked_for(campaign):
    old, slow = campaign("old", [record()]), campaign("slow", [record(cost=6)])
    assert [
        run(old, slow).returncode,
        run(old, slow, "--fail-on", "slower").returncode,
        run(slow, old, "--fail-on", "slower").returncode,
    ] == [0, 1, 0]
    assert run(old, slow, "--fail-on", "unresolved").returncode == 1
    refused = run(old, campaign("other", [record()], environment("6.1")))
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and not refused.stdout


class _Tags(HTMLParser):
    def __init__(self, page: str):
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, *_):
        self.tags.append(tag)


def test_every_form_has_the_verdicts_and_keeps_names_text(campaign):
    name = "<script>alert(1)</script>|x"
    old, new = (
        campaign(f, [record(name, cost=cost), record("kernel/" + "long_" * 15, cost=5)])
        for f, cost in (("old", 5), ("new", 6))
    )
    found = groups(old, new)
    plain = as_text.export(found, [])
    assert (
        all(len(line) <= 72 or len(line.split()) == 1 for line in plain.splitlines())
        and " more\n" in plain
    )
    page = as_html.export(found, [])
    assert "script" not in _Tags(page).tags and "http" not in page and ">more</td>" in page
    summary, line = [line for line in as_markdown.export(found, []).splitlines() if "alert" in line]
    assert not re.search(r"(?<!\\)[<>|]", summary)
    assert (
        not re.search(r"(?<!\\)[<>]", line)
        and line.replace("\\|", "").count("|") == 7
        and "**more**" in line
    )
    rows = json.loads(as_json.export(found, []))["groups"][0]["rows"]
    assert [(row["case"], row["verdict"], row["difference"]) for row in rows][0] == (
        name,
        "slower",
        1,
    )


def test_the_text_fits_a_mail(campaign):
    records = in_turn(boots("off", 300), boots("on", 312))
    plain = as_text.export(
        groups(campaign("both", records, header=by_coin(records))), ["a note " * 30]
    )
    assert all(len(line) <= 72 or len(line.split()) == 1 for line in plain.splitlines())
    assert "10+10 boots" in plain and "slower: " in plain and "[1.0" in plain


def test_metrics_are_chosen_by_name(campaign):
    both = campaign("both", in_turn(boots("off", 300), boots("on", 312)))
    (group,) = groups(both, metrics=["all"])
    assert [row.metric.name for row in group.rows] == ["cost", "core_cycles", "ns"]
    assert [row.metric.name for row in groups(both)[0].rows] == ["core_cycles"]


def test_windows_that_the_pmu_counted_are_metrics(campaign):
    lines = in_turn(boots("off", 300), boots("on", 312))
    lines = [line | counted_windows(100 + line["boot"], 5) for line in lines]
    (group,) = groups(campaign("both", lines), metrics=["all"])
    names = [row.metric.name for row in group.rows]
    assert names == ["cost", "core_cycles", "counted_cycles", "counted_instructions", "ns"]
    assert (group.rows[3].old, group.rows[3].new) == pytest.approx((5, 5))


def test_a_case_steers_no_terminal(write_campaign, compare):
    case = "kernel/\x1b[31mred\n/dram"
    described = dict.fromkeys(("old", "new"), KERNEL)
    records = [record(case, variant="old"), record(case, variant="new", cost=6)]
    text = compare(write_campaign(records, header={"variants": described})).text
    assert "  kernel/?[31mred?/dram " in text and "\x1b" not in text


def test_a_table_has_the_columns_that_say_something_and_names_as_code(campaign):
    def tables(records, **header):
        found = groups(campaign(f"c{len(records)}", records, **header))
        return as_markdown.export(found, []), as_html.export(found, [])

    counts = [record(variant=name, cost=cost) for name, cost in (("off", 5), ("on", 8))]
    markdown, page = tables(counts)
    assert "lower is better; 1\\+1 boots:" in markdown and "lower is better; 1+1 boots</p>" in page
    assert "| case | old | new | change | % | verdict |" in markdown
    assert "| `kernel/kmap_local/dram` | 5 | 8 | +3 | +60.0 | **more** |" in markdown
    headings = ["case", "old", "new", "change", "%", "verdict"]
    assert re.findall(r'<th scope="col">([^<]*)</th>', page) == headings
    timed = in_turn(boots("off", 300), boots("on", 312))
    markdown, page = tables(timed, header=by_coin(timed))
    assert "| old | new | change | 95 % | verdict |" in markdown
    assert '<th scope="col">95 %</th>' in page and '<th scope="col">of</th>' not in page
    some = [*timed, *(one | {"case": "kernel/other"} for one in timed[:12])]
    assert "| 95 % | of | verdict |" in tables(some, header=by_coin(timed))[0]
