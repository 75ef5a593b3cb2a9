# SPDX-License-Identifier: Apache-2.0
"""The playbooks of fleet/ with hosts that measure nothing, and `kmapbench fleet`."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from lab.core.dirs import ROOT
from lab.tests.support.stand_in_fleet import StandInFleet

has_ansible = pytest.mark.skipif(
    shutil.which("ansible-playbook") is None, reason="needs ansible-core"
)


@pytest.fixture
def fleet(tmp_path):
    return StandInFleet(tmp_path)


# Nothing listens there.
LOST = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.mark.all
@has_ansible
def test_one_after_the_other_a_lost_host_does_not_end_the_play(fleet):
    hosts = {"h1": LOST, "h2": {}, "h3": LOST, "h4": {}}
    code, out = fleet.play(hosts, "-e", "kmapbench_serial=1")
    assert fleet.states() == {
        "h1": "unreachable",
        "h2": "measured",
        "h3": "unreachable",
        "h4": "measured",
    }, out
    assert code != 0 and "Run it again for h1, h3" in out
    assert (fleet.home / "site" / "index.html").exists()


@pytest.mark.all
@has_ansible
def test_where_all_hosts_are_lost_each_has_its_reason(fleet):
    code, out = fleet.play({"h1": LOST, "h2": LOST})
    assert fleet.states() == {"h1": "unreachable", "h2": "unreachable"}, out
    assert code != 0


@pytest.mark.all
@has_ansible
def test_a_limit_without_home_is_refused_and_no_host_is_left_out_silently(fleet):
    code, out = fleet.play({"h1": {}, "h2": {}}, "--limit", "h1")
    assert code != 0 and "choose by -e kmapbench_hosts=A,B" in out
    assert not fleet.home.exists()


@pytest.mark.all
@has_ansible
def test_chosen_hosts_are_measured_and_no_others(fleet):
    code, out = fleet.play({"h1": {}, "h2": {}}, "-e", "kmapbench_hosts=h2")
    assert code == 0 and fleet.states() == {"h2": "measured"}, out
    assert re.search(r"^h1 .*ok=1 +changed=0", out, re.MULTILINE) or "h1 " not in out


# A machine whose units are its own.
APART = ["unshare", "--mount", "sh", "-c"]
APART += ['mount -t tmpfs units /etc/systemd/system && exec "$@"', "sh"]


@pytest.mark.all
@has_ansible
@pytest.mark.skipif(os.geteuid() != 0, reason="makes a namespace: takes root")
@pytest.mark.parametrize(
    ("stopped", "state"), [("", {"h1": "measured"}), ("a full disk", {"h1": "failed"})]
)
def test_a_campaign_over_reboots_is_waited_for_after_what_began_it_has_ended(fleet, stopped, state):
    (fleet.folder / "plan.toml").write_text('kernels = ["plain", "protected"]\nboots = 2\n')
    (fleet.program.parent / "stopped").write_text(stopped)
    words = ["-e", "kmapbench_kind=campaign"]
    code, out = fleet.play({"h1": {"ansible_become_method": "su"}}, *words, inside=APART)
    assert fleet.states() == state, out
    calls = (fleet.program.parent / "calls").read_text().splitlines()
    (begun,) = [call for call in calls if call.startswith("campaign --no-install --plan ")]
    assert begun.endswith(" --anonymize")
    if stopped:
        assert code != 0 and "stopped: a full disk" in out
    else:
        assert code == 0 and any(call.startswith("pack ") for call in calls), out


@pytest.mark.all
@has_ansible
def test_the_playbooks_are_well_formed():
    books = ["measure.yml", "check.yml"]
    said = subprocess.run(
        ["ansible-playbook", "--syntax-check", "-i", "inventory.example.yml", *books],
        cwd=ROOT / "fleet",
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr


def kmapbench(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )


def test_without_ansible_the_package_is_named_in_one_line(tmp_path, monkeypatch, capsys):
    from lab import cli
    from lab.core import subprocesses

    for name in ("hosts.yml", "plan.toml"):
        (tmp_path / name).touch()
    monkeypatch.setattr(subprocesses, "_SEARCH", str(tmp_path))
    words = [f"--inventory={tmp_path / 'hosts.yml'}", f"--plan={tmp_path / 'plan.toml'}"]
    assert cli.main(["fleet", *words]) == 2
    line = "kmapbench: ansible-playbook is missing: install the package ansible-core\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--inventory=/none", "--plan=/none"], "--inventory /none: no such file"),
        (["--inventory=/", "--plan=/", "--serial=0"], "'0' is not a number from 1 to 10000"),
        (["--inventory=/", "--plan=/", "--only-check", "--dry-run"], "not allowed with"),
    ],
)
def test_wrong_options_are_one_line(words, said):
    result = kmapbench("fleet", *words)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and said in result.stderr
