# SPDX-License-Identifier: Apache-2.0
"""What is measured in one boot of a campaign over reboots, by kmap_bench itself."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from lab.campaign import store, validation
from lab.core.progress import Display
from lab.host import machine_state, running_kernel
from lab.reboots.boot_measurement import BootMeasurement
from lab.reboots.real_machine import RealMachine
from lab.reboots.reboot_plan import RebootPlan
from lab.run import host_steps
from lab.tests.support.one_boot import HEADER

pytestmark = pytest.mark.program


@pytest.fixture(name="measured")
def measure_boot(tmp_path, monkeypatch):
    """Measures a boot by a plan's options; the boot, what was said, and the noted cases."""
    monkeypatch.setattr(running_kernel, "prepare", lambda *_: SimpleNamespace(module=None))
    monkeypatch.setattr(running_kernel, "loaded", lambda _: nullcontext())
    monkeypatch.setattr(host_steps, "LAUNCHES", 2)

    def measure(**options):
        campaign = store.Campaign.begin(tmp_path / "campaign", HEADER)
        boot = campaign.begin_boot("plain", 2)
        noted: list[str] = []
        with Display() as display:
            plan = RebootPlan(["plain", "off"], settle=0, **options)
            measurement = BootMeasurement(plan, None, tmp_path, display, RealMachine())
            problem = measurement(boot, noted.extend)
        return SimpleNamespace(boot=boot, problem=problem, noted=noted, campaign=campaign)

    return measure


def test_a_boot_has_all_launches_of_its_models_and_what_it_ran_on(measured):
    done = measured(cases="user/kmap_local_slim/dram*")
    models = [record for record in done.boot.records if "known" not in record]
    assert done.noted and {record["case"] for record in models} == set(done.noted)
    assert {record["launch"] for record in models} == {1, 2}
    assert {(record["variant"], record["boot"]) for record in models} == {("plain", 2)}
    environment = json.loads((done.boot.folder / "environment.json").read_text())
    validation.validate("environment", environment)
    assert environment["conditions"]["watched"]["seconds"] > 0
    assert (done.boot.folder / "micro.json").exists()
    (step,) = done.campaign.header["order"]
    assert step["status"] == "ok"


def test_a_boot_that_measures_nothing_is_lost(measured):
    done = measured(cases="user/no_such_model", limit=60)
    assert "no case of this kernel has such a name" in done.problem
    (step,) = done.campaign.header["order"]
    assert step["status"] == "crashed" and done.boot.records == []


def test_the_machine_is_watched_until_fio_has_ended(measured, monkeypatch):
    done = []
    named = SimpleNamespace(measures=lambda job: True)
    preset = SimpleNamespace(jobs=[])
    end = machine_state.Watch.end
    monkeypatch.setattr(BootMeasurement, "_fio", lambda _: (named, preset))
    monkeypatch.setattr(host_steps, "run_fio", lambda *_: done.append("fio"))
    monkeypatch.setattr(
        machine_state.Watch, "end", lambda watch: done.append("looked") or end(watch)
    )
    assert measured(cases="user/kmap_local_slim/dram").problem is None
    assert done == ["looked", "fio", "looked"]


def test_a_boot_ends_at_its_limit(measured):
    done = measured(cases="user/*", limit=1)
    assert "took longer than 1 s (--limit)" in done.problem
    (step,) = done.campaign.header["order"]
    assert step["status"] == "crashed"
