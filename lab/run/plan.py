# SPDX-License-Identifier: Apache-2.0
"""What the user asked for: by options, or by a plan file (TOML) that says the same."""

from dataclasses import dataclass
from pathlib import Path

import tomllib

from lab.core.errors import KmapbenchError
from lab.kernels.variants import Variant

HOST = "host"  # what campaigns call user models on the machine itself

# What a plan file can say; each is the option of that name.
_TYPES = {
    "variants": list,
    "boots": int,
    "seed": int,
    "only": str,
    "kernel": str,
    "cases": str,
    "preset": str,
    "on": str,
    "here": bool,
    "label": str,
    "anonymize": bool,
}


@dataclass(frozen=True)
class Plan:
    """A campaign as it was asked for."""

    variants: list[Variant]
    boots: int
    seed: int
    only: str | None  # "micro", "user" or "dax"; None: the first two
    series: str | None  # the distribution's kernel; None: the newest offered
    cases: str  # default, all or a glob: of kernel cases and user models
    out: Path | None
    arguments: list[str]
    preset: str | None = None  # of dax.toml; None: the default
    on: str | None = None  # with label and "dax": a folder or a device
    label: str | None = None  # measure the running kernel, under this name, instead of variants
    anonymize: bool = False  # no host names and serial numbers in what is kept
    resume: Path | None = None  # go on with this campaign, which this plan is of


def read(path: Path) -> dict:
    """What a plan file says, by option."""
    try:
        said = tomllib.loads(path.read_text())
    except OSError as error:
        raise KmapbenchError(
            f"{path}: {error.strerror}; give a plan file, as each campaign has one (plan.toml)"
        ) from None
    except ValueError as error:
        raise KmapbenchError(f"{path}: no TOML ({error}); mend it") from None
    for name, value in said.items():
        if name not in _TYPES:
            raise KmapbenchError(
                f"{path}: {name} is not known; a plan can have {', '.join(_TYPES)}"
            )
        if type(value) is not _TYPES[name] or (
            name == "variants" and not all(type(one) is str for one in value)
        ):
            raise KmapbenchError(
                f"{path}: {name} is of the wrong kind; write it as in the plan.toml of a campaign"
            )
    return said


def write(plan: Plan) -> str:
    """A plan file that repeats a plan: the same boots in the same order."""
    import tomli_w  # which what only reads a plan can do without

    said = {
        "variants": [variant.name for variant in plan.variants],
        "boots": None if plan.label else plan.boots,
        "seed": plan.seed,
        "only": plan.only,
        "kernel": plan.series,
        "cases": plan.cases,
        "preset": plan.preset,
        "on": plan.on,
        "here": bool(plan.label) or None,
        "label": plan.label,
        "anonymize": plan.anonymize or None,
    }
    return tomli_w.dumps({name: value for name, value in said.items() if value not in (None, [])})
