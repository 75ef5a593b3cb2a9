# SPDX-License-Identifier: Apache-2.0
import jsonschema
import pytest

from analysis.compare import engine, inputs
from analysis.data.json_files import read_lines
from analysis.data.load import load
from analysis.studies import scale
from formats import schema as schemas

pytestmark = pytest.mark.program


def test_a_simulated_campaign_is_one_that_kmapbench_could_have_made(tmp_path):
    scale.campaign(tmp_path / "c", boots=16, cases=3, samples=20)
    schema = schemas.load("record")
    lines = [
        line for path in (tmp_path / "c").rglob("micro.jsonl") for _, line in read_lines(path, [])
    ]
    for line in lines:
        jsonschema.validate(line, schema)
    records = load(tmp_path / "c").records
    assert len(records) == len(lines) == 48 and {one.samples.shape for one in records} == {(20, 2)}
    (group,) = engine.compare(inputs.pair_sources([str(tmp_path / "c")], None)[0])
    assert [(row.n_old, row.n_new) for row in group.rows] == [(8, 8)] * 3
    assert all(row.ratio == pytest.approx(1, abs=0.02) for row in group.rows)


def test_a_simulated_file_of_google_benchmark_is_read(tmp_path):
    for seed in (1, 2):
        scale.google_benchmark(tmp_path / f"{seed}.json", benchmarks=3, repetitions=4, seed=seed)
    (group,) = engine.compare(
        inputs.pair_sources([str(tmp_path / "1.json"), str(tmp_path / "2.json")], None)[0]
    )
    assert [(row.case, row.n_old, row.n_new) for row in group.rows] == [
        (f"BM_case/{case}", 4, 4) for case in range(3)
    ]
