# SPDX-License-Identifier: Apache-2.0
"""One colour and marker for one variant, in hues that nothing else has."""

import colorsys
import tomllib
from pathlib import Path

from analysis.report.charts import style

TABLE = Path(__file__).parents[2] / "kernels" / "variants.toml"
TRIMMED = ["plain", "prep", "off", "idle", "protected", "nocpu", "nopks"]


def test_a_variant_looks_the_same_whatever_stands_beside_it():
    for one in TRIMMED:
        assert style.looks(one, TRIMMED) == style.looks(one, [one]) == style.looks(one, ["x", one])
    others = ["plain", "mine", "protected", "theirs"]
    assert style.looks("mine", others) != style.looks("theirs", others)


def test_a_distribution_kernel_looks_like_its_counterpart():
    assert style.looks("distro-off", []) == style.looks("off", [])
    assert style.looks("distro", []) == style.looks("protected", [])


def test_all_kernels_of_a_campaign_can_be_told_apart():
    for names in (TRIMMED, list(tomllib.loads(TABLE.read_text())["variants"])):
        shown = [name for name in names if not name.startswith("distro") and name != "stock"]
        looks = [style.looks(name, names) for name in shown]
        assert len(set(looks)) == len(looks)


def hue(colour: str) -> float | None:
    """Degrees; None: grey."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    turn, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    return 360 * turn if saturation > 0.2 else None


def test_variants_are_cold_and_parts_are_warm():
    variants = [style.looks(name, TRIMMED)[0] for name in [*TRIMMED, "x"]]
    assert all(hue(colour) is None or 150 < hue(colour) < 260 for colour in variants)
    parts = [colour for name, colour in style.PART_COLOURS.items() if name != "other"]
    assert all(hue(colour) is not None and hue(colour) < 50 for colour in parts)
    between = [hue(style.MORE), hue(style.LESS)]
    assert all(260 < turn < 340 or 50 < turn < 150 for turn in between)
