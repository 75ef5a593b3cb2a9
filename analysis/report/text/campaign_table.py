# SPDX-License-Identifier: Apache-2.0
"""`list`: the campaigns of a folder, two lines each."""

from collections.abc import Sequence

from analysis.report.text.layout import wrapped
from analysis.summary.campaign_list import Listed

_NAMED = 6  # variants of a campaign that are named


def render_list(campaigns: Sequence[Listed]) -> str:
    """Folder, day and kernels of each, and below them what came out."""
    return "\n".join(line for campaign in campaigns for line in _lines(campaign)) + "\n"


def _lines(campaign: Listed) -> list[str]:
    more = len(campaign.variants) - _NAMED
    kernels = ", ".join(campaign.variants[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    claim = wrapped(f"    {campaign.claim or campaign.state}", "    ")
    return [f"{campaign.folder}  {campaign.day or 'no date'}  {kernels}", *claim]
