# SPDX-License-Identifier: Apache-2.0
from lab.core.event_stream import Parser


def test_lines_may_come_in_any_pieces():
    data = b'{"event": "begin", "step": "a"}\n{"case": "empty", "cost": 0}\n'
    for size in (1, 7, len(data)):
        parser = Parser()
        lines = [
            line
            for start in range(0, len(data), size)
            for line in parser.feed(data[start : start + size])
        ]
        assert [line.event for line in lines] == [{"event": "begin", "step": "a"}, None]
        assert lines[1].record == {"case": "empty", "cost": 0}


def test_a_torn_last_line_is_no_record():
    parser = Parser()
    assert parser.feed(b'{"case": "empty", "cost"') == []
    assert parser.rest == b'{"case": "empty", "cost"'


def test_what_is_not_ours_is_kept_apart():
    parser = Parser()
    assert parser.feed(b'garbage\n[1]\n{"other": 1}\n\xff\xfe\n') == []
    assert len(parser.broken) == 4
