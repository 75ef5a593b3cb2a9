# SPDX-License-Identifier: Apache-2.0
"""The time left, by a clock that the test moves."""

import json

import pytest

from lab.core.time_left import TimeLeft, in_words

SERIAL = frozenset({"preparation", "report"})
STEPS = {"preparation": 1, "off": 2, "protected": 2, "report": 1}


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "durations.json"


def run(times: TimeLeft, clock: Clock, seconds: dict[str, float]) -> list[tuple[float, float]]:
    """A run with two boots at once. Gives at each second (passed, left as it was said)."""
    times.plan(STEPS, SERIAL, 2)
    start, said = clock.now, []
    for together in (("preparation",), ("off", "protected"), ("off", "protected"), ("report",)):
        for kind in together:
            times.begin(kind, kind)
        ends = {kind: clock.now + seconds[kind] for kind in together}
        while ends:
            clock.now += 1
            for kind in [kind for kind, end in ends.items() if end <= clock.now]:
                times.end(kind, kind)
                del ends[kind]
            said.append((clock.now - start, times.left()))
    return said[:-1]  # at the end nothing is left to be said


USUAL = {"preparation": 14, "off": 30, "protected": 34, "report": 12}


def test_nothing_is_said_where_a_step_was_never_measured(file, clock):
    said = run(TimeLeft(file, "micro", clock), clock, USUAL)
    assert len(said) > 90 and {left for _, left in said} == {None}
    other = TimeLeft(file, "dax", clock)
    other.plan(STEPS, SERIAL, 2)
    assert other.left() is None


@pytest.mark.parametrize("pace", [1.0, 1.2])
def test_from_the_second_run_on_it_is_close(file, clock, pace):
    run(TimeLeft(file, "micro", clock), clock, USUAL)
    slower = {kind: seconds * pace for kind, seconds in USUAL.items()}
    said = run(TimeLeft(file, "micro", clock), clock, slower)
    total = said[-1][0] + 1
    for tenth in range(1, 10):
        passed, left = min(said, key=lambda one: abs(one[0] - total * tenth / 10))
        assert left == pytest.approx(total - passed, rel=0.3)


def test_a_step_that_ended_early_teaches_nothing(file, clock):
    run(TimeLeft(file, "micro", clock), clock, USUAL)
    before = file.read_text()
    times = TimeLeft(file, "micro", clock)
    times.begin("off", "boot 1")
    times.end("off", "boot 1", keep=False)
    assert file.read_text() == before and json.loads(before)["micro"]["off"] == 30


@pytest.mark.parametrize("text", ["", "{", "[]", '{"micro": 5}', '{"micro": {"off": "x"}}'])
def test_a_file_that_is_not_ours_says_nothing(file, clock, text):
    file.write_text(text)
    times = TimeLeft(file, "micro", clock)
    times.plan({"off": 1}, SERIAL, 1)
    assert times.left() is None
    times.begin("off")
    clock.now += 5
    times.end("off")
    assert json.loads(file.read_text()) == {"micro": {"off": 5}}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 s"),
        (3.1, "3 s"),
        (12, "10 s"),
        (38, "40 s"),
        (59, "1 min"),
        (78, "1 min 20 s"),
        (294, "4 min 50 s"),
        (296, "5 min"),
        (323, "5 min"),
        (3500, "58 min"),
        (4800, "1 h 20 min"),
    ],
)
def test_it_is_said_in_round_words(seconds, said):
    assert in_words(seconds) == said
