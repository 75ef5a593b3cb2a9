# SPDX-License-Identifier: Apache-2.0
"""The table of cases in docs/cases.md, made of what the programs say of themselves.

    python3 -m lab.studies.case_table

It writes the table between the page's two markers, and needs what a first `run` has built. Cases
that differ only in the form of the path, in what is done with the page, or in the working set are
one row.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.core.kernel_cases import KernelCase, listed
from lab.host import case_list

PAGE = ROOT / "docs" / "cases.md"
BEGIN, END = "<!-- cases: begin -->\n", "<!-- cases: end -->\n"

# What rows have in common: a part of a name, the same in a description, and what stands for both.
_TOUCHES = "read8|write8|copy64_out|copy64_in|copy4k_out|copy4k_in"
_FORMS = r"^model/kmap_local(_slim)?/"
_ALIKE = [
    (rf"/({_TOUCHES})$", rf", ({_TOUCHES})$", "/TOUCH", ", TOUCH"),
    (r"(latency|throughput)/\w+$", r"working set \w+$", r"\1/SET", "working set SET"),
    (_FORMS, r"^(published|slim) path", "model/FORM/", "patched path"),
]


@dataclass
class _Row:
    what: str
    needs: str
    default: set[bool] = field(default_factory=set)


def _merged(cases: list[KernelCase]) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    of_forms = Counter(re.sub(_FORMS, "", case.name) for case in cases)
    for case in cases:
        name, what = case.name, case.what
        for of_name, of_what, name_as, what_as in _ALIKE:
            if of_name == _FORMS and of_forms[re.sub(_FORMS, "", case.name)] == 1:
                continue  # the other form has no such case
            if re.search(of_name, name) and re.search(of_what, what):
                name, what = re.sub(of_name, name_as, name), re.sub(of_what, what_as, what)
        row = rows.setdefault(name, _Row(what, case.needs))
        if (row.what, row.needs) != (what, case.needs):
            raise KmapbenchError(f"{case.name}: '{what}', and others of its kind '{row.what}'")
        row.default.add(case.default)
    return rows


def table() -> str:
    """The table in Markdown; bold is what a run measures that chooses no cases."""
    lines = ["| case | what is in the loop | needs |", "|---|---|---|"]
    for name, row in _merged(listed() + case_list.own_globs()).items():
        if len(row.default) > 1:
            raise KmapbenchError(f"{name}: some of these are measured by default, some are not")
        shown = f"**`{name}`**" if True in row.default else f"`{name}`"
        lines.append(f"| {shown} | {row.what} | {row.needs} |")
    return "\n".join(lines) + "\n"


def page(text: str, made: str) -> str:
    """The page with this table in the place of its old one."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Writes docs/cases.md."""
    PAGE.write_text(page(PAGE.read_text(), table()))


if __name__ == "__main__":
    main()
