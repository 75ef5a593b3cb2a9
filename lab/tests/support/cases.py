# SPDX-License-Identifier: Apache-2.0
"""Names of the kernel cases, written down by hand: what the module lists is held against them."""

TOUCHES = ["read8", "write8", "copy64_out", "copy64_in", "copy4k_out", "copy4k_in"]
FORMS = ["kmap_local", "kmap_local_slim"]
STATES = ["key_off", "dram", "devmap", "protected", "protected_nested"]
SETS = [
    f"{order}/{pages}"
    for order in ("latency", "throughput")
    for pages in ("page", "l1", "l2", "llc", "memory")
]
SWITCHES = ["elsewhere/switch/same", "elsewhere/switch/different"]
NMIS = ["elsewhere/nmi/outside", "elsewhere/nmi/inside"]
# Measured by kmap_bench itself.
FROM_USER_SPACE = ["elsewhere/syscall", "elsewhere/user_fault", "elsewhere/fork_exit"]
# Now and then caches of memory are filled up; on Debian's kernels, too, a fault's account is
# settled.
INEXACT = ["elsewhere/user_fault", "elsewhere/fork_exit"]
DEFAULT_CASES = [
    "empty",
    "kernel/kmap_local/dram",
    "kernel/kmap_local/devmap",
    "kernel/kmap_local/devmap_nested",
    "kernel/kmap_local/protected",
    "kernel/kmap_local/protected_nested",
    *(f"model/{form}/{state}" for form in FORMS for state in STATES),
    "msr/wrpkrs/toggle",
    *(f"elsewhere/{kind}/{where}" for kind in ("irq", "fault") for where in ("outside", "inside")),
    *SWITCHES,
    *FROM_USER_SPACE,
]
CASES = [
    *DEFAULT_CASES,
    "kernel/kmap_local_folio/dram",
    "kernel/kmap_atomic/dram",
    "kernel/kmap_atomic/devmap",
    "kernel/kmap/dram",
    "kernel/kmap_local/devmap_tail",
    *(
        f"kernel/kmap_local/{page}/{touch}"
        for page in ("dram", "devmap", "protected")
        for touch in TOUCHES
    ),
    *(f"kernel/kmap_local/dram/{one}" for one in SETS),
    *(
        f"model/{form}/{state}/{touch}"
        for form in FORMS
        for state in ("dram", "devmap", "protected")
        for touch in TOUCHES
    ),
    *(
        f"model/{form}/{state}/{one}"
        for form in FORMS
        for state in ("dram", "protected")
        for one in SETS
    ),
    *(f"model/{form}/devmap_file" for form in FORMS),
    "model/kmap_local_slim/devmap_tail",
    "msr/wrpkrs/latency",
    "msr/wrmsrns/toggle",
    "msr/wrmsrns/latency",
    "msr/wrpkrs/same",
    "msr/wrpkrs/skipped",
    "msr/rdpkrs",
    "msr/wrpkru/toggle",
    "msr/rdpkru",
    *(f"model/{form}/protected_nested/{depth}" for form in FORMS for depth in ("depth3", "depth4")),
    "msr/mock/spec_ctrl",
    "msr/mock/tsc_aux",
    *NMIS,
    *(f"elsewhere/int3/{where}" for where in ("outside", "inside")),
]
# Too large for the lab's guest, only for CPUs without PKS or with WRMSRNS, or only for a kernel
# that protects pages.
SKIPPED = [
    case
    for case in CASES
    if case.endswith(("/llc", "/memory"))
    or "/mock/" in case
    or "/wrmsrns/" in case
    or case.startswith("kernel/kmap_local/protected")
]
MEASURED = [case for case in CASES if case not in SKIPPED]
EXACT = [case for case in MEASURED if case not in INEXACT]


def writes_a_pair(case: str) -> int:
    """From pks-facts: an outermost pair opens and closes, a nested one does neither, and nothing
    else writes.
    """
    outermost = "/protected" in case and "/protected_nested" not in case
    return (
        2
        if outermost
        else {"msr/wrpkrs/toggle": 2, "msr/wrpkrs/latency": 2, "msr/wrpkrs/same": 1}.get(case, 0)
    )
