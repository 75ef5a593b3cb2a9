# SPDX-License-Identifier: Apache-2.0
"""--fail-on: what ends with 1, what with 3, and that nothing that was not judged ends with 0."""

import json
import re
import shlex

import numpy as np
import pytest
from scipy.stats import binom

from analysis.data.bad_data import BadData
from analysis.report.comparison import as_text
from analysis.stats import randomisation
from analysis.stats.verdict import ALPHA
from analysis.studies import simulate
from analysis.tests.conftest import KERNEL, by_coin, environment, record
from analysis.tests.support.comparisons import boots, groups, in_turn, run, timed
from formats.campaign_format import LOOKS

pytestmark = pytest.mark.program

DRAM = "kernel/kmap_local/dram"
FORK = "elsewhere/fork_exit"


def pairs(off: float, on: float, number: int = 10, case: str = DRAM, spread: float = 0.002):
    sides = (boots(*side, number, case=case, spread=spread) for side in (("off", off), ("on", on)))
    return in_turn(*sides)


def counted(off: float, on: float, number: int = 2, case: str = "kernel/counted") -> list[dict]:
    return [
        record(case, boot, cost, variant=variant)
        for boot in range(1, number + 1)
        for variant, cost in (("off", off), ("on", on))
    ]


def code(folder, fail_on: str, *options: str) -> int:
    return run(folder, "--fail-on", fail_on, *options).returncode


@pytest.mark.parametrize(
    ("off", "on", "number", "slower", "differs", "unresolved"),
    [
        (300, 312, 10, 1, 1, 1),
        (312, 300, 10, 0, 0, 0),
        (300, 300, 10, 0, 0, 0),
        (300, 301.5, 10, 0, 1, 0),  # within the margin
        (300, 303.6, 10, 0, 1, 0),  # slower, size open
        (300, 312, 8, 1, 1, 1),
        (300, 312, 7, 3, 3, 3),
        (300, 600, 3, 3, 3, 3),
    ],
)
def test_words_have_their_exit_codes(campaign, off, on, number, slower, differs, unresolved):
    spread = 0.004 if on == 303.6 else 0.001
    records = pairs(off, on, number, spread=spread)
    folder = campaign("c", records, header=by_coin(records))
    codes = [code(folder, word) for word in ("slower", "differs", "unresolved")]
    assert codes == [slower, differs, unresolved]
    assert run(folder).returncode == 0


def test_unresolved_fails_only_where_it_was_asked_for(campaign):
    records = pairs(300, 303, spread=0.04)
    folder = campaign("c", records, header=by_coin(records))
    (row,) = groups(folder)[0].rows
    assert row.verdict == "unresolved"
    assert [code(folder, word) for word in ("slower", "differs", "unresolved")] == [0, 0, 3]


def test_a_size_that_is_open_is_said(campaign):
    records = pairs(300, 303.6, spread=0.004)
    said = run(campaign("c", records, header=by_coin(records)), "--fail-on", "slower").stderr
    assert said == f"kmapbench: no failure: {DRAM}: differs, size open\n"


def test_pairs_without_a_coin_are_not_judged(campaign):
    by_date = campaign("date", pairs(300, 600))
    apart = [campaign(name, boots(name, level)) for name, level in (("off", 300), ("on", 600))]
    assert code(by_date, "slower") == 3
    result = run(f"{apart[0]}:off", f"{apart[1]}:on", "--fail-on", "slower")
    assert result.returncode == 3 and "not judged" in result.stderr


@pytest.mark.parametrize("factor", [1, 1.2])
def test_boots_of_one_side_that_were_flagged_away_are_not_judged(campaign, factor):
    """Half of the new boots are slow, and are the ones that are flagged."""
    records = pairs(300, 300 * factor, 20)
    lost = [
        one | {"status": "flagged", "cost": None, "cost_core_cycles": None, "reason": "noise"}
        if one["variant"] == "on" and one["boot"] % 2
        else one
        for one in records
    ]
    folder = campaign("c", lost, header=by_coin(records))
    result = run(folder, "--fail-on", "slower")
    assert result.returncode == (3 if factor == 1 else 1)
    assert "boots of one side are lost" in result.stderr


def test_counts_of_unlike_numbers_of_boots_are_no_loss_where_no_more_were_asked_for(campaign):
    long, short = counted(5, 5, 3), counted(5, 5, 2)
    more, fewer = (campaign(str(len(one)), one, header=by_coin(one)) for one in (long, short))
    result = run(f"{more}:off", f"{fewer}:on", "--fail-on", "slower")
    assert (result.returncode, result.stderr) == (0, "")
    lacking = campaign("lacking", short, header=by_coin(long))
    result = run(f"{more}:off", f"{lacking}:on", "--fail-on", "slower")
    assert result.returncode == 3 and "boots of one side are lost" in result.stderr
    assert "1 boot has no partner" in run(f"{more}:off", f"{lacking}:on").stdout


def test_rounds_that_both_sides_lost_are_no_loss_of_one(campaign):
    records = [one for one in pairs(300, 300, 12) if one["boot"] % 4]
    assert code(campaign("c", records, header=by_coin(pairs(300, 300, 12))), "slower") == 0


def test_a_case_that_is_gone_is_not_judged(campaign):
    there = counted(5, 5) + counted(7, 7, case="kernel/gone")
    gone = [one for one in there if (one["variant"], one["case"]) != ("on", "kernel/gone")]
    assert code(campaign("whole", there), "slower") == 0
    result = run(campaign("c", gone), "--fail-on", "slower")
    assert result.returncode == 3 and "kernel/gone" in result.stderr
    assert code(campaign("more", counted(5, 6, case="kernel/other") + gone), "slower") == 1
    assert (
        run(f"{campaign('d', gone)}", "--fail-on", "slower", "--cases", "*counted").returncode == 0
    )


@pytest.mark.parametrize(
    ("reason", "wanted"), [({"status": "skipped"}, 0), ({"status": "flagged"}, 3)]
)
def test_what_neither_side_has_is_lost_unless_it_was_skipped(campaign, reason, wanted):
    without = {"cost": None, "exact": False, "reason": "why", "samples": [], "empty_samples": []}
    lone = [one | without | reason for one in counted(0, 0, case="kernel/lone")]
    assert code(campaign("c", counted(5, 5) + lone), "slower") == wanted


def test_a_variant_without_a_record_is_not_judged(campaign):
    records = counted(5, 5)
    header = {"variants": {name: KERNEL for name in ("off", "on", "crashed")}}
    result = run(campaign("c", records, header=header), "--fail-on", "slower")
    assert result.returncode == 3 and "crashed" in result.stderr


def test_an_exact_count_that_is_more_fails_beside_a_baseline_that_differs_from_itself(campaign):
    noisy = [
        one | {"cost": one["cost"] * (1.3 if one["boot"] % 2 else 1)}
        for one in counted(400, 400, 10, FORK)
    ]
    noisy = [one | {"exact": False} for one in noisy]
    records = counted(5, 12, 10) + noisy
    folder = campaign("c", records, header=by_coin(records))
    assert code(folder, "slower") == 1
    assert {row.case: str(row.verdict) for row in groups(folder)[0].rows}[
        "kernel/counted"
    ] == "slower"


def test_a_case_that_is_never_exact_counts_if_it_is_named_or_has_pairs(campaign):
    def fork(number: int) -> list[dict]:
        noisy = [
            one | {"cost": one["cost"] + one["boot"]} for one in counted(400, 800, number, FORK)
        ]
        return [one | {"exact": False} for one in noisy] + counted(5, 5, number)

    few = campaign("few", fork(2), header=by_coin(fork(2)))
    result = run(few, "--fail-on", "slower")
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert FORK in line and "not judged" in line
    assert code(few, "slower", "--cases", FORK) == 3
    many = campaign("many", fork(8), header=by_coin(fork(8)))
    assert code(many, "slower") == 1


def test_a_misspelt_case_is_an_error_though_others_are_there(campaign):
    folder = campaign("c", counted(5, 5))
    for cases, mend in (
        (["kernel/counted", "kernel/countd"], "did you mean kernel/counted?"),
        (["kernel/*", "user/*"], "./kmapbench cases lists all"),
    ):
        asked = [word for case in cases for word in ("--cases", case)]
        result = run(folder, "--fail-on", "slower", *asked)
        assert (result.returncode, result.stdout) == (2, "")
        said = f"kmapbench: --cases {shlex.quote(cases[1])}: no case of that name there; {mend}\n"
        assert result.stderr == said


def test_a_metric_that_one_side_lacks_is_not_judged(campaign):
    counters = {"counters": {"instructions": {"value": 1000, "enabled": 1, "running": 1}}}
    records = [
        one | counters
        for one in pairs(300, 300, 8) + pairs(200, 200, 8, "kernel/b") + counted(5, 5, 8)
    ]
    for one in records:
        if one["case"] == "kernel/counted" or (one["case"], one["variant"]) == ("kernel/b", "on"):
            one["counters"] = {}
    folder = campaign("c", records, header=by_coin(records))
    asked = ("--fail-on", "slower", "--metric", "instructions")
    result = run(folder, *asked)
    assert result.returncode == 3
    assert result.stderr == f"kmapbench: not judged: kernel/b: no instructions in {folder}:on\n"
    assert run(folder, *asked, "--cases", DRAM).returncode == 0
    result = run(folder, *asked, "--cases", DRAM, "--cases", "*counted")
    assert result.returncode == 3 and "counted: no instructions on either side" in result.stderr
    assert run(folder, "--fail-on", "slower").returncode == 0


def test_a_misspelt_allow_is_an_error(campaign):
    one = campaign("one", [record()])
    two = campaign("two", [record(cost=6)], {"cpu": environment()["cpu"] | {"microcode": "0x2"}})
    with pytest.raises(BadData, match=r"--allow cpu.microcod: .*did you mean cpu.microcode\?"):
        groups(one, two, allow=["cpu.microcod", "cpu.microcode"])
    assert groups(one, two, allow=["cpu.micro*"])
    assert groups(one, two, allow=["cpu"])


def test_all_that_would_have_to_be_allowed_is_one_line_to_paste(campaign):
    facts = {"cpu": environment()["cpu"] | {"microcode": "0x2", "model name": "x y"}}
    facts["clock"] = environment()["clock"] | {"clocksource": "hpet"}
    one, two = campaign("one", [record()]), campaign("two", [record(cost=6)], facts)
    refused = run(one, two)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    options = refused.stderr.strip().split(" or say ")[1]
    assert options == "--allow clock.clocksource --allow cpu.microcode --allow 'cpu.model name'"
    assert run(one, two, *shlex.split(options)).returncode == 0


@pytest.mark.parametrize(("code_of_two", "refused"), [("a" * 64, False), ("b" * 64, True)])
def test_another_commit_is_a_difference_if_what_measures_is_another(campaign, code_of_two, refused):
    def of(name: str, commit: str, code: str):
        kmapbench = {"commit": commit, "dirty": False, "kmap_bench_code": code}
        facts = {"kmapbench": environment()["kmapbench"] | {"commit": commit}}
        return campaign(name, [record()], facts, {"kmapbench": kmapbench})

    one, two = of("one", "0" * 40, "a" * 64), of("two", "1" * 40, code_of_two)
    (two / "stock" / "boot-01" / "micro.jsonl").write_text(json.dumps(record(cost=6)) + "\n")
    result = run(one, two)
    assert result.returncode == (2 if refused else 0)
    assert ("kmap_bench_code" in result.stderr) is refused


@pytest.mark.parametrize("modules", [("a" * 16, "a" * 16), ("a" * 16, "b" * 16)])
def test_another_module_is_a_difference(campaign, modules):
    folders = []
    for name, module, cost in zip("xy", modules, (5, 6)):
        header = {"variants": {"stock": KERNEL | {"module": f"stock_1-{module}"}}}
        folders.append(campaign(name, [record(cost=cost)], header=header))
    assert run(*folders).returncode == (0 if len(set(modules)) == 1 else 2)


GCC = {"module": f"x_1-{'a' * 16}", "module_source": "c" * 16, "module_compiler": "gcc 12"}
GCC_BY_ANOTHER_NAME = GCC | {"module": f"x_1-{'b' * 16}"}
CLANG = GCC | {"module": f"x_1-{'d' * 16}", "module_compiler": "clang 19"}
ANOTHER_SOURCE = GCC | {"module": f"x_1-{'d' * 16}", "module_source": "e" * 16}


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        (GCC, GCC_BY_ANOTHER_NAME, ""),
        (GCC, CLANG, "tools.module_compiler"),
        (GCC, ANOTHER_SOURCE, "tools.module_source"),
        (GCC, {"module": GCC["module"]}, ""),  # an older campaign says no more
        (GCC, {"module": CLANG["module"]}, "tools.module_build"),
    ],
)
def test_a_module_of_the_same_source_and_compiler_is_the_same(campaign, old, new, refused):
    one, two = (
        campaign(name, [record(cost=cost)], header={"variants": {"stock": KERNEL | module}})
        for name, cost, module in (("x", 5, old), ("y", 6, new))
    )
    result = run(one, two)
    assert result.returncode == (2 if refused else 0)
    assert refused in result.stderr


def test_a_kernel_may_have_its_own_compiler(campaign):
    """The path is compiled into the module, by what made the kernel."""
    gcc, clang = (
        KERNEL | module | {"kernel": name} for name, module in (("plain", GCC), ("clang", CLANG))
    )
    records = [record(variant=name, cost=cost) for name, cost in (("plain", 5), ("clang", 4))]
    facts = {"emulator": {"cpu": "max", "memory_mib": 640, "observed": True}}
    one = campaign("x", records, facts, {"variants": {"plain": gcc, "clang": clang}})
    assert run(f"{one}:plain", f"{one}:clang").returncode == 0


def test_the_samples_of_boots_are_looked_at(campaign):
    """The same medians; a fifth of the new side's samples take three times as long."""
    records = pairs(200, 200, spread=0.0005)
    for one in records:
        slow = 20 if one["variant"] == "on" else 0
        times = [one["cost"] + 2] * (100 - slow) + [3 * one["cost"] + 2] * slow
        one["samples"] = [time * one["ops"] * by for time in times for by in (1, 2)]
    (row,) = groups(campaign("c", records, header=by_coin(records)))[0].rows
    assert row.verdict == "slower" and abs(row.ratio - 1) < 0.01
    by_kind = {str(look.kind): look for look in row.looks}
    assert by_kind["share of slow samples"].estimate == pytest.approx(0.2)
    assert by_kind["mean"].estimate == pytest.approx(1.4, abs=0.01)


def test_the_second_alignment_is_looked_at(campaign):
    records = [
        one | {"cost_shifted": one["cost"] * (1.1 if one["variant"] == "on" else 1)}
        for one in pairs(200, 200, spread=0.0005)
    ]
    (row,) = groups(campaign("c", records, header=by_coin(records)))[0].rows
    assert row.verdict == "slower" and "second alignment" in row.reason
    shifted = [
        one | {"cost_shifted": 9 if one["variant"] == "on" else 5, "shifted_samples": [70, 140]}
        for one in counted(5, 5)
    ]
    (row,) = groups(campaign("d", shifted))[0].rows
    assert row.verdict == "slower" and "+4" in row.reason


def test_one_family_is_all_that_a_report_shows(campaign):
    records = [
        timed(variant, boot, cost, case)
        for boot in range(1, 11)
        for case in ("kernel/a", "kernel/b")
        for variant, cost in (("off", 300 + boot % 3), ("on", 301 + boot * 7 % 4))
    ]
    folder = campaign("c", records, header=by_coin(records))
    (one,), (every,) = groups(folder, metrics=["cost"]), groups(folder, metrics=["all"])
    of_cost = [row for row in every.rows if row.metric.name == "cost"]
    assert all(more.p_holm >= row.p_holm for row, more in zip(one.rows, of_cost))
    assert len(every.rows) == 3 * len(one.rows)


@pytest.mark.parametrize(
    ("number", "share"), [(7, 0.01), (8, 0.01), (10, 0.01), (14, 0.01), (19, 0.01), (20, 0.02)]
)
def test_a_campaign_that_grows_spends_a_share_at_each_look(campaign, number, share):
    records = pairs(300, 312, number)
    looks = [{"pairs": at, "share": part} for at, part in LOOKS.items()]
    header = by_coin(pairs(300, 312, 20)) | {"looks": looks}
    (group,) = groups(campaign("c", records, header=header))
    assert group.old.alpha == group.new.alpha == share
    text = " ".join(as_text.export([group], []).split())
    assert f"this look spends {share:.2f} of the 0.05" in text
    # of seven pairs no p is below 2/128
    assert str(group.rows[0].verdict) == ("unresolved" if number == 7 else "slower")


@pytest.mark.parametrize(
    ("number", "in_looks", "spread", "said"),
    [
        (
            8,
            True,
            0.01,
            r"run --resume \S+/c goes on out of the same 0.05, to the look at 14 pairs$",
        ),
        (8, True, 0.03, "to the look at 20 pairs, which is its last and may be too few$"),
        (14, True, 0.015, "to the look at 20 pairs"),
        (20, True, 0.03, "the 0.05 of this campaign is used up; it takes a new one$"),
        (10, False, 0.015, "has spent its 0.05 in one look, .* begin a new one with run --until-r"),
    ],
)
def test_advice_goes_on_out_of_the_same_level_or_says_that_it_is_used_up(
    campaign, number, in_looks, spread, said
):
    records = pairs(300, 301, number, spread=spread)
    looks = [{"pairs": at, "share": part} for at, part in LOOKS.items()]
    header = by_coin(records) | ({"looks": looks} if in_looks else {})
    (group,) = groups(campaign("c", records, header=header))
    (row,) = group.rows
    (note,) = [note for note in group.notes if "would resolve" in note]
    assert note.startswith(f"about {row.boots_to_resolve} pairs would resolve")
    assert re.search(said, note)


def test_there_is_no_advice_where_all_is_resolved_or_no_coin_was_thrown(campaign):
    for name, on, header in (("a", 300, True), ("b", 312, True), ("c", 302, False)):
        records = pairs(300, on, 10, spread=0.001 if header else 0.03)
        (group,) = groups(campaign(name, records, header=by_coin(records) if header else None))
        assert not [note for note in group.notes if "would resolve" in note]


def test_all_looks_together_have_one_level():
    assert sum(LOOKS.values()) == pytest.approx(ALPHA)
    assert all(2 / 2**number <= share for number, share in LOOKS.items())


def test_looking_again_at_what_does_not_differ_finds_nothing_more_often():
    """Families of twelve, looked at until something differs: the end of 400 campaigns."""
    chooser = np.random.default_rng(5)
    alarms = 0
    for differences in simulate.differences(simulate.Setting("normal", 20, 12), 400, chooser):
        alarms += any(
            (randomisation.changes(differences[:, :n], np.full(12, 0.01)).differs <= share).any()
            for n, share in LOOKS.items()
            if n < 20  # the last takes long, and is one more look of the same kind
        )
    assert alarms <= binom.isf(0.001, 400, sum(LOOKS.values()) - LOOKS[20])


@pytest.mark.parametrize(("number", "is_said"), [(7, True), (8, False)])
def test_what_few_pairs_find_is_printed_with_their_verdicts(campaign, number, is_said):
    records = pairs(300, 300, number)
    text = as_text.export(groups(campaign("c", records, header=by_coin(records))), [])
    assert (f"- {number} pairs of boots that spread by" in text) == is_said
    assert ("find a change of 3% in a case in" in " ".join(text.split())) == is_said
