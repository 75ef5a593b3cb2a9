# SPDX-License-Identifier: Apache-2.0
import json
import random
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.compare import engine, inputs
from analysis.data.bad_data import BadData
from analysis.report.comparison import as_html
from analysis.report.comparison import as_json as as_json
from analysis.report.comparison import as_markdown, as_text
from analysis.stats.verdict import Verdict
from analysis.tests.conftest import HEADER, environment, record

ROOT = Path(__file__).resolve().parents[2]
KERNEL = {"what": "w", "release": "6.12.0-test", "packages": {}, "cpu": "max", "cmdline": ""}


@pytest.fixture
def campaign(tmp_path):
    """Writes a campaign by name, records by variant; the order is the records'. Facts are of all
    boots.
    """

    def write(
        name: str, records: list[dict], facts: dict | None = None, header: dict | None = None
    ) -> Path:
        folder = tmp_path / name
        order = dict.fromkeys((one["variant"], one["boot"]) for one in records)
        steps = [
            {
                "variant": v,
                "boot": b,
                "started": "2026-01-01T00:00:00Z",
                "ended": None,
                "status": "ok",
            }
            for v, b in order
        ]
        variants = {variant: KERNEL for variant, _ in order if variant != "host"}
        folder.mkdir()
        (folder / "campaign.json").write_text(
            json.dumps(HEADER | {"variants": variants, "order": steps} | (header or {}))
        )
        for variant, boot in order:
            place = folder / variant / f"boot-{boot:02d}"
            place.mkdir(parents=True)
            lines = [
                json.dumps(one)
                for one in records
                if (one["variant"], one["boot"]) == (variant, boot)
            ]
            (place / "micro.jsonl").write_text("\n".join(lines) + "\n")
            (place / "environment.json").write_text(json.dumps(environment() | (facts or {})))
        return folder

    return write


def timed(
    variant: str, boot: int, cost: float, case: str = "kernel/kmap_local/dram", **changes
) -> dict:
    time = {"clock": "tsc", "unit": "ticks", "exact": False, "chain": 1.0, "cost_core_cycles": cost}
    return record(case, boot, cost, variant=variant, **time | changes)


def boots(
    variant: str,
    level: float,
    number: int = 10,
    seed: int = 1,
    case: str = "kernel/kmap_local/dram",
    spread: float = 0.002,
) -> list[dict]:
    chooser = random.Random(f"{seed} {variant} {case}")
    return [
        timed(variant, boot + 1, level * chooser.gauss(1, spread), case) for boot in range(number)
    ]


def in_turn(*variants: list[dict]) -> list[dict]:
    return [one for round in zip(*variants) for one in round]


def groups(*arguments, baseline=None, allow=(), metrics=()):
    return engine.compare(
        inputs.pair_sources([str(one) for one in arguments], baseline)[0], allow, metrics
    )


def verdicts(*arguments, **options) -> dict[str, str]:
    return {
        row.case: str(row.verdict) for group in groups(*arguments, **options) for row in group.rows
    }


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
    assert f"  {cases[1]:34}{5:>9}{6:>9}{'+1':>8}  slower\n" in as_text.export([group], [])
    assert verdicts(two, one)[cases[1]] == "faster"


def test_boots_that_do_not_agree_are_not_compared_digit_by_digit(campaign):
    one = campaign("old", [record(boot=1), record(boot=2, cost=6)])
    two = campaign("new", [record(boot=1), record(boot=2)])
    (group,) = groups(one, two)
    assert [(row.exact, row.verdict) for row in group.rows] == [(False, Verdict.EXPLORATORY)]


@pytest.mark.parametrize(
    "other",
    [{"samples": [70, 141]}, {"samples": [71, 140]}, {"shifted_samples": [70, 141]}, {"ops": 11}],
)
def test_one_cost_from_other_samples_is_not_exact(campaign, other):
    samples = {"samples": [70, 140], "shifted_samples": [70, 140]}
    one = campaign("old", [record(boot=1, **samples), record(boot=2, **samples | other)])
    two = campaign("new", [record(boot=boot, **samples) for boot in (1, 2)])
    assert [row.exact for row in groups(one, two)[0].rows] == [False]


def test_a_change_of_time_is_found_in_both_directions_and_by_direction_of_the_metric(campaign):
    both = campaign("both", in_turn(boots("off", 300), boots("on", 312)))
    assert set(verdicts(both, baseline="off").values()) == {"slower"}
    assert set(verdicts(both, baseline="on").values()) == {"faster"}
    higher = [one | {"better": "higher"} for one in in_turn(boots("off", 300), boots("on", 312))]
    assert set(verdicts(campaign("higher", higher), baseline="off").values()) == {"faster"}


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
        assert engine.exit_code([group], "unresolved") == 0
        assert "the same files" in as_text.export([group], [])


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
    """Boots 1 to 6 take longer than 7 to 12: halves of the plan differ, dealt out they
    would not.
    """
    off = [
        timed("off", boot, (330 if boot <= 6 else 300) * random.Random(boot).gauss(1, 0.001))
        for boot in range(1, 13)
    ]
    planned = [
        {"variant": "off", "boot": boot, "half": "A" if boot <= 6 else "A'"}
        for boot in range(1, 13)
    ]
    for plan, moved in ((planned, True), ([], False)):
        (group,) = groups(
            campaign(
                f"moved-{moved}",
                in_turn(off, boots("on", 600, 12)),
                header={"planned": plan} if plan else {},
            )
        )
        (aa,) = group.aa
        assert (aa.n_old, aa.n_new) == (6, 6) and (group.rows[0].reason == "A/A moved") is moved


def test_clocks_are_never_mixed(campaign):
    with pytest.raises(
        BadData, match="in instructions by icount .* and in ticks by tsc .*: never compared"
    ):
        groups(
            campaign("one", [record()]), campaign("two", [timed("stock", 1, 5)]), metrics=["cost"]
        )


def test_a_baseline_that_moved_against_itself_leaves_nothing_resolved(campaign):
    jumps = [
        one
        | {
            key: one[key] * (1.2 if one["boot"] % 4 in (1, 0) else 1)
            for key in ("cost", "cost_core_cycles")
        }
        for one in boots("off", 300, 12)
    ]
    (group,) = groups(campaign("both", in_turn(jumps, boots("on", 600, 12))))
    assert {(row.verdict, row.reason) for row in group.rows} == {(Verdict.UNRESOLVED, "A/A moved")}
    assert "the baseline differs from itself" in as_text.export([group], [])


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


def run(*arguments, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "analysis", "compare", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_exit_codes_say_what_was_asked_for(campaign):
    old, slow = campaign("old", [record()]), campaign("slow", [record(cost=6)])
    few = campaign("few", in_turn(boots("off", 300, 2), boots("on", 300, 2)))
    assert [
        run(old, slow).returncode,
        run(old, slow, "--fail-on", "slower").returncode,
        run(slow, old, "--fail-on", "slower").returncode,
    ] == [0, 1, 0]
    assert [
        run(old, slow, "--fail-on", "unresolved").returncode,
        run(few, "--fail-on", "unresolved").returncode,
    ] == [1, 3]
    assert run(few, "--fail-on", "slower").returncode == 0
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
        and "slower" in plain
    )
    page = as_html.export(found, [])
    assert "script" not in _Tags(page).tags and "http" not in page and ">slower</td>" in page
    (line,) = [line for line in as_markdown.export(found, []).splitlines() if "alert" in line]
    assert (
        not re.search(r"(?<!\\)[<>]", line)
        and line.replace("\\|", "").count("|") == 8
        and "**slower**" in line
    )
    rows = json.loads(as_json.export(found, []))["groups"][0]["rows"]
    assert [(row["case"], row["verdict"], row["difference"]) for row in rows][0] == (
        name,
        "slower",
        1,
    )


def test_the_text_fits_a_mail(campaign):
    plain = as_text.export(
        groups(campaign("both", in_turn(boots("off", 300), boots("on", 312)))), ["a note " * 30]
    )
    assert all(len(line) <= 72 or len(line.split()) == 1 for line in plain.splitlines())
    assert "10+10 boots" in plain and "slower: " in plain and "[1.0" in plain


def test_metrics_are_chosen_by_name(campaign):
    both = campaign("both", in_turn(boots("off", 300), boots("on", 312)))
    (group,) = groups(both, metrics=["all"])
    assert [row.metric.name for row in group.rows] == ["cost", "core_cycles", "ns"]
    assert [row.metric.name for row in groups(both)[0].rows] == ["core_cycles"]


def test_a_case_steers_no_terminal(write_campaign, compare):
    case = "kernel/\x1b[31mred\n/dram"
    described = dict.fromkeys(("old", "new"), HEADER["variants"]["stock"])
    records = [record(case, variant="old"), record(case, variant="new", cost=6)]
    text = compare(write_campaign(records, header={"variants": described})).text
    assert "  kernel/?[31mred?/dram " in text and "\x1b" not in text
