# SPDX-License-Identifier: Apache-2.0
"""Campaigns that are not to say whose machine they were measured on."""

import json
import tomllib

import pytest

from formats import known_names
from lab.campaign import anonymity, store
from lab.core.errors import KmapbenchError
from lab.tests.support.records import ENVIRONMENT

KERNEL = {"what": "w", "release": "6", "packages": {}, "cpu": "max", "cmdline": ""}
HEADER = {
    "asked": {"arguments": [], "boots": 1, "only": None, "kernel": None},
    "seed": 1,
    "variants": {"stock": KERNEL},
    "tools": {},
    "kmapbench": {"commit": "unknown", "dirty": False},
    "planned": [{"variant": "stock", "boot": 1}],
}
NAMED = ENVIRONMENT | {"identity": {"host_name": "spr01", "serial": "X1Q7"}}

NAMES = {"spr01": known_names.HOST, "alice": known_names.USER, "CZ2143X0QW": known_names.SERIAL}
ANONYMOUS = HEADER | {
    "asked": HEADER["asked"]
    | {
        "anonymize": True,
        "arguments": ["--out", "alice/c", "--variants", "mine=linux-alice", "/srv/spr01/x"],
    }
}


@pytest.fixture(autouse=True)
def on_spr01(monkeypatch):
    monkeypatch.setattr(anonymity, "own_names", lambda: NAMES)


def everything(folder) -> str:
    return "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def test_an_anonymous_campaign_does_not_say_whose_machine_it_was(tmp_path):
    plan = 'variants = [\n    "mine=/home/alice/linux",\n]\non = "/dev/pmem0"\n'
    kept = store.Campaign.begin(tmp_path / "c", ANONYMOUS, plan)
    (tmp_path / "config").write_text('CONFIG_DEFAULT_HOSTNAME="spr01"\nCONFIG_PKS=y\n')
    boot = kept.begin_boot("stock", 1)
    boot.write_environment(
        NAMED | {"kernel": NAMED["kernel"] | {"cmdline": "root=/dev/spr01-vg/root nopks"}},
        tmp_path / "config",
    )
    boot.write_micro({"context": {"host_name": "spr01", "executable": "/home/alice/kmap_bench"}})
    boot.append_crashed("empty", "icount", "killed by alice@spr01", ["spr01 login: "])
    (boot.folder / "console.log").write_text("Linux version 6.12 (alice@spr01.lab.example)\n")
    (boot.folder / "crash").mkdir()
    (boot.folder / "crash" / "journal.log").write_text("Nov 29 spr01 kernel: Oops\n")
    (boot.folder / "dax").mkdir()
    (boot.folder / "dax" / "x.json").write_text('{"directory": "/mnt/alice/x"}')
    boot.end("ended by alice")
    kept.end()  # and a boot is left to make
    assert tomllib.loads((kept.folder / "plan.toml").read_text())["variants"] == [
        "mine=/home/alice/linux"  # the campaign goes on with it
    ]
    again = kept.begin_boot("stock", 1)
    again.end()
    kept.end()
    said = everything(kept.folder)
    assert not [name for name in (*NAMES, "X1Q7", "example") if name.lower() in said.lower()]
    assert tomllib.loads((kept.folder / "plan.toml").read_text()) == {
        "variants": ["mine=PATH"],
        "on": "/dev/pmem0",
    }
    header = json.loads((kept.folder / "campaign.json").read_text())
    assert header["asked"]["arguments"] == ["--out", "PATH", "--variants", "mine=PATH", "PATH"]
    assert "root=HIDDEN nopks" in said and "CONFIG_PKS=y" in said


def test_without_being_asked_nothing_is_hidden(tmp_path):
    kept = store.Campaign.begin(tmp_path / "c", HEADER)
    boot = kept.begin_boot("stock", 1)
    boot.write_environment(NAMED)
    boot.append_crashed("empty", "icount", "killed by alice@spr01", ["spr01 login: "])
    (boot.folder / "console.log").write_text("alice@spr01\n")
    boot.end()
    kept.end()
    said = everything(kept.folder)
    assert said.count("alice@spr01") == 2 and '"host_name": "spr01"' in said and '"X1Q7"' in said


def test_a_variant_that_is_called_like_the_machine_cannot_be_anonymous(tmp_path):
    header = ANONYMOUS | {"variants": {"spr01": KERNEL}}
    with pytest.raises(KmapbenchError, match="spr01: .*--label NAME"):
        store.Campaign.begin(tmp_path / "c", header)
    assert not (tmp_path / "c").exists()
