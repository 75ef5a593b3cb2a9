# SPDX-License-Identifier: Apache-2.0
"""Campaigns whose records are packed."""

import io
import shutil
import tarfile

import pytest

from analysis.compare import engine, inputs
from analysis.data import archive
from analysis.data.bad_data import BadData
from analysis.data.load import load
from analysis.report import writer
from analysis.report.comparison import as_text
from analysis.studies import scale

pytestmark = pytest.mark.program


@pytest.fixture
def unpacked(tmp_path):
    folder = tmp_path / "unpacked"
    scale.campaign(folder, boots=8, cases=3, samples=20)
    return folder


@pytest.fixture
def packed(tmp_path, unpacked):
    folder = tmp_path / "packed"
    shutil.copytree(unpacked, folder)
    variants = sorted({boot.parent for boot in folder.glob("*/boot-*")})
    with tarfile.open(folder / archive.NAME, "w:xz") as file:
        for variant in variants:
            file.add(variant, variant.name)
            shutil.rmtree(variant)
    return folder


def test_a_packed_campaign_is_the_unpacked_one(unpacked, packed):
    assert len(load(packed).records) == len(load(unpacked).records) == 8 * 3
    assert load(packed).boots == load(unpacked).boots
    texts = [writer.write_report(folder).details for folder in (unpacked, packed)]
    assert texts[1] == texts[0].replace(unpacked.name, packed.name)


def test_it_is_compared_as_it_is(unpacked, packed):
    pairs = inputs.pair_sources([unpacked, packed], None)
    text = as_text.export(engine.compare(pairs.sources, [], []), pairs.notes)
    assert text.count("the same files: nothing can differ") == len(pairs.sources) == 2


def test_unpacked_in_place_it_is_read_from_there(packed):
    with tarfile.open(packed / archive.NAME) as file:
        file.extractall(packed)
    (packed / archive.NAME).write_bytes(b"broken")
    assert len(load(packed).records)


def test_a_broken_archive_is_named(packed):
    path = packed / archive.NAME
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadData, match=f"{archive.NAME}: cannot be unpacked"):
        load(packed)


@pytest.mark.parametrize("name", ["../stock/boot-01/micro.jsonl", "/tmp/micro.jsonl"])
def test_nothing_is_unpacked_elsewhere(tmp_path, packed, name):
    with tarfile.open(packed / archive.NAME, "w:xz") as file:
        member = tarfile.TarInfo(name)
        member.size = 1
        file.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(BadData, match="is no file of a campaign"):
        load(packed)
    assert not list(tmp_path.glob("stock"))


def test_a_bomb_is_refused(monkeypatch, packed):
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(BadData, match="holds more than"):
        load(packed)


def test_what_is_wrong_in_it_is_named_by_the_archive(tmp_path, packed):
    with tarfile.open(packed / archive.NAME) as file:
        file.extractall(tmp_path / "again")
    shutil.rmtree(tmp_path / "again" / "unused", ignore_errors=True)
    micro = next((tmp_path / "again").glob("*/boot-01/micro.jsonl"))
    micro.write_text('{"case": 1}\n' + micro.read_text())
    with tarfile.open(packed / archive.NAME, "w:xz") as file:
        for variant in (tmp_path / "again").iterdir():
            file.add(variant, variant.name)
    with pytest.raises(BadData, match=f"{archive.NAME}/.*/boot-01/micro.jsonl:1"):
        load(packed)
