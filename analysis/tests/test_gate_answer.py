# SPDX-License-Identifier: Apache-2.0
"""What a gate says of two kernels, and that nothing that was not judged passes."""

import json
import textwrap

import jsonschema
import pytest

from analysis.data.bad_data import BadData
from analysis.gate import gate_writer
from analysis.tests.support.comparisons import boots, in_turn
from analysis.tests.support.gates import (
    DRAM,
    FACTS,
    OTHER,
    Judged,
    counted,
    judged,
    make_gate,
    path_of,
)
from analysis.tests.support.kcidb_rules import SCHEMA
from formats.gate_files import CAMPAIGN, COMMENT
from lab.tests.support import ktap
from lab.tests.support.ktap import Status

CLEAN = counted(5, 5) + counted(204, 204, OTHER)
WHY = "a reason that nobody else has"


@pytest.fixture
def gate(tmp_path, campaign):
    """Makes a gate, judges it, and checks what holds of each."""

    def make(records: list[dict], **words) -> Judged:
        found = judged(make_gate(tmp_path / "gate", campaign, records, **words))
        check_forms(found)
        return found

    return make


def check_forms(found: Judged) -> None:
    """What KTAP and KCIDB ask of any document, and that all three files say the same."""
    whole = ktap.parse(found.ktap)
    assert whole.problems == []
    assert whole.tests[-1].name == "gate"
    assert whole.passed == (found.code == 0)
    if "# Subtest: " in found.ktap:
        lines = [line[2:] for line in found.ktap.splitlines(True) if line.startswith("  ")]
        name = lines[1].removeprefix("# Subtest: ").strip()
        assert ktap.parse("".join(lines)).problems == []
        assert name in {test.name for test in whole.tests}
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).validate(found.kcidb)
    names = {kind: [one["id"] for one in found.kcidb[kind]] for kind in ("checkouts", "builds")}
    assert {one["checkout_id"] for one in found.kcidb["builds"]} == set(names["checkouts"])
    assert {one["build_id"] for one in found.kcidb["tests"]} <= set(names["builds"])
    tests = [one["id"] for one in found.kcidb["tests"]]
    assert len(set(tests)) == len(tests)
    words = {0: "PASS", 1: "FAIL"}
    assert found.answer.startswith(f"**{words.get(found.code, 'NOT JUDGED')}**: ")
    assert (found.status("gate") == "PASS") == (found.code == 0)


def subtests(found: Judged) -> dict[str, Status]:
    inner = "".join(line for line in found.ktap.splitlines(True) if line.startswith("  "))
    return {test.name: test.status for test in ktap.parse(textwrap.dedent(inner)).tests}


def test_one_instruction_more_fails_with_case_figures_and_function(gate):
    records = counted(5, 6) + counted(204, 204, OTHER)
    paths = [path_of("base", address=5), path_of("head", address=5, kmap_local_page=1)]
    found = gate(records, paths=paths)
    assert found.code == 1
    assert f"in 1 of 2 cases: {DRAM} +1 (5 to 6 instructions)" in found.answer
    assert f"| `{DRAM}` | 5 | 6 | +1 | **more** |" in found.comment
    assert f"| `{DRAM}` | `kmap_local_page` | 0 | 1 | +1 |" in found.comment
    assert "`address`" not in found.comment
    assert subtests(found) == {f"{DRAM} cost": Status.FAILED, f"{OTHER} cost": Status.PASSED}
    path = DRAM.replace("/", ".")
    assert found.status(f"{path}.cost") == "FAIL"
    assert found.status(f"{path}.cost", "base") == "DONE"
    assert found.status("elsewhere.syscall.cost") == "PASS"
    (test,) = (
        one
        for one in found.kcidb["tests"]
        if one["path"].endswith(f"{path}.cost") and one["status"] == "FAIL"
    )
    assert test["number"] == {"value": 6, "unit": "instructions"}
    assert test["misc"]["kmapbench"]["functions"] == {"kmap_local_page": 1}


def test_the_same_counts_pass(gate):
    found = gate(CLEAN)
    assert (found.code, found.answer) == (
        0,
        "**PASS**: HEAD takes no more than BASE in any of 2 cases",
    )
    assert set(subtests(found).values()) == {Status.PASSED}


def test_fewer_instructions_pass_and_are_shown(gate):
    found = gate(counted(5, 3) + counted(204, 204, OTHER))
    assert found.code == 0 and found.answer.endswith("2 cases, and less in 1")
    assert f"| `{DRAM}` | 5 | 3 | -2 | fewer |" in found.comment


def test_the_same_content_passes_without_a_measurement_and_says_so(gate):
    found = gate([], facts={"same": True})
    assert found.code == 0 and "same content" in found.answer and "not" in found.answer


def crash(*sides: str, again: bool = False) -> dict:
    """An order in which the second boot of these sides crashed; again: and was made again."""
    order = []
    for boot in (1, 2):
        for side in ("base", "head"):
            step = {"variant": side, "boot": boot, "started": "2026-01-01T00:00:00Z"}
            crashed = side in sides and boot == 2
            state = {"status": "crashed", "reason": WHY} if crashed else {"status": "ok"}
            order.append(step | {"ended": None} | state)
            if crashed and again:
                order.append(step | {"ended": None, "status": "ok"})
    return {"order": order}


def without_second_boot(side: str) -> dict:
    return {
        "order": [one for one in crash()["order"] if (one["variant"], one["boot"]) != (side, 2)]
    }


def fault(side: str | None, step: str = "build", of_machine: bool = False) -> dict:
    return {"fault": {"side": side, "step": step, "why": WHY, "of_machine": of_machine}}


def flagged(reason: str, sides=("base", "head")) -> list[dict]:
    lost = {"status": "flagged", "reason": reason, "cost": None, "exact": False}
    return [
        one | (lost if one["variant"] in sides and one["case"] == DRAM else {}) for one in CLEAN
    ]


def failed_oracle(*sides: str) -> list[dict]:
    lost = {"status": "flagged", "reason": "oracle", "oracle": "failed", "cost": None}
    return [
        one | (lost if one["variant"] in sides and one["case"] == DRAM else {}) for one in CLEAN
    ]


NOTHING_LOST = [
    ("HEAD does not build", 1, [], {"facts": fault("head")}, f"HEAD does not build: {WHY}"),
    ("BASE does not build", 3, [], {"facts": fault("base")}, f"BASE does not build: {WHY}"),
    ("no disk", 2, [], {"facts": fault("head", of_machine=True)}, WHY),
    ("no module", 3, [], {"facts": fault(None, "measure")}, WHY),
    ("cut short", 3, CLEAN, {"facts": fault(None, "measure")}, WHY),
    ("no boot", 3, [], {}, "no campaign was made"),
    ("HEAD crashes", 1, CLEAN, {"header": crash("head")}, f"HEAD crashed in 1 of 2 boots: {WHY}"),
    ("HEAD crashes once", 1, CLEAN, {"header": crash("head", again=True)}, WHY),
    ("BASE crashes", 3, CLEAN, {"header": crash("base")}, f"BASE crashed in 1 of 2 boots: {WHY}"),
    ("both crash", 3, CLEAN, {"header": crash("base", "head")}, WHY),
    ("a boot is missing", 3, CLEAN, {"header": without_second_boot("head")}, "HEAD: no boot 2"),
    ("a case is lost", 3, CLEAN[:4] + CLEAN[4::2], {}, f"{OTHER}: no figure in HEAD"),
    ("a control is off", 3, flagged("control: 9 and not 8"), {}, "NOT VALID: 9 and not 8"),
    ("one side is flagged", 3, flagged("noise", ["head"]), {}, "noise"),
    ("HEAD protects nothing", 1, failed_oracle("head"), {}, "protection check failed"),
    ("BASE protects nothing", 3, failed_oracle("base"), {}, "protection check failed"),
    ("neither protects", 3, failed_oracle("base", "head"), {}, "protection check failed"),
    ("a line of the runner", 3, CLEAN, {"facts": {"problems": [WHY]}}, WHY),
    ("no case of that name", 3, CLEAN, {"facts": {"cases": "kernel/x*"}}, "kernel/x*"),
    (
        "more boots of BASE",
        3,
        [one for one in CLEAN if one["boot"] == 1 or one["variant"] == "base"],
        {
            "header": {
                "planned": [
                    {"variant": v, "boot": b, "round": b} for b in (1, 2) for v in ("base", "head")
                ]
            }
        },
        "HEAD: no boot 2",
    ),
]


@pytest.mark.parametrize(
    ("code", "records", "words", "said"),
    [one[1:] for one in NOTHING_LOST],
    ids=[one[0] for one in NOTHING_LOST],
)
def test_what_was_not_judged_never_passes_and_the_comment_says_why(
    gate, code, records, words, said
):
    found = gate(records, **words)
    assert found.code == code
    assert said in found.comment.replace("\\", "")
    assert ktap.parse(found.ktap).tests[-1].status is Status.FAILED


def test_head_that_does_not_boot_at_all_fails_and_says_so(gate):
    of_base = [one for one in CLEAN if one["variant"] == "base"]
    order = [
        one if one["variant"] == "base" else one | {"status": "crashed", "reason": WHY}
        for one in crash()["order"]
    ]
    variants = {
        name: {"what": "", "release": "1", "packages": {}, "cpu": "", "cmdline": ""}
        for name in ("base", "head")
    }
    found = gate(of_base, header={"order": order, "variants": variants})
    assert found.code == 1 and f"HEAD does not boot: {WHY}" in found.answer
    assert "to be compared with" not in found.comment  # which follows from it
    tests = {test.name: test.status for test in ktap.parse(found.ktap).tests}
    assert tests["HEAD boots"] is Status.FAILED and tests["BASE boots"] is Status.PASSED
    assert found.status("boots") == "FAIL" and found.status("boots", "base") == "PASS"


def test_a_slower_case_fails_whatever_else_was_not_judged(gate):
    found = gate(counted(5, 6) + counted(204, 204, OTHER), header=crash("base"))
    assert found.code == 1 and found.answer.startswith("**FAIL**: HEAD takes more")
    assert "BASE crashed" in found.comment


@pytest.mark.parametrize(("fail_on", "code"), [("slower", 0), ("differs", 1)])
def test_fail_on_decides_what_fails_in_all_files(gate, fail_on, code):
    """Inside the margin, by the verdict of ten pairs."""
    sides = (boots(side, level, spread=0.001) for side, level in (("base", 300), ("head", 301.5)))
    found = gate(in_turn(*sides), facts={"fail_on": fail_on})
    assert found.code == code
    judged_rows = subtests(found)
    assert list(judged_rows) == [f"{DRAM} core_cycles"]
    assert set(judged_rows.values()) == {Status.FAILED if code else Status.PASSED}


def test_what_is_never_exact_is_no_failure_with_two_boots_and_is_named(gate):
    fork = counted(9, 9, "elsewhere/fork_exit", exact=False)
    fork = [one | {"exact": False, "cost": one["cost"] + one["boot"]} for one in fork]
    found = gate(CLEAN + fork)
    assert found.code == 0
    assert "elsewhere/fork_exit: never exact" in found.comment.replace("\\", "")
    assert found.status("elsewhere.fork_exit.cost") == "DONE"


def test_a_name_becomes_neither_markup_nor_a_line(gate):
    sides = json.loads(json.dumps(FACTS["sides"]))
    sides["head"]["subject"] = "x <img> | y\n**PASS**: no\n# SKIP"
    case = "kernel/`a`|b\nnot ok 9 c"
    found = gate(CLEAN + counted(1, 2, case), facts={"sides": sides})
    assert "<img>" not in found.comment and "\n**PASS**" not in found.comment
    assert sum(line.startswith("not ok 9") for line in found.ktap.splitlines()) == 0
    assert len(subtests(found)) == 3


def test_an_origin_is_that_of_all_names(gate):
    found = gate(CLEAN, facts={"origin": "my_ci"})
    for kind in ("checkouts", "builds", "tests"):
        assert all(one["origin"] == "my_ci" for one in found.kcidb[kind])
        assert all(one["id"].startswith("my_ci:") for one in found.kcidb[kind])


def test_a_folder_that_is_no_gate_is_said(tmp_path, campaign):
    with pytest.raises(BadData, match="no gate there"):
        gate_writer.write_gate(tmp_path)
    folder = make_gate(tmp_path / "g", campaign, CLEAN)
    (folder / CAMPAIGN / "campaign.json").write_text("{}")
    with pytest.raises(BadData, match="campaign.json: top level"):
        gate_writer.write_gate(folder)
    assert not (folder / COMMENT).exists()


def test_the_formats_own_library_takes_what_is_written(tmp_path, campaign):
    """Where kcidb-io is installed, as by pip."""
    schema = pytest.importorskip("kcidb_io.schema")
    gates = [
        make_gate(tmp_path / "more", campaign, counted(5, 6)),
        make_gate(tmp_path / "crash", campaign, CLEAN, header=crash("head")),
        make_gate(tmp_path / "build", campaign, [], facts=fault("head")),
    ]
    for folder in gates:
        value = judged(folder).kcidb
        assert schema.LATEST.validate(value) == value
