# SPDX-License-Identifier: Apache-2.0
"""Format 1 of a campaign: its version, its clocks, and the names that have a meaning."""

FORMAT = 1

# Each clock with the unit of its figures: instructions under -icount, ticks of the TSC, wall time.
UNITS = {"icount": "instructions", "tsc": "ticks", "wall": "ns"}

# How a campaign's boots were ordered: in rounds, one boot of each variant, and the order within
# each by a fair coin of its own. Another design, or none named, is no such chance.
PAIRS = "pairs"

# A function in path.jsonl whose name nobody knows: its kernel gives no symbols.
UNKNOWN_FUNCTION = "outside the module"

# When a campaign that is measured until it is resolved is looked at, in pairs, and what each look
# may spend of the level that all of them share.
LOOKS = {8: 0.01, 10: 0.01, 14: 0.01, 20: 0.02}

# The variant that user models are measured as: this machine, in user space.
USER_SPACE = "host"

# How the reason of a record begins if a control before it was wrong, as
# bench/kmap_bench/control_check.cc writes it.
CONTROL_REASON = "control: "
