# SPDX-License-Identifier: Apache-2.0
"""Words of a text that name a machine, a person or a network by their form alone."""

import ipaddress
import re
import uuid
from collections.abc import Iterator

from formats import name_kinds
from formats.name_kinds import HIDDEN

PUBLIC_KEYS = name_kinds.PUBLIC_KEYS

_SEPARATORS = re.compile(r"[\s\"'`<>()\[\]{}|,;\\\0]+")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_IN_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")
_DISKS = ("wwn-0x", "naa.", "eui.", "nvme-eui.", "t10.")
_BY = ("id", "uuid", "partuuid", "label", "partlabel", "path", "diskseq")
_SERIAL = ("serialnumber", "serialno", "serialno.", "serial#", "assettag", "servicetag", "s/n")
_SHORTEST_SERIAL = 4
_NO_DOMAINS = ("HOST", "plt", "progbits")
_NOT_BEFORE_PATH = "_.~/$%}])>-"
_NOT_IN_PATH = "\"'`<>()[]{}|\\,;:=*?&"


def find(text: str) -> Iterator[tuple[str, str]]:
    """Kind and word of each."""
    tokens = [token for token in _SEPARATORS.split(text) if token]
    for number, token in enumerate(tokens):
        if token.isdecimal() and tokens[number - 1][-1] not in ":=#":  # a sample, mostly
            continue
        if "@" in token and _is_user_and_host(token):
            yield "user and host", token
        if "://" in token and _is_private_url(token):
            yield "address on the web", token
        if "=" in token and _names_in_parameter(token):
            yield "parameter of the kernel", token
        if "/" in token or "." in token or "-" in token:
            yield from _disks(token)
        if len(token) >= 7:
            yield from _numbers(token)
        if any(map(str.isdigit, token)) and _is_serial(tokens[max(0, number - 3) : number], token):
            yield "serial number", token
    yield from _folders(text)


def _is_private_url(token: str) -> bool:
    host = re.split(r"[/?#]", token.split("://", 1)[1])[0]
    return "@" in host or not name_kinds.is_public(host.split(":")[0])


def _is_user_and_host(token: str) -> bool:
    pieces = token.split("@")
    for before, after in zip(pieces, pieces[1:]):
        user = _run(before[::-1])[::-1]
        domain = _run(after).rstrip(".+-")
        is_user = bool(user) and (user[0].isalpha() or user[0] == "_")
        if not is_user or not domain[:1].isalnum() or domain.lower().startswith("0x"):
            continue
        is_unit = domain.rpartition(".")[2] in name_kinds.UNITS
        if is_unit or domain in _NO_DOMAINS or name_kinds.is_public(domain):
            continue
        if f"{user}@{domain}" not in name_kinds.PUBLIC_MAIL:
            return True
    return False


def _run(text: str) -> str:
    """The letters at the begin of a text that may be part of a name."""
    length = next((at for at, one in enumerate(text) if one not in _IN_NAME), len(text))
    return text[:length]


def _names_in_parameter(token: str) -> bool:
    """Whether a word has NAME=VALUE with a value that names a disk, a host or a network."""
    pieces = token.split("=")
    for number, piece in enumerate(pieces[:-1]):
        name = _run(piece[::-1])[::-1]
        value = "=".join(pieces[number + 1 :])
        is_parameter = name in name_kinds.PARAMETERS or name.startswith(("rd.", "luks"))
        is_plain = value in ("", HIDDEN, *name_kinds.PLAIN_VALUES)
        if is_parameter and not is_plain and not name_kinds.PLAIN_DEVICE.fullmatch(value):
            return True
    return False


def _disks(token: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"[/=:]", token)
    for before, part in zip(["", *parts], parts):
        by = before.removeprefix("by-")
        is_link = before.startswith("by-") and by in _BY and part != ""
        is_mapped = before == "mapper" and part not in ("", "control", HIDDEN)
        named = next((one for one in _DISKS if part.startswith(one)), "")
        if is_link or is_mapped or (named and len(part) - len(named) >= 6):
            yield "disk", token


def _numbers(token: str) -> Iterator[tuple[str, str]]:
    """Addresses and identifiers that are numbers."""
    if _has_uuid(token.replace("_", "-")):
        yield "UUID", token
    if any(len(one) == 32 and _is_lower_hex(one) for one in re.split(r"[^0-9A-Za-z]", token)):
        yield "machine-id", token
    if _has_mac(token) or re.fullmatch(r"enx[0-9a-f]{12}", token):
        yield "MAC address", token
    if token.count(".") >= 3 or token.count(":") >= 2:
        if any(map(_is_address, re.split(r"[^\w.+~:-]", token))):
            yield "IP address", token


def _is_lower_hex(text: str) -> bool:
    return text == text.lower() and set(text) <= _HEXADECIMAL


def _has_uuid(token: str) -> bool:
    for at in range(len(token) - 35):
        chunk = token[at : at + 36]
        around = token[max(0, at - 1) : at] + token[at + 36 : at + 37]
        if chunk[8] + chunk[13] + chunk[18] + chunk[23] != "----" or around.strip("-./=:@"):
            continue
        try:
            uuid.UUID(chunk)
            return True
        except ValueError:
            continue
    return False


def _has_mac(token: str) -> bool:
    for sign in ":-":
        for piece in re.split(rf"[^0-9A-Za-z{sign}]", token):
            groups = piece.split(sign)
            is_hex = all(len(one) == 2 and set(one) <= _HEXADECIMAL for one in groups)
            if 6 <= len(groups) <= 20 and is_hex:
                return True
    return False


def _is_address(piece: str) -> bool:
    """Whether it is one of a network, with a port or without."""
    candidates = [piece.strip(".")]
    if piece.count(":") <= 1:
        before, _, after = piece.partition(":")
        candidates = [before.rstrip(".")] + ([] if before.isdigit() else [after.rstrip(".")])
    for candidate in candidates:
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        if any(map(str.isdigit, candidate)):
            return not (address.is_loopback or address.is_unspecified)
    return False


def _is_serial(before: list[str], token: str) -> bool:
    heading = "".join(before).lower()
    for sign in ":=":  # in one word
        inner, has_sign, value = token.partition(sign)
        if has_sign and value:
            heading, token = "".join(before).lower() + inner.lower() + sign, value
            break
    is_headed = heading[-1:] in (":", "=") and heading.rstrip(":=").endswith(_SERIAL)
    is_value = len(token) >= _SHORTEST_SERIAL and any(map(str.isdigit, token))
    return is_headed and is_value and token != HIDDEN


def _folders(text: str) -> Iterator[tuple[str, str]]:
    at = text.find("/")
    while at >= 0:
        path = _path_at(text, at)
        if path and _is_private(path):
            yield "folder", path
        at = text.find("/", at + max(1, len(path)))


def _path_at(text: str, at: int) -> str:
    """The path that begins at a slash; empty where the slash is within a word, or no path begins
    there.
    """
    start = at
    while text[max(0, start - 2) : start] == ".." and text[start : start + 1] == "/":
        start -= 2
        if text[max(0, start - 1) : start] == "/":
            start -= 1
    end = at
    while end < len(text) and not text[end].isspace() and text[end] not in _NOT_IN_PATH:
        end += 1
    path = text[start:end]
    before = text[max(0, start - 1) : start]
    is_home = path.startswith(("/home/", "/Users/"))
    is_within = before.isalnum() or (before != "" and before in _NOT_BEFORE_PATH)
    return path if is_home or not (is_within or path.startswith("//")) else ""


def _is_private(path: str) -> bool:
    if path.startswith("../"):
        return not path.startswith(name_kinds.OWN_FILES)
    parts = path.rstrip(".").strip("/").split("/")
    if len(parts) < 2:
        return False
    if parts[0] == "dev":
        return len(parts) > 2 and parts[1] not in name_kinds.DEVICE_FOLDERS
    return parts[0] not in name_kinds.SYSTEM_FOLDERS or parts[:2] == ["run", "media"]
