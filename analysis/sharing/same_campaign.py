# SPDX-License-Identifier: Apache-2.0
"""Whether a packed campaign says what the original says: record by record, and in its verdicts."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from analysis.compare import within_campaign
from analysis.data.json_files import read_lines
from analysis.data.load import Campaign, load
from analysis.report.comparison import as_json
from analysis.sharing import fewer_samples

# Of records: what people wrote, in which names are hidden.
_TEXTS = ("reason", "console")
# Of a row: looks at means, tails and modes, what is adjusted over them, and what is said of them.
_OF_SAMPLES = ("looks", "p_holm", "warnings")
# In a refusal, what both sides say of the fact in which they differ: a name, maybe.
_BOTH_SIDES = re.compile(r" \([^()]* there, [^()]* here\)")


def differences(
    original: Path, packed: Path, shown: Callable[[str], str], has_samples: bool = True
) -> Iterator[str]:
    """What differs, a line each; none where nothing does.

    shown: a text as the packed campaign may have it. has_samples: else it has histograms of them,
    and comparisons may say something else of what is beside the medians of boots.
    """
    old, new = load(original), load(packed)
    yield from _file_differences(old, packed, has_samples)
    if old.boots.keys() != new.boots.keys() or old.configs.keys() != new.configs.keys():
        yield "the boots that have an environment or a configuration"
    for variant, config in old.configs.items():
        if new.configs.get(variant) != {name: shown(value) for name, value in config.items()}:
            yield f"the configuration of {variant}"
    verdicts = [_BOTH_SIDES.sub("", _verdicts(one, has_samples)) for one in (old, new)]
    if shown(verdicts[0]) != verdicts[1]:
        yield "the verdicts"


def _file_differences(campaign: Campaign, packed: Path, has_samples: bool) -> Iterator[str]:
    """Records and paths, each as a whole, but for texts."""
    micros = [path for files in campaign.files.values() for path in files]
    for micro in (path for path in micros if path.name == "micro.jsonl"):
        for path in (micro, micro.with_name("path.jsonl")):
            name = Path(*path.parts[-3:])  # VARIANT/boot-NN/FILE, wherever it was unpacked
            lines = zip_longest(_objects(path, has_samples), _objects(packed / name))
            if number := next((at for at, (a, b) in enumerate(lines, 1) if a != b), 0):
                yield f"{name}:{number}"


def _objects(path: Path, has_samples: bool = True) -> Iterator[dict[str, Any]]:
    is_of_records = path.name == "micro.jsonl" and not has_samples
    for _, value in read_lines(path, []):
        value = fewer_samples.of_record(value) if is_of_records else value
        yield {name: one for name, one in value.items() if name not in _TEXTS}


def _verdicts(campaign: Campaign, has_samples: bool) -> str:
    """All comparisons of a campaign's variants, and those that were refused."""
    verdicts = within_campaign.compare_variants(campaign)
    if not verdicts.groups:
        return str(verdicts.refused)
    said = as_json.export(verdicts.groups, [str(one) for one in verdicts.refused])
    return said if has_samples else json.dumps(_of_medians(json.loads(said)))


def _of_medians(said: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a comparison, what does not rest on the samples inside boots."""
    rows = [row for group in said["groups"] for row in group["rows"] + group["aa"]]
    return [{name: one for name, one in row.items() if name not in _OF_SAMPLES} for row in rows]
