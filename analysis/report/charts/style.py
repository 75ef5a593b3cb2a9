# SPDX-License-Identifier: Apache-2.0
"""How charts look: colours that colour-blind readers and printers can tell apart, on a light and on
a dark page.
"""

# What is drawn, on light paper.
INK = "#222222"
MUTED = "#595959"
RULE = "#d0d0d0"
PAPER = "#ffffff"
BAND = "#dfe8ef"

# Okabe and Ito's palette.
SKY = "#56b4e9"
ORANGE = "#e69f00"
GREEN = "#009e73"
BLUE = "#0072b2"
VERMILION = "#d55e00"
GREY = "#999999"

# What the page puts in their place where it is dark. The others stand out from both.
ON_DARK = {
    INK: "#e6e6e6",
    MUTED: "#a9b0b8",
    RULE: "#3c444d",
    PAPER: "#14181c",
    BAND: "#24323e",
    BLUE: "#4aa3df",
}

# Ordered so that lightness differs between neighbours too.
PART_COLOURS = {
    "address": SKY,
    "checks": ORANGE,
    "bookkeeping": GREEN,
    "wrpkrs": VERMILION,
    "other": GREY,
}
# For print in black and white.
PART_HATCHES = {"address": "", "checks": "//", "bookkeeping": "..", "wrpkrs": "xx", "other": "--"}

# Variants side by side on one axis, told apart by shape as well as by colour.
SERIES = ((BLUE, "o"), (VERMILION, "D"), (GREEN, "s"), (ORANGE, "^"), (SKY, "v"), (GREY, "P"))

WIDTH_INCHES = 8.0
DOTS_PER_INCH = 150
