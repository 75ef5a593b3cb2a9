# SPDX-License-Identifier: Apache-2.0
"""The check for names, and what hides them, find the same by rules of their own."""

import base64
import gzip
import json
import lzma
import random
import urllib.parse

import pytest

from analysis.sharing import name_check
from formats import private_names

NAMES = {
    "UUID": "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "machine-id": "0123456789abcdef0123456789abcdef",
    "MAC address": "52:54:00:ab:cd:ef",
    "IP address": "192.0.2.17",
    "user and host": "alice@build1",
    "address on the web": "https://git.acme.example/linux.git",
    "parameter of the kernel": "root=/dev/mapper/spr--vg-root",
    "disk": "/dev/disk/by-id/nvme-SAMSUNG_S4EVNX0N",
    "serial number": "SerialNumber: AB12CD34",
    "key": "X.509 cert 'alice module key: 00ff'",
    "make of the machine": "Hardware name: ACME X1",
    "host name": "Hostname set to <spr01>",
    "folder": "/home/alice/linux",
}
PLAIN = (
    *("7.2.22", "kernel/kmap_local/dram", "memmap=64M!256M", "root=/dev/vda1", "12:34:56"),
    *("/lib/modules/6.12.0", "0x1000065", "PATH", "root=HIDDEN", "a1b2", "::", "I/O", "=", "..."),
)


@pytest.mark.parametrize(("kind", "text"), NAMES.items())
def test_a_name_of_each_kind_is_found(kind, text):
    found = list(name_check.find_in_file(f"before {text} behind".encode(), {}))
    assert any(one.startswith(f"{kind}: ") for one in found), found


@pytest.mark.parametrize("text", NAMES.values())
@pytest.mark.parametrize(
    "write",
    [
        lambda text: json.dumps({"reason": f"x {text} y"}).encode(),
        lambda text: "".join(f"\\u{ord(letter):04x}" for letter in f"x {text} y").encode(),
        lambda text: f"x {text} y".encode("utf-16"),
        lambda text: lzma.compress(f"x {text} y".encode()),
        lambda text: gzip.compress(lzma.compress(f"x {text} y".encode())),
        lambda text: b"data:," + urllib.parse.quote(f"x {text} y", safe="").encode(),
        lambda text: b"data:;base64," + base64.b64encode(f"x {text} y ".encode()),
        lambda text: "".join(f"&#{ord(letter)};" for letter in f"x {text} y").encode(),
    ],
    ids=["json", "escaped", "utf-16", "xz", "gz-xz", "percent", "base64", "html"],
)
def test_it_is_found_whatever_it_is_written_in(text, write):
    assert list(name_check.find_in_file(write(text), {}))


def test_an_identity_is_found_whatever_it_says():
    lines = [{"a": 1}, {"identity": {"serial": "n0"}}, {"context": {"host_name": "(none)"}}]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    assert list(name_check.find_in_file(text.encode(), {})) == ["serial: n0"]


def test_known_names_are_found_as_words_only():
    words = {"spr": "host name"}
    assert list(name_check.find_in_text("a SPR-1", words)) == ["host name: spr"]
    assert list(name_check.find_in_text("spread xspr spr1", words)) == []


@pytest.mark.parametrize("seed", range(300))
def test_what_is_hidden_is_not_found_and_what_is_not_hidden_is_found(seed):
    """Names among words, with the signs around them that texts have."""
    chooser = random.Random(seed)
    signs = (" ", "\n", ", ", '"', "'", "(", ")", "[", "]", "; ", "=", ": ", " <", "> ", "|")
    pieces = [
        chooser.choice([*NAMES.values(), *PLAIN]) + chooser.choice(signs)
        for _ in range(chooser.randint(1, 8))
    ]
    text = "".join(pieces)
    hidden = private_names.hide_names(text, {})
    assert list(name_check.find_in_text(hidden, {})) == [], (text, hidden)
    if hidden != text:
        assert list(name_check.find_in_text(text, {})), text
