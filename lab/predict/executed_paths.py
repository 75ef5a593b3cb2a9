# SPDX-License-Identifier: Apache-2.0
"""Which instructions one operation of a case executes, in their order: of kernel cases as the
observer saw them in a boot, of user models as callgrind counts them.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.campaign_format import USER_SPACE
from lab.core import bench_command
from lab.core.dirs import build_dir
from lab.kernels.variant import Variant
from lab.trace import execution_order, instructions, symbols
from lab.trace.execution_order import NoOrder
from lab.trace.symbols import CASE_2N, CASE_N, Place, Window
from lab.workloads import observed_boot
from lab.workloads.observed_boot import Observed


@dataclass(frozen=True)
class Executed:
    """An instruction that was executed."""

    address: int
    code: str  # in hexadecimal
    writes_pkrs: bool = False


@dataclass(frozen=True)
class ExecutedPath:
    """One operation of a case, the two instructions of the loop's end last."""

    case: str
    variant: str
    cost: int  # instructions of an operation, by the emulator's clock
    code: tuple[Executed, ...] = ()
    refused: str = ""  # why there is no code; empty where there is


@dataclass(frozen=True)
class Boot:
    """What is asked of one boot: a variant's cases, and user models."""

    variant: Variant
    cases: str  # a glob of whole names of kernel cases, or default
    models: Sequence[str]


def find_paths(boot: Boot, say: Callable[[str], None]) -> list[ExecutedPath]:
    """Boots a variant once; its kernel cases, then the user models, each as executed or refused."""
    with tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch:
        user = observed_boot.by_guest_clock(names=boot.models)
        observed = observed_boot.observe(boot.variant, boot.cases, user, Path(scratch), say)
        chosen = [
            record
            for case, record in observed.records.items()
            if "known" not in record and _is_meant(case, boot.cases)
        ]
        kernel = [_of_kernel_case(record, observed, boot.variant.name) for record in chosen]
    return [path for path in kernel if path] + _of_models(boot.models, observed.records)


def _is_meant(case: str, cases: str) -> bool:
    if case.startswith("user/"):
        return False
    if cases == "default":  # of which only the path has code that runs straight on
        return "/kmap_local" in case
    return cases == "all" or bool(bench_command.matching([case], cases))


def _of_kernel_case(record: dict, observed: Observed, variant: str) -> ExecutedPath | None:
    """None: the case was not measured."""
    first = record.get("first_window")
    if first is None or record["status"] != "ok":
        return None
    four = observed.windows[first : first + symbols.CASE_2N + 1]
    longer: Window = four[CASE_2N]
    executions = Counter(longer.executions)
    executions.subtract(four[CASE_N].executions)
    return _path(record, variant, executions, record["ops"], longer.code, longer.pkrs_writes, True)


def _of_models(names: Sequence[str], records: Mapping[str, dict]) -> list[ExecutedPath]:
    program = build_dir() / "bench" / "tools" / "kmap_pairs"
    code = instructions.machine_code(program) if names else {}
    paths = []
    for name in names:
        if records.get(name, {}).get("cost") is None:
            paths.append(ExecutedPath(name, USER_SPACE, 0, (), "the emulator has not counted it"))
            continue
        counts = instructions.executions_of_model(program, name)
        executions: Counter[Place] = Counter({((), at): count for at, count in counts.items()})
        pairs = instructions.PAIRS
        paths.append(_path(records[name], USER_SPACE, executions, pairs, code, frozenset(), False))
    return paths


def _path(
    record: dict,
    variant: str,
    executions: Counter[Place],
    ops: int,
    code: Mapping[int, str],
    pkrs_writes: frozenset[int],
    knows_callers: bool,
) -> ExecutedPath:
    """executions: in ops operations, the loop's own included."""
    try:
        run = _order(executions, ops, code, knows_callers)
        check_count(len(run), record)
    except NoOrder as error:
        return ExecutedPath(record["case"], variant, round(record["cost"]), (), str(error))
    executed = tuple(Executed(address, code[address], address in pkrs_writes) for address in run)
    return ExecutedPath(record["case"], variant, round(record["cost"]), executed)


def _order(
    executions: Counter[Place], ops: int, code: Mapping[int, str], knows_callers: bool
) -> list[int]:
    """Addresses of the instructions of one operation, in their order."""
    if any(count % ops for count in executions.values()):
        raise NoOrder("not each operation executes the same")
    each = {place: count // ops for place, count in executions.items() if count}
    return execution_order.find_order(each, code, knows_callers)


def check_count(found: int, record: dict) -> None:
    """NoOrder unless so many instructions, the loop's own included, are what a record counted."""
    counted = record["cost"] + record["empty"]
    if found != counted:
        raise NoOrder(
            f"{found} instructions were found, and the emulator's clock counted {counted:g}"
        )


def models_without_a_write(names: Sequence[str]) -> list[str]:
    """Those user models of which each instruction is the path's: no other register is written in
    place of IA32_PKRS, and nothing waits.
    """
    stand_ins = ("wrpkru", "delay", "serialising", "nonserialising")
    return [name for name in names if name.rpartition("/")[2] not in stand_ins]
