# SPDX-License-Identifier: Apache-2.0
"""A campaign of which one boot is measured, by kmap_bench on this machine."""

# campaign.json, for store.Campaign.begin(); its boot: plain, 2
HEADER = {
    "asked": {"arguments": [], "boots": 2, "only": None, "kernel": None},
    "seed": 1,
    "variants": {"plain": {"what": "", "release": "", "packages": {}, "cpu": "", "cmdline": ""}},
    "tools": {"qemu": None},
    "kmapbench": {"commit": "unknown", "dirty": False},
    "planned": [{"variant": "plain", "boot": 2, "round": 2}],
}
