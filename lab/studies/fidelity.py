# SPDX-License-Identifier: Apache-2.0
"""User models beside the kernel, instruction by instruction: what differs, and by which name.

python3 -m lab.studies.fidelity [VARIANT...] prints the table of docs/findings-user-models.md;
default stock, idle, protected, distro.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from lab.core.dirs import build_dir
from lab.kernels import kconfig, variants
from lab.trace import instructions
from lab.trace.instructions import Kinds
from lab.workloads import observed_boot

Config = dict[str, str]  # of a kernel: symbol -> value


@dataclass(frozen=True)
class Difference:
    """Kinds that stand for each other, or some that only one side has; `holds` says on which
    kernels. A kind that takes part more than once is named as often.
    """

    name: str
    user: tuple[str, ...]
    kernel: tuple[str, ...]
    holds: Callable[[Config], bool] = lambda config: True


def _has(symbol: str) -> Callable[[Config], bool]:
    return lambda config: config.get(f"CONFIG_{symbol}") == "y"


def _lacks(symbol: str) -> Callable[[Config], bool]:
    return lambda config: not _has(symbol)(config)


TRACING = "NOP for tracing"
WRMSR = "WRMSR"
ZONE_IN_PLACE = "zone shifted down, here compared in place"

# A zone is shifted down to a small number and compared with one, or compared where it lies in the
# flags: then the mask and the number are constants of 64 bits, which only MOVABS loads.
_SHIFTED = ("mov memory,register", "shr constant,register", "cmp constant,register")
_IN_PLACE = (
    *("movabs constant,register", "and memory,register"),
    *("movabs constant,register", "cmp register,register"),
)

# Those that stand for each other come first: what is left over is one side's alone.
DIFFERENCES = [
    *(
        Difference("%gs, here %fs", (kind.replace("gs:", "fs:"),), (kind,))
        for kind in (
            "mov gs:memory,register",
            "mov register,gs:memory",
            "movl constant,gs:memory",
            "cmp gs:memory,register",
        )
    ),
    Difference("INC, here ADD of 1", ("addl constant,fs:memory",), ("incl gs:memory",)),
    Difference("DEC, here SUB of 1", ("subl constant,fs:memory",), ("decl gs:memory",)),
    Difference(
        "operands of CMP, here the other way round",
        ("cmp fs:memory,register",),
        ("cmp register,gs:memory",),
    ),
    Difference("NOP, here ENDBR64", ("endbr64",), ("nop",), _has("X86_KERNEL_IBT")),
    Difference(TRACING, (), ("nop",), _has("FUNCTION_TRACER")),
    Difference(WRMSR, (), ("wrmsr",)),
    # gcc reads the kernel's `current` again in one function, and a thread-local variable not.
    Difference("`current` read again", (), ("mov gs:memory,register",)),
    # Of a function that calls another one: user space keeps its stack aligned to 16 bytes.
    Difference("stack aligned, here", ("sub constant,register", "add constant,register"), ()),
    Difference(ZONE_IN_PLACE, _IN_PLACE, (*_SHIFTED, "and constant,register"), _has("NUMA")),
    Difference(ZONE_IN_PLACE, _IN_PLACE, _SHIFTED, _lacks("NUMA")),
    Difference("mask of the zone", ("and constant,register",), (), _lacks("NUMA")),
    # gcc 16 has it ready for two comparisons.
    Difference("address of the span in a register, here", ("lea memory,register",), ()),
    Difference("MOV between registers", (), ("mov register,register",)),
]


@dataclass
class Comparison:
    """One state of one form: a user model and a kernel case, in instructions a pair."""

    model: str
    case: str
    variant: str
    user: Kinds
    kernel: Kinds
    named: dict[str, tuple[Kinds, Kinds]] = field(
        default_factory=dict
    )  # by name: the user's, the kernel's
    user_unexplained: Kinds = field(default_factory=Counter)
    kernel_unexplained: Kinds = field(default_factory=Counter)

    @property
    def unexplained(self) -> int:
        return (self.user_unexplained + self.kernel_unexplained).total()


def compare(
    model: str, case: str, variant: str, user: Kinds, kernel: Kinds, config: Config
) -> Comparison:
    """Gives each instruction that one side has and the other has not a name, if there is one."""
    ours, theirs = user - kernel, kernel - user
    named: dict[str, tuple[Kinds, Kinds]] = {}
    for one in DIFFERENCES:
        if not one.holds(config):
            continue
        sides = [(ours, Counter(one.user)), (theirs, Counter(one.kernel))]
        count = min(
            Fraction(left[kind], times) for left, kinds in sides for kind, times in kinds.items()
        )
        if count:
            sums = named.setdefault(one.name, (Counter(), Counter()))
            for (left, kinds), taken in zip(sides, sums, strict=True):
                for kind, times in kinds.items():
                    # Counters hold Fractions as well; their type says int.
                    left[kind] -= count * times  # type: ignore[assignment]
                    taken[kind] += count * times  # type: ignore[assignment]
    return Comparison(model, case, variant, user, kernel, named, +ours, +theirs)


@dataclass(frozen=True)
class Counted:
    """A boot of a variant: its cases, and user models by the guest's clock."""

    variant: str
    config: Config
    records: dict[str, dict]  # by case
    kinds: dict[str, Kinds]  # of kernel cases, from outside


def boot(variant: str, scratch: Path, say: Callable[[str], None]) -> Counted:
    user = observed_boot.by_guest_clock(cases="default")
    observed = observed_boot.observe(variants.find(variant), "default", user, scratch, say)
    kinds = {
        case: instructions.of_record(record, observed.windows)
        for case, record in observed.records.items()
        if record.get("first_window") is not None and "kmap_local" in case
    }
    config = kconfig.parse(observed.prepared.kernel.config.read_text())
    return Counted(variant, config, observed.records, kinds)


FORMS = ("kmap_local", "kmap_local_slim")
STATES = ("key_off", "dram", "devmap", "protected", "protected_nested")


def model_of(form: str, state: str) -> str:
    return f"user/{form}/{state}" + ("/nowrite" if state == "protected" else "")


def pairs_of(variant: str) -> Iterator[tuple[str, str]]:
    """User models and the kernel cases that they are models of, on a variant: the module's, or the
    kernel's own path.
    """
    if not variants.find(variant).patched:
        yield from (
            (model_of(form, state), f"model/{form}/{state}") for form in FORMS for state in STATES
        )
    elif variant == "idle":
        yield model_of("kmap_local_slim", "key_off"), "kernel/kmap_local/dram"
    else:
        yield from (
            (model_of("kmap_local_slim", state), f"kernel/kmap_local/{state}")
            for state in STATES[1:]
        )


def comparisons(counted: Counted, users: dict[str, Kinds]) -> list[Comparison]:
    """users: by model."""
    return [
        compare(model, case, counted.variant, users[model], counted.kinds[case], counted.config)
        for model, case in pairs_of(counted.variant)
    ]


def count_models() -> dict[str, Kinds]:
    """All user models that are compared, by callgrind."""
    names = [model_of(form, state) for form in FORMS for state in STATES]
    return instructions.of_models(build_dir() / "bench" / "tools" / "kmap_pairs", names)


def table(rows: list[Comparison]) -> str:
    """Markdown."""
    lines = [
        "| user model | pair | kernel case | variant | pair | differences | unexplained |",
        "|---|---:|---|---|---:|---|---:|",
    ]
    for row in rows:
        differs = "; ".join(f"{_change(*kinds)} {name}" for name, kinds in row.named.items())
        cells = [
            f"`{row.model}`",
            row.user.total(),
            f"`{row.case}`",
            f"`{row.variant}`",
            row.kernel.total(),
            differs,
            row.unexplained,
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _change(of_user: Kinds, of_kernel: Kinds) -> str:
    more = of_kernel.total() - of_user.total()
    return f"{'+' * (more > 0)}{more}" if more else f"±{of_user.total()}"


def main(names: list[str]) -> int:
    users = count_models()
    rows = []
    for name in names or ["stock", "idle", "protected", "distro"]:
        with tempfile.TemporaryDirectory() as scratch:
            rows += comparisons(boot(name, Path(scratch), print), users)
    print(table(rows))
    return 0 if not any(row.unexplained for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
