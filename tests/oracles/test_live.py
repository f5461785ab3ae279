from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from predictornas.errors import (
    CheckpointError,
    ConfigurationError,
    InvalidArchitectureError,
    UnknownArchitectureError,
)
from predictornas.journal import read_records
from predictornas.live.trainable_network import NetworkShape
from predictornas.live.training import CHECKPOINT, EPOCH_LOG
from predictornas.oracles import Oracle
from predictornas.oracles.live import LiveOracle
from predictornas.spaces.base import Genes
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.testing.oracles import check_oracle
from tests.live.training_examples import GENES, RECIPE, SHAPE, data

SPACE = NASBench201()


@pytest.fixture
def oracle(tmp_path: Path) -> LiveOracle:
    return LiveOracle(SPACE, data(), SHAPE, RECIPE, tmp_path / "trained", validation=15, seed=7)


def logged(oracle: LiveOracle, row: Genes) -> list[int]:
    folder = oracle.folder / f"{int(oracle.space.keys(row)[0]):016x}"
    return [record["epoch"] for record in read_records(folder / EPOCH_LOG)]


@pytest.mark.slow
def test_it_keeps_the_rules_of_oracles(oracle: LiveOracle, rng: np.random.Generator) -> None:
    assert isinstance(oracle, Oracle)
    assert oracle.resumes
    check_oracle(oracle, SPACE, genes=GENES[:2], rng=rng, budgets=(1, 3, 4))
    assert [logged(oracle, GENES[i : i + 1]) for i in (0, 1)] == [[1, 2, 3, 4]] * 2


@pytest.mark.slow
def test_a_longer_training_continues_the_shorter(oracle: LiveOracle, rng: np.random.Generator) -> None:
    first = oracle.evaluate(GENES, 1, rng)
    assert [logged(oracle, GENES[i : i + 1]) for i in range(3)] == [[1]] * 3
    third = oracle.evaluate(GENES[:1], 3, rng)
    assert logged(oracle, GENES[:1]) == [1, 2, 3]
    assert (third.epochs.tolist(), third.cost_epochs.tolist()) == ([3], [3.0])
    curve = oracle.curve(GENES[0])
    assert third.value[0] == curve.validation_accuracy[2]
    assert third.cost_seconds[0] == curve.seconds[0] + curve.seconds[1] + curve.seconds[2]
    again = oracle.evaluate(GENES, 1, rng)
    np.testing.assert_array_equal(again.value, first.value)
    np.testing.assert_array_equal(again.cost_seconds, first.cost_seconds)
    assert again.cost_seconds[0] == curve.seconds[0]


@pytest.mark.slow
def test_copies_are_trained_once_and_order_is_kept(oracle: LiveOracle, rng: np.random.Generator) -> None:
    values = oracle.evaluate(GENES[[2, 0, 2, 1]], 2, rng).value
    single = [oracle.evaluate(GENES[[row]], 2, rng).value[0] for row in (2, 0, 2, 1)]
    assert values.tolist() == single
    assert logged(oracle, GENES[2:]) == [1, 2]


@pytest.mark.slow
def test_answers_depend_on_the_seed_alone(oracle: LiveOracle, tmp_path: Path, rng: np.random.Generator) -> None:
    expected = oracle.evaluate(GENES[:2], 2, rng)
    elsewhere = replace(oracle, folder=tmp_path / "elsewhere")
    # another state of the generator, another order, another history
    elsewhere.evaluate(GENES[1:2], 1, rng)
    np.testing.assert_array_equal(elsewhere.evaluate(GENES[[1, 0]], 2, rng).value[::-1], expected.value)
    losses = [replace(oracle, folder=tmp_path / str(seed), seed=seed) for seed in (7, 8)]
    for other in losses:
        other.evaluate(GENES[:1], 1, rng)
    first, second = (other.curve(GENES[0]).train_loss[0] for other in losses)
    assert first == oracle.curve(GENES[0]).train_loss[0] != second


@pytest.mark.slow
def test_architectures_have_seeds_of_their_own(oracle: LiveOracle, rng: np.random.Generator) -> None:
    oracle.evaluate(GENES[:2], 1, rng)
    seeds = {oracle._task(int(key), row, 1).what[0].seed for key, row in zip(SPACE.keys(GENES), GENES, strict=True)}
    assert len(seeds) == 3


@pytest.mark.slow
def test_rows_of_one_key_are_one_architecture(tmp_path: Path, rng: np.random.Generator) -> None:
    """Two parallel branches, a 1 x 1 and a 3 x 3 convolution, in either order of the vertices."""
    space = NASBench101()
    rows = np.zeros((2, space.num_genes), np.int8)
    for row, operations in zip(rows, ([0, 1], [1, 0]), strict=True):
        for x, y in ((0, 1), (0, 2), (1, 6), (2, 6)):
            row[x + y * (y - 1) // 2] = 1
        row[21:] = [*operations, 3, 3, 3]
    assert len(set(space.keys(rows).tolist())) == 1
    assert space.valid(rows).all()
    shape = NetworkShape(channels=4, cells=1, classes=3, in_channels=1)
    oracle = LiveOracle(space, data(), shape, RECIPE, tmp_path, validation=15)
    answers = [oracle.evaluate(rows[[i]], epochs, rng).value[0] for i, epochs in ((0, 1), (1, 2))]
    assert logged(oracle, rows[:1]) == [1, 2]
    assert answers == oracle.curve(rows[0]).validation_accuracy.tolist()


@pytest.mark.slow
def test_the_judge_sees_test_accuracy(oracle: LiveOracle, rng: np.random.Generator) -> None:
    oracle.evaluate(GENES[:2], 2, rng)
    accuracies = oracle.test_accuracy(GENES[:2], 1)
    assert accuracies.tolist() == [oracle.curve(row).test_accuracy[0] for row in GENES[:2]]
    assert ((accuracies * 30).round(9) % 1 == 0).all()  # of 30 test images
    with pytest.raises(UnknownArchitectureError, match=r"was trained for 2 epochs in .*, not for 4. Evaluate it first"):
        oracle.test_accuracy(GENES[:2])
    with pytest.raises(UnknownArchitectureError, match="was not trained in"):
        oracle.test_accuracy(GENES, 1)
    assert oracle.test_accuracy(GENES[:0], 1).shape == (0,)


def test_a_failed_training_ranks_last(oracle: LiveOracle, rng: np.random.Generator) -> None:
    wild = replace(oracle, recipe=replace(RECIPE, learning_rate=1e30, clip=None))
    answers = wild.evaluate(GENES[:1], None, rng)
    trained = len(wild.curve(GENES[0]))
    assert trained < 4
    assert (answers.value.tolist(), answers.epochs.tolist()) == ([0.0], [4])
    assert answers.cost_epochs.tolist() == [trained]
    assert wild.test_accuracy(GENES[:1]).tolist() == [0.0]


@pytest.mark.slow
def test_several_at_once(oracle: LiveOracle, tmp_path: Path, rng: np.random.Generator) -> None:
    many = replace(oracle, folder=tmp_path / "many", workers=2)
    np.testing.assert_array_equal(many.evaluate(GENES[:2], 1, rng).value, oracle.evaluate(GENES[:2], 1, rng).value)


@pytest.mark.parametrize(
    ("evaluate_at", "epochs", "message"),
    [
        (None, 5, "after 5 epochs were asked for; this oracle measures them after 1 to 4"),
        (None, 0, "after 1 to 4"),
        ((2, 4), 3, "after 2, 4"),
    ],
)
def test_epochs_that_are_not_measured(
    oracle: LiveOracle, evaluate_at: tuple[int, ...] | None, epochs: int, message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(oracle, evaluate_at=evaluate_at).evaluate(GENES, epochs, rng)


@pytest.mark.slow
def test_levels_alone_are_measured(oracle: LiveOracle, rng: np.random.Generator) -> None:
    levels = replace(oracle, evaluate_at=(2, 4))
    assert np.isfinite(levels.evaluate(GENES[:1], 2, rng).value).all()
    assert np.isnan(levels.curve(GENES[0]).validation_accuracy).tolist() == [True, False]


def test_genes_that_break_the_rules(oracle: LiveOracle, rng: np.random.Generator) -> None:
    genes = GENES.copy()
    genes[1, 2] = 9
    with pytest.raises(InvalidArchitectureError, match=r"Row 1 of 3: gene 2 is 9, outside 0\.\.4, .*'nasbench201'"):
        oracle.evaluate(genes, 1, rng)
    assert not oracle.folder.exists()


def test_a_folder_of_other_settings(oracle: LiveOracle, rng: np.random.Generator) -> None:
    oracle.evaluate(GENES[:1], 1, rng)
    with pytest.raises(CheckpointError, match=r"its recipe.batch_size is 11, here it is 8"):
        replace(oracle, recipe=replace(RECIPE, batch_size=8)).evaluate(GENES[:1], 1, rng)


def test_a_damaged_checkpoint(oracle: LiveOracle, rng: np.random.Generator) -> None:
    oracle.evaluate(GENES[:1], 1, rng)
    (path,) = oracle.folder.glob(f"*/{CHECKPOINT}")
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="is damaged"):
        oracle.evaluate(GENES[:1], 2, rng)


def test_a_gpu_where_there_is_none(
    oracle: LiveOracle, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="sees no CUDA devices"):
        replace(oracle, device="cuda").evaluate(GENES[:1], 1, rng)
