# SPDX-License-Identifier: Apache-2.0
"""Fields of an environment that differ between any two boots of one machine."""

# Dotted names. Two boots of one variant may differ in them, and so may two sides of a comparison.
MEASURED = ("clock.tsc_hz", "clock.tsc_step_ticks", "conditions")
