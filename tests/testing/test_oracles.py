from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import write_benchmark
from predictornas.errors import UnknownArchitectureError
from predictornas.oracles.base import Evaluations
from predictornas.oracles.tabular import TabularOracle
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.testing import ConformanceError, check_oracle

SPACE = NASBench201()
GENES = SPACE.enumerate()[:9]
UNKNOWN = SPACE.enumerate()[9:11]


def test_the_tabular_oracle_keeps_every_rule(tmp_path: Path, rng: np.random.Generator) -> None:
    def column(metric: str, split: str, epochs: int) -> Column:
        return Column.named(metric=metric, split=split, epochs=epochs, run="0")

    accuracies = {column("accuracy", "valid", epochs): rng.random(9) for epochs in (4, 12, 36)}
    seconds = {column("seconds", "train", epochs): np.full(9, 2.0 * epochs) for epochs in (4, 12, 36)}
    table = write_benchmark(
        tmp_path / "table",
        name="table",
        space=SPACE,
        genes=GENES,
        columns={**accuracies, **seconds},
        signal="valid_accuracy_36_run0",
        evaluation=None,
        source={},
        licence="MIT",
    )
    check_oracle(TabularOracle(table), SPACE, genes=GENES, rng=rng, budgets=(4, 12, 36), unknown=UNKNOWN)


@pytest.mark.slow
def test_the_offline_table_keeps_every_rule(store: Path, rng: np.random.Generator) -> None:
    table = open_benchmark("nasbench201-cifar10")
    check_oracle(TabularOracle(table), table.space, genes=table.space.sample(500, rng), rng=rng)


def answers(genes: np.ndarray, epochs: int | None) -> Evaluations:
    n, length = len(genes), 36 if epochs is None else epochs
    return Evaluations(
        SPACE.keys(genes) / 2.0**64, np.full(n, length), np.full(n, 2.0 * length), np.full(n, float(length))
    )


@dataclass
class Broken:
    """Right answers, changed by one function of (answers, genes, rng)."""

    change: Callable[..., Any]

    def evaluate(self, genes: np.ndarray, epochs: int | None, rng: np.random.Generator) -> Any:
        if (genes[:, :4].any(axis=1) | (genes[:, 4] * 5 + genes[:, 5] > 8)).any():
            raise UnknownArchitectureError("not in the table")
        return self.change(answers(genes, epochs), genes, rng)


def check(change: Callable[..., Any], rng: np.random.Generator) -> None:
    check_oracle(Broken(change), SPACE, genes=GENES, rng=rng, budgets=(4, 12, 36), unknown=UNKNOWN)


def set_value(value: float) -> Callable[..., Any]:
    return lambda answer, genes, rng: replace(answer, value=np.where(genes.any(axis=1), answer.value, value))


def noisy(answer: Evaluations, genes: Any, rng: np.random.Generator) -> Evaluations:
    return replace(answer, value=answer.value * rng.random(len(genes)))


def overwrites(answer: Evaluations, genes: np.ndarray, rng: Any) -> Evaluations:
    if genes.flags.writeable:
        genes[:] = genes[::-1].copy()
    return answer


def test_right_answers_pass_noisy_or_not(rng: np.random.Generator) -> None:
    check(lambda answer, genes, rng: answer, rng)
    check(noisy, rng)


BROKEN: dict[str, tuple[str, Callable[..., Any]]] = {
    "values alone": ("returns Evaluations", lambda answer, genes, rng: answer.value),
    "one too many": (
        "Evaluations.value is an array",
        lambda answer, genes, rng: answers(np.concatenate([GENES[:1], genes]), None),
    ),
    "percent": ("finite fractions", lambda answer, genes, rng: replace(answer, value=100 * answer.value)),
    "NaN": ("finite fractions", set_value(np.nan)),
    "negative": ("finite fractions", set_value(-0.1)),
    "negative epochs": ("epochs are >= 0", lambda answer, genes, rng: replace(answer, epochs=answer.epochs - 99)),
    "negative seconds": (
        "cost_seconds is >= 0",
        lambda answer, genes, rng: replace(answer, cost_seconds=-answer.cost_seconds),
    ),
    "infinite epochs": (
        "cost_epochs is >= 0",
        lambda answer, genes, rng: replace(answer, cost_epochs=answer.cost_epochs * np.inf),
    ),
    "its own generator": ("is a function", lambda answer, genes, rng: noisy(answer, genes, np.random.default_rng())),
    "sorted": ("row in its place", lambda answer, genes, rng: replace(answer, value=np.sort(answer.value))),
    "the budget ignored": (
        "answers after 4 epochs",
        lambda answer, genes, rng: replace(answer, epochs=np.full(len(genes), 36)),
    ),
    "longer is cheaper in epochs": (
        "cost more epochs",
        lambda answer, genes, rng: replace(answer, cost_epochs=100 - answer.cost_epochs),
    ),
    "longer is cheaper in seconds": (
        "cost more seconds",
        lambda answer, genes, rng: replace(answer, cost_seconds=100 - answer.cost_seconds),
    ),
    "writes": ("leaves its argument", overwrites),
}


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_rule_is_found_and_named(what: str, rng: np.random.Generator) -> None:
    message, change = BROKEN[what]
    with pytest.raises(ConformanceError, match=message):
        check(change, rng)


def test_guesses_are_refused(rng: np.random.Generator) -> None:
    class Guesses:
        def evaluate(self, genes: np.ndarray, epochs: int | None, rng: np.random.Generator) -> Evaluations:
            return answers(genes, epochs)

    with pytest.raises(ConformanceError, match="raises UnknownArchitectureError"):
        check_oracle(Guesses(), SPACE, genes=GENES, rng=rng, unknown=UNKNOWN)
