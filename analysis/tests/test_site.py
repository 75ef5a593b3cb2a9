# SPDX-License-Identifier: Apache-2.0
"""`kmapbench site`: what is shown, what is left out, and what a change writes anew."""

import hashlib
import json
import os
import random
import shutil
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from analysis import commands, options
from analysis.data.bad_data import BadData
from analysis.parser import OneLineParser
from analysis.site.case_texts import describe_case, find_body
from analysis.site.config_tables import read_table
from analysis.site.series_tables import read_walk
from analysis.site.site_build import build_site
from analysis.site.site_data import file_name
from analysis.site.site_folder import MANIFEST
from analysis.tests.conftest import HEADER, environment, path, record
from analysis.tests.support.comparisons import timed
from analysis.tests.support.sites import ATOM, case_file, case_page, data, entries, files

ROOT = Path(__file__).parents[2]
DRAM, PROTECTED = "kernel/kmap_local/dram", "kernel/kmap_local/protected"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def results(tmp_path, campaign):
    """Writes campaigns into a folder of their own."""

    def write(name: str, records: list[dict], day: str = "2026-01-01", **more) -> Path:
        header = {"started": f"{day}T00:00:00Z"} | more.pop("header", {})
        folder = campaign(name, records, header=header, **more)
        (tmp_path / "results").mkdir(exist_ok=True)
        return folder.rename(tmp_path / "results" / name)

    return write


@pytest.fixture
def site(tmp_path):
    """Builds the site of what lies in the results, and gives its folder."""

    def build(*given: Path, out: str = "public", url: str = "") -> Path:
        build_site(given or [tmp_path / "results"], tmp_path / out, url)
        return tmp_path / out

    return build


def run(*words) -> int:
    """The command, as the launcher calls it."""
    parser = OneLineParser(prog="kmapbench")
    options.add_site(parser)
    arguments = parser.parse_args(list(map(str, words)))

    def checked(arguments) -> int:
        options.check_site(arguments)
        return commands.site(arguments)

    return commands.execute(checked, arguments)


def counted(cost: float, boots: int = 2, case: str = DRAM, **changes) -> list[dict]:
    return [record(case, boot, cost, **changes) for boot in range(1, boots + 1)]


def pack(folder: Path, archive: Path, name: str = "") -> None:
    with tarfile.open(archive, "w:xz") as file:
        file.add(folder, name or folder.name)


# ---- what is found


def test_campaigns_are_found_at_any_depth_and_in_archives_and_each_content_once(
    results, site, tmp_path
):
    deep = tmp_path / "results" / "a" / "b"
    deep.parent.mkdir(parents=True)
    results("one", counted(5)).rename(deep)
    pack(results("two", counted(6)), tmp_path / "results" / "two.tar.xz")
    shutil.rmtree(tmp_path / "results" / "two")
    three = results("three", counted(7))
    pack(three, tmp_path / "results" / "three.tar.xz", ".")
    rows = data(site(), "campaigns")["rows"]
    assert sorted(row[1] for row in rows) == ["b", "three", "two"]
    assert {row[3] for row in rows} == {"results/a/b", "results/three", "results/two.tar.xz/two"}
    assert "the same as results/three" in (tmp_path / "public" / "left-out.html").read_text()


def test_folders_inside_each_other_come_to_an_end(results, site, tmp_path):
    results("one", counted(5))
    os.makedirs(tmp_path / "results" / ("d/" * 900))
    assert "more than 50 folders deep" in (site() / "left-out.html").read_text()


def test_a_link_that_leads_back_is_followed_once(results, site, tmp_path):
    results("one", counted(5))
    (tmp_path / "results" / "again").symlink_to(tmp_path / "results")
    assert len(data(site(), "campaigns")["rows"]) == 1


def test_what_cannot_be_read_is_named_on_the_page_and_on_standard_error(results, tmp_path, capsys):
    results("good", counted(5))
    broken = results("broken", counted(6))
    (broken / "stock" / "boot-01" / "micro.jsonl").write_text("{\n")
    (tmp_path / "results" / "cut.tar.xz").write_bytes(b"\xfd7zXZ\x00 and no more")
    search = tmp_path / "results" / "search"
    search.mkdir()
    (search / "bisect.json").write_text("{}")
    (search / "campaign").mkdir()
    table = tmp_path / "results" / "table"
    table.mkdir()
    (table / "table.json").write_text('{"format": 1, "entries": []}')
    assert run(tmp_path / "results", "--out", tmp_path / "public") == 0
    said = capsys.readouterr()
    page = (tmp_path / "public" / "left-out.html").read_text()
    for where in ("broken", "cut.tar.xz", "search", "table"):
        assert f"kmapbench: results/{where}: " in said.err
        assert f"<code>results/{where}</code>" in page
    assert said.err.count("\n") == 4 and "Traceback" not in said.err
    assert "1 campaign, 1 case" in said.out
    assert "4 left out" in (tmp_path / "public" / "index.html").read_text()


def test_a_campaign_whose_control_failed_has_no_valid_figure_anywhere(results, site, tmp_path):
    results("good", counted(5))
    wrong = {"status": "flagged", "reason": "control: control/adds10: 11 in place of 10"}
    control = record("control/adds10", cost=None, known=10, **wrong)
    results("wrong", [*counted(777, boots=1), control], "2026-01-02")
    folder = site()
    page = case_page(folder, DRAM)
    assert ">5</td>" in page and "777" not in page
    assert "777" not in "".join(
        text.decode() for name, text in files(folder).items() if name.startswith("data/history")
    )
    (bad,) = [row for row in data(folder, "campaigns")["rows"] if row[5]]
    shown = data(folder, f"campaign/{bad[0]}")
    assert shown["figures"] == [] and set(shown["records"]["cost"]) == {None}
    assert "not valid" in dict(map(tuple, shown["without"][0]))[DRAM]
    assert "11 in place of 10" in (folder / "left-out.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("empty",), "empty: no campaign there"),
        (("nowhere",), "nowhere: no such file or folder"),
        (("note.txt",), "note.txt: no folder and no archive"),
        (("good", "--out", "full"), "full: there is something else in it"),
        (("good", "--out", "note.txt"), "note.txt: no folder"),
        (("good", "--url", "ftp://x"), "--url ftp://x: give an address"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_and_writes_nothing(
    results, tmp_path, monkeypatch, capsys, words, message
):
    results("good", counted(5)).rename(tmp_path / "good")
    for name in ("empty", "full"):
        (tmp_path / name).mkdir()
    for name in ("note.txt", "full/theirs.txt"):
        (tmp_path / name).write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"kmapbench: {message}") and said.err.count("\n") == 1
    assert not (tmp_path / "public").exists() and os.listdir("full") == ["theirs.txt"]


# ---- what is written


def test_the_same_campaigns_make_the_same_bytes_whatever_was_read_before(
    results, site, tmp_path, monkeypatch
):
    for number, cost in enumerate((5, 6, 6)):
        results(f"c{number}", counted(cost), f"2026-01-0{number + 1}")
    one = files(site(out="one"))
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "other"))
    elsewhere = shutil.copytree(tmp_path / "results" / "c2", tmp_path / "elsewhere" / "other-name")
    site(elsewhere.parent, out="three")
    assert files(site(out="two")) == one


def test_nothing_is_written_where_nothing_changed_and_what_was_damaged_is_made_again(
    results, tmp_path
):
    results("one", counted(5))
    first = build_site([tmp_path / "results"], tmp_path / "public")
    before = files(tmp_path / "public")
    assert first.written == len(before) - 1  # beside the manifest
    assert build_site([tmp_path / "results"], tmp_path / "public").written == 0
    damaged = [name for name in before if name.endswith((".html", ".js", ".svg", ".xml", ".css"))]
    for name in damaged:
        (tmp_path / "public" / name).write_bytes(b"damaged")
    again = build_site([tmp_path / "results"], tmp_path / "public")
    assert again.written == len(damaged) and files(tmp_path / "public") == before


def test_a_new_campaign_writes_only_the_pages_that_it_is_on(results, site, tmp_path):
    results("one", counted(5))
    results("two", counted(9, case=PROTECTED), "2026-01-02")
    folder = site()
    states = {name: os.stat(folder / name).st_ino for name in files(folder)}
    results("three", counted(9, case=PROTECTED), "2025-01-03")
    site()
    now = {name: os.stat(folder / name).st_ino for name in files(folder)}
    written = {name for name, node in now.items() if states.get(name) != node}
    new = file_name(PROTECTED)
    assert f"case/{new}.html" in written and f"data/history/{new}.js" in written
    assert not any(file_name(DRAM) in name for name in written)
    # Another build from nothing is the same.
    assert files(folder) == files(site(out="other"))


def test_what_is_gone_is_taken_out_and_what_is_others_stays(results, site, tmp_path):
    results("one", counted(5))
    two = results("two", counted(9, case=PROTECTED), "2026-01-02")
    folder = site()
    (folder / "CNAME").write_text("theirs")
    gone = f"case/{file_name(PROTECTED)}.html"
    assert (folder / gone).is_file()
    shutil.rmtree(two)
    site()
    assert not (folder / gone).exists() and (folder / "CNAME").read_text() == "theirs"
    (folder / "CNAME").unlink()
    assert files(folder) == files(site(out="other"))


def sealed(**changes) -> str:
    """A manifest with the hash that one of ours has of itself."""
    value = {"maker": "m", "files": {}, "kept": {}} | changes
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    value["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"


@pytest.mark.parametrize(
    "manifest", ["", "[]", "[" * 9999, "cards", sealed(files={"../theirs": ""}), sealed()]
)
def test_a_broken_manifest_removes_nothing_outside_and_all_is_made_again(
    results, site, tmp_path, manifest
):
    results("one", counted(5))
    folder = site()
    before = files(folder)
    (tmp_path / "theirs").write_text("theirs")
    if manifest == "cards":  # as ours but for what is kept of campaigns
        known = json.loads(before[MANIFEST])
        known["kept"]["cards"] = dict.fromkeys(known["kept"]["cards"], 5)
        manifest = json.dumps(known, sort_keys=True, separators=(",", ":")) + "\n"
    (folder / MANIFEST).write_text(manifest)
    site()
    assert files(folder) == before and (tmp_path / "theirs").read_text() == "theirs"


# ---- names


HOSTILE = [
    'model/<img src=x onerror="document.title=1">',
    "kernel/__proto__",
    "__proto__",
    "constructor",
    "kernel/</script><script>alert(1)</script>",
    "kernel/'\"&amp;\u2028{{ 7 * 7 }}",
    "kernel/\x00\x1b[31m\n",
    "kernel/../../escape",
    "CON",
    "con",
    "." * 300,
    "Ä/ü/名",
]


def test_names_of_anybody_are_text_everywhere_and_no_two_share_a_file(results, site, tmp_path):
    records = [one for case in HOSTILE for one in counted(5, case=case)]
    results("c1", records)
    results("c2", [one for case in HOSTILE for one in counted(6, case=case)], "2026-01-02")
    os.rename(tmp_path / "results" / "c2", os.fsencode(tmp_path / "results") + b"/<b>\xff\n")
    folder = site()
    names = [file for _, file, _ in data(folder, "cases")]
    assert len({name.lower() for name in names}) == len(HOSTILE)
    assert {name for name, _, _ in data(folder, "cases")} == set(HOSTILE)
    for name, content in files(folder).items():
        if name.endswith(".html"):
            text = content.decode()
            assert "<img" not in text and "alert(1)</script>" not in text and "<b>?" not in text
    assert "{{ 7 * 7 }}" in case_page(folder, HOSTILE[5])
    assert all(path.resolve().is_relative_to(folder.resolve()) for path in folder.rglob("*"))
    assert len(entries(folder)) == len(HOSTILE)
    rows = data(folder, "campaigns")["rows"]
    assert sorted(row[1] for row in rows) == ["<b>??", "c1"]


def test_a_name_that_is_no_text_is_left_out_with_a_reason(results, tmp_path, capsys):
    results("good", counted(5))
    results("odd", counted(5, case="kernel/\ud800"))
    assert run(tmp_path / "results", "--out", tmp_path / "public") == 0
    said = capsys.readouterr()
    assert "results/odd" in said.err and said.err.count("\n") == 1


# ---- figures and changes


def test_counts_and_times_of_one_case_are_never_in_one_table_or_chart(results, site):
    results("counts", counted(5))
    results("times", [timed("stock", boot, 200.0, DRAM) for boot in (1, 2)], "2026-01-02")
    folder = site()
    page = case_page(folder, DRAM)
    assert page.count('<table class="all newest">') == 2
    titles = {
        one["title"]: one["unit"] for one in data(folder, f"history/{file_name(DRAM)}")["series"]
    }
    assert sorted(titles.values()) == ["cycles", "instructions"] and len(titles) == 2
    assert "emulated" in next(title for title, unit in titles.items() if unit == "instructions")


def test_kernels_of_two_series_that_take_turns_are_no_changes(results, site, tmp_path):
    for number in range(6):
        release = ("6.12.1", "7.3.1")[number % 2]
        results(
            f"c{number}",
            counted((5, 9)[number % 2]),
            f"2026-01-0{number + 1}",
            facts=environment(release=release),
        )
    folder = site()
    assert entries(folder) == []
    page = case_page(folder, DRAM)
    assert "Linux 6.12" in page and "Linux 7.3" in page and "No level has changed" in page
    results("c7", counted(6), "2026-01-08", facts=environment(release="6.12.2"))
    (entry,) = entries(site())
    assert "more: +1 instructions from c7 on (before: c4)" in entry["summary"]
    assert "kernel.release (6.12.1; 6.12.2)" in entry["summary"]


@pytest.mark.parametrize("step", [0, 20])
def test_a_change_of_three_percent_is_marked_on_its_page_and_in_the_feed_and_nothing_else(
    results, site, step
):
    for number in range(32):
        records = []
        for case, size in ((DRAM, 1.03 if step and number >= step else 1), (PROTECTED, 1)):
            chooser = random.Random(f"{case} {number}")
            level = 200 * size * chooser.gauss(1, 0.002)
            records += [timed("stock", boot, level, case) for boot in (1, 2)]
        results(f"c{number:02d}", records, f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}")
    folder = site(url="https://example.org/k/")
    assert "No level has changed" in case_page(folder, PROTECTED)
    if not step:
        assert entries(folder) == [] and "No level has changed" in case_page(folder, DRAM)
        return
    (entry,) = entries(folder)
    assert entry["title"] == f"{DRAM}, stock: slower" and "from c20 on" in entry["summary"]
    assert entry["updated"] == "2026-01-21T00:00:00Z"
    assert entry["link"] == f"https://example.org/k/case/{case_file(folder, DRAM)}.html"
    page = case_page(folder, DRAM)
    assert page.count('<b class="worse">slower</b>') == 1 and ">c20</a>" in page
    (series,) = data(folder, f"history/{file_name(DRAM)}")["series"]
    assert [place for place, _ in series["changes"]] == [20] and len(series["values"]) == 32
    assert "slower" in (folder / "index.html").read_text()


def test_the_feed_has_what_atom_asks_for(results, site):
    results("one", counted(5))
    results("two", counted(6), "2026-01-02")
    folder = site()
    feed = ElementTree.fromstring((folder / "feed.xml").read_bytes())
    for place in (feed, feed.find(f"{ATOM}entry")):
        for name in ("id", "title", "updated", "link"):
            assert place.find(f"{ATOM}{name}") is not None
    assert feed.find(f"{ATOM}author/{ATOM}name").text
    identities = [one["id"] for one in entries(folder)]
    assert identities == [one["id"] for one in entries(site(out="again"))]


def test_a_case_says_what_it_is_and_where_its_instructions_go(write_campaign, site, tmp_path):
    write_campaign(
        counted(12),
        [path(kmap_local_page=7, kunmap_local=5, wrmsr=1)],
        header={"variants": HEADER["variants"]},
    )
    page = case_page(site(tmp_path / "campaign"), DRAM)
    assert "kmap_local_page + kunmap_local of this kernel, a page of memory" in page
    assert "kb_body_x &gt; kmap_local_page</th><td>7 (1)</td>" in page
    assert '<th scope="row">all</th><td>12 (1)</td>' in page


def test_the_body_of_a_case_is_found_in_the_modules_source():
    body = find_body("kb_body_kernel_kmap_local_read8")
    assert body.file == "kernel_path.c" and "kmap_local_page, kunmap_local" in body.code
    assert "unmap(addr)" in body.code
    assert "kb_kmap_local_folio" in find_body("kb_body_kernel_kmap_local_folio_none").code
    assert find_body("kb_body_empty").code == "KB_BODY(kb_body_empty, {})"
    assert find_body("kb_body_nobody") is None
    assert describe_case("nobody/knows") == ""


def test_a_table_of_configurations_has_the_figures_of_its_text():
    folder = ROOT / "results" / "reference" / "configs-6.12"
    table = read_table(folder / "table.json")
    lines = (folder / "table.txt").read_text().splitlines()
    said = {words[0]: words[1:] for line in lines if (words := line.split())}
    # The text has the search of a fault in a column of its own; the first eight are the same.
    assert len(table["rows"]) > 50
    for row in table["rows"]:
        if len(said.get(row["name"], ())) == 12:
            assert row["cells"][:8] == said[row["name"]][:8], row["name"]
            assert row["cells"][-1] == said[row["name"]][-1], row["name"]
    assert table["base"][:8] == said["base"][:8]


def walk(**changes) -> dict:
    rows = [("none of the patches", 5, {}), ("first", None, {}), ("<b>second</b>", 7, {"f": 2})]
    return {
        "format": 1,
        "case": DRAM,
        "like": "plain",
        "source": "linux-source-6.12",
        "static": True,
        "patches": [
            {"subject": name, "cost": cost, "why": "" if cost else "broken", "functions": functions}
            for name, cost, functions in rows
        ],
    } | changes


def test_the_cost_of_each_patch_is_shown_and_none_is_blamed_for_its_neighbour(
    results, site, tmp_path
):
    results("one", counted(5))
    (tmp_path / "results" / "walk").mkdir()
    file = tmp_path / "results" / "walk" / "series.json"
    file.write_text(json.dumps(walk()))
    page = (site() / "series.html").read_text()
    assert "not measured: broken" in page and "&lt;b&gt;second&lt;/b&gt;" in page
    assert [row["added"] for row in read_walk(file)["rows"]] == [None, None, None]
    walked = walk()
    walked["patches"][1] |= {"cost": 5, "why": ""}
    file.write_text(json.dumps(walked))
    assert [row["added"] for row in read_walk(file)["rows"]] == [None, 0, 2]
    assert read_walk(file)["rows"][2]["moved"] == ["f: 0 to 2 (+2)"]
    assert "series.html" in (site() / "index.html").read_text()


@pytest.mark.parametrize(
    "changes", [{"format": 2}, {"patches": [{}]}, {"patches": 5}, {"patches": [{"cost": "x"}]}]
)
def test_a_walk_that_is_none_is_refused(tmp_path, changes):
    (tmp_path / "series.json").write_text(json.dumps(walk(**changes)))
    with pytest.raises(BadData, match="series.json"):
        read_walk(tmp_path / "series.json")


def test_the_library_of_charts_is_the_released_one_and_small():
    folder = ROOT / "third_party" / "uplot"
    sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {"LICENSE", "uPlot.iife.min.js", "uPlot.min.css"}
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert sum((folder / name).stat().st_size for name in sums) < 100_000
