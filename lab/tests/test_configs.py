# SPDX-License-Identifier: Apache-2.0
"""What each symbol of a configuration costs: the list, the count in the code, the table, and what
is kept of it.
"""

import argparse
import json
import shutil
import tarfile
from contextlib import contextmanager
from dataclasses import replace

import pytest

from formats import exit_codes
from lab.configs import boot_tier, configs_plan, configs_run, cost_table, symbol_list
from lab.configs.boot_tier import FAULT, Booted, Measured
from lab.configs.configs_plan import ConfigsPlan
from lab.configs.symbol_list import Change
from lab.core.dirs import ROOT
from lab.core.errors import Interrupted, KmapbenchError
from lab.tests.support.fake_path import FakeMake
from lab.trace.static_tier import BODIES, Count, StaticTier, moved

pytestmark = pytest.mark.program  # gcc and objdump

DRAM = "kernel/kmap_local/dram"


@pytest.fixture
def tier(tmp_path) -> StaticTier:
    shutil.which("gcc") or pytest.skip("gcc is not installed")
    source = tmp_path / "scratch" / "source"
    return StaticTier(source, FakeMake(source))


# The list


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no symbol in it"),
        ("[A", "Expected"),
        ("A = 1", "A: give it as [A]"),
        ("[A]\nwhy = 'x'", "A.set: which lines"),
        ("[A]\nset = ['A=y']", "'A=y' is no line of a configuration"),
        ("[A]\nset = [1]", "1 is no line"),
        ("[A]\nset = ['CONFIG_A=y']\nboots = true", "A.boots: not known; did you mean boot?"),
        ("[A]\nset = ['CONFIG_A=y']\nboot = 1", "A.boot: 1 is no bool"),
        ("[base]\nset = ['CONFIG_A=y']", "base: no name"),
        ("['a b']\nset = ['CONFIG_A=y']", "a b: no name"),
    ],
)
def test_a_mistake_in_a_list_is_one_line_with_file_and_key(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(KmapbenchError) as error:
        symbol_list.read(file)
    assert str(error.value).startswith(f"{file}") and said in str(error.value)
    assert "\n" not in str(error.value)


def test_our_list_has_what_the_path_can_be_different_for():
    ours = symbol_list.read(symbol_list.OURS)
    assert len(ours) >= 40 and sum(change.boot for change in ours.values()) >= 12
    assert all(change.why for change in ours.values())


def test_two_at_once_have_the_lines_of_both():
    known = {
        "A": Change("A", ("CONFIG_A=y", "# CONFIG_C is not set"), "a", boot=True),
        "B": Change("B", ("CONFIG_B=y", "CONFIG_C=y"), "b"),
    }
    (both,) = symbol_list.choose(["A+CONFIG_B"], known)
    assert both.lines == ("CONFIG_A=y", "CONFIG_C=y", "CONFIG_B=y") and not both.boot
    with pytest.raises(KmapbenchError, match="AB: not in the list"):
        symbol_list.choose(["AB"], known)


# The count in the code


def test_a_straight_line_is_counted_and_a_call_is_left_to_a_boot(tier):
    tier.configure([])
    assert tier.count() == {case: Count(5) for case in BODIES}
    tier.configure(["CONFIG_LONG=3"])
    assert tier.count() == {case: Count(8) for case in BODIES}
    tier.configure(["CONFIG_CALLS=y"])
    assert tier.count()[DRAM] == Count(None, "it has call")
    tier.configure(["CONFIG_PATCHED=y"])
    counted = tier.count()
    assert counted[DRAM] == Count(5)
    assert counted["kernel/kmap/dram"] == Count(None, "it is rewritten for the CPU")


def test_each_configuration_is_the_base_with_its_lines_and_nothing_of_the_last_one(tier):
    first = tier.configure(["CONFIG_LONG=3"])
    assert moved(tier.base, first, ["CONFIG_LONG=3"]) == {"CONFIG_B": ("y", "n")}
    assert moved(tier.base, tier.configure([]), []) == {}
    with pytest.raises(KmapbenchError, match="it is so in the base, too"):
        tier.configure(["CONFIG_B=y"])
    with pytest.raises(KmapbenchError, match="CONFIG_NEVER is n, and the list asks for y"):
        tier.configure(["CONFIG_NEVER=y"])


@pytest.mark.parametrize("words", [["--out", "/home/me/x"], ["--out=/home/me/x"], []])
def test_a_published_command_names_no_folder(words):
    given = ["configs", "--static", *words, "--only", "NUMA"]
    assert configs_run._without_folder(given) == ["configs", "--static", "--only", "NUMA"]


# The table, with a kernel that is none


def booted(cost: float, **others: float) -> Booted:
    cases = {DRAM: Measured(cost, True, 0), FAULT: Measured(553, True, 0, search=100)}
    cases |= {case: Measured(value, True, 0) for case, value in others.items()}
    return Booted(cases, 1000)


@pytest.fixture
def plan(tmp_path, monkeypatch) -> ConfigsPlan:
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    list_of_symbols = tmp_path / "symbols.toml"
    list_of_symbols.write_text(
        "[LONGER]\nset = ['CONFIG_LONG=3']\nwhy = 'a longer path'\nboot = true\n"
        "[CALLS]\nset = ['CONFIG_CALLS=y']\nboot = true\n"
        "[NEVER]\nset = ['CONFIG_NEVER=y']\nboot = true\n"
        "[BROKEN]\nset = ['CONFIG_LONG=7']\n"
    )
    parser = argparse.ArgumentParser()
    configs_plan.add_options(parser)
    arguments = parser.parse_args(
        ["--symbols", str(list_of_symbols), "--out", str(tmp_path / "out")]
    )
    arguments.given = ["configs"]
    sources = []

    @contextmanager
    def open_source(image, cache, say):
        folder = tmp_path / f"source{len(sources)}"
        sources.append(FakeMake(folder / "source"))
        yield folder / "source", sources[-1]

    monkeypatch.setattr(configs_run.source_build, "open_source", open_source)
    planned = configs_plan.from_arguments(arguments)
    about = {"source": "s", "compiler": "c", "base": "small", "command": "configs"}
    monkeypatch.setattr(configs_run, "_about", lambda plan: about)
    return replace(planned, changes=planned.changes)


def ended(plan: ConfigsPlan) -> tuple[int, list[str]]:
    said: list[str] = []
    return configs_run.run(plan, said.append), said


def lab(monkeypatch, costs: dict[str, float], ends_at: str = "") -> list[str]:
    """Boots what it is told of; the names of the configurations that it was asked for."""
    asked: list[str] = []

    def measure(variant, folder, given, cases):
        asked.append(variant.what)
        if variant.what == ends_at:
            raise KeyboardInterrupt
        return booted(costs[variant.what])

    monkeypatch.setattr(boot_tier, "measure", measure)
    return asked


def rows(plan: ConfigsPlan) -> dict[str, list[str]]:
    table = (plan.folder / "table.txt").read_text().partition("\n\n")[2].partition("\n\n")[0]
    return {line.split()[0]: line.split()[1:] for line in table.splitlines()[1:]}


def test_the_table_has_what_each_adds_and_what_moved(plan, monkeypatch):
    asked = lab(monkeypatch, {"base": 5, "LONGER": 8, "CALLS": 22})
    code, _ = ended(plan)
    assert code == exit_codes.OK and asked == ["base", "LONGER", "CALLS"]
    found = rows(plan)
    assert found["base"][:4] == ["5", "5", "5", "5"] and found["base"][-1] == "1,000"
    assert found["LONGER"][:4] == ["+3", "+3", "+3", "+3"]
    assert found["CALLS"][:4] == ["+17", "-", "-", "-"]  # what nobody has counted is no 0
    assert "453" in found["base"] and "100" in found["base"]  # a fault, and the search apart
    text = (plan.folder / "table.txt").read_text()
    assert "moved (1): B y -> n" in text and "LONGER: a longer path" in text
    assert "not measured: it cannot be had on this base: CONFIG_NEVER is n" in text
    assert "not measured: include/broken.h:7: error: no" in text
    table = json.loads((plan.folder / "table.json").read_text())
    by_name = {entry["name"]: entry for entry in table["entries"]}
    assert by_name["CALLS"]["static"][DRAM] == {"cost": None, "why": "it has call"}
    with tarfile.open(plan.folder / "configs.tar.xz") as archive:
        names = archive.getnames()
        assert names == ["base.config", "LONGER.config", "CALLS.config", "BROKEN.config"]
        assert "CONFIG_LONG=3" in archive.extractfile("LONGER.config").read().decode()


def test_code_and_boot_that_disagree_are_no_table(plan, monkeypatch):
    lab(monkeypatch, {"base": 5, "LONGER": 9, "CALLS": 22})
    code, said = ended(plan)
    assert code == exit_codes.FAILED
    assert f"NOT VALID: LONGER: {DRAM}: 8 in the code, 9 in a boot" in said


def test_an_ended_table_goes_on_where_it_was(plan, monkeypatch):
    lab(monkeypatch, {"base": 5}, ends_at="LONGER")
    with pytest.raises(Interrupted, match=rf"configs --resume {plan.folder} goes on"):
        ended(plan)
    asked = lab(monkeypatch, {"LONGER": 8, "CALLS": 22})
    arguments = argparse.Namespace(resume=plan.folder, like=None, variants_file=None)
    arguments.symbols = arguments.only = arguments.static = arguments.out = None
    again = configs_plan.from_arguments(arguments)
    assert again == plan
    code, said = ended(again)
    assert code == exit_codes.OK and asked == ["LONGER", "CALLS"]
    assert not any(line.startswith("base") for line in said[:1])
    assert lab(monkeypatch, {}) == [] and ended(again)[0] == exit_codes.OK  # nothing is left


def test_without_boots_none_is_made(plan, monkeypatch):
    asked = lab(monkeypatch, {})
    assert ended(replace(plan, booted=False))[0] == exit_codes.OK
    assert asked == [] and rows(plan)["CALLS"][:4] == ["-", "-", "-", "-"]


def test_a_base_that_cannot_be_measured_ends_it(plan, monkeypatch):
    def measure(*_):
        raise KmapbenchError("no record")

    monkeypatch.setattr(boot_tier, "measure", measure)
    with pytest.raises(KmapbenchError, match="no record"):
        ended(plan)


def test_records_of_a_boot_become_figures(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(boot_tier.kernel_cache, "built", lambda *_: tmp_path)
    monkeypatch.setattr(boot_tier.kernel_cache, "code_bytes", lambda _: 12345)
    variant = boot_tier.variant_of(plan.like, plan.folder / "symbols" / "LONGER" / "config")
    assert variant.what == "LONGER" and variant.image.fragments == () and variant.image.patches
    good = {"status": "ok", "exact": True, "pkrs_writes": 2}

    def run(asked):
        boot = asked.out / variant.name / "boot-01"
        boot.mkdir(parents=True)
        case, cost = (DRAM, 8) if asked.cases.startswith("kernel") else (FAULT, 60)
        records = [good | {"case": case, "cost": cost}]
        records += [{"case": "elsewhere/syscall", "status": "flagged", "cost": None, "reason": "r"}]
        functions = [
            {"chain": ["exc_page_fault", "search_extable"], "instructions": 30},
            {"chain": ["exc_page_fault"], "instructions": 90},
        ]
        (boot / "micro.jsonl").write_text("".join(json.dumps(row) + "\n" for row in records))
        row = {"case": case, "ops": 10, "functions": functions}
        (boot / "path.jsonl").write_text(json.dumps(row) + "\n")
        return []

    found = boot_tier.measure(variant, tmp_path / "f", [], [DRAM, FAULT, "elsewhere/syscall"], run)
    assert found.code_bytes == 12345
    assert found.cases[DRAM] == Measured(8, True, 2)
    assert found.cases[FAULT] == Measured(60, True, 2, search=3)
    assert found.cases["elsewhere/syscall"] == Measured(None, False, None, why="r")


def test_a_boot_without_a_record_is_said_in_the_labs_words(plan, tmp_path):
    variant = boot_tier.variant_of(plan.like, plan.folder / "symbols" / "LONGER" / "config")
    with pytest.raises(KmapbenchError, match="configs, boot 1: the guest panicked"):
        boot_tier.measure(
            variant, tmp_path / "f", [], [DRAM], lambda _: ["configs, boot 1: the guest panicked"]
        )
    assert cost_table.kept(tmp_path / "nothing") is None


@pytest.mark.all
def test_the_code_says_what_the_emulator_has_counted(tmp_path):
    """The real source, and what the published campaign has of the same path in a boot."""
    parser = argparse.ArgumentParser()
    configs_plan.add_options(parser)
    words = ["--static", "--only", "NO_X86_5LEVEL", "--out", str(tmp_path / "out")]
    arguments = parser.parse_args(words)
    arguments.given = ["configs", *words]
    assert configs_run.run(configs_plan.from_arguments(arguments)) == exit_codes.OK
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    base, without = (entry["static"][DRAM]["cost"] for entry in table["entries"])
    with tarfile.open(ROOT / "results" / "reference" / "pks-6.12" / "records.tar.xz") as packed:
        member = next(one for one in packed if one.name.endswith("off/boot-01/micro.jsonl"))
        records = [json.loads(line) for line in packed.extractfile(member)]
    (counted,) = {record["cost"] for record in records if record["case"] == DRAM}
    assert base == counted
    assert without == base + 1  # both bases are constants then, and each takes a register
