# SPDX-License-Identifier: Apache-2.0
"""fleet/ over SSH, on five hosts of our own, of which three go wrong."""

import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab.tests.support import namespace_hosts, shared_build
from lab.tests.support.namespace_hosts import NamespaceHost

pytestmark = [
    pytest.mark.all,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces: takes root"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ansible-playbook", "sshd", "ip"))),
        reason="needs ansible-core, openssh-server and iproute2",
    ),
]

NAMES = ["kbfgood", "kbfunfit", "kbfcutoff", "kbfkilled", "kbfwell"]
PLAN = 'only = "user"\ncases = "user/kmap_local_slim/key_off"\n'
# Measures only when it is told to.
GATED = """\
#!/bin/sh
case "$*" in
*--dry-run*) ;;
run*) touch /root/reached; while [ ! -e /root/gate ]; do sleep 0.1; done ;;
esac
exec ./kmapbench "$@"
"""


@dataclass
class Fleet:
    """The hosts, and what is at home."""

    folder: Path
    hosts: dict[str, NamespaceHost]
    command: list[str]

    @property
    def home(self) -> Path:
        return self.folder / "at-home"

    def play(self, *words: str, playbook: str = "measure.yml", patience: int = 8) -> "Played":
        begun = self.begin(*words, playbook=playbook, patience=patience)
        out = begun.communicate()[0].decode()
        return Played(begun.returncode, out)

    def begin(self, *words: str, playbook: str = "measure.yml", patience: int = 8):
        settings = {
            "kmapbench_plan": str(self.folder / "smoke.toml"),
            "kmapbench_home": str(self.home),
            "kmapbench_interval": 1,
            "kmapbench_patience": patience,
        }
        return subprocess.Popen(
            [*self.command, playbook, "-e", json.dumps(settings), *words],
            cwd=self.folder / "checkout" / "fleet",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        )

    def state(self, name: str) -> dict:
        (path,) = self.home.glob(f"archives/*/{name}/state.json")
        return json.loads(path.read_text())

    def archive(self, name: str) -> Path:
        (path,) = self.home.glob(f"archives/*/{name}/*.tar.xz")
        return path

    def job(self, name: str) -> Path:
        (path,) = (self.hosts[name].root_home / "kmapbench-fleet" / "jobs").glob("smoke-*/*")
        return path

    def disturbed(self) -> list[str]:
        """Hosts whose figures a busy machine has spoilt, which their archive is refused for."""
        reasons = {name: self.state(name).get("reason", "") for name in NAMES}
        return [name for name, reason in reasons.items() if "a loop of known length" in reason]


@dataclass
class Played:
    """What a playbook printed, and its exit code."""

    code: int
    out: str

    def asked(self, host: str) -> bool:
        included = re.findall(r"^included: \S+/look.yml for (.*)$", self.out, re.MULTILINE)
        return host in ", ".join(included).split(", ")

    def recap(self, host: str) -> dict[str, int]:
        line = re.search(rf"^{host} +: (.*)$", self.out, re.MULTILINE)
        counts = re.findall(r"(\w+)=(\d+)", line[1]) if line else []
        return {name: int(count) for name, count in counts}


def until(is_so: Callable[[], bool], begun: subprocess.Popen) -> None:
    """Waits for something that happens while a playbook runs."""
    while not is_so():
        if begun.poll() is not None:
            pytest.fail(f"it ended before: {begun.communicate()[0].decode()}")
        time.sleep(0.1)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def inventory(hosts: dict[str, NamespaceHost], environment: dict, key: Path) -> dict:
    options = f"-o UserKnownHostsFile={key.parent / 'known_hosts'} -o GlobalKnownHostsFile=none"
    of_all = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": options,
        "kmapbench_environment": environment,
    }
    of_each = {name: {"ansible_host": host.address} for name, host in hosts.items()}
    of_each["kbfunfit"]["kmapbench_install_packages"] = False
    of_each["kbfcutoff"]["kmapbench_program"] = "/root/gated"
    return {"kmapbench": {"hosts": of_each, "vars": of_all}}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    commit = shared_build.home_checkout(folder / "checkout")
    there = f"/root/kmapbench-fleet/checkouts/{commit[:12]}"
    environment = shared_build.build_for(there, folder)
    with namespace_hosts.network() as inside, namespace_hosts.hosts(NAMES, folder) as (made, key):
        hosts = {host.name: host for host in made}
        namespace_hosts.unfit(hosts["kbfunfit"], "g++")
        (hosts["kbfcutoff"].root_home / "gated").write_text(GATED)
        (hosts["kbfcutoff"].root_home / "gated").chmod(0o755)
        for host in made:
            host.start()
        (folder / "smoke.toml").write_text(PLAN)
        described = inventory(hosts, environment, key)
        (folder / "hosts.yml").write_text(yaml.safe_dump(described))
        yield Fleet(folder, hosts, [*inside, "ansible-playbook", "-i", str(folder / "hosts.yml")])


# Each test goes on where the one before has left the hosts.


def test_a_host_with_another_key_is_not_logged_in_to(fleet):
    known = fleet.folder / "known_hosts"
    right = known.read_text()
    lines = right.splitlines()
    swapped = [f"{lines[0].split()[0]} {lines[1].split(maxsplit=1)[1]}", *lines[1:]]
    known.write_text("\n".join(swapped) + "\n")
    try:
        played = fleet.play("-e", "kmapbench_hosts=kbfgood")
    finally:
        known.write_text(right)
    assert played.code != 0
    assert fleet.state("kbfgood")["state"] == "unreachable"
    assert "HOST IDENTIFICATION HAS CHANGED" in fleet.state("kbfgood")["reason"]
    assert list(fleet.hosts["kbfgood"].root_home.iterdir()) == []


def test_check_mode_changes_nothing_on_hosts_and_at_home(fleet):
    played = fleet.play("--check")
    assert played.code == 0, played.out
    assert played.out.count("would be installed and measured") == len(NAMES)
    assert [path.name for path in fleet.home.glob("archives/*/*")] == ["kbfgood"]
    assert [host.name for host in fleet.hosts.values() if list(host.root_home.glob("kmap*"))] == []


def test_hosts_that_go_wrong_are_named_with_their_reason_and_hold_up_no_other(fleet):
    begun = fleet.begin()
    cut_off, killed = fleet.hosts["kbfcutoff"], fleet.hosts["kbfkilled"]

    def measures() -> bool:
        manifests = list(killed.root_home.glob("kmapbench-fleet/jobs/*/*/smoke-*/campaign.json"))
        return bool(manifests) and '"running"' in manifests[0].read_text()

    until(measures, begun)
    killed.kill()
    until((cut_off.root_home / "reached").exists, begun)
    cut_off.set_link(is_up=False)
    (cut_off.root_home / "gate").touch()
    out = begun.communicate()[0].decode()
    states = {name: fleet.state(name) for name in NAMES}
    for name in fleet.disturbed():
        states[name]["state"] = "measured"
    assert {name: state["state"] for name, state in states.items()} == {
        "kbfgood": "measured",
        "kbfwell": "measured",
        "kbfunfit": "unfit",
        "kbfcutoff": "unreachable",
        "kbfkilled": "unreachable",
    }, out
    assert "packages are missing: g++" in states["kbfunfit"]["reason"]
    for name in ("kbfcutoff", "kbfkilled"):
        assert "while it measured: no answer for 8 seconds" in states[name]["reason"]
    assert begun.returncode != 0
    lost = sorted(["kbfcutoff", "kbfkilled", *fleet.disturbed()])
    assert f"Run it again for {', '.join(lost)}: " in out
    assert fleet.disturbed() or (fleet.home / "site" / "index.html").is_file()
    assert not (fleet.job("kbfkilled") / "ended").exists()


def test_a_second_run_does_what_lacks_and_nothing_else(fleet):
    cut_off, killed = fleet.hosts["kbfcutoff"], fleet.hosts["kbfkilled"]
    meanwhile = subprocess.Popen(["sleep", "600"])
    until((fleet.job("kbfcutoff") / "ended").exists, meanwhile)
    meanwhile.kill()
    meanwhile.wait()
    (cut_off.root_home / "reached").unlink()
    cut_off.set_link(is_up=True)
    killed.start()
    done = [name for name in ("kbfgood", "kbfwell") if name not in fleet.disturbed()]
    before = {name: contents(fleet.archive(name).parent) for name in done}
    played = fleet.play()
    # What was done is not even asked.
    assert [name for name in done if played.asked(name)] == []
    manifest = json.loads(next(fleet.job("kbfkilled").glob("*/campaign.json")).read_text())
    assert [step["status"] for step in manifest["order"]] == ["interrupted", "ok"]
    # The one that was cut off had measured meanwhile; the one that was killed goes on.
    assert not (cut_off.root_home / "reached").exists()
    for _ in range(5):
        if fleet.disturbed():
            played = fleet.play()
    assert played.code == 0, played.out
    assert [fleet.state(name)["state"] for name in NAMES].count("measured") == 4
    assert fleet.state("kbfunfit")["state"] == "unfit"
    assert {name: contents(fleet.archive(name).parent) for name in done} == before


def test_a_further_run_changes_nothing(fleet):
    before = contents(fleet.home)
    on_hosts = {name: contents(host.root_home) for name, host in fleet.hosts.items()}
    played = fleet.play()
    assert played.code == 0, played.out
    assert [name for name in [*NAMES, "localhost"] if played.recap(name).get("changed")] == []
    assert contents(fleet.home) == before
    later = {name: contents(host.root_home) for name, host in fleet.hosts.items()}
    unfit, known = later.pop("kbfunfit"), on_hosts.pop("kbfunfit")
    assert later == on_hosts
    assert {name for name in unfit.items() ^ known.items() if ".pyc" not in name[0]} == set()


def test_archives_have_the_facts_of_their_host_and_not_its_name(fleet):
    for name in set(NAMES) - {"kbfunfit"}:
        archive = fleet.archive(name)
        raw = lzma.decompress(archive.read_bytes())
        assert not re.search(rb"kbf[a-z]+|10\.77\.31", raw + archive.name.encode()), name
        with tarfile.open(archive) as packed:
            (inside,) = [one for one in packed.getnames() if one.endswith("environment.json")]
            facts = json.load(packed.extractfile(inside))
        assert facts["kernel"]["release"] == os.uname().release
        assert facts["cpu"]["model"]


def test_a_damaged_archive_at_home_is_brought_again(fleet):
    archive = fleet.archive("kbfwell")
    right = archive.read_bytes()
    archive.write_bytes(right[:-9] + b"x" + right[-8:])
    played = fleet.play("-e", "kmapbench_hosts=kbfwell")
    assert played.code == 0, played.out
    assert archive.read_bytes() == right


def test_check_alone_says_who_is_fit(fleet):
    (fleet.folder / "other.toml").write_text(PLAN + "seed = 7\n")
    before = contents(fleet.home / "archives")
    told = {"kmapbench_plan": str(fleet.folder / "other.toml")}
    played = fleet.play("-e", json.dumps(told), playbook="check.yml")
    assert played.code == 0, played.out
    assert played.out.count('"state": "fit"') == 4
    assert played.out.count('"state": "unfit"') == 1
    assert contents(fleet.home / "archives") == before
