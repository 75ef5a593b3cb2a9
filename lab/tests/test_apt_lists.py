# SPDX-License-Identifier: Apache-2.0
"""apt is asked the same with an index of ours as without."""

import pytest

from lab.core import requirements, subprocesses
from lab.core.errors import CommandFailed
from lab.kernels import apt_lists

pytestmark = pytest.mark.skipif(not requirements.has_apt(), reason="there is no apt")

QUESTIONS = [
    ("pkgnames", "linux-image-"),
    ("policy", "libc6", "bash"),
    ("depends", "--important", "bash"),
]


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache folder, on a machine whose apt keeps no index."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(apt_lists, "INDEX", tmp_path / "none" / "pkgcache.bin")
    return tmp_path / "cache"


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_apts_own(cache, question):
    own = subprocesses.output(["apt-cache", *question])
    assert apt_lists.ask(*question) == own  # makes the index
    assert apt_lists.ask(*question) == own  # reads it


def test_an_index_is_made_once(cache):
    apt_lists.ask("policy", "libc6")
    (index,) = (cache / "apt").iterdir()
    made = index.stat()
    apt_lists.ask("policy", "bash")
    now = index.stat()
    assert (now.st_ino, now.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


def test_where_apt_keeps_one_there_is_no_second(cache, monkeypatch, tmp_path):
    monkeypatch.setattr(apt_lists, "INDEX", tmp_path / "pkgcache.bin")
    (tmp_path / "pkgcache.bin").touch()
    apt_lists.ask("policy", "libc6")
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_done_without(cache, monkeypatch):
    monkeypatch.setenv("KMAPBENCH_CACHE", "/proc/nowhere")
    own = subprocesses.output(["apt-cache", "policy", "libc6"])
    assert apt_lists.ask("policy", "libc6") == own


def test_what_it_does_not_know_is_an_error(cache):
    with pytest.raises(CommandFailed):
        apt_lists.ask("depends", "no-such-package-of-any-suite")
