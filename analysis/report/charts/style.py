# SPDX-License-Identifier: Apache-2.0
"""How charts look: colours that colour-blind readers and printers can tell apart, on a light and on
a dark page.
"""

from collections.abc import Sequence

# What is drawn, on light paper.
INK = "#222222"
MUTED = "#595959"
RULE = "#d0d0d0"
PAPER = "#ffffff"
BAND = "#dfe8ef"

# Variants are grey and blue, the darker the more of protection there is in them; those that are
# built or booted in another way are green. A campaign's other variants take the spare ones in turn.
_VARIANTS = {
    "plain": ("#8c8c8c", "o"),
    "prep": ("#b4b4b4", "P"),
    "off": ("#7cc4f2", "s"),
    "small": ("#7cc4f2", "*"),
    "idle": ("#2f86cc", "D"),
    "protected": ("#0b3d78", "^"),
    "nocpu": ("#8fd3c1", "v"),
    "nopks": ("#3fa88c", "X"),
    "stock": ("#5f6f7d", "o"),
    "host": ("#5f6f7d", "o"),
}
_SPARE = (("#1d6b57", "p"), ("#5a4fcf", "h"), ("#a29be8", "<"), ("#123f36", ">"), ("#3d348b", "d"))
_DISTRIBUTION = "distro"  # as its family's kernels are called, and the protected one of them

# More and less of something: nothing else has these hues.
MORE = "#a0327d"
LESS = "#4d7c0f"

# What the page puts in their place where it is dark. The others stand out from both.
ON_DARK = {
    INK: "#e6e6e6",
    MUTED: "#a9b0b8",
    RULE: "#3c444d",
    PAPER: "#14181c",
    BAND: "#24323e",
    "#0b3d78": "#cfe3ff",
    "#123f36": "#c5e8df",
    "#3d348b": "#d9d5ff",
    MORE: "#e07ac0",
    LESS: "#a3d65c",
}

# Parts of the path are yellow to red, ordered so that lightness differs between neighbours too.
PART_COLOURS = {
    "address": "#f3d27a",
    "checks": "#e08a2e",
    "bookkeeping": "#f2b8a0",
    "wrpkrs": "#a3261b",
    "other": "#b7a99a",
}
# For print in black and white.
PART_HATCHES = {"address": "", "checks": "//", "bookkeeping": "..", "wrpkrs": "xx", "other": "--"}


def looks(variant: str, variants: Sequence[str]) -> tuple[str, str]:
    """Colour and marker of a variant, the same in all charts of a campaign.

    variants: the campaign's. A kernel of the distribution's configuration looks like its
    counterpart.
    """
    known = _known(variant)
    if known:
        return _VARIANTS[known]
    others = [name for name in dict.fromkeys([*variants, variant]) if not _known(name)]
    return _SPARE[others.index(variant) % len(_SPARE)]


def _known(variant: str) -> str | None:
    family, _, name = variant.rpartition("-")
    if variant == _DISTRIBUTION:
        return "protected"
    if family in ("", _DISTRIBUTION) and name in _VARIANTS:
        return name
    return None


WIDTH_INCHES = 8.0
DOTS_PER_INCH = 150
