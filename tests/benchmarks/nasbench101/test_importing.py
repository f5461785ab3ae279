from __future__ import annotations

import base64
import hashlib
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.nasbench101 import importing as nasbench101
from predictornas.benchmarks.nasbench101.importing import import_tfrecord, read_tfrecord
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import DataError
from predictornas.spaces.nasbench101 import NASBench101

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "official_file.py")))

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


IRREGULAR = {
    (cell, epochs, run): np.full((2, 4), (cell + epochs / 1000 + run / 10) / 10)
    for cell, epochs, run in [
        *[(cell, 5, run) for cell in range(4) for run in range(2)],
        *[(0, 7, run) for run in range(4)],
        (1, 7, 0),
        (4, 300, 0),
    ]
}
"""Two runs of five epochs of four cells, four of seven epochs of one of them, and a cell with a budget of its own."""


def test_any_budgets_and_any_number_of_runs_of_each_cell(tmp_path: Path) -> None:
    table = import_tfrecord(official.write(tmp_path / "odd.tfrecord", official.records_of(IRREGULAR)), tmp_path / "odd")
    cells = [cell for cell in BY_HASH if cell <= 4]
    for epochs, most in ((5, 2), (7, 4), (300, 1)):
        for run in range(most):
            expected = [
                IRREGULAR[cell, epochs, run][1, 2] if (cell, epochs, run) in IRREGULAR else np.nan for cell in cells
            ]
            column = f"valid_accuracy_{epochs}_run{run}"
            np.testing.assert_allclose(table.values(column), expected, rtol=1e-6)
            assert table.column(column).nullable
        runs = [[value[1, 3] for key, value in IRREGULAR.items() if key[:2] == (cell, epochs)] for cell in cells]
        means = [np.mean(values) if values else np.nan for values in runs]
        np.testing.assert_allclose(table.values(f"test_accuracy_{epochs}_mean"), means, rtol=1e-6)
    assert "valid_accuracy_5_run2" not in table.columns
    assert (table.signal, table.evaluation) == ("valid_accuracy_5_run0", "test_accuracy_5_mean")
    assert len(table.space) == 4
    assert table.manifest["source"]["budgets"] == [5, 7, 300]


def test_a_run_that_one_cell_lacks_makes_its_columns_nullable_alone(tmp_path: Path) -> None:
    file = official.write(tmp_path / "short.tfrecord", RECORDS[:4] + RECORDS[5:])
    table = import_tfrecord(file, tmp_path / "short")
    nullable = [name for name, column in table.columns.items() if column.nullable]
    assert set(nullable) == {name for name in table.columns if name.endswith("_12_run2")}
    row = BY_HASH.index(0)
    assert np.flatnonzero(np.isnan(table.values("test_accuracy_12_run2"))).tolist() == [row]
    assert table.values("test_accuracy_12_run1")[row] == RUNS[0, 12, 2][1, 3]  # the second that is there
    assert table.values("test_accuracy_12_mean")[row] == pytest.approx(
        (RUNS[0, 12, 0][1, 3] + RUNS[0, 12, 2][1, 3]) / 2
    )
    assert (table.signal, table.evaluation) == ("valid_accuracy_108_run0", "test_accuracy_108_mean")


def test_absurdly_many_runs_are_refused(tmp_path: Path) -> None:
    file = official.write(tmp_path / "many.tfrecord", RECORDS[:1] * 1001)
    with pytest.raises(DataError, match="1 budgets with up to 1001 runs of a cell"):
        import_tfrecord(file, tmp_path / "table")


def test_base64_in_lines_and_more_fields_are_read_like_any_other(tmp_path: Path) -> None:
    def rewritten(record: bytes, index: int) -> bytes:
        fields = json.loads(record)
        metrics = official.ModelMetrics.FromString(base64.b64decode(fields[4]))
        metrics.unknown_number = index
        for evaluation in metrics.evaluation_data:
            evaluation.checkpoint_path, evaluation.unknown = "gs://" + "x" * index, b"\xff" * index
        metrics.evaluation_data.add(current_epoch=0.0)  # behind the three that count
        fields[4] = base64.encodebytes(metrics.SerializeToString()).decode()
        return json.dumps(fields).encode()

    plain = official.write(tmp_path / "plain.tfrecord", RECORDS)
    wrapped = official.write(
        tmp_path / "w.tfrecord", [rewritten(record, index) for index, record in enumerate(RECORDS)]
    )
    genes, columns, _ = read_tfrecord(plain)
    other_genes, other_columns, _ = read_tfrecord(wrapped)
    np.testing.assert_array_equal(other_genes, genes)
    assert list(other_columns) == list(columns)
    for column, values in columns.items():
        np.testing.assert_array_equal(other_columns[column], values)


GENUINE = (
    "Ci0JAAAAAAAAAAARAAAAAAAAAAAZAAAAoKqquT8hAAAAYJAGuT8pAAAAAGmQuT8KLQkAAAAAAAAAQBEAAADAdJNGQBkAAABgkAa6PyEAAAAg3/K6PykA"
    "AACAy7e6PwotCQAAAAAAABBAEQAAACDbeVZAGQAAAEAaZNY/IQAAAGBVVdY/KQAAAODybdY/EIqYigQZAABAhznbeUA="
)
"""A message of the published file: one training of four epochs of its first cell."""


def test_a_genuine_message_of_the_published_file(tmp_path: Path) -> None:
    hash_, adjacency, operations = official.CELLS[0]
    record = json.dumps([hash_, 4, adjacency, operations, GENUINE]).encode()
    _, columns, _ = read_tfrecord(official.write(tmp_path / "one.tfrecord", [record]))
    expected = {
        "parameters": 8_555_530,
        "train_seconds_4_run0": 89.90399932861328,
        "train_accuracy_4_run0": 0.3498597741127014,
        "valid_accuracy_4_run0": 0.3489583432674408,
        "test_accuracy_4_run0": 0.3504607379436493,
        "test_accuracy_4_mean": 0.3504607379436493,
    }
    found = by_name(columns)
    assert {name: found[name][0] for name in expected} == expected
    assert found["train_halfway_seconds_4_run0"][0] == pytest.approx(45.15, abs=0.005)
    assert official.ModelMetrics.FromString(base64.b64decode(GENUINE)).total_time == 413.7015450000763


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
