import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.fitting import (
    check_batches,
    check_device,
    check_values,
    checked_values,
    fit_network,
    fit_network_in_batches,
    random_batches,
    train,
    train_in_batches,
)
from predictornas.predictors.losses import HingeRanking, MeanSquaredError, WeightedMeanSquaredError
from predictornas.predictors.optimisers import Adam, GradientDescent
from predictornas.predictors.registry import get_predictor
from predictornas.spaces.registry import get_space


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (GradientDescent(0.05, 0.8), lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.8)),
        (Adam(0.05), lambda weights: torch.optim.Adam(weights, lr=0.05)),
    ],
    ids=["gradient descent", "adam"],
)
def test_steps_are_those_of_torch_with_a_cosine_scheduler(ours, theirs):
    inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))

    def parameters():
        generator = torch.Generator().manual_seed(1)
        return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in [(3, 2), (2,), ()]]

    def scores(weights):
        return torch.tanh(inputs @ weights[0]) @ weights[1] + weights[2]

    trained = parameters()
    train(trained, lambda: scores(trained), lambda s: 2 * s, optimiser=ours, epochs=7)
    expected = parameters()
    optimiser = theirs(expected)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=7)
    for _ in range(7):
        optimiser.zero_grad()
        (scores(expected) ** 2).sum().backward()
        optimiser.step()
        scheduler.step()
    for a, b in zip(trained, expected, strict=True):
        np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-5, atol=1e-6)


def test_batches_are_parts_of_one_order_until_fewer_than_a_batch_are_left():
    batches = random_batches(10, 4, torch.Generator().manual_seed(0))
    orders = [torch.cat([next(batches), next(batches)]).tolist() for _ in range(200)]
    assert all(len(set(order)) == 8 for order in orders)
    assert set().union(*orders) == set(range(10))
    assert len({tuple(order) for order in orders}) == 200


@pytest.mark.parametrize("size", [3, 5])
def test_a_batch_of_at_least_everything_is_everything(size):
    batches = random_batches(3, size, torch.Generator().manual_seed(0))
    assert [sorted(next(batches).tolist()) for _ in range(5)] == [[0, 1, 2]] * 5


def test_training_in_batches_is_that_of_torch_on_the_same_batches():
    inputs = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    targets = torch.arange(7.0)

    def batches():
        return random_batches(7, 2, torch.Generator().manual_seed(4))

    ours, theirs = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    train_in_batches(
        [ours],
        lambda rows: inputs[rows] @ ours,
        lambda rows, scores: 2 * (scores - targets[rows]),
        batches=batches(),
        optimiser=GradientDescent(0.02, 0.5),
        updates=9,
    )
    optimiser = torch.optim.SGD([theirs], lr=0.02, momentum=0.5)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=9)
    for _, rows in zip(range(9), batches(), strict=False):
        optimiser.zero_grad()
        ((inputs[rows] @ theirs - targets[rows]) ** 2).sum().backward()
        optimiser.step()
        scheduler.step()
    np.testing.assert_allclose(ours.detach(), theirs.detach(), rtol=1e-5, atol=1e-6)


def test_the_loss_is_over_the_pairs_inside_a_batch():
    # one weight an architecture: a pair that meets moves its winner up and its loser down by the learning rate
    network = torch.nn.Module()
    network.scores = torch.nn.Parameter(torch.zeros(4))
    values = np.array([0.1, 0.4, 0.2, 0.3])
    options = {"start": None, "loss": HingeRanking(1.0), "optimiser": GradientDescent(0.25, 0.0), "device": "cpu"}
    first = next(random_batches(4, 2, torch.Generator().manual_seed(1))).numpy()
    fit_network_in_batches(
        network,
        lambda rows: network.scores[rows],
        values,
        updates=1,
        batch_size=2,
        generator=torch.Generator().manual_seed(1),
        **options,
    )
    expected = np.zeros(4)
    better, worse = first[np.argsort(-values[first])]
    expected[better], expected[worse] = 0.25, -0.25
    np.testing.assert_allclose(network.scores, expected)


def test_the_order_of_pairs_is_learned_as_it_is_told():
    # 0 beats 1, 1 beats 2, 2 beats 0, and 3 meets nobody: each wins once and loses once, so the slopes of a margin
    # above all differences cancel; without the third pair the first rises and the last of the chain falls
    signs = np.zeros((4, 4), np.int8)
    signs[0, 1] = signs[1, 2] = signs[2, 0] = 1
    signs -= signs.T
    options = {"start": None, "loss": HingeRanking(9.0), "optimiser": GradientDescent(0.5, 0.0), "device": "cpu"}

    def trained(labels):
        network = torch.nn.Module()
        network.scores = torch.nn.Parameter(torch.zeros(4))
        fit_network(network, lambda: network.scores, labels, epochs=1, **options)
        return network.scores.tolist()

    assert trained(signs) == [0, 0, 0, 0]
    signs[2, 0] = signs[0, 2] = 0
    assert trained(signs) == [0.25, 0, -0.25, 0]


def test_a_batch_sees_its_own_pairs_alone():
    network = torch.nn.Module()
    network.scores = torch.nn.Parameter(torch.zeros(4))
    signs = np.triu(np.ones((4, 4), np.int8), 1)
    signs -= signs.T
    first = sorted(next(random_batches(4, 2, torch.Generator().manual_seed(1))).tolist())
    fit_network_in_batches(
        network,
        lambda rows: network.scores[rows],
        signs,
        updates=1,
        batch_size=2,
        generator=torch.Generator().manual_seed(1),
        start=None,
        loss=HingeRanking(1.0),
        optimiser=GradientDescent(0.25, 0.0),
        device="cpu",
    )
    expected = np.zeros(4)
    expected[first] = 0.25, -0.25
    np.testing.assert_allclose(network.scores, expected)


def test_batches_that_cannot_be_trained_on_are_refused():
    check_batches(2, HingeRanking())
    with pytest.raises(ConfigurationError, match="batch of 1 holds no pair"):
        check_batches(1, HingeRanking())
    for loss in (MeanSquaredError(), WeightedMeanSquaredError((1.0,))):
        with pytest.raises(ConfigurationError, match="whole training set, which a batch of 8"):
            check_batches(8, loss)


def test_trained_parameters_need_no_gradient():
    weight = torch.nn.Parameter(torch.ones(2))
    train([weight], lambda: weight * 2, torch.ones_like, optimiser=GradientDescent(), epochs=1)
    assert not weight.requires_grad
    assert weight.grad is None


def test_zero_epochs_change_nothing():
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    train([weight], lambda: weight, torch.ones_like, optimiser=GradientDescent(), epochs=0)
    assert weight.tolist() == [1.0, -2.0]


def test_divergence_names_the_learning_rate():
    weight = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(ConfigurationError, match=r"learning rate 1e\+30"):
        train([weight], lambda: weight**3, lambda s: s, optimiser=GradientDescent(1e30), epochs=5)


def test_a_value_that_is_not_finite_is_named():
    with pytest.raises(DataError, match="Value 1 of 3 is nan"):
        check_values(np.array([0.5, np.nan, 0.7]))


def test_a_device_that_is_not_there_is_named():
    check_device("cpu")
    with pytest.raises(ConfigurationError, match="cannot compute on 'nowhere' here"):
        check_device("nowhere")


@pytest.mark.parametrize(
    "values", [[0.5, 1, 0.7], (0.5, 1, 0.7), torch.tensor([0.5, 1.0, 0.7]), np.array([0.5, 1, 0.7])]
)
def test_values_may_be_any_numbers_of_which_each_architecture_has_one(values: object) -> None:
    checked = checked_values(np.zeros((3, 6), np.int8), values)
    assert checked.dtype == np.float64
    np.testing.assert_allclose(checked, [0.5, 1, 0.7])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.5, 0.7], r"3 architectures need one value each, and got values of shape \(2,\)"),
        ([], r"shape \(0,\)"),
        (np.zeros((3, 1)), r"shape \(3, 1\)"),
        (["a", "b", "c"], "have to be numbers"),
        ([0.5, None, 0.7], "Value 1 of 3 is nan"),
    ],
)
def test_values_that_are_none_are_refused(values: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        checked_values(np.zeros((3, 6), np.int8), values)


@pytest.mark.parametrize("name", ["gp", "gin", "gcn", "paths", "wl-gp", "signal-network", "neural-predictor", "rnn"])
def test_no_predictor_learns_from_fewer_values_than_architectures(name: str) -> None:
    space = get_space("nasbench201")
    with pytest.raises(DataError, match="5 architectures need one value each"):
        get_predictor(name).fit(space, space.enumerate()[:5], np.ones(4), rng=np.random.default_rng(0))
