from __future__ import annotations

import os
import random
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.importing import import_table
from predictornas.benchmarks.nasbench101.importing import import_tfrecord
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.compat import nasbench as api
from predictornas.errors import ConfigurationError, DataError, PredictorNASError, UnknownNameError
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.registry import get_space
from tests.compat.straightforward import Cell, Lookup

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "official_file.py")))

RUNS = official.random_runs([4, 108])
NAMES = ["training_time", "train_accuracy", "validation_accuracy", "test_accuracy"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    return official.write(tmp_path / "small.tfrecord", official.records_of(RUNS))


@pytest.fixture
def dataset(file: Path) -> api.NASBench:
    return api.NASBench(str(file), seed=3)


def spec_of(cell: int) -> api.ModelSpec:
    _, adjacency, operations = official.CELLS[cell]
    names = operations.split(",")
    return api.ModelSpec(np.reshape([int(bit) for bit in adjacency], (len(names), len(names))), names)


def hash_of(cell: int) -> str:
    return str(official.hash_of(*official.CELLS[cell][1:]))


def values_of(cell: int, epochs: int, run: int, point: int) -> dict[str, float]:
    return dict(zip(NAMES, RUNS[cell, epochs, run][point].astype(float).tolist(), strict=True))


def test_a_query_gives_one_of_the_three_runs_in_the_original_form(dataset: api.NASBench) -> None:
    data = dataset.query(spec_of(0))
    fixed = {"module_adjacency", "module_operations", "trainable_parameters"}
    assert data.keys() == {*fixed, *NAMES}
    np.testing.assert_array_equal(data["module_adjacency"], spec_of(0).matrix)
    assert data["module_operations"] == official.CELLS[0][2].split(",")
    assert data["trainable_parameters"] == 1_000_000
    assert {name: data[name] for name in NAMES} in [values_of(0, 108, run, 1) for run in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize("stop_halfway", [False, True])
def test_runs_are_drawn_as_the_original_draws_them(dataset: api.NASBench, stop_halfway: bool) -> None:
    generator = random.Random(3)  # the original seeds Python's generator and draws randint(0, 2)
    for _ in range(20):
        data = dataset.query(spec_of(5), epochs=4, stop_halfway=stop_halfway)
        expected = values_of(5, 4, generator.randint(0, 2), 0 if stop_halfway else 1)
        assert {name: data[name] for name in NAMES} == expected


def test_queries_answer_as_the_straightforward_look_up_does(dataset: api.NASBench) -> None:
    lookup = Lookup(seed=3)
    for cell, (_, adjacency, operations) in enumerate(official.CELLS):
        digest = official.hash_of(adjacency, operations)
        lookup.fixed[digest] = {"trainable_parameters": 1_000_000 + cell}
        runs = [values_of(cell, 108, run, 1) for run in range(3)]
        lookup.runs[digest] = {108: [{f"final_{name}": value for name, value in run.items()} for run in runs]}
    for cell in 3 * list(range(len(official.CELLS))):
        spec = spec_of(cell)
        expected = lookup.query(Cell(spec.original_matrix, spec.original_ops), 108)
        found = dataset.query(spec)
        assert {name: found[name] for name in expected} == expected
    assert dataset.get_budget_counters() == (pytest.approx(lookup.seconds), 21 * 108)


def test_queries_cost_time_and_epochs(dataset: api.NASBench) -> None:
    assert dataset.get_budget_counters() == (0.0, 0)
    spent = dataset.query(spec_of(0))["training_time"]
    spent += dataset.query(spec_of(1), epochs=4, stop_halfway=True)["training_time"]
    assert dataset.get_budget_counters() == (pytest.approx(spent), 108 + 2)
    assert (dataset.training_time_spent, dataset.total_epochs_spent) == dataset.get_budget_counters()
    dataset.is_valid(spec_of(0))
    dataset.get_metrics_from_spec(spec_of(0))
    assert dataset.get_budget_counters()[1] == 110
    dataset.reset_budget_counters()
    assert dataset.get_budget_counters() == (0.0, 0)


def test_all_that_was_measured_of_a_cell(dataset: api.NASBench) -> None:
    fixed, computed = dataset.get_metrics_from_spec(spec_of(6))
    assert fixed.keys() == {"module_adjacency", "module_operations", "trainable_parameters"}
    assert fixed["trainable_parameters"] == 1_000_006
    assert computed.keys() == {4, 108}
    for epochs, runs in computed.items():
        assert len(runs) == 3
        for run, metrics in enumerate(runs):
            expected = {f"halfway_{name}": value for name, value in values_of(6, epochs, run, 0).items()}
            expected |= {f"final_{name}": value for name, value in values_of(6, epochs, run, 1).items()}
            assert metrics == expected


def test_isomorphic_and_unpruned_cells_are_the_same(dataset: api.NASBench) -> None:
    # vertices 1 and 2 of cell 4 swapped, and a vertex added that leads nowhere
    matrix = [[0, 1, 1, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    twin = api.ModelSpec(matrix, ["input", "maxpool3x3", "maxpool3x3", "conv3x3-bn-relu", "output"])
    assert twin.hash_spec(dataset.config["available_ops"]) == hash_of(4)
    assert dataset.get_metrics_from_spec(twin)[1] == dataset.get_metrics_from_spec(spec_of(4))[1]


@pytest.mark.slow
def test_hashes_lead_to_the_same_metrics(dataset: api.NASBench) -> None:
    hashes = dataset.hash_iterator()
    assert set(hashes) == {hash_of(cell) for cell in range(7)}
    assert len(hashes) == 7
    for cell in range(7):
        fixed, computed = dataset.get_metrics_from_hash(hash_of(cell))
        assert fixed["trainable_parameters"] == 1_000_000 + cell
        assert computed == dataset.get_metrics_from_spec(spec_of(cell))[1]
        assert dataset.computed_statistics[hash_of(cell)] == computed
        assert dataset.fixed_statistics[hash_of(cell)]["module_operations"] == fixed["module_operations"]
    assert len(dataset.fixed_statistics) == 7
    assert list(dataset.computed_statistics) == list(hashes)


def test_an_unknown_hash_is_a_key_error_as_in_the_original(dataset: api.NASBench) -> None:
    with pytest.raises(KeyError) as raised:
        dataset.get_metrics_from_hash("0" * 32)
    assert isinstance(raised.value, PredictorNASError)
    assert str(raised.value).startswith("No cell of 'nasbench101' has the module hash")


def test_a_cell_that_a_small_table_lacks_is_named(dataset: api.NASBench) -> None:
    spec = api.ModelSpec([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv3x3-bn-relu", "output"])
    assert dataset.is_valid(spec)
    with pytest.raises(api.UnknownModuleError, match="holds 7 cells, not 010/001/000 input,conv3x3-bn-relu,output"):
        dataset.query(spec)


def chain(vertices: int, middle: str = "maxpool3x3", first: str = "input", last: str = "output") -> api.ModelSpec:
    return api.ModelSpec(np.eye(vertices, k=1, dtype=int), [first, *[middle] * (vertices - 2), last])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (api.ModelSpec([[0, 0], [0, 0]], ["input", "output"]), "not connected"),
        (chain(8), "Too many vertices: 8"),
        (api.ModelSpec(np.triu(np.ones((5, 5), int), 1), ["input", *["maxpool3x3"] * 3, "output"]), "edges: 10"),
        (chain(3, first="output"), "'input'"),
        (chain(3, last="input"), "'output'"),
        (chain(3, middle="conv5x5"), "Unsupported operation 'conv5x5'"),
    ],
)
def test_what_is_outside_the_space(dataset: api.NASBench, spec: api.ModelSpec, reason: str) -> None:
    assert not dataset.is_valid(spec)
    for method in (dataset.query, dataset.get_metrics_from_spec):
        with pytest.raises(api.OutOfDomainError, match=reason) as raised:
            method(spec)
        assert isinstance(raised.value, PredictorNASError)
    assert dataset.get_budget_counters() == (0.0, 0)


def test_nine_edges_and_seven_vertices_are_inside(dataset: api.NASBench) -> None:
    matrix = np.triu(np.ones((5, 5), int), 1)
    matrix[0, 4] = 0
    assert dataset.is_valid(api.ModelSpec(matrix, ["input", *["maxpool3x3"] * 3, "output"]))
    assert dataset.is_valid(chain(7))


def test_a_budget_that_was_not_trained(dataset: api.NASBench) -> None:
    assert dataset.valid_epochs == {4, 108}
    with pytest.raises(api.OutOfDomainError, match="no training of 36 epochs"):
        dataset.query(spec_of(0), epochs=36)


def test_the_configuration_is_the_original_one(dataset: api.NASBench) -> None:
    assert dataset.config == {
        "module_vertices": 7,
        "max_edges": 9,
        "num_repeats": 3,
        "available_ops": ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"],
    }


def test_a_file_is_imported_once_until_it_changes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imports: list[Path] = []

    def counted(path: Path, folder: Path) -> Benchmark:
        imports.append(path)
        return import_tfrecord(path, folder)

    monkeypatch.setattr(api, "import_tfrecord", counted)
    for _ in range(2):
        assert api.NASBench(file).valid_epochs == {4, 108}
    assert len(imports) == 1
    official.write(file, official.records_of(official.random_runs([4])))
    os.utime(file, ns=(1, 1))
    assert api.NASBench(file).valid_epochs == {4}
    assert len(imports) == 2


def test_what_a_killed_import_left_in_the_cache_goes_with_the_next(file: Path, tmp_path: Path) -> None:
    left = tmp_path / "cache" / "nasbench-files" / ".x.predictornas-partial"
    left.mkdir(parents=True)
    api.NASBench(file)
    assert [path.name.startswith(".") for path in left.parent.iterdir()] == [False]


def test_a_folder_or_a_name_can_be_opened(file: Path, store: Path, tmp_path: Path) -> None:
    import_table("mine", file)
    for dataset in (api.NASBench("mine"), api.NASBench(store / "mine")):
        assert dataset.get_metrics_from_spec(spec_of(2))[1][4][0]["final_test_accuracy"] == RUNS[2, 4, 0][1, 3]


@pytest.mark.usefixtures("store")
def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Could not read .*missing\.tfrecord"):
        api.NASBench(tmp_path / "missing.tfrecord")
    with pytest.raises(UnknownNameError, match="Did you mean 'nasbench101'"):
        api.NASBench("nasbench11")


def small_table(folder: Path, space_name: str, columns: Any) -> Benchmark:
    space = get_space(space_name)
    if space_name == "nasbench101":
        genes = np.array([[*[0] * 15, 1, 0, 0, 0, 0, 0, *[3] * 5]], np.int8)  # input -> output
    else:
        genes = np.zeros((1, 6), np.int8)
    return write_benchmark(
        folder, name="small", space=space, genes=genes, columns=columns, signal="test_accuracy_108_run0",
        evaluation=None, source={}, licence="none",
    )  # fmt: skip


def test_what_a_table_lacks_is_none(tmp_path: Path) -> None:
    accuracy = Column.named(metric="accuracy", split="test", epochs=108, run="0")
    small_table(tmp_path / "small", "nasbench101", {accuracy: np.array([0.5])})
    dataset = api.NASBench(tmp_path / "small")
    assert (dataset.valid_epochs, dataset.config["num_repeats"]) == ({108}, 1)
    data = dataset.query(spec_of(1))
    assert data.pop("module_adjacency").tolist() == [[0, 1], [0, 0]]
    assert data == {
        "module_operations": ["input", "output"],
        "trainable_parameters": None,
        "training_time": None,
        "train_accuracy": None,
        "validation_accuracy": None,
        "test_accuracy": 0.5,
    }
    assert dataset.get_budget_counters() == (0.0, 108)
    (run,) = dataset.get_metrics_from_spec(spec_of(1))[1][108]
    assert {name for name, value in run.items() if value is not None} == {"final_test_accuracy"}
    assert run.keys() == {f"{point}_{name}" for point in ("halfway", "final") for name in NAMES}


def test_what_nobody_measured_halfway_cannot_be_asked(tmp_path: Path) -> None:
    accuracy = Column.named(metric="accuracy", split="test", epochs=108, run="0")
    small_table(tmp_path / "small", "nasbench101", {accuracy: np.array([0.5])})
    dataset = api.NASBench(tmp_path / "small")
    with pytest.raises(DataError, match=r"does not hold what was measured halfway.*ask without stop_halfway"):
        dataset.query(spec_of(1), stop_halfway=True)
    assert dataset.get_budget_counters() == (0.0, 0)


def test_a_missing_value_is_none(tmp_path: Path) -> None:
    accuracy = Column.named(metric="accuracy", split="test", epochs=108, run="0")
    parameters = Column.named(metric="parameters", nullable=True)
    small_table(tmp_path / "small", "nasbench101", {accuracy: np.array([0.5]), parameters: np.array([np.nan])})
    fixed, _ = api.NASBench(tmp_path / "small").get_metrics_from_hash(hash_of(1))
    assert fixed["trainable_parameters"] is None


def test_the_bundled_table_answers() -> None:
    """Three runs of 1, 3 and 9 epochs, times without a run, no accuracy on the training set."""
    dataset = api.NASBench("nasbench101-digits", seed=1)
    assert (dataset.valid_epochs, dataset.config["num_repeats"]) == ({1, 3, 9}, 3)
    data = dataset.query(spec_of(4), epochs=9)
    table = open_benchmark("nasbench101-digits")
    run = random.Random(1).randint(0, 2)
    matrix, operations = np.array([[[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]], np.uint8), [[3, 0, 2, 4]]
    space = NASBench101()
    (row,) = table.rows(space.keys(space.from_matrices(matrix, np.array(operations, np.int8))))
    assert data["test_accuracy"] == table.values(f"test_accuracy_9_run{run}")[row]
    assert data["validation_accuracy"] == table.values(f"valid_accuracy_9_run{run}")[row]
    assert data["training_time"] == table.values("train_seconds_9")[row]
    assert data["train_accuracy"] is None
    assert dataset.get_budget_counters() == (data["training_time"], 9)


def test_a_table_of_another_space_is_refused(tmp_path: Path) -> None:
    accuracy = Column.named(metric="accuracy", split="test", epochs=108, run="0")
    small_table(tmp_path / "small", "nasbench201", {accuracy: np.array([0.9])})
    with pytest.raises(ConfigurationError, match="is a table of nasbench201"):
        api.NASBench(tmp_path / "small")


@pytest.mark.slow
def test_each_cell_has_the_runs_that_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell 0: two runs of 5 epochs, four of 7; cell 1: one run of 5 epochs."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    runs = official.random_runs([5, 7], cells=2)
    runs[0, 7, 3] = runs[0, 7, 0] / 2
    for key in [(0, 5, 2), (1, 5, 1), (1, 5, 2), (1, 7, 0), (1, 7, 1), (1, 7, 2)]:
        del runs[key]
    dataset = api.NASBench(official.write(tmp_path / "odd.tfrecord", official.records_of(runs)), seed=0)
    assert dataset.valid_epochs == {5, 7}
    assert dataset.config["num_repeats"] == 4
    for cell in (0, 1):
        computed = dataset.get_metrics_from_hash(hash_of(cell))[1]
        assert {epochs: [run["final_test_accuracy"] for run in of] for epochs, of in computed.items()} == {
            epochs: [runs[cell, epochs, run][1, 3] for run in range(4) if (cell, epochs, run) in runs]
            for epochs in ((5, 7) if cell == 0 else (5,))
        }
    drawn = {dataset.query(spec_of(0), epochs=7)["test_accuracy"] for _ in range(60)}
    assert drawn == {runs[0, 7, run][1, 3] for run in range(4)}
    with pytest.raises(KeyError, match=r"holds no training of 7 epochs of this cell"):
        dataset.query(spec_of(1), epochs=7)
    assert dataset.query(spec_of(1), epochs=5)["test_accuracy"] == runs[1, 5, 0][1, 3]


def test_files_of_one_name_size_and_time_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    for seed, folder in enumerate((tmp_path / "a", tmp_path / "b")):
        folder.mkdir()
        runs = official.random_runs([4], seed=seed)
        path = official.write(folder / "cells.tfrecord", official.records_of(runs))
        os.utime(path, ns=(1, 1))
        assert (
            api.NASBench(path).get_metrics_from_spec(spec_of(2))[1][4][0]["final_test_accuracy"] == runs[2, 4, 0][1, 3]
        )
