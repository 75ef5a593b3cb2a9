# SPDX-License-Identifier: Apache-2.0
"""What is at home of each host: who is done, what is taken, and what is said of the rest."""

import io
import json
import re
import sys

import pytest

from lab.core.dirs import ROOT
from lab.fleet import home_state
from lab.tests.support.stand_in_kmapbench import write_stand_in

HOSTS = ["a", "b", "../c", ".hidden"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Asks home, as the playbooks do; gives the answer, or the exit code and what was said."""
    plan = tmp_path / "Smoke test.toml"
    plan.write_text('only = "user"\n')
    program = write_stand_in(tmp_path / "program")
    monkeypatch.setattr(home_state, "_commit", lambda: COMMIT)

    def ask(what: str, *words: str, hosts=HOSTS):
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(hosts)))
        given = [what, f"--home={tmp_path / 'home'}", f"--program={program}", *words]
        if what == "plan":
            given.append(f"--plan={plan}")
        code = home_state.main(given)
        said = capsys.readouterr()
        return (code, said.err) if code else json.loads(said.out)

    return ask


@pytest.fixture
def archive(tmp_path):
    """Makes an archive as it was fetched."""

    def made(text: str = "an archive"):
        path = tmp_path / "smoke-test-h1.tar.xz"
        path.write_text(text)
        return path

    return made


def test_a_host_is_done_when_its_archive_is_there_byte_for_byte(ask, archive, tmp_path):
    planned = ask("plan")
    assert planned["to_do"] == HOSTS and planned["done"] == []
    of = f"--id={planned['id']}"
    taken = ask("record", of, "--host=a", "--state=measured", f"--archive={archive()}")
    assert taken["changed"]
    assert ask("plan")["done"] == ["a"]
    (kept,) = (tmp_path / "home" / "archives").glob("*/a/*.tar.xz")
    kept.write_text("an ARCHIVE")
    assert ask("plan")["done"] == []


def test_another_plan_and_another_commit_are_measured_anew(ask, archive, tmp_path, monkeypatch):
    first = ask("plan")["id"]
    ask("record", f"--id={first}", "--host=a", "--state=measured", f"--archive={archive()}")
    (tmp_path / "Smoke test.toml").write_text('only = "user"\nseed = 1\n')
    second = ask("plan")
    monkeypatch.setattr(home_state, "_commit", lambda: COMMIT[::-1])
    third = ask("plan")
    assert len({first, second["id"], third["id"]}) == 3
    assert second["done"] == third["done"] == []


def test_an_archive_that_is_refused_is_not_kept_and_its_host_measures_under_another_name(
    ask, archive, tmp_path
):
    planned = ask("plan")
    (tmp_path / "program" / "refused").write_text("kmapbench: no oracle\nmore\n")
    fetched = archive()
    of = f"--id={planned['id']}"
    said = ask("record", of, "--host=b", "--state=measured", f"--archive={fetched}")
    assert (said["state"], said["reason"]) == ("failed", "its archive is not taken: no oracle")
    assert not fetched.exists() and not list((tmp_path / "home").rglob("*.tar.xz"))
    again = ask("plan")
    assert again["names"]["b"] == f"{planned['names']['b']}-2"
    assert again["names"]["a"] == planned["names"]["a"]
    ask("record", of, "--host=b", "--state=unreachable", "--reason=gone")
    assert ask("plan")["names"]["b"] == again["names"]["b"]


def test_the_same_outcome_changes_nothing(ask):
    of = f"--id={ask('plan')['id']}"
    words = (of, "--host=../c", "--state=unfit", "--reason=no\nclock \x1b[31m here")
    assert ask("record", *words)["changed"]
    again = ask("record", *words)
    assert not again["changed"] and again["reason"] == "no clock [31m here"


def test_folders_of_hosts_stay_below_home_whatever_hosts_are_called(ask, tmp_path):
    of = f"--id={ask('plan')['id']}"
    for host in [*HOSTS, "..", "."]:
        ask("record", of, f"--host={host}", "--state=unfit", "--reason=none")
    made = {path.parent for path in tmp_path.rglob("state.json")}
    assert len(made) == len(HOSTS) + 2
    (parent,) = {path.parent for path in made}
    assert parent.parent == tmp_path / "home" / "archives"


def test_names_of_campaigns_do_not_tell_the_host_and_stay(ask):
    first = ask("plan", hosts=["rack-1"])["names"]
    assert re.fullmatch(r"smoke-test-h[0-9a-f]{8}", first["rack-1"])
    assert ask("plan", hosts=["rack-2", "rack-1"])["names"]["rack-1"] == first["rack-1"]


def test_a_dry_run_writes_nothing(ask, tmp_path):
    assert ask("plan", "--dry-run")["to_do"] == HOSTS
    assert not (tmp_path / "home").exists()


def test_the_table_names_those_that_are_lost(ask, archive):
    of = f"--id={ask('plan')['id']}"
    ask("record", of, "--host=a", "--state=measured", f"--archive={archive()}")
    ask("record", of, "--host=b", "--state=unfit", "--reason=no clock")
    ask("record", of, "--host=../c", "--state=unreachable", "--reason=gone")
    said = ask("table", of)
    assert said["lost"] == ["../c", ".hidden"]
    assert said["lines"] == [
        "a        measured: smoke-test-h1.tar.xz",
        "b        unfit: no clock",
        "../c     unreachable: gone",
        ".hidden  nothing is known of it",
    ]


def test_the_site_is_made_for_new_archives_only(ask, archive, tmp_path):
    of = f"--id={ask('plan')['id']}"
    assert ask("site") == {"changed": False, "archives": 0}
    ask("record", of, "--host=a", "--state=measured", f"--archive={archive()}")
    assert ask("site") == {"changed": True, "archives": 1}
    assert "smoke-test-h1" in (tmp_path / "home" / "site" / "index.html").read_text()
    assert ask("site") == {"changed": False, "archives": 1}
    ask("record", of, "--host=b", "--state=measured", f"--archive={archive('other')}")
    assert ask("site")["changed"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("only = user", "not valid TOML"),
        ('only = "user"\npassword = "secret"', "password is not known"),
        ('only = "nothing"', "is none of micro, user, dax"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_at_home(ask, tmp_path, text, said):
    (tmp_path / "Smoke test.toml").write_text(text)
    code, line = ask("plan")
    assert code == 2 and said in line and line.count("\n") == 1


def test_a_changed_checkout_is_refused(monkeypatch):
    says = {"rev-parse": COMMIT, "status": " M lab/cli.py\n"}

    def git(*words: str):
        return home_state.subprocess.CompletedProcess(words, 0, says[words[0]], "")

    monkeypatch.setattr(home_state, "_git", git)
    with pytest.raises(home_state.KmapbenchError, match="lab/cli.py is changed"):
        home_state._commit()
    says["status"] = ""
    assert home_state._commit() == COMMIT


def test_no_file_of_the_fleet_has_a_password():
    """Keys, or what the user is asked for."""
    word = re.compile(r"(?i)(pass(word|wd)?|secret|token)\w*\s*[:=]\s*\S")
    texts = {path: path.read_text() for path in (ROOT / "fleet").rglob("*") if path.is_file()}
    texts = {path: text for path, text in texts.items() if path.suffix != ".pyc"}
    found = {
        f"{path.name}: {line}"
        for path, text in texts.items()
        for line in text.splitlines()
        if word.search(line) and "PasswordAuthentication=no" not in line
    }
    assert found == set()
    assert "StrictHostKeyChecking=yes" in texts[ROOT / "fleet" / "ansible.cfg"]
    assert "host_key_checking = true" in texts[ROOT / "fleet" / "ansible.cfg"]
