# SPDX-License-Identifier: Apache-2.0
"""The rules of `compare` as data for the page that compares any two campaigns in a browser."""

from typing import Any

from analysis.compare import compatibility, from_campaign
from analysis.compare.source import PKRS_WRITES
from formats.case_names import PMEM_PAGES


def rules() -> dict[str, Any]:
    """What analysis/site/assets/compatibility.js goes by."""
    return {
        "chosen": [list(group) for group in from_campaign.CHOSEN],
        "kernel_under_test": list(compatibility.KERNEL_UNDER_TEST),
        "declared_by": [[field, list(names)] for field, names in compatibility.DECLARED_BY.items()],
        "commit": list(compatibility.COMMIT),
        "code": compatibility.CODE,
        "module_source": compatibility.MODULE_SOURCE,
        "module_build": compatibility.MODULE_BUILD,
        "module_compiler": compatibility.MODULE_COMPILER,
        "preempt_count": compatibility.PREEMPT_COUNT,
        "pmem_pages": [[label, *cases] for label, cases in PMEM_PAGES.items()],
        "pkrs_writes": PKRS_WRITES,
    }
