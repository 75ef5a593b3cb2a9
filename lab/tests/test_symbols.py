# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import pytest

from lab.trace import symbols
from lab.trace.symbols import Window

CHAINS = {
    1: ("body",),
    2: ("body", "address"),
    3: ("slow", "wrmsr"),
    9: ("harness",),
    30: ("slow", "wrmsr"),
}


class FakeModule:
    """Stands for addr2line; test_lab.py runs the real one."""

    def resolve(self, addresses):
        assert addresses <= CHAINS.keys()

    def chain(self, address):
        return CHAINS[address]


def window(**executions) -> Window:
    """_3 is an instruction at 3, which is a WRMSR, _1_3 the same called from 1."""
    places = [(tuple(map(int, name[1:].split("_"))), count) for name, count in executions.items()]
    return Window(Counter({(place[:-1], place[-1]): count for place, count in places}), {3: "0f30"})


RECORD = {"case": "c", "variant": "v", "boot": 1, "ops": 10, "first_window": 1}
WINDOWS = [
    window(_1=99),  # an earlier window, not this record's
    window(_1=20, _9=4),
    window(_1=40, _9=4),
    window(_1=20, _2=10, _1_3=20, _9=4),
    window(_1=40, _2=20, _1_3=40, _9=4),
]


def test_what_runs_once_a_window_cancels():
    path = symbols.path_of(RECORD, {"kernel": WINDOWS, "user": []}, FakeModule())
    assert path["instructions"] == 50
    assert path["empty_instructions"] == 20
    assert ["harness"] not in [function["chain"] for function in path["functions"]]


def test_functions_of_as_many_instructions_come_by_name():
    turned = [Window(Counter(dict(reversed(one.executions.items()))), one.code) for one in WINDOWS]
    for windows in (WINDOWS, turned):
        functions = symbols.path_of(RECORD, {"kernel": windows, "user": []}, FakeModule())[
            "functions"
        ]
        assert [tuple(function["chain"]) for function in functions] == [
            ("body",),
            ("slow", "wrmsr"),
            ("body", "address"),
        ]


def test_writes_are_counted_where_they_are():
    path = symbols.path_of(RECORD, {"kernel": WINDOWS, "user": []}, FakeModule())
    assert path["wrmsr"] == 20
    assert {tuple(f["chain"]): f["wrmsr"] for f in path["functions"]} == {
        ("body",): 0,
        ("body", "address"): 0,
        ("slow", "wrmsr"): 20,
    }


X2APIC_EOI, PKRS = (bytes([0xB9]) + register.to_bytes(4, "little") for register in (0x80B, 0x6E1))
ANY_REGISTER = bytes.fromhex("89f9")  # mov %edi,%ecx


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ({20: PKRS}, 7),
        ({20: PKRS, 25: bytes.fromhex("89f8")}, 7),  # of EAX
        ({16: X2APIC_EOI, 21: PKRS}, 7),
        ({16: PKRS, 21: X2APIC_EOI}, 0),
        ({20: PKRS, 25: ANY_REGISTER}, 0),
        ({20: PKRS, 25: bytes.fromhex("8b0f")}, 0),  # mov (%rdi),%ecx
        ({20: PKRS, 25: bytes.fromhex("31c9")}, 0),  # xor %ecx,%ecx
        ({32: PKRS}, 0),
        ({}, 0),
    ],
)
@pytest.mark.parametrize("write", ["0f30", "3e0f30"])  # wrmsr, ds wrmsr
def test_a_write_of_another_register_is_none_of_pkrs(code, count, write):
    code = {address: one.hex() for address, one in code.items()} | {30: write}
    seen = [Window(Counter({((), 30): times}), code) for times in (0, 0, 7, 14)]
    path = symbols.path_of(RECORD | {"first_window": 0}, {"kernel": seen}, FakeModule())
    assert (path["wrmsr"], path["pkrs_writes"]) == (7, count)


def test_stacks_say_who_had_called_whom():
    path = symbols.path_of(RECORD, {"kernel": WINDOWS, "user": []}, FakeModule())
    stacks = {tuple(at["stack"]): (at["instructions"], at["wrmsr"]) for at in path["stacks"]}
    assert stacks == {
        ("body",): (20, 0),
        ("body", "address"): (10, 0),
        ("body", "slow", "wrmsr"): (20, 20),
    }


@pytest.mark.parametrize(
    "record",
    [{**RECORD, "first_window": 2}, {key: RECORD[key] for key in RECORD if key != "first_window"}],
)
def test_windows_that_were_not_seen_give_nothing(record):
    assert symbols.path_of(record, {"kernel": WINDOWS, "user": WINDOWS}, FakeModule()) is None


def test_a_torn_last_window_is_left_out(tmp_path):
    path = tmp_path / "windows.jsonl"
    path.write_text(
        '{"space": "kernel", "window": 0, "instructions": 3, "wrmsr": 1, "frames": [[0, 5], [1,'
        ' 7]], "pcs": [[5, 2, "90", 0], [6, 1, "0f30", 2]]}\n{"space": "kernel", "window": 1,'
        ' "pcs": [['
    )
    (only,) = symbols.Windows(path)
    assert only == Window(Counter({((), 5): 2, ((5, 7), 6): 1}), {5: "90", 6: "0f30"})


def test_a_record_of_a_program_is_of_its_windows():
    record = {key: value for key, value in RECORD.items() if key != "first_window"} | {
        "first_user_window": 0
    }
    path = symbols.path_of(record, {"kernel": [], "user": WINDOWS[1:]}, FakeModule())
    assert path == symbols.path_of(RECORD, {"kernel": WINDOWS, "user": []}, FakeModule())


def test_windows_of_programs_are_not_the_modules(tmp_path):
    path = tmp_path / "windows.jsonl"
    path.write_text(
        "".join(
            f'{{"space": "{space}", "window": {at}, "instructions": 1, "wrmsr": 0, "frames": [],'
            f' "pcs": [[{address}, 1, "90", 0]]}}\n'
            for space, at, address in (("kernel", 0, 1), ("user", 0, 2), ("kernel", 1, 3))
        )
    )
    found = {
        space: [next(iter(one.executions)) for one in symbols.Windows(path, space)]
        for space in ("kernel", "user")
    }
    assert found == {"kernel": [((), 1), ((), 3)], "user": [((), 2)]}


def test_functions_of_the_kernel_are_known_by_where_they_begin(tmp_path):
    system_map = tmp_path / "System.map"
    system_map.write_text(
        "0000000000000300 T last\n0000000000000100 T first\n0000000000000180 d"
        " data\n0000000000000200 t second\n"
    )
    kernel = symbols.Kernel(system_map)
    assert [kernel.function(address) for address in (0xFF, 0x100, 0x1FF, 0x200, 0x2FF)] == [
        None,
        "first",
        "first",
        "second",
        "second",
    ]
    assert kernel.function(0xFFFFFFFFC0000000) is None  # where modules are


def test_a_kernel_without_symbols_has_no_functions(tmp_path):
    stub = tmp_path / "System.map"
    stub.write_text("ffffffffffffffff B The real System.map is in another package\n")
    for path in (stub, tmp_path / "none"):
        assert symbols.Kernel(path).function(0x100) is None
