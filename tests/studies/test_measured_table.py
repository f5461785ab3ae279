from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.journal import read_records
from predictornas.live.counting import count_parameters
from predictornas.live.side_by_side import train_side_by_side
from predictornas.live.trainable_network import NetworkShape, build_network
from predictornas.oracles.tabular import TabularOracle
from predictornas.seeding import rng_for
from predictornas.spaces.registry import get_space
from predictornas.studies import measured_table
from predictornas.studies.measured_table import (
    TABLES,
    TableRecipe,
    architectures,
    build_table,
    get_table_recipe,
    task_images,
    training_recipe,
)
from predictornas.studies.tasks import Execution

TINY = TableRecipe(
    name="tiny",
    most_vertices=3,
    canvas=8,
    images=(40, 20, 20),
    difficulty=(0, 0, 8, 192),
    channels=2,
    stacks=1,
    batch_size=20,
    budgets=(1, 2),
    seeds=(0, 3),
)
"""Seven cells of at most one operation or input to output; two trainings of two epochs each."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Benchmark]:
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured_table, "CELLS_A_JOURNAL", 3)
        table = build_table(TINY, folder)
    assert table is not None
    return folder, table


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [
        record for path in sorted((folder / "journals").iterdir()) for record in read_records(path) if "key" in record
    ]


def without_seconds(folder: Path) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name != "seconds"} for record in records_of(folder)]


@pytest.mark.slow
def test_the_cells_are_those_with_few_vertices() -> None:
    cells = architectures(TINY)
    # input to output; one of three operations between, with the edge past it or without
    assert len(cells) == 7
    graphs = get_space("nasbench101").graphs(cells)
    assert (graphs.operations >= 0).sum(axis=1).tolist().count(2) == 1
    assert len(architectures(replace(TINY, most_vertices=4))) == 91
    assert len(architectures(TableRecipe())) == 2532
    # input to output; three operations between, with the edge past them or without
    assert len(architectures(replace(TINY, most_edges=2))) == 4


@pytest.mark.slow
def test_more_of_the_same_draw_continue_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_table, "CELLS_A_JOURNAL", 3)
    trained: list[tuple[int, ...]] = []

    def instead(recipe: TableRecipe, row: np.ndarray, images: Any) -> dict[str, Any]:
        trained.append(tuple(row.tolist()))
        return {"valid": [[0.5, 0.5]] * 2, "test": [[0.5, 0.5]] * 2, "seconds": [[1.0, 2.0]] * 2, "parameters": 9}

    monkeypatch.setattr(measured_table, "_trained", instead)
    four, six = replace(TINY, cells=4), replace(TINY, cells=6)
    np.testing.assert_array_equal(architectures(four), architectures(six)[:4])
    assert len({*map(tuple, architectures(six).tolist())} & {*map(tuple, architectures(TINY).tolist())}) == 6
    for recipe, total in ((four, 4), (six, 6)):
        table = build_table(recipe, tmp_path)
        assert table is not None
        assert len(table) == len(trained) == len(set(trained)) == total
        assert table.manifest["source"]["recipe"]["cells"] == total
    with pytest.raises(ConfigurationError, match="belongs to a table of another recipe"):
        build_table(TINY, tmp_path)  # all of them, in another order


@pytest.mark.slow
def test_the_table_opens_with_its_columns(built: tuple[Path, Benchmark]) -> None:
    folder, table = built
    opened = Benchmark.open(folder / "tiny")
    opened.verify()
    assert (opened.name, opened.space.name, len(opened)) == ("tiny", table.space.name, 7)
    np.testing.assert_array_equal(opened.genes, architectures(TINY))
    expected = {
        f"{split}_accuracy_{epochs}_{run}"
        for split in ("valid", "test")
        for epochs in (1, 2)
        for run in ("run0", "run1", "rest", "mean")
    }
    assert set(opened.columns) == expected | {"train_seconds_1", "train_seconds_2", "parameters"}
    assert (opened.signal, opened.evaluation) == ("valid_accuracy_2_run0", "test_accuracy_2_rest")
    source = opened.manifest["source"]
    assert source["recipe"]["budgets"] == [1, 2]
    assert source["images_sha256"] == task_images(TINY).digest
    assert "versions" in source["made_with"]


@pytest.mark.slow
def test_values_are_those_of_the_trainings(built: tuple[Path, Benchmark]) -> None:
    _, table = built
    space, images = get_space("nasbench101"), task_images(TINY)
    shape = NetworkShape(2, 1, 10, in_channels=1, stacks=1)
    cell = architectures(TINY)[4]
    curves = train_side_by_side(space, cell, shape, training_recipe(TINY), images, (0, 3), evaluate_at=(1, 2))
    for epochs in (1, 2):
        accuracies = [float(curve.test_accuracy[epochs - 1]) for curve in curves]
        found = {run: table.values(f"test_accuracy_{epochs}_{run}")[4] for run in ("run0", "run1", "rest", "mean")}
        expected = {"run0": accuracies[0], "run1": accuracies[1], "rest": accuracies[1], "mean": np.mean(accuracies)}
        assert found == pytest.approx(expected, abs=1e-6)
        valid = [float(curve.validation_accuracy[epochs - 1]) for curve in curves]
        assert table.values(f"valid_accuracy_{epochs}_run1")[4] == pytest.approx(valid[1], abs=1e-6)
    network = build_network(space, cell, shape, generator=rng_of_torch())
    assert table.values("parameters")[4] == count_parameters(network)
    one, two = (table.values(f"train_seconds_{epochs}") for epochs in (1, 2))
    assert (one > 0).all()
    assert (one < two).all()


def rng_of_torch() -> Any:
    import torch

    return torch.Generator().manual_seed(0)


def test_budgets_are_levels_of_one_learning_curve(built: tuple[Path, Benchmark]) -> None:
    oracle = TabularOracle(built[1])
    assert oracle.levels == (1, 2)
    assert oracle.resumes
    answers = oracle.evaluate(architectures(TINY)[:3], 1, rng_for(0, 0, "oracle"))
    np.testing.assert_allclose(answers.value, built[1].values("valid_accuracy_1_run0")[:3])
    assert answers.cost_epochs.tolist() == [1, 1, 1]
    assert np.isfinite(answers.cost_seconds).all()


def test_no_original_is_in_two_parts() -> None:
    images = task_images(TINY)
    parts = [images.train, images.validation, images.test]
    assert [len(part) for part in parts][1:] == [20, 20]
    assert 38 <= len(images.train) <= 40
    originals = [set(part.sources.tolist()) for part in parts if part.sources is not None]
    assert len(originals) == 3
    assert len(set.union(*originals)) == sum(map(len, originals))


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [0, 1, 4, 6])
def test_a_killed_build_goes_on(
    built: tuple[Path, Benchmark], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    monkeypatch.setattr(measured_table, "CELLS_A_JOURNAL", 3)
    train, trained = measured_table._trained, []

    def killed(recipe: TableRecipe, row: np.ndarray, images: Any) -> dict[str, Any]:
        if len(trained) == killed_at:
            raise KeyboardInterrupt
        trained.append(tuple(row.tolist()))
        return train(recipe, row, images)

    with monkeypatch.context() as patch:
        patch.setattr(measured_table, "_trained", killed)
        with pytest.raises(KeyboardInterrupt):
            build_table(TINY, tmp_path)
    last = sorted((tmp_path / "journals").iterdir())[-1]
    last.write_bytes(last.read_bytes() + b'{"key":12')  # killed in the middle of a line
    told: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(measured_table, "_trained", lambda *a: trained.append(tuple(a[1].tolist())) or train(*a))
        table = build_table(
            TINY, tmp_path, execution=Execution(started=lambda total: told.append(-total) or told.append)
        )
    assert table is not None
    assert len(set(trained)) == len(trained) == 7
    assert (told[0], sum(told[1:])) == (-7, 7)
    assert without_seconds(tmp_path) == without_seconds(built[0])


def test_a_finished_build_trains_nothing_and_writes_the_same(
    built: tuple[Path, Benchmark], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, table = built
    before = records_of(folder)
    monkeypatch.setattr(measured_table, "CELLS_A_JOURNAL", 3)
    monkeypatch.setattr(measured_table, "_trained", None)
    again = build_table(TINY, folder)
    assert again is not None
    assert again.manifest["files"] == table.manifest["files"]
    assert records_of(folder) == before


def test_as_many_as_are_wanted_in_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_table, "CELLS_A_JOURNAL", 3)
    trained: list[int] = []

    def instead(*_: object) -> dict[str, Any]:
        trained.append(1)
        return {"valid": [[0.5, 0.5]] * 2, "test": [[0.5, 0.5]] * 2, "seconds": [[1.0, 2.0]] * 2, "parameters": 9}

    monkeypatch.setattr(measured_table, "_trained", instead)
    for at_most, total in ((0, 0), (1, 1), (4, 5), (9, 7)):
        table = build_table(TINY, tmp_path, at_most=at_most)
        assert len(trained) == total
        assert (table is None) == (total < 7)
        assert (tmp_path / "tiny").exists() == (total == 7)
    with pytest.raises(ConfigurationError, match="not -5"):
        build_table(TINY, tmp_path, at_most=-5)


@pytest.mark.slow
def test_another_recipe_is_refused(built: tuple[Path, Benchmark], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_table, "CELLS_A_JOURNAL", 3)
    for other in (replace(TINY, learning_rate=0.2), replace(TINY, seeds=(0, 1)), replace(TINY, budgets=(1, 2, 3))):
        with pytest.raises(ConfigurationError, match="belongs to a table of another recipe"):
            build_table(other, built[0])


def test_a_training_that_failed_keeps_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured_table._trained(
        replace(TINY, learning_rate=1e38, budgets=(1, 2)), architectures(TINY)[4], task_images(TINY)
    )
    assert found["valid"] == found["test"] == [[0.0, 0.0]] * 2
    assert all(0 < one <= two for one, two in found["seconds"])


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_comes_along_was_made_by_the_recipe_of_its_name(name: str) -> None:
    made = open_benchmark(name).manifest["source"]["recipe"]
    recipe = {name: tuple(v) if isinstance(v, list) else v for name, v in made.items() if name != "kind"}
    assert TableRecipe(**recipe) == get_table_recipe(name)


def test_tables_by_name() -> None:
    assert get_table_recipe("nasbench101-digits") == TableRecipe()
    assert all(recipe.name == name for name, recipe in TABLES.items())
    with pytest.raises(UnknownNameError, match="Did you mean 'nasbench101-digits'"):
        get_table_recipe("nasbench101-digit")


def test_the_recipe_of_the_networks_is_that_of_the_table() -> None:
    recipe = training_recipe(replace(TINY, learning_rate=0.3, decay=0.5, weight_decay=0.01))
    recipe.check()
    assert (recipe.epochs, recipe.batch_size, recipe.weight_decay) == (2, 20, 0.01)
    # falls at every batch to half in an epoch
    assert [recipe.rate(0, 0, 2), recipe.rate(0, 1, 2), recipe.rate(1, 0, 2)] == pytest.approx(
        [0.3, 0.3 / 2**0.5, 0.15]
    )
