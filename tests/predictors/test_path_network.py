from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from predictornas.errors import DataError
from predictornas.predictors.base import Predictor
from predictornas.predictors.path_encoding import path_encoding
from predictornas.predictors.path_network import PathEnsemble
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
GENES = SPACE.sample(80, np.random.default_rng(1))
VALUES = 0.5 + 0.4 * (GENES == 3).mean(axis=1)  # the more 3x3 convolutions the better
VALUES += 0.001 * np.random.default_rng(2).random(80)


def fitted(**options: object) -> PathEnsemble:
    ensemble = PathEnsemble(**options)  # type: ignore[arg-type]
    return ensemble.fit(SPACE, GENES[:60], VALUES[:60], rng=np.random.default_rng(0))


def test_follows_the_protocol_with_the_settings_of_the_paper() -> None:
    ensemble = PathEnsemble()
    assert isinstance(ensemble, Predictor)
    assert (ensemble.members, ensemble.layers, ensemble.width, ensemble.learning_rate) == (5, 10, 20, 0.01)


@pytest.mark.slow
def test_it_learns_what_paths_tell_and_ranks_unseen_cells() -> None:
    ensemble = fitted(training_epochs=60)
    assert kendalltau(ensemble.predict(GENES[60:]), VALUES[60:]).statistic > 0.4
    assert np.abs(ensemble.predict(GENES[:60]) - VALUES[:60]).mean() < 0.05  # the scale is that of accuracies


def test_members_differ_and_the_prediction_is_their_mean() -> None:
    ensemble = fitted(training_epochs=3)
    of_members = ensemble.predict_members(GENES)
    assert of_members.shape == (5, 80)
    assert of_members.std(axis=0).min() > 0
    np.testing.assert_allclose(ensemble.predict(GENES), sum(of_members) / 5)


def test_a_member_equals_a_plain_network_with_its_weights() -> None:
    ensemble = fitted(members=3, layers=2, width=4, training_epochs=5)
    member = 1
    layers: list[torch.nn.Module] = []
    for matrices, biases in ensemble.weights_:
        linear = torch.nn.Linear(*matrices.shape[1:])
        linear.weight.data, linear.bias.data = matrices[member].T, biases[member, 0]
        layers += [linear, torch.nn.ReLU()]
    features = torch.from_numpy(path_encoding(SPACE.graphs(GENES), longest=3).astype(np.float32))
    error = 0.045 + torch.nn.Sequential(*layers[:-1])(features)[:, 0].detach().numpy() / 100
    np.testing.assert_allclose(ensemble.predict_members(GENES)[member], 1 - error, atol=1e-6)


def test_the_loss_by_hand_on_a_linear_network() -> None:
    # without hidden layers, trained on one cell with only the bias to learn from zero, Adam's first step is its rate
    ensemble = PathEnsemble(members=1, layers=0, training_epochs=1, learning_rate=0.01)
    ensemble.fit(SPACE, GENES[:1], np.array([0.9]), rng=np.random.default_rng(0))
    (matrices, biases), paths = ensemble.weights_[0], path_encoding(SPACE.graphs(GENES[:1]), longest=3)[0]
    generator = torch.Generator().manual_seed(int(np.random.default_rng(0).integers(2**63)))
    before = (2 * torch.rand(1, 85, 1, generator=generator) - 1) * (6 / 86) ** 0.5
    margin = 100 * (1 - 0.9 - 0.045)
    up = float(before[0, paths, 0].sum()) < margin
    np.testing.assert_allclose(biases.item(), 0.01 if up else -0.01, rtol=1e-4)
    moved = (matrices - before)[0, :, 0].numpy()
    np.testing.assert_allclose(moved[paths], 0.01 if up else -0.01, rtol=1e-3)
    np.testing.assert_array_equal(moved[~paths], 0)


def test_two_fits_of_one_seed_are_the_same_and_no_gradient_is_left_from_the_first() -> None:
    ensemble = PathEnsemble(training_epochs=4)
    ensemble.fit(SPACE, GENES[20:], VALUES[20:], rng=np.random.default_rng(9))
    again = ensemble.fit(SPACE, GENES[:60], VALUES[:60], rng=np.random.default_rng(0)).predict(GENES)
    np.testing.assert_array_equal(again, fitted(training_epochs=4).predict(GENES))


@pytest.mark.parametrize("best", [0.8, 0.9])
def test_where_an_error_is_not_above_the_lower_bound_margins_span_what_is_there(best: float) -> None:
    """A search by `bananas` that finds more than 95.5 % goes on."""
    ensemble = PathEnsemble(lower_bound=0.2, training_epochs=3)
    values = np.array([best, 0.5, 0.7])
    ensemble.fit(SPACE, GENES[:3], values, rng=np.random.default_rng(0))
    top, span = ensemble.scale_
    np.testing.assert_allclose([top - 0.05 * span, top - 0.95 * span], [best, 0.5])  # the best and the worst
    assert np.isfinite(ensemble.predict(GENES[:3])).all()
    below = PathEnsemble(lower_bound=0.2, training_epochs=3).fit(
        SPACE, GENES[:3], np.array([0.79, 0.5, 0.7]), rng=np.random.default_rng(0)
    )
    assert below.scale_ == (0.8, 1.0)


def test_values_must_be_finite() -> None:
    with pytest.raises(DataError, match="Value 1 of 2"):
        PathEnsemble().fit(SPACE, GENES[:2], np.array([0.9, np.nan]), rng=np.random.default_rng(0))


@pytest.mark.slow
def test_chains_whose_paths_are_all_too_long_are_read_by_their_genes() -> None:
    rng = np.random.default_rng(0)
    space = get_space("natsbench-size")
    genes = space.sample(60, rng)
    values = 0.6 + 0.05 * genes[:, 0]  # the width of the first layer decides
    fitted = PathEnsemble(layers=3).fit(space, genes, values, rng=rng)
    assert not fitted.by_paths_
    others = space.sample(300, rng)
    assert kendalltau(fitted.predict(others), others[:, 0]).statistic > 0.7
    whole = get_space("nasbench201")
    cells = whole.sample(20, rng)
    assert PathEnsemble(layers=1, training_epochs=1).fit(whole, cells, cells[:, 0] / 10, rng=rng).by_paths_
