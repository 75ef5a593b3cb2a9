# SPDX-License-Identifier: Apache-2.0
"""What single reads and writes of files on persistent memory run through, as the observer saw them.
Pure.
"""

from collections import Counter
from collections.abc import Sequence

from lab.trace.symbols import Kernel, Window, executed

NOTHING = "nothing"  # dax_windows' operation that is none
_KERNEL_SPACE = 1 << 63


def by_case(labels: list[str], windows: Sequence[Window]) -> dict[str, list[Window]]:
    """Windows under what dax_windows says that they are."""
    cases: dict[str, list[Window]] = {}
    for label, window in zip(labels, windows, strict=True):
        cases.setdefault(label, []).append(window)
    return cases


def writes(window: Window, kernel: Kernel) -> Counter:
    """WRMSRs by the function that has them."""
    found: Counter = Counter()
    for (_, address), count in window.executions.items():
        if address in window.wrmsr:
            found[_function(address, kernel)] += count
    return found


def paths(cases: dict[str, list[Window]], kernel: Kernel, variant: str, boot: int) -> list[dict]:
    """A line of path.jsonl a case: of the window that there is most often, as an interrupt makes
    one longer.
    """
    typical = {case: _typical(windows) for case, windows in cases.items()}
    result = []
    for case, window in typical.items():
        if case.endswith(f"/{NOTHING}"):
            continue
        on = "/".join(case.split("/")[:2])
        nothing = typical[f"{on}/{NOTHING}"]
        result.append(
            _path(case, window, kernel)
            | {"variant": variant, "boot": boot, "empty_instructions": nothing.executions.total()}
        )
    return result


def _path(case: str, window: Window, kernel: Kernel) -> dict:
    functions: dict[tuple[str, ...], Counter] = {}
    stacks: dict[tuple[str, ...], Counter] = {}
    for (calls, address), count in window.executions.items():
        both = Counter(instructions=count, wrmsr=count if address in window.wrmsr else 0)
        name = _function(address, kernel)
        for by, key in (
            (functions, (name,)),
            (stacks, (*(_function(call, kernel) for call in calls), name)),
        ):
            by.setdefault(key, Counter()).update(both)
    return {
        "case": case,
        "ops": 1,
        "instructions": window.executions.total(),
        "wrmsr": writes(window, kernel).total(),
        "pkrs_writes": executed(window.executions, window.pkrs_writes),
        "functions": [
            {"chain": list(chain), **_counts(at)} for chain, at in sorted(functions.items())
        ],
        "stacks": [{"stack": list(stack), **_counts(at)} for stack, at in sorted(stacks.items())],
    }


def _counts(at: Counter) -> dict:
    return {name: at[name] for name in ("instructions", "wrmsr")}


def _typical(windows: list[Window]) -> Window:
    times = Counter(window.executions.total() for window in windows)
    most = max(times.values())
    return next(window for window in windows if times[window.executions.total()] == most)


def _function(address: int, kernel: Kernel) -> str:
    if address < _KERNEL_SPACE:
        return "user space"
    return kernel.function(address) or "outside the kernel"
