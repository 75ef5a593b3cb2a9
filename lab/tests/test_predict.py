# SPDX-License-Identifier: Apache-2.0
"""`predict`: what is refused and why, and that each instruction that was counted is accounted for.
"""

import json
import re
from dataclasses import replace

import pytest

from analysis.data.bad_data import BadData
from formats import prediction_file
from lab import cli
from lab.campaign import validation
from lab.core import bench_command, llvm_tools, program_code
from lab.core.bench_command import USER
from lab.core.errors import CommandFailed, KmapbenchError
from lab.host import bench_program, running_kernel
from lab.kernels import variants
from lab.predict import executed_paths, mca_input, predict_plan, predict_run
from lab.predict.executed_paths import Boot, Executed, ExecutedPath
from lab.predict.store_forwarding import Line
from lab.tests.conftest import quiet
from lab.trace.execution_order import NoOrder

FENCE = "user/empty/alone"
MODEL = "user/kmap_local/dram/alone"

# One operation: endbr64; add (%rsi),%rax; cmp %eax,%ecx; je; mov; wrmsr; the loop's end.
CODES = ("f30f1efa", "480306", "39c1", "7400", "89d8", "0f30", "4883eb01", "75ee")


def path(case: str = "model/kmap_local/protected", **changes) -> ExecutedPath:
    address, code = 0x1000, []
    for one in CODES:
        code.append(Executed(address, one, writes_pkrs=one == "0f30"))
        address += len(one) // 2
    whole = ExecutedPath(case, "stock", len(CODES) - 2, tuple(code))
    return replace(whole, **changes)


# Options


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere"], ["/nowhere", "no campaign"]),
        (["--variants", "nope"], ["nope", "stock"]),
        (["--variants", "stock,stock"], ["twice"]),
        (["--cpu", ""], ["--cpu", "sapphirerapids"]),
        (["--cpu", "znver4,,x"], ["--cpu znver4,,x"]),
        (["--cpu", "../x"], ["--cpu ../x"]),
        (["--cases", ""], ["--cases"]),
        (["--cases", "user/*"], ["user/*", "kernel case"]),
        (["--out", "/tmp"], ["/tmp", "--out"]),
    ],
)
def test_wrong_use_is_told_before_anything_is_done(arguments, words):
    with pytest.raises((KmapbenchError, BadData)) as caught:
        cli.parse(["predict", *arguments])
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_llvm_mca_valgrind_and_the_emulator_are_needed():
    parsed = cli.parse(["predict"])
    assert {"predict", "lab", "build", "module"} <= set(parsed.groups(parsed))
    assert parsed.is_built(parsed)


def test_both_commas_and_names_choose_cpus():
    planned = cli.parse(["predict", "--cpu", "znver5, skylake,znver5"]).planned
    assert planned.cpus == ("znver5", "skylake")
    assert cli.parse(["predict"]).planned.cpus == (predict_plan.DEFAULT_CPU,)


# What was executed


@pytest.mark.parametrize("cost", [25, 27, 26.5])
def test_a_length_that_the_clock_did_not_count_is_refused(cost):
    executed_paths.check_count(28, {"cost": 26, "empty": 2})
    with pytest.raises(NoOrder, match=f"28 instructions were found.*counted {cost + 2:g}"):
        executed_paths.check_count(28, {"cost": cost, "empty": 2})


def test_an_instruction_that_got_lost_is_refused():
    made = mca_input.make_input([Line("nop")] * 6 + [Line("subq $1, %rbx"), Line("jne 0")])
    code = tuple(Executed(place, "90") for place in range(8))
    predict_run.check_sum(made, path(code=code))
    with pytest.raises(CommandFailed, match="7 instructions would be predicted, of 8"):
        predict_run.check_sum(replace(made, kept=made.kept - 1), path(code=code))


def test_a_write_of_another_register_is_refused():
    texts = ["wrmsr", "nop", "subq $1, %rbx", "jne 0"]
    made = mca_input.make_input([Line(text) for text in texts])
    code = tuple(Executed(place, "90") for place in range(4))
    with pytest.raises(CommandFailed, match="1 WRMSR are executed, and 0 of them write IA32_PKRS"):
        predict_run.check_sum(made, path(code=code))


@pytest.mark.parametrize(("variant", "fences"), [("stock", 1), ("host", 2)])
def test_a_fence_inside_an_operation_is_refused(variant, fences):
    """Behind a user model there is one, which is measured by itself."""
    texts = ["lfence"] * fences + ["nop", "subq $1, %rbx", "jne 0"]
    made = mca_input.make_input([Line(text) for text in texts])
    code = tuple(Executed(place, "90") for place in range(len(texts)))
    with pytest.raises(CommandFailed, match=f"{fences} LFENCE are executed"):
        predict_run.check_sum(made, path(code=code, variant=variant))


def test_models_that_write_or_wait_are_not_compared():
    names = [f"{MODEL}", *(f"user/kmap_local/protected/alone/{one}" for one in STAND_INS)]
    nowrite = "user/kmap_local/protected/alone/nowrite"
    assert executed_paths.models_without_a_write([*names, nowrite]) == [MODEL, nowrite]


STAND_INS = ("wrpkru", "delay", "serialising", "nonserialising")


@pytest.mark.program
def test_every_model_that_stands_alone_is_known_to_write_or_not():
    """By their names, which kmap_bench lists: a new stand-in has to be told here, too."""
    listed = bench_program.matching(bench_command.built(), "user/*/alone*", USER)
    last = {name.rpartition("/")[2] for name in listed}
    assert last - set(STAND_INS) == {"alone", "nowrite"}


# What llvm-mca says of it


@pytest.fixture(scope="module")
def tools():
    found = llvm_tools.find_newest()
    if found is None:
        pytest.skip("no llvm-mca")
    return found


@pytest.mark.program
def test_what_is_written_holds_all_that_was_executed(tools):
    document = predict_run.describe_code(tools, [path()], ["sapphirerapids"], "znver4")
    validation.validate("prediction", document | {"load": None})
    (row,) = document["paths"]
    assert row["refused"] is None
    assert (row["instructions"], row["writes"]) == (6, 1)
    assert row["stripped"] == {"endbr64": 1, "wrmsr": 1}
    # both jumps are fused; the add is a load and an add
    assert row["fused"] == 2
    assert len(row["code"]) == len(CODES) - 2 - 2 + 1
    assert list(row["estimates"]) == document["cpus"] == ["sapphirerapids", "znver4"]
    assert row["estimates"]["znver4"]["alone"] > document["loop"]["znver4"]["alone"]


@pytest.mark.program
def test_a_refused_case_has_no_figure(tools):
    paths = [path(), path("kernel/x", code=(), refused="no order has these counts")]
    paths.append(path("kernel/y", code=(Executed(0, "06"), *path().code)))
    document = predict_run.describe_code(tools, paths, ["znver4"], None)
    validation.validate("prediction", document | {"load": None})
    whole, refused, broken = document["paths"]
    assert whole["estimates"] and not refused["estimates"] and not broken["estimates"]
    assert refused["refused"] == "no order has these counts"
    assert "llvm-mc" in broken["refused"]


@pytest.mark.program
def test_cpus_with_the_same_figures_are_named_and_others_are_not(tools):
    chain = ["480fafc0"] * 4 + ["480306"] + ["4883eb01", "75ee"]
    code = tuple(Executed(4 * place, one) for place, one in enumerate(chain))
    paths = [path(code=code), path(code=path().code)]
    document = predict_run.describe_code(tools, paths, ["znver4"], None)
    assert "znver4" not in document["same"]["znver4"]
    assert "znver5" in document["same"]["znver4"]
    assert document["cpus"] == ["znver4"]


# Beside which campaign


@pytest.fixture
def campaign(tmp_path):
    """A campaign of user models of this machine and build; what is changed in it is given."""

    def write(header: dict | None = None, cpu: str | None = None, cases=(FENCE, MODEL)):
        folder = tmp_path / "campaign"
        boot = folder / "host" / "boot-01"
        boot.mkdir(parents=True)
        code = program_code.code_hash(bench_command.built())
        whole = {"kmapbench": {"kmap_bench_code": code}} if header is None else header
        (folder / "campaign.json").write_text(json.dumps(whole))
        model = cpu or running_kernel.cpu_model()
        (boot / "environment.json").write_text(json.dumps({"cpu": {"model name": model}}))
        lines = [json.dumps({"case": case}) for case in cases]
        lines.append(json.dumps({"case": "user/control/adds13", "known": 13}))
        (boot / "micro.jsonl").write_text("\n".join(lines) + "\n")
        return folder

    return write


@pytest.mark.program
def test_the_models_of_a_campaign_are_found(campaign):
    folder = campaign(cases=(FENCE, MODEL, MODEL, "user/kmap_local/dram"))
    assert predict_run._models(folder) == [FENCE, MODEL]


@pytest.mark.program
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"header": {"kmapbench": {"kmap_bench_code": "0" * 64}}}, "another build"),
        ({"header": {}}, "older kmapbench"),
        ({"header": []}, "no user models"),
        ({"cpu": "Another CPU"}, "another CPU (Another CPU)"),
        ({"cases": ()}, "no user/.../alone"),
        ({"cases": ("user/kmap_local/dram",)}, "no user/.../alone"),
    ],
)
def test_a_campaign_that_cannot_be_compared_with_is_refused(campaign, changes, words):
    folder = campaign(**changes)
    with pytest.raises(KmapbenchError) as caught:
        predict_run._models(folder)
    assert str(folder) in str(caught.value) and words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.program
def test_an_unknown_cpu_is_told_before_anything_is_measured(tools, monkeypatch):
    monkeypatch.setattr(predict_run.runner, "measure", lambda _: pytest.fail("measured"))
    planned = cli.parse(["predict", "--cpu", "nosuchcpu"]).planned
    with pytest.raises(KmapbenchError, match="--cpu nosuchcpu: .*-mcpu=help"):
        predict_run.run(planned, quiet)


@pytest.mark.program
def test_a_prediction_is_written_and_printed(tools, campaign, monkeypatch, capfd):
    """From a made-up boot to the text, which compares nothing, as no model is in that boot."""
    folder = campaign()
    asked = []

    def find_paths(boot: Boot, _) -> list[ExecutedPath]:
        asked.append(boot)
        return [path()]

    monkeypatch.setattr(executed_paths, "find_paths", find_paths)
    planned = cli.parse(["predict", str(folder), "--variants", "stock,plain"]).planned
    code = predict_run.run(planned, quiet)
    document = json.loads((folder / prediction_file.FOLDER / prediction_file.FILE).read_text())
    assert [boot.variant.name for boot in asked] == ["stock", "plain"]
    assert [list(boot.models) for boot in asked] == [[FENCE, MODEL], []]
    assert [row["case"] for row in document["paths"]] == [path().case] * 2
    said = capfd.readouterr().out
    assert code == 0 and said.startswith("Predicted, not measured")
    assert "NOT CHECKED" in said and "W = 185" in said


@pytest.mark.guest
def test_each_path_of_a_boot_is_as_long_as_its_cost():
    """Two counts that know nothing of each other: the guest's clock, and the order that was found.
    Costs are those that README.md and docs/findings-user-models.md have.
    """
    names = [FENCE, MODEL, "user/kmap_local_slim/protected/alone/nowrite"]
    boot = Boot(variants.find("stock"), "default", names)
    found = {one.case: one for one in executed_paths.find_paths(boot, quiet)}
    for one in found.values():
        assert not one.refused and len(one.code) == one.cost + 2, one.case
    costs = {"key_off": 7, "dram": 12, "devmap": 14, "protected": 55, "protected_nested": 46}
    for state, cost in costs.items():
        assert found[f"model/kmap_local_slim/{state}"].cost == cost
    writes = {case for case, one in found.items() if any(line.writes_pkrs for line in one.code)}
    assert {"model/kmap_local/protected", "model/kmap_local_slim/protected"} <= writes
    assert not any("nested" in case or "dram" in case for case in writes)
    # gcc 16 loads an address (LEA, relative to RIP) that older ones have in the comparison.
    loaded = sum(bool(re.match("4[8c]8d[0-3][5d]", line.code)) for line in found[names[-1]].code)
    assert [found[name].cost for name in names] == [1, 27, 56 + loaded]
