# SPDX-License-Identifier: Apache-2.0
"""The files for other projects' CI: what they call is what `gate` takes, and the container has the
packages that it needs.
"""

import argparse
import re
import shlex
from pathlib import Path

import pytest
import yaml

from formats.gate_files import COMMENT
from lab.core import requirements
from lab.core.dirs import ROOT
from lab.gate import gate_options

GITHUB = ROOT / ".github" / "workflows" / "kmapbench-gate.yml"
GITLAB = ROOT / "ci" / "kmapbench-gate.gitlab-ci.yml"
CONTAINER = ROOT / "ci" / "Containerfile"
PAGE = ROOT / "docs" / "ci.md"
# What `gate` needs where kernels are built and nothing is measured but the kernel's cases.
GROUPS = ("python", "build", "module", "lab", "kernel-build")


def commands(path: Path) -> list[list[str]]:
    """The words behind each `kmapbench gate` of a file."""
    text = path.read_text().replace("\\\n", " ")
    found = re.findall(r"kmapbench gate (?=[^`\n]*\S)((?:--|~|\$|\w)[^`\n]*)", text)
    return [shlex.split(one.split("   #")[0]) for one in found]


def parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    gate_options.add_options(parser)
    arguments = parser.parse_args([word for word in words if word != "$@"])
    gate_options.check_given(arguments)
    return arguments


@pytest.mark.parametrize("path", [GITHUB, GITLAB, PAGE], ids=lambda path: path.name)
def test_each_command_is_one_that_gate_takes(path):
    found = commands(path)
    assert found
    for words in found:
        arguments = parsed(words)
        assert arguments.base or arguments.resume, words


def github() -> dict:
    return yaml.safe_load(GITHUB.read_text())


def inputs() -> dict:
    return github()[True]["workflow_call"]["inputs"]  # YAML 1.1 takes `on` for a truth value


def test_the_workflow_uses_the_inputs_that_it_declares_and_no_others():
    used = set(re.findall(r"\binputs\.(\w+)", GITHUB.read_text()))
    assert used == set(inputs())


def test_no_input_becomes_a_part_of_a_script():
    """Whoever names a branch would run a command."""
    for step in github()["jobs"]["gate"]["steps"]:
        assert "${{" not in step.get("run", ""), step
        assert "${{" not in step.get("with", {}).get("script", ""), step


def test_the_page_calls_the_workflow_with_inputs_that_it_has():
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    callers = [
        job
        for block in blocks
        for job in (yaml.safe_load(block).get("jobs") or {}).values()
        if GITHUB.name in job.get("uses", "")
    ]
    assert callers
    for job in callers:
        given = job["with"]
        needed = {name for name, one in inputs().items() if one.get("required")}
        assert needed <= set(given) <= set(inputs())
        if given.get("comment"):
            assert job["permissions"]["pull-requests"] == "write"


def test_the_page_names_each_variable_of_the_gitlab_job():
    text = GITLAB.read_text()
    own = set(re.findall(r"\bKMAPBENCH_[A-Z]+", text)) - {"KMAPBENCH_CACHE"}
    page = PAGE.read_text()
    assert own and all(name in page for name in own)
    assert set(yaml.safe_load(text)) == {"kmapbench-gate"}


def test_both_hand_out_the_comment_and_all_else_whatever_the_answer():
    (job,) = yaml.safe_load(GITLAB.read_text()).values()
    assert job["artifacts"]["when"] == "always" and f"gate/{COMMENT}" in str(job["after_script"])
    steps = github()["jobs"]["gate"]["steps"]
    after = steps[[step.get("name") for step in steps].index("Gate") + 1 :]
    assert after and all(step["if"].startswith("always()") for step in after)
    assert any(f"gate/{COMMENT}" in step.get("run", "") for step in after)
    assert any("upload-artifact" in step.get("uses", "") for step in after)


def test_the_container_has_the_packages_that_gate_needs():
    text = CONTAINER.read_text()
    block = re.search(r"--no-install-recommends \\\n((?: +\S+ \\\n)+)", text)
    assert block
    listed = block[1].replace("\\", "").split()
    wanted = requirements.names(requirements.needs(GROUPS, "debian"))
    assert listed == sorted(listed) and set(listed) == {*wanted, "python3"}
