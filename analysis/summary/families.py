# SPDX-License-Identifier: Apache-2.0
"""Variants that differ by what is compared and by nothing else, and the one among them that the
others are held against.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_UNPATCHED = "plain"  # last part of the names of unpatched variants, in campaigns before `baseline`


@dataclass(frozen=True)
class VariantFamily:
    """Variants with one baseline, in the campaign's order; the baseline is first, even if it has
    another one itself: a kernel of another compiler is held against the usual one, and its patched
    one against it.
    """

    baseline: str
    variants: tuple[str, ...]


def families(header: Mapping) -> list[VariantFamily]:
    """Every variant of a campaign in its family. header: campaign.json.

    The lab says of each variant which one is its baseline, if that was measured, too. For
    campaigns that do not say it the names are asked: distro-off belongs to distro-plain. A variant
    without a baseline is the baseline of its family.
    """
    kernels = header["variants"]
    members: dict[str, list[str]] = {}
    for name, kernel in kernels.items():
        said = kernel.get("baseline")
        baseline = said if said in kernels else _by_name(name, kernels)
        members.setdefault(baseline, []).append(name)
    return [
        VariantFamily(baseline, (baseline, *(name for name in names if name != baseline)))
        for baseline, names in members.items()
    ]


def baselines(header: Mapping) -> dict[str, str]:
    """The baseline of each variant; of one without, itself."""
    found = {name: name for name in header["variants"]}
    for family in families(header):
        found |= dict.fromkeys(family.variants[1:], family.baseline)
    return found


def _by_name(name: str, kernels: Mapping) -> str:
    unpatched = [other for other, kernel in kernels.items() if not kernel.get("patched")]
    own = f"{name.split('-')[0]}-{_UNPATCHED}"
    if own in kernels:
        return own
    if _UNPATCHED in kernels and "-" not in name:
        return _UNPATCHED
    if name in unpatched:
        return name
    without = [other for other in kernels if other == "off"]
    return (unpatched or without or [name])[0]
