# SPDX-License-Identifier: Apache-2.0
"""Small sites, and what is in them."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ATOM = "{http://www.w3.org/2005/Atom}"


def data(site: Path, name: str) -> Any:
    """What a page gets that asks for this data."""
    text = (site / "data" / f"{name}.js").read_text()
    found = []
    begin, end = "kmapbench.add(", ");\n"
    assert text.startswith(begin) and text.endswith(end)
    found = json.loads(f"[{text[len(begin):-len(end)]}]")
    assert found[0] == name
    return found[1]


def case_file(site: Path, case: str) -> str:
    """The name of a case's files."""
    return next(file for name, file, _ in data(site, "cases") if name == case)


def case_page(site: Path, case: str) -> str:
    """The page of a case."""
    return (site / "case" / f"{case_file(site, case)}.html").read_text()


def files(site: Path) -> dict[str, bytes]:
    """All files of a site, by name."""
    return {
        str(path.relative_to(site)): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def entries(site: Path) -> list[dict[str, str]]:
    """The entries of the feed, each by the names of what it has; of a link its address."""
    feed = ElementTree.fromstring((site / "feed.xml").read_bytes())
    assert feed.tag == f"{ATOM}feed"
    return [
        {part.tag.removeprefix(ATOM): part.get("href") or part.text or "" for part in entry}
        for entry in feed.iter(f"{ATOM}entry")
    ]
