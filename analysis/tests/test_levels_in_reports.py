# SPDX-License-Identifier: Apache-2.0
"""What a report says of the level that a campaign was measured at."""

import copy

import pytest

from analysis.data.load import load
from analysis.report import writer
from analysis.report.contents import level_sentences
from analysis.tests.conftest import HEADER, environment, record

QUIET = {
    "level": "publish",
    "allowed": [],
    "cpus": [3],
    "virtual": [],
    "governors": ["performance"],
    "no_turbo": "1",
    "boost": None,
    "idle": [{"name": "POLL", "exit_us": 0}],
    "smt_active": "0",
    "siblings": {},
    "isolated": [3],
    "microcode": ["0x2b000571"],
    "out_of_spec": False,
    "before": {"smi": 7, "throttled": 0, "temperature_c": 41.0},
    "after": {"smi": 7, "throttled": 0, "temperature_c": 44.0},
    "watched": {"seconds": 10.0, "cpus": 4, "other_s": 0.1, "steal_s": 0.0},
    "timer_per_s": 1.0,
}
USER = {"clock": "tsc", "unit": "ticks", "exact": False, "variant": "host", "chain": 1.0}


@pytest.fixture
def measured(campaign):
    """A campaign of user models at a level, on a machine that differs from the quiet one."""

    def make(level: str | None = "publish", allow: tuple[str, ...] = (), **changes):
        records = [
            record("user/kmap_local/dram", cost=20, cost_core_cycles=20, **USER),
        ]
        asked = HEADER["asked"] | {"level": level, "allow": list(allow)}
        facts = environment() | {
            "conditions": copy.deepcopy(QUIET) | {"level": level} | changes,
            "vulnerabilities": {"meltdown": "Not affected"},
        }
        return campaign("c", records, facts, {"asked": asked})

    return make


VIRTUAL = {"virtual": ["CPUID has the hypervisor bit"]}


def test_a_report_of_a_virtual_machine_begins_with_that_it_is_not_publishable(measured):
    folder = measured(allow=("bare-metal",), **VIRTUAL)
    written = writer.write_report(folder)
    first = "NOT PUBLISHABLE: virtual machine\n"
    assert written.mail.startswith(first) and written.details.startswith(first)
    assert written.summary.startswith(first)
    page = (folder / "report" / "index.html").read_text()
    alert = page.index('<p class="problem" role="alert">NOT PUBLISHABLE: virtual machine</p>')
    assert alert < page.index("<h1>")
    assert "bare-metal: a virtual machine (CPUID has the hypervisor" in written.details
    assert "(allowed)" in written.details


def test_a_campaign_that_meets_all_conditions_says_so(measured):
    written = writer.write_report(measured())
    assert "NOT PUBLISHABLE" not in written.mail + written.details
    assert "Level publish: all 11 conditions were met." in written.details


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"after": QUIET["after"] | {"smi": 9}}, "2 SMIs"),
        ({"after": QUIET["after"] | {"throttled": 1}}, "throttled 1 times"),
        ({"after": QUIET["after"] | {"smi": None}}, "SMIs unknown"),
        ({"watched": QUIET["watched"] | {"other_s": 5.0}}, "load of 0.50 CPUs"),
        ({"smt_active": "1", "siblings": {"3": [43]}}, "SMT on"),
    ],
)
def test_what_happened_during_the_run_is_on_its_face(measured, changes, said):
    assert writer.write_report(measured(**changes)).mail.startswith(f"NOT PUBLISHABLE: {said}\n")


def test_a_campaign_whose_machine_told_nothing_is_not_publishable(measured):
    folder = measured()
    for path in folder.glob("*/boot-*/environment.json"):
        path.unlink()
    assert level_sentences.list_unfit(load(folder)) == [
        "NOT PUBLISHABLE: nothing is known of the machine"
    ]


def test_compare_notes_smoke_is_called_short_and_no_level_says_nothing(measured, tmp_path):
    for level, noted, fact in (("compare", 1, 0), ("smoke", 0, 1), (None, 0, 0)):
        folder = measured(level, **VIRTUAL)
        written = writer.write_report(folder)
        assert "PUBLISHABLE" not in written.mail + written.details
        details = " ".join(written.details.split())
        assert details.count("bare-metal: a virtual machine") == noted
        assert details.count("Level smoke: a short run") == fact
        folder.rename(tmp_path / f"level-{level}")


def test_two_campaigns_are_compared_whatever_happened_during_each(measured, compare, tmp_path):
    quiet = measured().rename(tmp_path / "quiet")
    loud = measured(**VIRTUAL, timer_per_s=250.0).rename(tmp_path / "loud")
    assert compare(quiet, loud).code == 0
