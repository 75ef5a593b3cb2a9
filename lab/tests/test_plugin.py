# SPDX-License-Identifier: Apache-2.0
"""Which build of the observer a QEMU loads. Interfaces no QEMU here speaks: bench/observer/tests.
"""

import json
import subprocess
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import build_dir
from lab.kernels import variants
from lab.run import runner
from lab.vm import image, plugin_api

pytestmark = pytest.mark.guest

BUILT = build_dir() / "bench" / "observer"


@pytest.fixture
def qemu(tmp_path):
    """Makes a QEMU that says one thing, and takes down how it was called."""

    def make(said: str) -> str:
        program = tmp_path / "qemu-system-x86_64"
        noted = f'echo call "$@" >> {tmp_path}/calls'
        lines = ["#!/bin/sh", noted, f'echo "qemu: {said}" >&2', "exit 1"]
        program.write_text("\n".join(lines) + "\n")
        program.chmod(0o755)
        return str(program)

    return make


@pytest.fixture
def builds(tmp_path) -> Path:
    folder = tmp_path / "builds"
    folder.mkdir()
    for version in range(8):
        (folder / f"libobserver-{version}.so").touch()
    return folder


def too_old(oldest: int) -> str:
    supports = f"this QEMU supports only a minimum version of {oldest}"
    return f"plugin requires API version 0, but {supports}"


@pytest.mark.parametrize("oldest", [1, 2, 7])
def test_the_refusal_names_the_version_to_declare(qemu, builds, oldest):
    found = plugin_api.find(builds, qemu(too_old(oldest)))
    assert found == plugin_api.Observer(builds / f"libobserver-{oldest}.so")


def test_it_is_asked_once(qemu, builds, tmp_path):
    plugin_api.find(builds, qemu(too_old(2)))
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.endswith(f"-plugin {builds}/libobserver-0.so")


def test_a_qemu_that_wants_more_than_is_known_is_named_with_the_mend(qemu, builds):
    found = plugin_api.find(builds, qemu(too_old(8)))
    assert found.plugin is None
    assert (
        found.refusal
        == "QEMU loads plugins of interface version 8 and later, and the observer knows up to 7; "
        "take a newer kmapbench, or a QEMU that it knows (7.2 to 11.1)"
    )


def test_a_qemu_without_plugins_is_named_with_the_mend(qemu, builds):
    found = plugin_api.find(builds, qemu("-plugin: invalid option"))
    assert found.plugin is None
    assert "-plugin: invalid option" in found.refusal and "--enable-plugins" in found.refusal


def test_without_a_build_there_is_none(tmp_path):
    found = plugin_api.find(tmp_path, "/nonexistent")
    assert found.plugin is None and "cmake --build build" in found.refusal


def test_this_qemu_loads_what_is_found():
    found = plugin_api.find(BUILT)
    assert found.refusal is None
    qemu = subprocesses.find("qemu-system-x86_64", "qemu-system-x86")
    machine = [*("-M", "none", "-display", "none", "-accel", "tcg"), "-plugin", str(found.plugin)]
    said = subprocess.run([qemu, *machine], capture_output=True, text=True).stderr
    assert said.startswith("observer: plugin interface ")


def test_a_folder_with_a_comma_in_its_name(tmp_path):
    folder = tmp_path / "a,b"
    folder.symlink_to(BUILT)
    assert plugin_api.find(folder).plugin.name == plugin_api.find(BUILT).plugin.name


def test_why_there_is_none_is_said_once(qemu, builds, monkeypatch):
    monkeypatch.setattr(
        subprocesses, "_SEARCH", f"{Path(qemu(too_old(8))).parent}:{subprocesses._SEARCH}"
    )
    said: list[str] = []
    assert image.observer_plugin(said.append) is None
    assert len(said) == 1 and "interface version 8" in said[0]


def test_a_run_without_it_measures_and_says_why_once(tmp_path, monkeypatch, capsys):
    real = subprocesses.find("qemu-system-x86_64", "qemu-system-x86")
    newer = tmp_path / "qemu" / "qemu-system-x86_64"
    newer.parent.mkdir()
    newer.write_text(
        f"#!/bin/sh\ncase \"$*\" in *'-M none '*) echo '{too_old(8)}' >&2; exit 1 ;; esac\n"
        f'exec {real} "$@"\n'
    )
    newer.chmod(0o755)
    monkeypatch.setattr(subprocesses, "_SEARCH", f"{newer.parent}:{subprocesses._SEARCH}")
    folder = tmp_path / "campaign"
    plan = runner.Plan([variants.find("stock")], 1, 1, "micro", None, "msr/rdpkrs", folder, [])
    assert runner.run(plan) == 0, capsys.readouterr().err
    boot = folder / "stock" / "boot-01"
    assert json.loads((boot / "environment.json").read_text())["emulator"]["observed"] is False
    assert not (boot / "path.jsonl").exists()
    record = [json.loads(line) for line in (boot / "micro.jsonl").read_text().splitlines()][-1]
    assert (record["case"], record["status"]) == ("msr/rdpkrs", "ok")
    words = " ".join((folder / "details.txt").read_text().split())
    assert words.count("interface version 8 and later") == 1
    assert "take a newer kmapbench" in words
