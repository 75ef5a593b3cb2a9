# SPDX-License-Identifier: Apache-2.0
"""What lies in results/contributed/ is sound, and what is not sound is refused."""

import io
import json
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.sharing import contribution
from analysis.tests.support import whole_campaign
from formats.known_names import machine_names

CONTRIBUTED = Path(__file__).parents[2] / "results" / "contributed"


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(CONTRIBUTED.iterdir()) if path.name != "README.md"] or [None],
    ids=lambda path: path.name if path else "none yet",
)
def test_a_contribution_is_sound(path):
    if path is None:
        pytest.skip("nobody has contributed anything yet")
    assert contribution.problems(path, machine_names()) == []


@pytest.fixture
def whole(tmp_path):
    folder = whole_campaign.write(tmp_path / "whole")
    (folder / "plain" / "boot-01" / "micro.json").unlink()  # not needed
    return folder


def test_a_whole_campaign_is_sound(whole):
    assert contribution.problems(whole, {}) == []


def change_json(name: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        value = json.loads((folder / name).read_text())
        change(value)
        (folder / name).write_text(json.dumps(value))

    return plant


def change_records(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Of the protected variant's first boot."""

    def plant(folder: Path) -> None:
        path = folder / "protected" / "boot-01" / "micro.jsonl"
        values = [json.loads(line) for line in path.read_text().splitlines()]
        kept = [value for value in values if change(value) is not False]
        path.write_text("".join(f"{json.dumps(value)}\n" for value in kept))

    return plant


def of_case(case: str, **fields) -> Callable[[dict], object]:
    return lambda value: value.update(fields) if value["case"] == case else None


def write(name: str, text: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return plant


PROTECTED = "kernel/kmap_local/protected"
ENVIRONMENT = "plain/boot-01/environment.json"


def bare_metal(value: dict) -> None:
    value.pop("emulator")
    value["cpu"] |= {"hypervisor": False}


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (change_json("campaign.json", lambda value: value.pop("seed")), "'seed' is a required"),
        (change_json("campaign.json", lambda value: value.update(ended=None)), "has not ended"),
        (
            change_json("campaign.json", lambda value: value["kmapbench"].update(dirty=True)),
            "local changes",
        ),
        (
            change_json("campaign.json", lambda value: value["order"][0].update(status="crashed")),
            "plain, boot 1: crashed",
        ),
        (change_json("campaign.json", lambda value: value.update(name="other")), "calls it other"),
        (change_json(ENVIRONMENT, lambda value: value.update(more=1)), "'more' was unexpected"),
        (change_records(lambda value: value.update(surplus=1)), "'surplus' was unexpected"),
        (change_records(of_case(PROTECTED, samples=[570, "x"])), "samples are not pairs"),
        (change_records(of_case(PROTECTED, oracle="failed")), "protection did not hold"),
        (change_records(of_case(PROTECTED, oracle="none")), "no oracle that held"),
        (change_records(of_case("control/adds13", cost=14)), "its samples say 13, not 14"),
        (change_records(of_case("control/adds13", known=14)), "measured as another"),
        (change_records(lambda value: "known" not in value), "no control case"),
        (change_records(of_case("kernel/kmap_local/dram", cost=7)), "its samples say 8, not 7"),
        (
            change_json(ENVIRONMENT, lambda value: value["cpu"].pop("microcode")),
            "does not say cpu.microcode",
        ),
        (
            change_json(ENVIRONMENT, lambda value: value["kernel"].update(config_sha256=None)),
            "does not say kernel.config_sha256",
        ),
        (
            change_json(ENVIRONMENT, bare_metal),
            "any of cpu.governors, cpu.no_turbo, cpu.boost",
        ),
        (lambda folder: (folder / ENVIRONMENT).unlink(), "no environment.json"),
        (write("plain/boot-01/console.log", "login alice@build1\n"), "user and host: alice@build1"),
        (write("report/index.html", "data:,ip%20192.0.2.17"), "IP address: 192.0.2.17"),
        (write("plain/boot-01/notes.txt", "x"), "notes.txt is no file of a packed campaign"),
        (write("charts/x.sh", "x"), "charts/x.sh is no file of a packed campaign"),
        (
            lambda folder: (folder / "charts").symlink_to("/etc"),
            "charts is a link or a device",
        ),
        (
            lambda folder: os.mkfifo(folder / "plain" / "boot-01" / "path.jsonl"),
            "is a link or a device",
        ),
        (change_records(of_case("empty", reason="on spr01 alone")), "host name: spr01"),
    ],
)
def test_each_thing_that_is_wrong_is_said(whole, plant, said):
    plant(whole)
    found = contribution.problems(whole, {"spr01": "host name"})
    assert any(said in line for line in found), found
    assert all(line.startswith(f"{whole}: ") and "\n" not in line for line in found)


def test_of_many_things_of_one_kind_the_first_are_said(whole):
    for path in whole.glob("*/boot-*/environment.json"):
        value = json.loads(path.read_text())
        del value["cpu"]["microcode"], value["cpu"]["stepping"]
        path.write_text(json.dumps(value))
    found = contribution.problems(whole, {})
    assert len(found) == 4 and found[-1].endswith("and 5 more like the last one")


def member(name: str, **fields) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def archived(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], tail: bytes = b"") -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        for one, data in members:
            one.size = len(data) or one.size
            packed.addfile(one, io.BytesIO(data) if data else None)
    path.write_bytes(lzma.compress(buffer.getvalue() + tail))
    return path


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([(member("/x/campaign.json"), b"x")], "no file of a campaign"),
        ([(member("x/../../campaign.json"), b"x")], "no file of a campaign"),
        (
            [(member("x/plan.toml", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")],
            "no file of a campaign",
        ),
        ([(member("x/plan.toml", type=tarfile.LNKTYPE, linkname="x"), b"")], "no file of a"),
        ([(member("x/plan.toml", type=tarfile.CHRTYPE), b"")], "no file of a campaign"),
        ([(member("x/plan.toml", type=tarfile.FIFOTYPE), b"")], "no file of a campaign"),
        ([(member("x/plan.toml"), b"a"), (member("x/plan.toml"), b"b")], "there twice"),
        ([(member("x/run.sh"), b"x")], "no file of a packed campaign"),
        ([(member("x/plan.toml", uname="alice"), b"x")], "who packed it"),
        ([(member("x/plan.toml", uid=1000), b"x")], "who packed it"),
        ([(member("x/plan.toml"), b"x"), (member("y/plan.toml"), b"x")], "has 2 folders"),
        ([], "has 0 folders"),
    ],
)
def test_an_archive_that_is_no_campaign_writes_nothing_elsewhere(tmp_path, members, said):
    path = archived(tmp_path / "x.tar.xz", members)
    before = sorted(tmp_path.rglob("*"))
    (found,) = contribution.problems(path, {})
    assert said in found and found.startswith(str(path))
    assert sorted(tmp_path.rglob("*")) == before


def test_what_stands_behind_the_last_file_is_noticed(tmp_path):
    path = archived(tmp_path / "x.tar.xz", [(member("x/plan.toml"), b"x")], b"hidden".rjust(512))
    (found,) = contribution.problems(path, {})
    assert "behind its last file" in found


def zeros(head: bytes, count: int) -> bytes:
    """An xz file of a head and so many MiB of zeros."""
    packer = lzma.LZMACompressor(preset=0)
    block = bytes(1 << 20)
    return b"".join(
        [packer.compress(head), *(packer.compress(block) for _ in range(count)), packer.flush()]
    )


def test_a_bomb_is_refused_by_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr(contribution, "MOST_UNPACKED_BYTES", 512 << 20)
    ten_gigabytes = member("x/plain/boot-01/micro.jsonl", size=10 << 30)
    path = tmp_path / "x.tar.xz"
    path.write_bytes(zeros(ten_gigabytes.tobuf(), 4))  # the rest of it is never read
    (found,) = contribution.problems(path, {})
    assert "holds more than 536,870,912 bytes" in found


def test_a_bomb_of_a_header_or_behind_the_files_is_refused_by_what_was_read(tmp_path, monkeypatch):
    monkeypatch.setattr(contribution, "MOST_UNPACKED_BYTES", 16 << 20)
    path = tmp_path / "x.tar.xz"
    path.write_bytes(zeros(member("x", type=tarfile.XHDTYPE, size=8 << 20).tobuf(), 32))
    (found,) = contribution.problems(path, {})
    assert "has a header that is no file's" in found
    path.write_bytes(zeros(member("x/plan.toml", size=12 << 20).tobuf(), 32))
    (found,) = contribution.problems(path, {})
    assert "holds more than 16,777,216 bytes" in found


def test_a_large_archive_is_refused_unread(tmp_path):
    path = tmp_path / "x.tar.xz"
    path.write_bytes(bytes(2_000_000))
    (found,) = contribution.problems(path, {})
    assert "2,000,000 bytes; less than 2,000,000 are taken" in found


@pytest.mark.parametrize("data", [b"", b"no archive", lzma.compress(b"no tar" * 200)])
def test_what_is_no_archive_is_one_line(tmp_path, data):
    path = tmp_path / "x.tar.xz"
    path.write_bytes(data)
    (found,) = contribution.problems(path, {})
    assert found.startswith(str(path)) and "\n" not in found
