from __future__ import annotations

import hashlib
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks import nasbench101
from predictornas.benchmarks.nasbench101 import import_tfrecord, read_tfrecord
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import DataError
from predictornas.spaces.nasbench101 import NASBench101

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "official_file.py")))

BUDGETS = [4, 12, 36, 108]
RUNS = official.random_runs(BUDGETS)
RECORDS = official.records_of(RUNS)
BY_HASH = sorted(range(7), key=lambda cell: official.CELLS[cell][0] or official.hash_of(*official.CELLS[cell][1:]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return official.write(tmp_path / "some.tfrecord", RECORDS)


def by_name(columns: Any) -> dict[str, np.ndarray]:
    return {column.name: values for column, values in columns.items()}


def test_every_number_of_the_file_is_in_its_column(file: Path) -> None:
    _, columns, _ = read_tfrecord(file)
    named = by_name(columns)
    assert len(named) == 4 * (3 * 8 + 1) + 1
    for row, cell in enumerate(BY_HASH):
        assert named["parameters"][row] == 1_000_000 + cell
        for epochs in BUDGETS:
            for run in range(3):
                halfway, final = RUNS[cell, epochs, run]
                for place, split in enumerate(("train", "valid", "test"), start=1):
                    assert named[f"{split}_accuracy_{epochs}_run{run}"][row] == final[place]
                    assert named[f"{split}_halfway_accuracy_{epochs}_run{run}"][row] == halfway[place]
                assert named[f"train_seconds_{epochs}_run{run}"][row] == final[0]
                assert named[f"train_halfway_seconds_{epochs}_run{run}"][row] == halfway[0]
            mean = np.mean([float(RUNS[cell, epochs, run][1, 3]) for run in range(3)])
            assert named[f"test_accuracy_{epochs}_mean"][row] == pytest.approx(mean, abs=1e-12)


def test_genes_are_the_cells_in_the_order_of_their_hashes(file: Path) -> None:
    genes, _, _ = read_tfrecord(file)
    space = NASBench101()
    described = [space.describe(row).replace("/", "") for row in genes]
    assert described == [f"{official.CELLS[cell][1]} {official.CELLS[cell][2]}" for cell in BY_HASH]


def test_the_order_of_the_file_matters_only_for_the_numbers_of_the_runs(file: Path) -> None:
    order = np.random.default_rng(1).permutation(len(RECORDS))
    shuffled = official.write(file.with_name("shuffled.tfrecord"), [RECORDS[index] for index in order])
    genes, columns, _ = read_tfrecord(file)
    other_genes, other_columns, _ = read_tfrecord(shuffled)
    np.testing.assert_array_equal(genes, other_genes)
    ours, theirs = by_name(columns), by_name(other_columns)
    names = [f"valid_accuracy_12_run{run}" for run in range(3)]
    np.testing.assert_array_equal(
        np.sort([ours[name] for name in names], axis=0), np.sort([theirs[name] for name in names], axis=0)
    )
    place = {int(index): at for at, index in enumerate(order)}
    runs_of_first = sorted(range(3), key=lambda run: place[list(RUNS).index((0, 12, run))])
    row = BY_HASH.index(0)
    assert [theirs[name][row] for name in names] == [RUNS[0, 12, run][1, 2] for run in runs_of_first]


def test_the_source_says_what_the_file_is(file: Path) -> None:
    _, _, source = read_tfrecord(file)
    assert source == {
        "file": "some.tfrecord",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "records": 7 * 4 * 3,
        "budgets": BUDGETS,
        "complete": False,
    }


def test_an_imported_file_is_a_benchmark(file: Path, tmp_path: Path) -> None:
    done: list[int] = []
    table = import_tfrecord(file, tmp_path / "table", name="mine", progress=lambda at, of: done.append(at * 100 // of))
    assert (table.name, len(table), done[-1]) == ("mine", 7, 100)
    assert (table.signal, table.evaluation) == ("valid_accuracy_108_run0", "test_accuracy_108_mean")
    assert table.manifest["licence"].startswith("Apache-2.0")
    assert table.values("valid_accuracy_108_run0").dtype == np.float32
    assert table.values("valid_accuracy_108_run0")[BY_HASH.index(3)] == RUNS[3, 108, 0][1, 2]
    assert len(Benchmark.open(tmp_path / "table").space) == 7


def test_a_file_of_one_budget_has_that_as_its_signal(tmp_path: Path) -> None:
    file = official.write(tmp_path / "only36.tfrecord", official.records_of(official.random_runs([36])))
    assert import_tfrecord(file, tmp_path / "table").signal == "valid_accuracy_36_run0"


def with_record(index: int, cell: Any, parameters: int = 1_000_000) -> list[bytes]:
    values = np.full((2, 4), 0.5)
    changed = official.record(cell, 4, official.model_metrics(4, values, parameters).SerializeToString())
    return [*RECORDS[:index], changed, *RECORDS[index + 1 :]]


def whole_cell(cell: Any) -> list[bytes]:
    return [official.record(cell, 4, official.model_metrics(4, np.full((2, 4), 0.5)).SerializeToString())] * 3


FIRST = official.CELLS[0][0]
TEN_EDGES = (None, "0111100 0011110 0000011 0000001 0000001 0000001 0000000".replace(" ", ""),
             "input,maxpool3x3,maxpool3x3,maxpool3x3,maxpool3x3,maxpool3x3,output")  # fmt: skip


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (lambda: [*RECORDS, RECORDS[4]], rf"module {FIRST} has 4 runs of 12 epochs \(records \[3, 4, 5, 84\]\), not 3"),
        (lambda: RECORDS[:4] + RECORDS[5:], rf"module {FIRST} has 2 runs of 12 epochs \(records \[3, 4\]\), not 3"),
        (lambda: RECORDS[:3] + RECORDS[6:], rf"module {FIRST} has 0 runs of 12 epochs"),
        (lambda: with_record(1, (FIRST, *official.CELLS[6][1:])), "records 0 and 1 have .* different cells"),
        (lambda: with_record(1, official.CELLS[0], 7), "records 0 and 1 have .* different numbers of parameters"),
        (lambda: whole_cell(TEN_EDGES), "record 0, module .* breaks the rules"),
        (lambda: whole_cell((None, "0010 0001 0001 0000".replace(" ", ""), official.CELLS[4][2])), "breaks the rules"),
        (lambda: whole_cell(("0" * 32, "0100", "input,output")), "record 0 has the module hash 0{32}, which is not"),
    ],
)
def test_a_file_whose_records_do_not_fit_is_refused(
    tmp_path: Path, records: Callable[[], list[bytes]], reason: str
) -> None:
    file, table = official.write(tmp_path / "odd.tfrecord", records()), tmp_path / "table"
    with pytest.raises(DataError, match=reason):
        import_tfrecord(file, table)
    assert not table.exists()


def test_one_cell_under_two_hashes_is_refused_though_only_a_sample_of_hashes_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nasbench101, "_HASH_SAMPLE", 0)
    twin = ("0" * 32, *official.CELLS[4][1:])
    file = official.write(tmp_path / "twins.tfrecord", whole_cell(official.CELLS[4]) + whole_cell(twin))
    with pytest.raises(DataError, match="same architecture"):
        import_tfrecord(file, tmp_path / "table")
