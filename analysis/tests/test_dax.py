# SPDX-License-Identifier: Apache-2.0
import pytest

from analysis import report
from analysis.tests.conftest import HEADER, record

CASE = "dax/ext4_cache/psync/randwrite/64k/jobs1/direct/throughput"
KERNEL = HEADER["variants"]["stock"]


def dax_record(variant: str, cost: float | None, boot: int = 1, **changes) -> dict:
    return record(CASE, boot, cost, variant=variant, exact=False, empty=None, samples=[], empty_samples=[]) | changes


@pytest.fixture
def lines(write_campaign):
    """Writes a campaign of two variants and gives the lines of its report."""

    def write(*records: dict) -> list[str]:
        folder = write_campaign(list(records), header={"variants": {"off": KERNEL, "protected": KERNEL}})
        text = report.write(folder)
        assert "fio on persistent memory (emulated)" in (folder / "report" / "index.html").read_text()
        return text.splitlines()

    return write


def test_variants_stand_below_their_case_with_how_far_boots_differ(lines):
    said = lines(dax_record("off", 1000.0, 1), dax_record("off", 1002.0, 2), dax_record("protected", 2100000.0))
    at = said.index("    psync/randwrite/64k/jobs1/direct/throughput")
    assert said[at - 1] == "  dax/ext4_cache/"
    assert said[at + 1].split() == ["off", "1001.0", "0.20", "%", "in", "2", "boots"]
    assert said[at + 2].split() == ["protected", "2100000.0", "1", "boot"]
    assert max(map(len, said)) <= 72


def test_what_protection_adds_is_a_verdict_like_any_other(lines):
    records = [dax_record("off", 1000.0 + boot / 8, boot) for boot in range(1, 7)]
    said = "\n".join(lines(*records, *(dax_record("protected", 1100.0 + boot / 8, boot) for boot in range(1, 7))))
    assert "protected against off" in said and "    slower: 1000.44 -> 1100.44  x1.1000" in said


def test_a_case_without_a_figure_is_there_and_the_notes_say_why(lines):
    said = lines(dax_record("off", None, status="flagged", reason="fio met error 5"), dax_record("protected", 5.0))
    assert "      off                            -" in said
    assert any("flagged: fio met error 5" in line for line in said)
