# SPDX-License-Identifier: Apache-2.0
"""`compare --history`: the store, what is marked, the forms and the exit code."""

import json
import os
import random
import shutil
import sqlite3

import pytest

from analysis.data.bad_data import BadData
from analysis.history import case_history, history_gate
from analysis.history.case_history import read_history
from analysis.history.figure_store import VERSION, Store
from analysis.stats.verdict import Verdict
from analysis.tests.conftest import environment, record
from analysis.tests.support.comparisons import timed

DRAM, PROTECTED = "kernel/kmap_local/dram", "kernel/kmap_local/protected"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def history(campaign, tmp_path):
    """Writes campaigns a day apart, with these levels of a case, in a folder of their own."""

    def write(levels, case=DRAM, spread=0.002, first=0, facts=None, more=()):
        for number, level in enumerate(levels, first):
            chooser = random.Random(f"{case} {number}")
            records = [
                timed("stock", boot, level * chooser.gauss(1, spread), case) for boot in (1, 2, 3)
            ]
            day = f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}T00:00:00Z"
            folder = campaign(
                f"c{number:03d}",
                [*records, *more],
                facts=facts(number) if facts else None,
                header={"started": day},
            )
            (tmp_path / "all").mkdir(exist_ok=True)
            folder.rename(tmp_path / "all" / folder.name)
        return tmp_path / "all"

    return write


def changes(folder, **options):
    return {
        row.case: [(one.after.name, str(one.verdict)) for one in row.changes]
        for row in read_history([folder], **options).rows
    }


def test_a_step_is_found_where_it_was_made_with_its_size_and_what_changed_with_it(history):
    def facts(number):
        return environment(release="6.12.0" if number < 20 else "6.13.0")

    folder = history([200.0] * 20 + [206.0] * 12, facts=facts)
    (row,) = read_history([folder]).rows
    (change,) = row.changes
    assert (change.before.name, change.after.name) == ("c019", "c020")
    assert change.verdict is Verdict.SLOWER
    assert change.ratio == pytest.approx(1.03, abs=0.003)
    assert change.interval.low < 1.03 < change.interval.high
    assert change.difference == pytest.approx(6, abs=0.6)
    assert change.differing["kernel.release"] == ("6.12.0", "6.13.0")
    assert (row.since, row.metric.name) == (12, "core_cycles")
    assert row.level == pytest.approx(206, rel=0.003)


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (206.0, Verdict.SLOWER),
        (194.0, Verdict.FASTER),
        (201.0, Verdict.WITHIN),
        (202.0, Verdict.SLOWER_OPEN),
        (198.0, Verdict.FASTER_OPEN),
    ],
)
def test_a_change_has_the_word_that_its_interval_gives(history, after, word):
    folder = history([200.0] * 20 + [after] * 12)
    (row,) = read_history([folder]).rows
    assert [one.verdict for one in row.changes] == [word]


def test_nothing_is_marked_where_nothing_changed_and_few_campaigns_are_not_judged(history):
    folder = history([200.0] * 19)
    (row,) = read_history([folder]).rows
    assert (row.changes, row.reason[:24]) == ([], "fewer than 20 campaigns:")
    history([200.0] * 11, first=19)
    (row,) = read_history([folder]).rows
    assert (row.changes, row.reason, row.since) == ([], "", 30)
    assert 1 < row.smallest < 1.01


def test_counts_are_compared_digit_by_digit(campaign, tmp_path):
    for number, cost in enumerate((5, 5, 6)):
        records = [record(boot=boot, cost=cost) for boot in (1, 2)]
        campaign(f"c{number}", records, header={"started": f"2026-01-0{number + 1}"})
    (row,) = read_history([tmp_path]).rows
    (change,) = row.changes
    assert (row.exact, change.after.name, change.verdict) == (True, "c2", Verdict.SLOWER)
    assert (change.difference, change.interval, row.reason) == (1, None, "")


def test_campaigns_are_in_the_order_in_which_they_began(history, tmp_path):
    folder = history([200.0] * 3)
    (folder / "c000").rename(folder / "z")
    assert [one.name for one in read_history([folder]).campaigns] == ["z", "c001", "c002"]


def test_two_machines_have_two_histories(history):
    folder = history([200.0] * 4, facts=lambda n: environment(model=f"CPU {n % 2}"))
    rows = read_history([folder]).rows
    assert sorted(row.machine for row in rows) == ["GenuineIntel; CPU 0", "GenuineIntel; CPU 1"]
    assert [[one.name for one in row.campaigns] for row in rows] == [
        ["c000", "c002"],
        ["c001", "c003"],
    ]


class Counted:
    """Stands in for load, and counts what is read."""

    def __init__(self, monkeypatch):
        from analysis.history import campaign_figures

        self.read = []
        load = campaign_figures.load

        def counting(folder, **options):
            self.read.append(folder.name)
            return load(folder, **options)

        monkeypatch.setattr(campaign_figures, "load", counting)

    def take(self):
        read, self.read = self.read, []
        return sorted(read)


def test_a_campaign_is_read_once_and_known_by_its_content(history, tmp_path, monkeypatch):
    counted = Counted(monkeypatch)
    folder = history([200.0] * 3)
    before = changes(folder), [one.name for one in read_history([folder]).campaigns]
    assert counted.take() == ["c000", "c001", "c002"]
    assert (changes(folder), [one.name for one in read_history([folder]).campaigns]) == before
    assert counted.take() == []
    # the same content elsewhere, and moved, is not read again, nor counted twice
    shutil.copytree(folder / "c001", folder / "copy")
    (folder / "c000").rename(folder / "moved")
    assert len(read_history([folder]).campaigns) == 3 and counted.take() == []
    history([200.0], first=3)
    assert len(read_history([folder]).campaigns) == 4 and counted.take() == ["c003"]


def test_a_campaign_that_grew_or_was_changed_is_read_again(history, monkeypatch):
    folder = history([200.0] * 3)
    old = read_history([folder]).rows[0].values[1]
    counted = Counted(monkeypatch)
    path = folder / "c001" / "stock" / "boot-02" / "micro.jsonl"
    state = path.stat()
    records = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text(json.dumps(records[0] | {"cost": 999.0, "cost_core_cycles": 999.0}) + "\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    values = read_history([folder]).rows[0].values
    assert counted.take() == ["c001"] and len(values) == 3 and values[1] != old
    # as long as before, and a moment later
    text = path.read_text()
    path.write_text(text.replace("999.0", "998.0"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 2))
    read_history([folder])
    assert counted.take() == ["c001"]


def test_a_store_that_is_gone_broken_or_of_another_version_is_made_again(history, cache):
    folder = history([200.0] * 20 + [206.0] * 12)
    wanted = changes(folder)
    store = cache / "history.sqlite"
    assert store.exists() and wanted == {DRAM: [("c020", "slower")]}
    store.unlink()
    assert changes(folder) == wanted
    store.write_bytes(b"not a database" * 1000)
    assert changes(folder) == wanted
    with sqlite3.connect(store) as base:
        base.execute(f"PRAGMA user_version = {VERSION + 1}")
    base.close()
    assert changes(folder) == wanted


def test_only_the_folders_that_were_given_are_judged(history, tmp_path, campaign):
    folder = history([200.0] * 3)
    campaign("other", [timed("stock", 1, 300, DRAM)], header={"started": "2026-05-01"})
    assert len(read_history([folder, tmp_path / "other"]).campaigns) == 4
    assert [one.name for one in read_history([folder]).campaigns] == ["c000", "c001", "c002"]


def test_cases_and_metrics_are_chosen_by_name(history):
    folder = history([200.0] * 2, more=[timed("stock", 1, 50, PROTECTED)])
    history_of = lambda **options: [  # noqa: E731
        (row.case, row.metric.name) for row in read_history([folder], **options).rows
    ]
    assert history_of() == [(DRAM, "core_cycles"), (PROTECTED, "core_cycles")]
    assert history_of(cases=["*protected"]) == [(PROTECTED, "core_cycles")]
    assert history_of(cases=["*dram"], metrics=["ns"]) == [(DRAM, "ns")]
    assert len(history_of(cases=["*dram"], metrics=["all"])) == 3
    with pytest.raises(BadData, match="--cases nothing: no case of that name there"):
        read_history([folder], cases=["nothing"])


def test_a_broken_campaign_is_named_and_the_others_are_judged(history):
    folder = history([200.0] * 20 + [206.0] * 12)
    (folder / "c003" / "campaign.json").write_text("{")
    found = read_history([folder])
    assert len(found.campaigns) == 31 and [path.name for path in found.broken] == ["c003"]
    assert found.rows[0].changes[0].after.name == "c020"


# ---- exit code


def code(folder, fail_on, **options):
    return history_gate.judge_history(read_history([folder], **options), fail_on).code


@pytest.mark.parametrize(
    ("levels", "slower", "differs", "unresolved"),
    [
        ([200.0] * 20 + [206.0] * 12, 1, 1, 1),
        ([200.0] * 20 + [194.0] * 12, 0, 0, 0),
        ([200.0] * 20 + [206.0] * 12 + [200.0] * 12, 0, 0, 0),  # it went away again
        ([200.0] * 20 + [201.0] * 12, 0, 1, 0),
        ([200.0] * 20 + [202.0] * 12, 0, 1, 0),
        ([200.0] * 30, 0, 0, 0),
        ([200.0] * 10, 3, 3, 3),
    ],
)
def test_words_have_their_exit_codes(history, levels, slower, differs, unresolved):
    folder = history(levels)
    codes = [code(folder, word) for word in ("slower", "differs", "unresolved")]
    assert codes == [slower, differs, unresolved]
    assert code(folder, None) == 0


def test_what_could_not_be_judged_ends_with_3(history, campaign):
    folder = history([200.0] * 30, spread=0.03)
    assert (code(folder, "slower"), code(folder, "unresolved")) == (0, 3)
    (folder / "c003" / "campaign.json").write_text("{")
    assert code(folder, "slower") == 3


def test_a_case_that_the_newest_campaign_lacks_is_not_judged(history):
    folder = history([200.0] * 20, more=[timed("stock", 1, 50, PROTECTED)])
    history([200.0], first=20)
    found = read_history([folder])
    assert [(row.case, row.reason) for row in found.rows] == [
        (DRAM, ""),
        (PROTECTED, "no figure in c020"),
    ]
    assert code(folder, "slower") == 3 and code(folder, "slower", cases=[DRAM]) == 0


# ---- forms and options


def test_each_form_says_what_changed_where(history, compare):
    folder = history([200.0] * 20 + [206.0] * 12)
    found = compare("--history", folder, "--fail-on", "slower")
    assert found.code == 1
    (row,) = json.loads(found.output)["rows"]
    assert (row["changes"][0]["after"], row["changes"][0]["verdict"]) == ("c020", "slower")
    assert len(row["values"]) == len(row["campaigns"]) == 32 and row["not_judged"] is None
    assert "32 campaigns, 2026-01-01 to 2026-02-04" in found.text
    assert "1 slower" in found.text and "from c020 on" in " ".join(found.text.split())
    assert max(map(len, found.text.splitlines())) <= 72
    for form, sign in (("md", "| kernel/kmap\\_local/dram | slower: "), ("html", "slower: +")):
        output = compare("--history", folder, "--format", form).output
        assert sign in output and "c020" in output
    assert '<span class="slower">' in output and "now 20" in output


def test_names_of_others_become_no_markup(history, compare, tmp_path):
    folder = history([200.0] * 20 + [206.0] * 12, case="kernel/<b>|x")
    page = compare("--history", folder, "--format", "html").output
    assert "<b>" not in page and "&lt;b&gt;" in page
    assert "\\<b\\>\\|x" in compare("--history", folder, "--format", "md").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give sides, or --history"),
        (("a.json", "--history", "."), "give sides, or --history"),
        (("--history", "nowhere"), "nowhere: no such file"),
        (("--history", ".", "--allow", "cpu"), "--allow: of sides"),
        (("--history", ".", "--baseline", "off"), "--baseline: of sides"),
        (("--history", "empty"), "empty: no campaign there"),
    ],
)
def test_what_makes_no_sense_is_refused(compare, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert message in compare(*arguments, "--format", "text").refusal


def test_a_store_that_cannot_be_made_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BadData, match="set KMAPBENCH_CACHE"):
        Store()


def test_a_level_below_0_has_a_difference_and_no_ratio(history):
    folder = history([-1.0] * 20 + [1.0] * 12)
    (row,) = case_history.read_history([folder]).rows
    (change,) = row.changes
    assert (change.ratio, change.verdict) == (None, Verdict.SLOWER)
    assert change.difference == pytest.approx(2, abs=0.01)


def test_a_count_is_more_or_fewer_in_print_and_slower_for_a_program(campaign, tmp_path, compare):
    for number, cost in enumerate((5, 5, 7, 6)):
        records = [record(DRAM, boot, cost) for boot in (1, 2)]
        day = {"started": f"2026-01-{number + 1:02d}T00:00:00Z"}
        campaign(f"c{number}", records, header=day).rename(tmp_path / f"all-{number}")
    folders = sorted(tmp_path.glob("all-*"))
    found = compare("--history", *folders)
    (row,) = json.loads(found.output)["rows"]
    assert [one["verdict"] for one in row["changes"]] == ["slower", "faster"]
    text = " ".join(found.text.split())
    assert "1 fewer" in text and "more: +2 instructions from" in text
    assert "slower: " not in text and "faster: " not in text


def test_a_folder_whose_name_is_no_text_is_read_as_any_other(history):
    folder = history([200.0] * 3)
    os.rename(os.fsencode(folder / "c001"), os.fsencode(folder) + b"/c\xff\n")
    names = [one.name for one in read_history([folder]).campaigns]
    assert names == ["c000", "c??", "c002"]


def test_the_paths_of_a_campaign_are_part_of_its_content(history):
    folder = history([200.0] * 2)
    read_history([folder])
    with Store() as store:
        before, _ = store.add([folder / "c001"])
        (folder / "c001" / "stock" / "boot-01" / "path.jsonl").write_text("")
        after, _ = store.add([folder / "c001"])
    assert before[folder / "c001"].digest != after[folder / "c001"].digest
