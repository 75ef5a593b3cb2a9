# SPDX-License-Identifier: Apache-2.0
"""`pack`, as a user calls it."""

import json
import re
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from analysis.report import writer
from analysis.sharing import campaign_parts, contribution, fewer_samples, packing
from analysis.tests.support import whole_campaign
from lab import cli
from lab.campaign import validation

pytestmark = pytest.mark.program


@pytest.fixture
def run(capsys):
    def run(*words) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def whole(tmp_path):
    return whole_campaign.write(tmp_path / "whole")


@pytest.fixture
def named(tmp_path):
    return whole_campaign.write_with_names(tmp_path / "named")


def unpack(archive: Path, target: Path) -> Path:
    with tarfile.open(archive) as packed:
        packed.extractall(target)
    (folder,) = target.iterdir()
    return folder


def manifest(folder: Path) -> dict:
    return json.loads((folder / "pack.json").read_text())


def test_unpacked_it_says_what_the_original_says(tmp_path, whole, run):
    writer.write_report(whole)
    code, said, errors = run("pack", whole)
    assert (code, errors) == (0, ""), said
    assert "fit for results/contributed/" in said and "left out" not in said
    again = unpack(tmp_path / "whole.tar.xz", tmp_path / "again")
    for words in (
        ["compare", "{}", "--baseline", "plain", "--format", "json"],
        ["show", "{}", "kernel/kmap_local/protected"],
        ["report", "{}", "--print"],
        ["list", "{}"],
    ):
        answers = [
            (code, out.replace(str(folder), "DIR"), errors)
            for folder in (whole, again)
            for code, out, errors in [run(*(word.format(folder) for word in words))]
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 0 and "+3" in answers[0][1] or words[0] != "compare"
    for name in ("report.txt", "details.txt", "report/index.html"):
        assert (again / name).read_text() == (whole / name).read_text()


def test_the_same_campaign_is_packed_into_the_same_bytes(tmp_path, whole, run):
    copy = tmp_path / "elsewhere" / "whole"
    shutil.copytree(whole, copy)
    for path in copy.rglob("*"):
        path.touch()
    assert run("pack", whole)[0] == run("pack", copy)[0] == 0
    assert (tmp_path / "whole.tar.xz").read_bytes() == (copy.parent / "whole.tar.xz").read_bytes()
    assert run("pack", whole)[0] == 0  # it is there already, and is the same


def test_an_archive_that_is_there_is_not_replaced_by_another(tmp_path, whole, run):
    (tmp_path / "x.tar.xz").write_bytes(b"something")
    code, _, errors = run("pack", whole, "--out", tmp_path / "x.tar.xz")
    assert code == 2 and "there already" in errors
    assert (tmp_path / "x.tar.xz").read_bytes() == b"something"


def test_names_are_refused_until_it_is_said_what_to_do_with_them(tmp_path, named, run):
    code, _, errors = run("pack", named)
    assert code == 2 and errors.count("\n") == 1
    assert "--anonymize" in errors and "--with-names" in errors
    assert not (tmp_path / "named.tar.xz").exists()
    code, said, _ = run("pack", named, "--with-names")
    assert code == 0 and "not for results/contributed/" in said
    kept = unpack(tmp_path / "named.tar.xz", tmp_path / "again")
    original = (named / "plain" / "boot-01" / "console.log").read_bytes()
    assert (kept / "plain" / "boot-01" / "console.log").read_bytes() == original


def test_a_campaign_without_names_that_was_not_asked_to_have_none_is_refused(whole, run):
    path = whole / "campaign.json"
    path.write_text(path.read_text().replace('"anonymize": true', '"anonymize": false'))
    code, _, errors = run("pack", whole)
    assert code == 2 and "measured without --anonymize" in errors


def test_no_name_is_left_in_what_is_packed(tmp_path, named, run):
    before = {path: path.read_bytes() for path in named.rglob("*") if path.is_file()}
    code, said, errors = run("pack", named, "--anonymize")
    assert (code, errors) == (0, ""), said
    assert before == {path: path.read_bytes() for path in named.rglob("*") if path.is_file()}
    again = unpack(tmp_path / "named.tar.xz", tmp_path / "again")
    everything = "".join(path.read_text() for path in again.rglob("*") if path.is_file())
    for name in (*whole_campaign.NAMES, "R750", "example"):
        assert name.lower() not in everything.lower()
    assert manifest(again)["names_hidden"] is True
    with tarfile.open(tmp_path / "named.tar.xz") as packed:
        for member in packed:
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")


def test_a_variant_that_is_called_like_the_host_is_refused(tmp_path, named, run):
    text = (named / "campaign.json").read_text().replace('"protected"', f'"{whole_campaign.HOST}"')
    (named / "campaign.json").write_text(text)
    (named / "protected").rename(named / whole_campaign.HOST)
    for path in named.glob("*/boot-*/micro.jsonl"):
        path.write_text(path.read_text().replace('"variant":"protected"', '"variant":"spr01"'))
    code, _, errors = run("pack", named, "--anonymize")
    assert code == 2 and "spr01 is called by a host name" in errors


def noise(count: int) -> str:
    return np.random.default_rng(1).bytes(count).hex()


def test_what_is_left_out_comes_in_an_order_and_is_listed(tmp_path, whole, run, monkeypatch):
    monkeypatch.setattr(packing, "MOST_PACKED_BYTES", 100_000)
    monkeypatch.setattr(contribution, "MOST_PACKED_BYTES", 100_000)
    place = whole / "plain" / "boot-01"
    (place / "console.log").write_text(noise(110_000))
    (place / "dax").mkdir()
    (place / "dax" / "x.json").write_text(f'{{"x": "{noise(20_000)}"}}')
    code, said, _ = run("pack", whole)
    assert code == 0
    lines = [line for line in said.splitlines() if line.startswith("left out: ")]
    left_out = [line.removeprefix("left out: ").split(",")[0] for line in lines]
    assert left_out == ["page and charts", "console logs"], said
    assert "./kmapbench report makes them again" in said
    again = unpack(tmp_path / "whole.tar.xz", tmp_path / "again")
    assert [one["what"] for one in manifest(again)["left_out"]] == left_out
    assert not list(again.rglob("console.log")) and list(again.rglob("dax/x.json"))
    # What was lost before is still said when it is packed once more.
    run("pack", again, "--out", tmp_path / "second.tar.xz")
    second = unpack(tmp_path / "second.tar.xz", tmp_path / "second")
    assert "console logs" in [one["what"] for one in manifest(second)["left_out"]]


def test_records_that_are_too_large_alone_are_refused_with_sizes(whole, run, monkeypatch):
    monkeypatch.setattr(packing, "MOST_PACKED_BYTES", 3_000)
    (whole / "plain" / "config").write_text(f'CONFIG_X="{noise(20_000)}"\n')
    code, said, errors = run("pack", whole)
    assert code == 2 and errors.count("\n") == 1 and said == ""
    assert re.search(r"configurations 2\d,\d\d\d bytes", errors) and "records" in errors
    assert "console" not in errors


def test_a_packed_campaign_that_is_not_the_original_is_noticed(whole, run, monkeypatch):
    real = packing._archive

    def with_another_figure(copied, paths):
        path = copied.folder / "plain" / "boot-02" / "micro.jsonl"
        path.write_text(path.read_text().replace('"oracle":"none"', '"oracle":"held"'))
        return real(copied, paths)

    monkeypatch.setattr(packing, "_archive", with_another_figure)
    code, _, errors = run("pack", whole)
    assert code == 2 and "differs from the original in plain/boot-02/micro.jsonl:1" in errors
    assert not (whole.parent / "whole.tar.xz").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{}/nothing"], "no such file or folder"),
        (["{}"], "campaign.json"),
        (["{}/whole", "--anonymize", "--with-names"], "one of the two"),
        (["{}/whole", "--check", "--anonymize"], "--anonymize: of packing"),
        (["{}/whole", "--out", "{}/x.zip"], ".tar.xz"),
        (["{}/whole", "--out", "{}/no/x.tar.xz"], "there is no folder"),
    ],
)
def test_wrong_use_is_one_line_before_anything_is_read(tmp_path, whole, run, words, said):
    code, out, errors = run("pack", *(word.format(tmp_path) for word in words))
    assert (code, out) == (2, "") and said in errors and errors.count("\n") == 1


def test_only_files_of_a_campaign_are_packed(tmp_path, whole, run):
    (whole / "notes.txt").write_text("mine")
    (whole / "plain" / "boot-01" / "core").write_text("mine")
    (whole / "plain" / "config.old").symlink_to("/etc/passwd")
    code, said, _ = run("pack", whole)
    assert code == 0 and "left out: other files, 2 files of 8 bytes" in said
    again = unpack(tmp_path / "whole.tar.xz", tmp_path / "again")
    names = [path.relative_to(again).as_posix() for path in again.rglob("*") if path.is_file()]
    assert all(map(campaign_parts.part_of, names)) and "plain/boot-01/micro.jsonl" in names


def write_timed(folder: Path, boots: int, samples: int) -> Path:
    """A campaign by a clock of time whose boots differ and whose samples are noise."""
    folder = whole_campaign.write(folder)
    header = json.loads((folder / "campaign.json").read_text())
    random = np.random.default_rng(3)
    one = dict(header["order"][0])
    header["order"] = []
    for boot in range(1, boots + 1):
        for variant in random.permutation(whole_campaign.VARIANTS).tolist():
            place = folder / variant / f"boot-{boot:02d}"
            if not place.exists():
                shutil.copytree(folder / variant / "boot-01", place)
            header["order"].append(one | {"variant": variant, "boot": boot})
            timed = [timed_record(variant, boot, samples, random)]
            place.joinpath("micro.jsonl").write_text(json.dumps(timed[0]) + "\n")
    header["planned"] = [
        {"variant": one["variant"], "boot": one["boot"], "round": one["boot"]}
        for one in header["order"]
    ]
    header["design"] = "pairs"
    (folder / "campaign.json").write_text(json.dumps(header))
    return folder


def timed_record(variant: str, boot: int, samples: int, random: np.random.Generator) -> dict:
    """Of some 20 ticks an operation, one more in the second variant."""
    ops = 100
    cost = 20 + (variant != whole_campaign.VARIANTS[0]) + random.normal(0, 0.02)

    def windows(each: float) -> np.ndarray:
        exact = np.outer(np.ones(samples), [each * ops, each * ops * 2]) + 300
        return (exact + random.exponential(15, exact.shape)).astype(int)

    of_case, of_empty = windows(cost + 2), windows(2.0)
    slopes = [(one[:, 1] - one[:, 0]) / ops for one in (of_case, of_empty)]
    record = whole_campaign.record("kernel/kmap_local/dram", variant, boot, 0.0)
    counts = {"samples": [1, 2] * 9, "empty_samples": [0, 0] * 9, "shifted_samples": []}
    counted = {"cost": 0.01, "cost_shifted": None, "empty": 0.0, "chain": 1.0, "ops": ops}
    return record | {
        "clock": "tsc",
        "unit": "ticks",
        "exact": False,
        "ops": ops,
        "cost": float(np.median(slopes[0] - slopes[1])),
        "empty": float(np.median(slopes[1])),
        "samples": of_case.ravel().tolist(),
        "empty_samples": of_empty.ravel().tolist(),
        "shifted_samples": [],
        "counted_windows": {"cycles": counted | counts},
    }


def test_where_samples_are_too_many_histograms_take_their_place(tmp_path, run, monkeypatch):
    timed = write_timed(tmp_path / "timed", boots=12, samples=500)
    _, before, _ = run("compare", timed, "--format", "json")
    monkeypatch.setattr(packing, "MOST_PACKED_BYTES", 20_000)
    code, said, errors = run("pack", timed)
    assert "left out: samples, 24 files" in said, (said, errors)
    again = unpack(tmp_path / "timed.tar.xz", tmp_path / "again")
    (lost,) = [one for one in manifest(again)["left_out"] if one["what"] == "samples"]
    assert lost["files"] == 24 and lost["bytes"] > 50_000
    for path in timed.glob("*/boot-*/micro.jsonl"):
        old = json.loads(path.read_text())
        new = json.loads((again / path.relative_to(timed)).read_text())
        validation.validate("record", new)
        assert not {"samples", "empty_samples", "shifted_samples"} & new.keys()
        assert new["counted_windows"]["cycles"].keys() == {
            *("cost", "cost_shifted", "empty", "chain", "ops")
        }
        for window, times in (("case_n", old["samples"][::2]), ("case_2n", old["samples"][1::2])):
            told = new["histogram"][window]
            assert (told["count"], told["sum"]) == (len(times), sum(times))
            assert (told["min"], told["max"]) == (min(times), max(times))
            for first, last, count in told["buckets"]:
                assert count == sum(first <= one <= last for one in times)
                assert last - first < first / 100
        kept = {name: one for name, one in old.items() if name in new}
        assert {name: new[name] for name in kept} | {
            "counted_windows": old["counted_windows"]
        } == kept
    _, after, _ = run("compare", again, "--format", "json")
    (old_row,), (new_row,) = (json.loads(text)["groups"][0]["rows"] for text in (before, after))
    # what is beside the medians, and rests on samples
    assert old_row["looks"] and old_row["looks"] != new_row["looks"]
    assert old_row["verdict"] == "slower"
    names = ("verdict", "old", "new", "ratio", "ratio_95", "ratio_90", "p", "rank_p", "n_old")
    assert {name: old_row[name] for name in names} == {name: new_row[name] for name in names}
    assert run("report", again)[0] == 0


def test_a_histogram_that_is_not_of_the_samples_is_noticed(tmp_path, run, monkeypatch):
    timed = write_timed(tmp_path / "timed", boots=2, samples=500)
    monkeypatch.setattr(packing, "MOST_PACKED_BYTES", 8_000)
    real = packing._archive

    def with_another_count(copied, paths):
        path = copied.folder / "plain" / "boot-02" / "micro.jsonl"
        path.write_text(path.read_text().replace('"count":500', '"count":501', 1))
        return real(copied, paths)

    monkeypatch.setattr(packing, "_archive", with_another_count)
    code, _, errors = run("pack", timed)
    assert code == 2 and "differs from the original in plain/boot-02/micro.jsonl:1" in errors


def test_histograms_are_those_of_kmap_bench():
    """As bench/tests/histogram_test.cc has it."""
    assert fewer_samples.histogram([1000, 7, 1001, 7]) == {
        **{"count": 4, "sum": 2015, "min": 7, "max": 1001},
        "buckets": [[7, 7, 2], [1000, 1003, 2]],
    }
