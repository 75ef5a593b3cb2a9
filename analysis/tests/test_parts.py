# SPDX-License-Identifier: Apache-2.0
import pytest

from analysis.data.load import CountedPath
from analysis.summary.cost_parts import part_of, per_operation


@pytest.mark.parametrize(
    ("chain", "part"),
    [
        (["kb_body_published", "kb_published_kmap_local", "kb_model_page_address"], "address"),
        # the innermost that is named: page_zonenum is not, what it was inlined into is
        (
            [
                "kb_body_published",
                "kb_published_kmap_local",
                "kb_published_is_protected",
                "is_zone_device_page",
                "page_zonenum",
            ],
            "checks",
        ),
        (["kb_published_update_protection", "__preempt_count_add"], "bookkeeping"),
        (
            [
                "kb_published_update_protection",
                "kb_published_write_pkrs",
                "kb_write_pkrs",
                "__wrmsr",
            ],
            "bookkeeping",  # its operands; the write itself is counted apart
        ),
        (["kb_body_wrpkrs_toggle"], "wrpkrs"),
        (["kb_body_empty"], None),
    ],
)
def test_an_instruction_belongs_to_its_innermost_named_function(chain, part):
    assert part_of(chain) == part


def test_a_write_is_the_registers_part_whoever_does_it():
    functions = [
        {"chain": ["kb_body_kernel"], "instructions": 30, "wrmsr": 0},
        {"chain": ["pks_open_pgmap"], "instructions": 100, "wrmsr": 10},
    ]
    parts = per_operation(
        CountedPath(
            "kernel/x",
            "protected",
            1,
            ops=10,
            instructions=130,
            empty_instructions=20,
            wrmsr=10,
            pkrs_writes=10,
            functions=functions,
        )
    )
    assert {part: count for part, count in parts.items() if count} == {
        "bookkeeping": 9,
        "wrpkrs": 1,
        "other": 1,
    }
