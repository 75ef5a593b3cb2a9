# SPDX-License-Identifier: Apache-2.0
"""The feed of changes of a site, as Atom (RFC 4287)."""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

_ATOM = "http://www.w3.org/2005/Atom"
# Changes that a feed has, the newest.
MOST_ENTRIES = 100
_NAMESPACE = uuid.UUID("6b8f5b0e-6a9c-5c51-9d0c-6d2b1a2f7c11")
_NEVER = "1970-01-01T00:00:00Z"
# Letters that XML cannot have.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_feed(changes: Sequence[dict[str, Any]], begun: dict[str, str], address: str) -> bytes:
    """changes: the newest first (CaseModel.all_changes); begun: of each campaign, by its id;
    address: where the site will be, ending in a slash; empty: not known.
    """
    ElementTree.register_namespace("", _ATOM)
    feed = ElementTree.Element(f"{{{_ATOM}}}feed")
    _add(feed, "title", "kmapbench: changes")
    _add(feed, "id", address or _urn("feed"))
    _link(feed, f"{address}index.html", "alternate")
    _link(feed, f"{address}feed.xml", "self")
    shown = changes[:MOST_ENTRIES]
    dates = [_date(begun[change["after"]["id"]]) for change in shown]
    _add(feed, "updated", max(dates, default=_NEVER))
    author = ElementTree.SubElement(feed, f"{{{_ATOM}}}author")
    _add(author, "name", "kmapbench")
    for change, date in zip(shown, dates):
        entry = ElementTree.SubElement(feed, f"{{{_ATOM}}}entry")
        _add(entry, "title", f"{change['case']}, {change['variant']}: {change['word']}")
        words = (change[name] for name in ("case", "variant", "machine", "metric"))
        _add(entry, "id", _urn("\n".join([*words, change["after"]["id"]])))
        _link(entry, f"{address}case/{change['file']}.html", "alternate")
        _add(entry, "updated", date)
        _add(entry, "summary", _summary(change))
    ElementTree.indent(feed)
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True) + b"\n"


def _summary(change: dict[str, Any]) -> str:
    said = (
        f"{change['case']} of {change['variant']} on {change['machine']}: {change['word']}:"
        f" {change['amount']} from {change['after']['name']} on (before:"
        f" {change['before']['name']}). {change['metric']}."
    )
    return f"{said} {change['differing']}" if change["differing"] else said


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}").text = _FORBIDDEN.sub("?", text)


def _link(parent: ElementTree.Element, address: str, relation: str) -> None:
    ElementTree.SubElement(parent, f"{{{_ATOM}}}link", href=address, rel=relation)


def _urn(text: str) -> str:
    return uuid.uuid5(_NAMESPACE, text.encode(errors="replace").decode()).urn


def _date(text: str) -> str:
    """A date as RFC 3339 has it; the beginning of time where it is none."""
    try:
        there = datetime.fromisoformat(text)
    except ValueError:
        return _NEVER
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    return there.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
