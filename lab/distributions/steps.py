# SPDX-License-Identifier: Apache-2.0
"""What is done on each distribution, and how it ended, kept in a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from formats import exit_codes
from lab.distributions import debootstrap
from lab.distributions.debootstrap import User

SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13", "testing": "Debian testing"}

# A new user's own words for a folder: blanks, and letters that are not ASCII.
TESTER = User("tester", "/home/tester")


@dataclass(frozen=True)
class Step:
    """A command of the README's, and who gives it where."""

    name: str
    user: User
    checkout: str
    owner: str  # of the checkout
    command: str

    @property
    def file(self) -> str:
        """The same as the name of a file."""
        return self.name.replace("/", "-")


STEPS = [
    Step("root/run", debootstrap.ROOT_USER, "/root/kmapbench", "root", "run"),
    Step("root/test", debootstrap.ROOT_USER, "/root/kmapbench", "root", "test"),
    Step("user/run", TESTER, "/home/tester/Größen und Maße/kmapbench", TESTER.name, "run"),
    Step("user/test", TESTER, "/home/tester/Größen und Maße/kmapbench", TESTER.name, "test"),
    Step("readonly/test", TESTER, "/opt/kmapbench", "root", "test"),
]
MADE = "made"  # the step before the first: the system itself


@dataclass
class Result:
    """How a step ended."""

    code: int
    seconds: float
    download_bytes: int
    why: str = ""

    @property
    def good(self) -> bool:
        return self.code == exit_codes.OK


@dataclass
class State:
    """What is finished on one distribution, kept in a file."""

    path: Path
    checkout: str  # which state of it: results of another are no use
    results: dict[str, Result] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, checkout: str) -> "State":
        """Empty where there is none, or one of another checkout."""
        try:
            kept = json.loads(path.read_text())
            if kept["checkout"] == checkout:
                results = {name: Result(**result) for name, result in kept["results"].items()}
                return cls(path, checkout, results)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return cls(path, checkout)

    def finished(self, name: str) -> bool:
        """Ended well: what failed is done again."""
        return name in self.results and self.results[name].good

    def keep(self, name: str, result: Result) -> None:
        """On disk at once."""
        self.results[name] = result
        results = {one: vars(kept) for one, kept in self.results.items()}
        text = json.dumps({"checkout": self.checkout, "results": results}, indent=1)
        part = self.path.with_suffix(".part")
        part.write_text(text)
        part.replace(self.path)
