# SPDX-License-Identifier: Apache-2.0
"""How Debian systems are made from nothing, and what is made of what was measured on them."""

import json
import os
import select
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from lab.core import package_archive, subprocesses
from lab.core.errors import KmapbenchError
from lab.distributions import debootstrap, figure_table, matrix
from lab.distributions.figure_table import Figure
from lab.distributions.matrix import Tried
from lab.distributions.steps import STEPS, Result, State
from lab.distributions.summary import summary

MAIN, SECURITY = "http://mirror.test/debian/", "http://mirror.test/debian-security/"
OURS, VENDOR = f"{MAIN}\tDebian\tDebian\n", "http://vendor.test/\tVendor\tDebian\n"
TARGETS = f"{VENDOR}{OURS}{OURS}{SECURITY}\tDebian\tDebian-Security\n"


def test_packages_come_from_where_this_machine_has_them():
    proxy = "http://proxy.test:3128"
    taken = f"Acquire::http::Proxy\t{proxy}\nAcquire::Check-Valid-Until\tfalse\n"
    left = "Acquire::https::SslKey\t/etc/key\nAPT::Architecture\tamd64\n"
    found = package_archive.archive_of(TARGETS, taken + left)
    assert (found.main, found.security, found.proxy) == (MAIN, SECURITY, proxy)
    settings = f'Acquire::http::Proxy "{proxy}";\nAcquire::Check-Valid-Until "false";\n'
    assert found.settings == settings


def test_a_suite_has_updates_and_security_where_there_are_any():
    assert debootstrap.sources("trixie", package_archive.archive_of(TARGETS, "")).splitlines() == [
        f"deb {MAIN} trixie main",
        f"deb {MAIN} trixie-updates main",
        f"deb {SECURITY} trixie-security main",
    ]
    without = package_archive.archive_of(OURS, "Acquire::http::Proxy\tDIRECT\n")
    assert "security" not in debootstrap.sources("trixie", without) and without.proxy is None


@pytest.mark.parametrize("targets", ["", VENDOR, "file:/srv/debian/\tDebian\tDebian\n"])
def test_no_archive_is_one_line_that_says_what_to_do(targets):
    with pytest.raises(KmapbenchError, match="no Debian archive on the network.*apt-get update"):
        package_archive.archive_of(targets, "")


def test_what_is_mounted_in_a_system_is_not_deleted(tmp_path, monkeypatch):
    """A folder that this very process has a mount below stands in."""
    system = debootstrap.Debian(tmp_path, tmp_path / "packages")
    system.root = Path("/proc")
    monkeypatch.setattr(debootstrap.subprocesses, "output", lambda _: pytest.fail("deleted"))
    with pytest.raises(KmapbenchError, match="^/proc: mounted in what is to be deleted"):
        system.remove()


@pytest.mark.program
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts: takes root")
@pytest.mark.parametrize("name", ["root", "daemon"])
def test_what_a_user_runs_in_a_system_ends_with_us(tmp_path, name):
    """This machine stands in for the system."""
    system = debootstrap.Debian(tmp_path, tmp_path / "packages")
    system.root.mkdir()
    (tmp_path / "packages").mkdir()
    words = system.command(debootstrap.User(name, "/"), ["sh", "-c", "echo begun && sleep 900"])
    here = ["sh", "-c", 'mount --bind / "$0" && exec "$@"', str(system.root), *words]
    alone = ["unshare", "--mount", "--propagation", "private", *here]
    with subprocess.Popen(alone, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"begun\n"
        process.kill()
        # Whoever still runs has it open.
        assert select.select([process.stdout], [], [], 20)[0] and process.stdout.read() == b""


def fill(folder: Path, cost: float = 5, path: int = 5) -> Path:
    """A campaign of two boots: what its control is said to cost, and the instructions counted."""
    case = figure_table.CONTROL
    for number in (1, 2):
        boot = folder / "stock" / f"boot-{number:02d}"
        boot.mkdir(parents=True)
        record = {"case": case, "clock": "icount", "status": "ok", "cost": cost, "exact": True}
        timed = {"case": "user/empty", "clock": "tsc", "status": "ok", "cost": 1.5, "exact": False}
        (boot / "micro.jsonl").write_text(f"{json.dumps(record)}\n{json.dumps(timed)}\n")
        counts = {"case": case, "ops": 10, "instructions": 10 * path + 20, "empty_instructions": 20}
        counts["functions"] = [
            {"chain": ["kb_body_x", "page_address"], "instructions": 10 * path},
            {"chain": ["kb_body_x"], "instructions": 20},
        ]
        (boot / "path.jsonl").write_text(f"{json.dumps(counts)}\n")
    (folder / "campaign.json").write_text(json.dumps({"variants": {}}))
    return folder


def test_figures_are_the_counted_cases_of_a_campaign(tmp_path):
    ((case, figure),) = figure_table.of_campaign(fill(tmp_path / "c")).items()
    assert (case, figure.cost, figure.counted) == (figure_table.CONTROL, 5, 5)
    assert figure_table.wrong({case: figure}) == []


def test_boots_that_disagree_give_no_figure(tmp_path):
    folder = fill(tmp_path / "c")
    second = folder / "stock" / "boot-02" / "micro.jsonl"
    second.write_text(second.read_text().replace('"cost": 5', '"cost": 6'))
    assert figure_table.of_campaign(folder)[figure_table.CONTROL].cost is None


def test_a_control_that_is_another_number_is_wrong_though_all_agree(tmp_path):
    """As where the compiler unrolls the empty loop: clock and count from outside agree on it."""
    found = figure_table.of_campaign(fill(tmp_path / "c", cost=6, path=6))
    assert figure_table.wrong(found) == [f"{figure_table.CONTROL} is 6, not 5"]
    assert figure_table.wrong({}) == [f"{figure_table.CONTROL} is missing, not 5"]


def test_a_figure_that_was_not_counted_from_outside_is_wrong(tmp_path):
    (line,) = figure_table.wrong(figure_table.of_campaign(fill(tmp_path / "c", path=7)))
    assert line == f"{figure_table.CONTROL} is 5, and 7 were counted from outside"


def of(cost: float, **functions: int) -> Figure:
    """One whose loop takes two, functions by name: body is the loop."""
    chains = {("kb_body_x", name): Fraction(count) for name, count in functions.items()}
    chains["kb_body_x",] = chains.pop(("kb_body_x", "body"))
    return Figure(cost, chains, Fraction(sum(functions.values()) - 2))


def test_a_difference_of_the_paths_own_functions_is_explained():
    other = of(7, body=2, open_page=6, close_page=1)
    found = figure_table.difference("model/x", of(5, body=2, open_page=5), other)
    assert found.unexplained is None
    (line,) = figure_table.explained([found], "bookworm", "trixie")
    assert line == "model/x: 5 on bookworm, 7 on trixie: close_page +1, open_page +1"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (of(6, body=3, open_page=5), "kb_body_x() itself differs"),
        (Figure(6, of(6, body=2, open_page=6).functions, Fraction(5)), "not what was counted"),
        (Figure(6), "nothing was counted"),
    ],
)
def test_any_other_is_not(other, why):
    found = figure_table.difference("model/x", of(5, body=2, open_page=5), other)
    assert why in found.unexplained
    assert "NOT EXPLAINED" in figure_table.explained([found], "bookworm", "trixie")[0]


def test_what_is_the_same_or_not_exact_is_no_difference():
    assert figure_table.difference("x", of(5, body=2, path=5), of(5, body=2, path=5)) is None
    assert figure_table.difference("x", of(5, body=2, path=5), Figure(None)) is None


def test_code_is_compared_wherever_it_lies():
    listing = "0000000000000010 <kb_x>:\n  10:\tmov    %rax,%rdx\n  13:\tjne    10 <kb_x>\n"
    moved = "0000000000000a90 <kb_x>:\n a90:\tmov    %rax,%rdx\n a93:\tjne    a90 <kb_x>\n"
    assert (
        figure_table.code(listing)
        == ["mov    %rax,%rdx", "jne    <kb_x>"]
        == figure_table.code(moved)
    )


class Stand:
    """In place of a system: what was done to it, and steps that end as they are told to."""

    def __init__(self, folder: Path, codes: dict[str, int]):
        self.root, self.codes, self.done, self.cost = folder / "root", codes, [], 5

    def make(self, suite, archive, log):
        self.done.append("made")
        self.root.mkdir(parents=True, exist_ok=True)

    def add_user(self, user):
        pass

    def output(self, words):
        return ""

    def installed(self):
        return {}

    def bytes_of(self, packages):
        return 0

    def run(self, user, words, folder, log):
        told = (user, folder, words[1])
        (step,) = [one.name for one in STEPS if (one.user, one.checkout, one.command) == told]
        self.done.append(step)
        log.write_text("kmapbench: it is the will of the test\n")
        if words[1] == "run":
            results = self.root / folder.lstrip("/") / "results"
            fill(results / f"20{len(list(results.glob('20*')))}", cost=self.cost, path=self.cost)
        return self.codes.get(step, 0), 1.0


class Silent:
    """A display that shows nothing."""

    def say(self, doing):
        pass

    def advance(self, work):
        pass


@pytest.fixture
def test_on(tmp_path):
    """Runs steps on a stand-in: what was done, the summary, and whether all was well."""
    source = tmp_path / "checkout.tar"
    subprocess.run(["tar", "-c", "-f", source, "-T", "/dev/null"], check=True)

    def run(checkout: str = "one", fresh: bool = False, steps=STEPS, codes=None, cost: int = 5):
        tested = Tried("trixie", tmp_path, checkout, source, None, Silent())
        tested.system = Stand(tested.folder, codes or {})
        tested.system.cost = cost
        tested.run(steps, fresh)
        return tested.system.done, *summary([tested], steps)

    return run


ALL = ["made", *(step.name for step in STEPS)]


def test_everything_is_done_once(test_on):
    done, text, good = test_on()
    assert done == ALL and good
    assert text.count("good") == len(ALL) and f"{figure_table.CONTROL}  " in text
    assert test_on()[0] == []


def test_it_goes_on_where_it_was_interrupted(test_on):
    assert test_on(steps=STEPS[:2])[0] == ALL[:3]
    assert test_on()[0] == ALL[3:]


def test_what_failed_is_done_again_and_said(test_on):
    done, text, good = test_on(codes={"user/test": 1})
    assert done == ALL and not good
    assert "trixie user/test: kmapbench: it is the will of the test: see " in text
    assert test_on()[0] == ["user/test"]


def test_the_first_command_meets_a_system_that_nothing_was_done_to(test_on):
    """Not one in which it failed half-way before."""
    assert test_on(codes={"root/run": 2}, steps=STEPS[:1])[0] == ["made", "root/run"]
    assert test_on(steps=STEPS[:1])[0] == ["made", "root/run"]


@pytest.mark.parametrize("other", [{"checkout": "two"}, {"fresh": True}])
def test_of_another_checkout_or_where_it_is_asked_for_nothing_is_kept(test_on, other):
    test_on()
    assert test_on(**other)[0] == ALL


def test_a_run_with_a_wrong_figure_failed_whatever_it_said(test_on):
    _, text, good = test_on(cost=6)
    assert not good and f"trixie root/run: {figure_table.CONTROL} is 6, not 5" in text


def test_why_a_test_failed_is_pytests_own_last_line(tmp_path):
    log = tmp_path / "log"
    log.write_text("===== short test summary info =====\nFAILED test_x\n== 2 failed in 1.00s ==\n")
    assert matrix._last_words(log) == "2 failed in 1.00s"


@pytest.mark.parametrize(
    ("failed", "said"),
    [(11, "ctest: 11 of 392 failed; 9 passed in 1.00s"), (0, "9 passed in 1.00s")],
)
def test_ctest_is_named_where_pytest_passed(tmp_path, failed, said):
    log = tmp_path / "log"
    log.write_text(f"97% tests passed, {failed} tests failed out of 392\n== 9 passed in 1.00s ==\n")
    assert matrix._last_words(log) == said


def test_two_systems_that_differ_have_their_code_side_by_side(tmp_path):
    """Here it is the harness itself that differs, which fails. Objects stand for modules."""
    names, tried = ("bookworm", "trixie"), []
    for suite, own in zip(names, (2, 3), strict=True):
        one = Tried(suite, tmp_path, "one", tmp_path, None, Silent())
        kept = fill(one.campaign(STEPS[0]), cost=3 + own, path=5)
        for path in kept.glob("*/boot-01/path.jsonl"):
            counted = json.loads(path.read_text())
            counted["instructions"] = 50 + 10 * own
            counted["functions"][1]["instructions"] = 10 * own
            path.write_text(json.dumps(counted))
        source = tmp_path / f"{suite}.s"
        body = "nop\n" * own
        source.write_text(f".globl kb_body_x\nkb_body_x:\n{body}.size kb_body_x, .-kb_body_x\n")
        subprocesses.output(["as", source, "-o", kept / "kmapbench.ko"])
        one.folder.mkdir(exist_ok=True)
        for name in ("made", STEPS[0].name):
            one.state.keep(name, Result(0, 1.0, 0))
        tried.append(one)
    text, good = summary(tried, STEPS[:1])
    assert not good
    assert "NOT EXPLAINED: kb_body_x() itself differs" in text
    (diff,) = tmp_path.glob("trixie/root-run/*.diff")
    assert str(diff) in text
    assert [line for line in diff.read_text().splitlines() if line[:1] in "+-"][2:] == ["+nop"]


def test_a_torn_state_is_none(tmp_path):
    state = State.load(tmp_path / "state.json", "one")
    state.keep("made", Result(0, 1.0, 2))
    assert State.load(tmp_path / "state.json", "one").finished("made")
    state.path.write_text(state.path.read_text()[:-5])
    assert not State.load(tmp_path / "state.json", "one").finished("made")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository of one file, in place of ours."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for words in ("init -q", "config user.email x@x.test", "config user.name x"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    (folder / "kept").write_text("one\n")
    (folder / "gone").write_text("one\n")
    (folder / ".gitignore").write_text("build\n")
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "one"], cwd=folder, check=True)
    monkeypatch.setattr(matrix, "ROOT", folder)
    return folder


def test_the_checkout_goes_along_with_its_changes(tmp_path, checkout):
    first = matrix.pack_checkout(tmp_path / "first.tar")
    assert matrix.pack_checkout(tmp_path / "again.tar") == first
    (checkout / "kept").write_text("two\n")
    (checkout / "gone").unlink()
    (checkout / "new").symlink_to("kept")
    (checkout / "build").write_text("ignored\n")
    second = matrix.pack_checkout(tmp_path / "second.tar")
    assert second != first
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["tar", "-x", "-f", tmp_path / "second.tar", "-C", there], check=True)
    assert sorted(path.name for path in there.iterdir()) == [".git", ".gitignore", "kept", "new"]
    assert (there / "kept").read_text() == "two\n" and os.readlink(there / "new") == "kept"
    head = ["rev-parse", "HEAD"]
    heads = [subprocesses.output(["git", "-C", folder, *head]) for folder in (checkout, there)]
    assert heads[0] == heads[1]
    (checkout / "kept").write_text("three\n")
    assert matrix.pack_checkout(tmp_path / "third.tar") not in (first, second)


def test_no_host_is_named_in_the_code():
    for module in (debootstrap, matrix):
        text = Path(module.__file__).read_text()
        assert "://" not in text.replace('"http://"', "").replace('"https://"', "")
