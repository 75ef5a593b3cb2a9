# SPDX-License-Identifier: Apache-2.0
"""How charts look: colours that colour-blind readers and printers can tell apart."""

# Okabe and Ito's palette, ordered so that lightness differs between neighbours too.
PART_COLOURS = {
    "address": "#56B4E9",
    "checks": "#E69F00",
    "bookkeeping": "#009E73",
    "wrpkrs": "#D55E00",
    "other": "#999999",
}
# For print in black and white.
PART_HATCHES = {"address": "", "checks": "//", "bookkeeping": "..", "wrpkrs": "xx", "other": "--"}

FIGURE_INCHES = (8.0, 4.2)
DOTS_PER_INCH = 150
