# SPDX-License-Identifier: Apache-2.0
"""`kmapbench cases`: what can be measured."""

import re

from formats import exit_codes
from lab.core import bench_command
from lab.core.kernel_cases import KernelCase
from lab.host import case_list
from lab.workloads import micro

_LINK = re.compile(r" \(\[.*?\]\(.*?\)\)|`")


def list_cases(glob: str) -> int:
    """Prints the cases that a glob matches, with what they need; * is measured by default."""
    cases = case_list.all_cases()
    chosen = set(bench_command.matching([case.name for case in cases], glob))
    if not chosen:
        raise micro.no_case(glob, "case")
    print(render([case for case in cases if case.name in chosen]), end="")
    return exit_codes.OK


def render(cases: list[KernelCase]) -> str:
    """A line each: name, whether it is in the default set, needs, description."""
    name_width = max(len("case"), *(len(case.name) for case in cases))
    needs_width = max(len("needs"), *(len(case.needs) for case in cases))
    lines = [f"{'case':{name_width}}   {'needs':{needs_width}}  what is in the loop"]
    for case in cases:
        mark = "*" if case.default else " "
        what = _LINK.sub("", case.what)
        lines.append(f"{case.name:{name_width}} {mark} {case.needs:{needs_width}}  {what}")
    lines.append(
        "* measured by default; --cases all measures all, --cases GLOB those that it matches"
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"
