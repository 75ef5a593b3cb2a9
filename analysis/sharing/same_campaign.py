# SPDX-License-Identifier: Apache-2.0
"""Whether a packed campaign says what the original says: record by record, and in its verdicts."""

import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from analysis.compare import within_campaign
from analysis.data.json_files import read_lines
from analysis.data.load import Campaign, load
from analysis.report.comparison import as_json

# Of records: what people wrote, in which names are hidden.
_TEXTS = ("reason", "console")
# In a refusal, what both sides say of the fact in which they differ: a name, maybe.
_BOTH_SIDES = re.compile(r" \([^()]* there, [^()]* here\)")


def differences(original: Path, packed: Path, shown: Callable[[str], str]) -> Iterator[str]:
    """What differs, a line each; none where nothing does.

    shown: a text as the packed campaign may have it.
    """
    old, new = load(original), load(packed)
    yield from _file_differences(old, packed)
    if old.boots.keys() != new.boots.keys() or old.configs.keys() != new.configs.keys():
        yield "the boots that have an environment or a configuration"
    for variant, config in old.configs.items():
        if new.configs.get(variant) != {name: shown(value) for name, value in config.items()}:
            yield f"the configuration of {variant}"
    verdicts = [_BOTH_SIDES.sub("", _verdicts(campaign)) for campaign in (old, new)]
    if shown(verdicts[0]) != verdicts[1]:
        yield "the verdicts"


def _file_differences(campaign: Campaign, packed: Path) -> Iterator[str]:
    """Records and paths, each as a whole, but for texts."""
    micros = [path for files in campaign.files.values() for path in files]
    for micro in (path for path in micros if path.name == "micro.jsonl"):
        for path in (micro, micro.with_name("path.jsonl")):
            name = Path(*path.parts[-3:])  # VARIANT/boot-NN/FILE, wherever it was unpacked
            lines = zip_longest(_objects(path), _objects(packed / name))
            if number := next((at for at, (a, b) in enumerate(lines, 1) if a != b), 0):
                yield f"{name}:{number}"


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    for _, value in read_lines(path, []):
        yield {name: one for name, one in value.items() if name not in _TEXTS}


def _verdicts(campaign: Campaign) -> str:
    """All comparisons of a campaign's variants, and those that were refused."""
    verdicts = within_campaign.compare_variants(campaign)
    if not verdicts.groups:
        return str(verdicts.refused)
    return as_json.export(verdicts.groups, [str(one) for one in verdicts.refused])
