"""Checks that an oracle keeps every rule of the `Oracle` protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int8

from predictornas.errors import DataError
from predictornas.oracles.base import Evaluations, Oracle
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.testing.conformance import attempt, require, require_array, require_rows, twice


def check_oracle(
    oracle: Oracle,
    space: SearchSpace,
    *,
    genes: Genes,
    rng: np.random.Generator,
    budgets: Sequence[int] = (),
    unknown: Int8[np.ndarray, "u g"] | None = None,
) -> None:
    """Checks every rule of `Oracle`.

    Args:
        oracle: the oracle.
        space: the space of the architectures.
        genes: `(n, g)` distinct architectures that it can evaluate, n >= 2.
        rng: the only source of randomness.
        budgets: numbers of epochs that it offers, to be asked for one by one.
        unknown: architectures that it cannot evaluate and must refuse, where there are some.

    Raises:
        ConformanceError: a rule is broken; names the rule, the architecture and the remedy.
    """
    require(isinstance(oracle, Oracle), "an oracle has evaluate()", type(oracle).__name__, "add it")
    given = np.array(genes)
    oracle.evaluate(given, None, rng)
    unchanged = (given == genes).all(axis=1)
    require_rows(unchanged, space, genes, "evaluate() leaves its argument as it is", "work on a copy")
    answers, again = twice(lambda same: oracle.evaluate(genes, None, same), rng)
    check_evaluations(answers, space, genes)
    same = np.array_equal(answers.value, again.value)
    rule = "evaluate() is a function of its arguments and the generator"
    require(same, rule, "two answers from one state", "draw every random number, seeds of trainings too, from `rng`")
    none = attempt("evaluate() takes no rows", "allow batches of none", oracle.evaluate, genes[:0], None, rng)
    check_evaluations(none, space, genes[:0])
    check_rows(oracle, space, genes, answers, rng)
    check_budgets(oracle, space, genes, budgets, rng)
    if unknown is not None:
        check_refusal(oracle, unknown, rng)


def check_evaluations(answers: Any, space: SearchSpace, genes: Genes) -> None:
    """Answers are one row an architecture: a fraction, the epochs behind it, and costs that are known or NaN."""
    is_answer = isinstance(answers, Evaluations)
    require(is_answer, "evaluate() returns Evaluations", type(answers).__name__, "see oracles.base.Evaluations")
    shape = (len(genes),)
    require_array(answers.value, np.floating, shape, "Evaluations.value")
    require_array(answers.epochs, np.integer, shape, "Evaluations.epochs")
    good = np.isfinite(answers.value) & (answers.value >= 0) & (answers.value <= 1)
    remedy = "divide percent by 100; raise DataError for what has no value"
    require_rows(good, space, genes, "values are accuracies, finite fractions in [0, 1]", remedy)
    require_rows(answers.epochs >= 0, space, genes, "epochs are >= 0, 0 where not known", "give the true length")
    for name, cost in (("cost_seconds", answers.cost_seconds), ("cost_epochs", answers.cost_epochs)):
        require_array(cost, np.floating, shape, f"Evaluations.{name}")
        known = np.isnan(cost) | (np.isfinite(cost) & (cost >= 0))
        require_rows(known, space, genes, f"{name} is >= 0, NaN where not known", "give what was really spent")


def check_rows(
    oracle: Oracle, space: SearchSpace, genes: Genes, answers: Evaluations, rng: np.random.Generator
) -> None:
    """Answers come in the order asked. Only an oracle that draws nothing can be checked: the others may differ."""
    if not np.array_equal(oracle.evaluate(genes, None, rng).value, answers.value):
        return
    order = np.append(rng.permutation(len(genes)), 0)
    same = oracle.evaluate(genes[order], None, rng).value == answers.value[order]
    rule = "each answer is about the row in its place, asked once or twice"
    require_rows(same, space, genes[order], rule, "keep the order of the rows")


def check_budgets(
    oracle: Oracle, space: SearchSpace, genes: Genes, budgets: Sequence[int], rng: np.random.Generator
) -> None:
    """More epochs cost more, and are the epochs that were asked for."""
    epochs_before, seconds_before = np.zeros(len(genes)), 0.0
    for budget in sorted(budgets):
        answers = oracle.evaluate(genes, budget, rng)
        check_evaluations(answers, space, genes)
        rule = f"evaluate(epochs={budget}) answers after {budget} epochs"
        require_rows(
            answers.epochs == budget, space, genes, rule, "train as long as asked, or raise ConfigurationError"
        )
        grown = np.isnan(answers.cost_epochs) | (answers.cost_epochs >= epochs_before)
        require_rows(grown, space, genes, "longer trainings cost more epochs", "count all epochs of this training")
        epochs_before = np.fmax(epochs_before, answers.cost_epochs)
        if not np.isnan(answers.cost_seconds).any():
            seconds = float(answers.cost_seconds.mean())
            rule = "longer trainings cost more seconds on average"
            require(
                seconds >= seconds_before, rule, f"{seconds} after {seconds_before}", "give the time of this budget"
            )
            seconds_before = seconds


def check_refusal(oracle: Oracle, unknown: Genes, rng: np.random.Generator) -> None:
    """An architecture without an answer is refused, never answered with a guess."""
    try:
        answers = oracle.evaluate(unknown, None, rng)
    except DataError:
        return
    rule = "evaluate() raises UnknownArchitectureError, a DataError, for architectures that it has no value of"
    require(False, rule, f"values {answers.value[:3].tolist()}", "raise it, with space.describe of the first such row")
