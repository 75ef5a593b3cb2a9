# SPDX-License-Identifier: Apache-2.0
"""`kmapbench predict`: measures the user models, takes the code that was executed, asks llvm-mca,
and lets the analysis say what comes of it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from formats import prediction_file
from formats.campaign_format import USER_SPACE
from lab.campaign import chown, safe_files, validation
from lab.core import bench_command, llvm_tools, program_code
from lab.core.dirs import RESULTS, ROOT
from lab.core.errors import CommandFailed, KmapbenchError
from lab.core.llvm_tools import LlvmTools
from lab.host import running_kernel
from lab.predict import executed_paths, llvm_mca, mca_input
from lab.predict.executed_paths import Boot, ExecutedPath
from lab.predict.mca_input import McaInput
from lab.predict.predict_plan import PredictPlan
from lab.predict.store_forwarding import Line
from lab.run import campaign_name, runner
from lab.vm import image

# CPUs that LLVM may have the same tables for.
_RELATIVES = (
    *("sapphirerapids", "emeraldrapids", "graniterapids", "alderlake"),
    *("znver3", "znver4", "znver5"),
)
_LOOP = "loop"


@dataclass(frozen=True)
class Measured:
    """A campaign of user models."""

    folder: Path
    load: list[float] | None  # load averages of the last minute, before and after; None: not known


def run(plan: PredictPlan, say: Callable[[str], None] = partial(print, file=sys.stderr)) -> int:
    """Makes the prediction, prints it, and returns the exit code."""
    tools = llvm_tools.require_newest()
    if image.observer_plugin(say) is None:
        raise KmapbenchError("without the observer nobody knows which instructions are executed")
    for name in plan.cpus:
        llvm_mca.check_cpu(tools, name)
    here = llvm_mca.cpu_of_this_machine(tools)
    measured = Measured(plan.measured, None) if plan.measured else _measure(plan, say)
    models = _models(measured.folder)
    paths: list[ExecutedPath] = []
    for variant in plan.boots.variants:
        say(f"{variant.name}: a boot, to see which instructions are executed")
        boot = Boot(variant, plan.cases, models if not paths else [])
        paths += executed_paths.find_paths(boot, say)
    if not any(path.variant != USER_SPACE for path in paths):
        raise KmapbenchError(f"--cases {plan.cases}: no kernel case was measured in the boot")
    document = describe_code(tools, paths, plan.cpus, here) | {"load": measured.load}
    folder = plan.out or measured.folder / prediction_file.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    validation.validate("prediction", document)
    safe_files.write_json(folder / prediction_file.FILE, document)
    chown.hand_over(folder)
    return _analyse(folder, measured.folder, plan.format)


def _measure(plan: PredictPlan, say: Callable[[str], None]) -> Measured:
    """Measures all user models whose pairs stand alone, into a new campaign."""
    folder = campaign_name.new_folder(RESULTS, USER_SPACE)
    before = os.getloadavg()[0]
    problems = runner.measure(replace(plan.measurement(), out=folder))
    if problems:
        raise KmapbenchError(f"{folder}: {problems[0]}")
    return Measured(folder, [round(load, 2) for load in (before, os.getloadavg()[0])])


def _models(folder: Path) -> list[str]:
    """The user models of a campaign that a prediction is compared with. A KmapbenchError where they
    were measured by another program or on another machine, or not at all.
    """
    try:
        header = json.loads((folder / "campaign.json").read_text())
        first = folder / USER_SPACE / "boot-01"
        environment = json.loads((first / "environment.json").read_text())
        records = safe_files.read_lines(first / "micro.jsonl")
        code, cpu = header["kmapbench"]["kmap_bench_code"], environment["cpu"]["model name"]
        names = [record["case"] for record in records if "known" not in record]
    except (OSError, ValueError, KeyError, TypeError):
        raise KmapbenchError(
            f"{folder}: no user models in it, or of an older kmapbench; leave it out, and they are"
            " measured"
        ) from None
    if code != program_code.code_hash(bench_command.built()):
        raise KmapbenchError(
            f"{folder}: measured by another build of kmap_bench, whose code differs; leave it out,"
            " and the models are measured again"
        )
    if cpu != running_kernel.cpu_model():
        raise KmapbenchError(f"{folder}: measured on another CPU ({cpu}); predict there")
    alone = [name for name in dict.fromkeys(names) if "/alone" in name]
    if models := executed_paths.models_without_a_write(alone):
        return models
    raise KmapbenchError(f"{folder}: no user/.../alone in it; leave it out, and they are measured")


def describe_code(
    tools: LlvmTools, paths: Sequence[ExecutedPath], asked: Sequence[str], here: str | None
) -> dict[str, Any]:
    """What prediction.schema.json describes, without the load of the machine.

    asked: CPUs; here: this machine's, None where LLVM does not know it.
    """
    cpus = list(dict.fromkeys([*asked, *([here] if here else [])]))
    rows = [_row(path) for path in paths]
    inputs = {
        f"r{number}": _input(tools, path, row)
        for number, (path, row) in enumerate(zip(paths, rows))
    }
    regions = {name: one.lines for name, one in inputs.items() if one}
    regions[_LOOP] = mca_input.make_loop_input().lines
    by_cpu = {
        name: llvm_mca.estimate_cycles(tools, name, regions)
        for name in dict.fromkeys([*cpus, *_RELATIVES])
        if name in cpus or _is_known(tools, name)
    }
    for number, row in enumerate(rows):
        if f"r{number}" in regions:
            row["estimates"] = {name: _said(by_cpu[name][f"r{number}"]) for name in cpus}
    return {
        "format": prediction_file.FORMAT,
        "llvm": tools.version,
        "machine": running_kernel.cpu_model(),
        "here": here,
        "cpus": cpus,
        "same": {
            name: [other for other in by_cpu if other != name and by_cpu[other] == by_cpu[name]]
            for name in cpus
        },
        "loop": {name: _said(by_cpu[name][_LOOP]) for name in cpus},
        "paths": rows,
    }


def _row(path: ExecutedPath) -> dict[str, Any]:
    return {
        "case": path.case,
        "variant": path.variant,
        "instructions": path.cost,
        "writes": sum(one.writes_pkrs for one in path.code),
        "refused": path.refused or None,
        "code": [],
        "stripped": {},
        "fused": 0,
        "estimates": {},
    }


def _input(tools: LlvmTools, path: ExecutedPath, row: dict[str, Any]) -> McaInput | None:
    """What llvm-mca is given, which is added to the row; None where the case is refused."""
    if path.refused:
        return None
    try:
        texts = llvm_mca.print_code(tools, [one.code for one in path.code])
        lines = [
            Line(text, one.address + len(one.code) // 2)
            for text, one in zip(texts, path.code, strict=True)
        ]
        made = mca_input.make_input(lines)
        check_sum(made, path)
    except CommandFailed as error:
        row["refused"] = str(error)
        return None
    row |= {"code": list(made.lines), "stripped": dict(made.stripped), "fused": made.fused}
    return made


def check_sum(made: McaInput, path: ExecutedPath) -> None:
    """A CommandFailed unless what llvm-mca is given and what is stripped are all that was executed,
    each WRMSR among it writes IA32_PKRS, and there is no fence but the one behind a user model.
    """
    total = made.kept + made.stripped.total()
    if total != len(path.code):
        raise CommandFailed(f"{total} instructions would be predicted, of {len(path.code)}")
    writes = sum(one.writes_pkrs for one in path.code)
    if made.stripped["wrmsr"] != writes:
        raise CommandFailed(
            f"{made.stripped['wrmsr']} WRMSR are executed, and {writes} of them write IA32_PKRS"
        )
    fences = made.stripped[mca_input.FENCE]
    if fences > (path.variant == USER_SPACE):
        raise CommandFailed(f"{fences} LFENCE are executed, whose cycles nobody knows")


def _is_known(tools: LlvmTools, name: str) -> bool:
    try:
        llvm_mca.check_cpu(tools, name)
    except KmapbenchError:
        return False
    return True


def _said(estimate: llvm_mca.Estimate | str) -> dict[str, Any] | str:
    return estimate if isinstance(estimate, str) else asdict(estimate)


def _analyse(folder: Path, campaign: Path, form: str) -> int:
    command = [sys.executable, "-m", "analysis", "predict", str(folder), str(campaign)]
    return subprocess.run([*command, "--format", form], cwd=ROOT).returncode
