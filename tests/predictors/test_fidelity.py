from __future__ import annotations

import inspect
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.fidelity import (
    Curves,
    TrainedRule,
    WithUntrained,
    borda,
    comparable,
    comparable_accuracies,
    curves_of,
    ordered_pairs,
)
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import HingeRanking, MeanSquaredError, PairLoss, PairwiseCrossEntropy
from predictornas.predictors.neural_predictor import NeuralPredictor
from predictornas.predictors.optimisers import Adam
from predictornas.predictors.path_network import PathEnsemble
from predictornas.predictors.rnn import RNN
from predictornas.spaces.registry import get_space

NAN = np.nan

FOUR = Curves(
    genes=np.array([[5], [3], [9], [0]], np.int8),
    values=np.array([[0.50, 0.70, NAN], [0.60, NAN, NAN], [0.55, 0.70, 0.80], [0.40, NAN, NAN]]),
    levels=np.array([1, 3, 9]),
)
"""Worked out by hand below: A (5) reached level 2, B (3) level 1, C (9) level 3, D (0) level 1."""

ROWS = (
    np.array([[5], [3], [9], [0], [9], [5], [9]], np.int8),
    np.array([0.50, 0.60, 0.55, 0.40, 0.70, 0.70, 0.80]),
    np.array([1, 1, 1, 1, 3, 3, 9]),
)
"""The seven evaluations that led to `FOUR`."""


def test_rows_become_curves_in_order_of_first_appearance() -> None:
    curves = curves_of(*ROWS)
    np.testing.assert_array_equal(curves.genes, FOUR.genes)
    np.testing.assert_array_equal(curves.values, FOUR.values)
    np.testing.assert_array_equal(curves.levels, FOUR.levels)
    highest, values = curves.last()
    assert highest.tolist() == [1, 0, 2, 0]
    assert values.tolist() == [0.70, 0.60, 0.80, 0.40]


def test_evaluations_at_one_fidelity_are_averaged() -> None:
    curves = curves_of(np.array([[1, 2], [1, 2], [1, 1]], np.int8), np.array([0.25, 0.75, 0.9]), np.array([4, 4, 8]))
    np.testing.assert_array_equal(curves.values, [[0.5, NAN], [NAN, 0.9]])


def test_pairs_by_hand() -> None:
    # common: A and C tie at level 2; B is above A and C at level 1, the only one it shares with them
    assert ordered_pairs(FOUR, "common").tolist() == [[0, -1, 0, 1], [1, 0, 1, 1], [0, -1, 0, 1], [-1, -1, -1, 0]]
    # level: C before A before the two of level 1, of which B is the better
    assert ordered_pairs(FOUR, "level").tolist() == [[0, 1, -1, 1], [-1, 0, -1, 1], [1, 1, 0, 1], [-1, -1, -1, 0]]
    np.testing.assert_allclose(borda(FOUR, "common"), [1.5 / 3, 3 / 3, 1.5 / 3, 0])
    np.testing.assert_allclose(borda(FOUR, "level"), [2 / 3, 1 / 3, 1, 0])


FIVE = Curves(
    genes=np.array([[5], [3], [9], [7], [1]], np.int8),
    values=np.array([[NAN, 0.5, 0.7], [NAN, 0.6, NAN], [NAN, 0.2, NAN], [31.0, NAN, NAN], [47.0, NAN, NAN]]),
    levels=np.array([0, 1, 3]),
)
"""A (5) reached level 2, B (3) and C (9) level 1; D (7) and E (1) were not trained and have scores."""


def test_untrained_ones_are_below_every_trained_one_and_among_themselves_by_score() -> None:
    weight = Fraction(3, 10)
    common = [[0, -10, 10, 3, 3], [10, 0, 10, 3, 3], [-10, -10, 0, 3, 3], [-3, -3, -3, 0, -3], [-3, -3, -3, 3, 0]]
    assert ordered_pairs(FIVE, WithUntrained(weight=weight)).tolist() == common
    level = [[0, 10, 10, 3, 3], [-10, 0, 10, 3, 3], *common[2:]]
    assert ordered_pairs(FIVE, WithUntrained("level", weight)).tolist() == level
    untrusted = [*common[:3], [-3, -3, -3, 0, 0], [-3, -3, -3, 0, 0]]
    assert ordered_pairs(FIVE, WithUntrained(weight=weight, by_score=False)).tolist() == untrusted
    # wins of four: A loses to B alone, C beats D and E, E beats D
    np.testing.assert_allclose(borda(FIVE, WithUntrained(weight=weight)), [3 / 4, 1, 2 / 4, 0, 1 / 4])


@pytest.mark.parametrize("trained", ["common", "level"])
def test_where_everyone_was_trained_the_rule_is_that_of_the_trained(trained: str) -> None:
    rule = WithUntrained(trained)  # type: ignore[arg-type]
    np.testing.assert_array_equal(ordered_pairs(FOUR, rule), ordered_pairs(FOUR, trained))  # type: ignore[arg-type]


def test_what_learns_accuracies_leaves_untrained_ones_out() -> None:
    genes = np.concatenate([ROWS[0], [[7], [1]]]).astype(np.int8)
    values, epochs = np.append(ROWS[1], [31.0, 47.0]), np.append(ROWS[2], [0, 0])
    found = comparable_accuracies(genes, values, epochs, WithUntrained())
    for one, other in zip(found, comparable_accuracies(*ROWS, "common"), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("weight", [Fraction(0), Fraction(-1, 2), Fraction(1, 1000), Fraction(101)])
def test_a_weight_that_is_none_is_refused(weight: Fraction) -> None:
    with pytest.raises(ConfigurationError, match="a fraction such as 1/10"):
        WithUntrained(weight=weight)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [PairwiseCrossEntropy(), HingeRanking()], ids=["cross-entropy", "hinge"])
def test_a_network_learns_that_untrained_ones_are_worse(loss: PairLoss) -> None:
    # two trained ones, of which the first is better, and two untrained ones, of which the last has the better score
    genes, values = GENES[:4], np.array([0.8, 0.7, 5.0, 6.0])
    predictor = GCN(
        width=16, training_epochs=200, optimiser=Adam(0.03), fidelity_pairs=WithUntrained(weight=Fraction(1))
    )
    predictor = replace(predictor, loss=loss)
    fitted = predictor.fit(SPACE, genes, values, epochs=np.array([4, 4, 0, 0]), rng=np.random.default_rng(0))
    assert np.argsort(-fitted.predict(genes)).tolist() == [0, 1, 3, 2]


def test_a_pair_without_a_common_level_has_no_order() -> None:
    apart = Curves(np.array([[0], [1]], np.int8), np.array([[0.9, NAN], [NAN, 0.1]]), np.array([1, 2]))
    assert not ordered_pairs(apart, "common").any()
    assert borda(apart, "common").tolist() == [0.5, 0.5]
    assert ordered_pairs(apart, "level").tolist() == [[0, -1], [1, 0]]


@settings(max_examples=50)
@given(
    rows=st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3), min_size=1, max_size=12),
    rule=st.sampled_from(["common", "level"]),
)
def test_pairs_are_those_of_the_rule_read_out_pair_by_pair(rows: list[list[int]], rule: str) -> None:
    values = np.array([row + [NAN] * (3 - len(row)) for row in rows], float)
    curves = Curves(np.arange(len(rows), dtype=np.int8)[:, None], values, np.array([1, 2, 3]))

    def sign(one: list[int], other: list[int]) -> int:
        if rule == "level" and len(one) != len(other):
            return 1 if len(one) > len(other) else -1
        shared = min(len(one), len(other)) - 1
        return (one[shared] > other[shared]) - (one[shared] < other[shared])

    signs = ordered_pairs(curves, rule)  # type: ignore[arg-type]
    assert signs.dtype == np.int8
    assert signs.tolist() == [[sign(one, other) for other in rows] for one in rows]
    others = max(1, len(rows) - 1)
    wins = [
        sum({1: 1.0, 0: 0.5, -1: 0.0}[sign(one, other)] for j, other in enumerate(rows) if i != j) / others
        for i, one in enumerate(rows)
    ]
    np.testing.assert_allclose(borda(curves, rule), wins if len(rows) > 1 else [0.5])  # type: ignore[arg-type]


def test_an_unknown_rule_is_named_with_its_neighbour() -> None:
    beneath = inspect.unwrap(ordered_pairs)  # the type check of these tests would refuse it first
    with pytest.raises(UnknownNameError, match="Did you mean 'level'"):
        beneath(FOUR, "levels")


def test_one_fidelity_is_handed_on_untouched() -> None:
    genes, values = np.zeros((3, 2), np.int8), np.array([0.1, 0.3, 0.2])
    for epochs in (None, np.full(3, 12)):
        for function in (comparable, comparable_accuracies):
            same_genes, same_values = function(genes, values, epochs, "common")
            assert same_genes is genes
            assert same_values is values


def test_several_fidelities_become_one_number_an_architecture() -> None:
    genes, shares = comparable(*ROWS, "level")
    np.testing.assert_array_equal(genes, FOUR.genes)
    np.testing.assert_allclose(shares, [2 / 3, 1 / 3, 1, 0])
    # last values 0.4, 0.6, 0.7, 0.8: dealt to D, B, A, C
    np.testing.assert_allclose(comparable_accuracies(*ROWS, "level")[1], [0.7, 0.6, 0.8, 0.4])
    # with common pairs B is first and A and C share the second and third place
    np.testing.assert_allclose(comparable_accuracies(*ROWS, "common")[1], [0.65, 0.8, 0.65, 0.4])


SPACE = get_space("nasbench201")
GENES = SPACE.sample(40, np.random.default_rng(1))
QUALITY = 0.5 + 0.06 * (GENES == 3).sum(axis=1) - 0.05 * (GENES == 0).sum(axis=1)


def pyramid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All at 1 epoch with accuracies far below, the worse half again at 10 epochs with their true quality."""
    half = np.argsort(QUALITY)[:20]
    return (
        np.concatenate([GENES, GENES[half]]),
        np.concatenate([QUALITY - 0.3, QUALITY[half]]),
        np.repeat([1, 10], [40, 20]),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "predictor",
    [
        GaussianProcess(),
        RNN(hidden=8, training_epochs=80, optimiser=Adam(0.05)),
        NeuralPredictor(
            width=16, hidden=16, passes=60, regressor_optimiser=Adam(0.01), classifier_optimiser=Adam(0.01)
        ),
        PathEnsemble(members=1, layers=2, training_epochs=150),
        Ensemble((GaussianProcess(), GaussianProcess(flow_seed=1))),
        GCN(width=16, training_epochs=200, optimiser=Adam(0.01)),
        GCN(width=16, training_epochs=200, optimiser=Adam(0.01), loss=HingeRanking()),
        GCN(width=16, training_epochs=200, optimiser=Adam(0.01), loss=MeanSquaredError()),
        GCN(width=16, training_epochs=300, optimiser=Adam(0.01), batch_size=16),
    ],
    ids=["gp", "rnn", "neural", "paths", "ensemble", "gcn", "gcn-hinge", "gcn-square", "gcn-batches"],
)
def test_predictors_learn_one_order_from_two_fidelities(predictor: object) -> None:
    genes, values, epochs = pyramid()
    # read without epochs, the values put the worse half above the better one
    fitted = predictor.fit(SPACE, genes, values, epochs=epochs, rng=np.random.default_rng(0))  # type: ignore[attr-defined]
    assert kendalltau(fitted.predict(GENES), QUALITY).statistic > 0.68


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [None, 40])
def test_complete_curves_teach_what_their_last_level_teaches(batch_size: int | None) -> None:
    # with everyone at both levels only the last one counts: pairs one by one give what their values give
    predictor = GCN(width=8, training_epochs=30, batch_size=batch_size)
    genes, values = np.concatenate([GENES, GENES]), np.concatenate([-QUALITY, QUALITY])
    for rule in ("common", "level"):
        pairs = replace(predictor, fidelity_pairs=rule)
        pairs.fit(SPACE, genes, values, epochs=np.repeat([1, 9], 40), rng=np.random.default_rng(0))
        plain = replace(predictor).fit(SPACE, GENES, QUALITY, rng=np.random.default_rng(0))
        np.testing.assert_allclose(pairs.predict(GENES), plain.predict(GENES), atol=1e-5)


@pytest.mark.slow
def test_the_rule_decides_what_is_learned() -> None:
    # the two of level 2 are the worse ones at level 1
    genes, values = GENES[[0, 1, 2, 3, 2, 3]], np.array([0.8, 0.7, 0.4, 0.3, 0.5, 0.6])
    epochs = np.array([1, 1, 1, 1, 5, 5])
    orders: dict[TrainedRule, list[int]] = {"common": [0, 1, 3, 2], "level": [3, 2, 0, 1]}
    for rule, order in orders.items():
        predictor = GCN(width=16, training_epochs=200, optimiser=Adam(0.03), fidelity_pairs=rule)
        scores = predictor.fit(SPACE, genes, values, epochs=epochs, rng=np.random.default_rng(0)).predict(genes[:4])
        assert np.argsort(-scores).tolist() == order
