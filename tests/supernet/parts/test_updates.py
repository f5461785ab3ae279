from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.batches import paired_batches
from predictornas.supernet.job import SearchJob
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.relaxations import GumbelSoftmax
from predictornas.supernet.parts.updates import ArchitectureUpdate, Bilevel, Mixed, SingleLevel, Switch, second_order_at
from predictornas.supernet.state import Batch, SearchState
from tests.supernet.examples import CountingNetwork, TinyNetwork, batch, tiny_search
from tests.supernet.search_examples import images, job
from tests.supernet.test_assembly import begun

TRAIN, VALID = batch(1), batch(2)


def gradient(update: ArchitectureUpdate, state: SearchState) -> Tensor:
    update.step(state, TRAIN, VALID)
    (alpha,) = state.parameters.tensors()
    assert alpha.grad is not None
    return alpha.grad.clone()


def exact(state: SearchState, *, unroll: bool = True) -> Tensor:
    """grad of L_val(w - lr (momentum buffer + grad L_train + decay w), alpha), by autograd through the step."""
    (alpha,) = state.parameters.tensors()
    mixture = Mixture({"cell": torch.softmax(alpha, dim=1)})
    weights = dict(state.network.named_parameters())

    def loss(values: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return state.loss(torch.func.functional_call(state.network, values, (images, mixture)), labels)

    if unroll:
        slopes = torch.autograd.grad(loss(weights, *TRAIN), list(weights.values()), create_graph=True)
        (group,) = state.weight_optimiser.param_groups
        moved = {}
        for (name, weight), slope in zip(weights.items(), slopes, strict=True):
            buffer = state.weight_optimiser.state.get(weight, {}).get("momentum_buffer", torch.zeros(()))
            step = group["momentum"] * buffer + slope + group["weight_decay"] * weight
            moved[name] = weight - group["lr"] * step
        weights = moved
    return torch.autograd.grad(loss(weights, *VALID), alpha)[0]


def with_momentum() -> SearchState:
    """A search whose SGD has decay and a momentum of two steps."""
    state = tiny_search()
    optimiser = torch.optim.SGD(state.network.parameters(), lr=0.3, momentum=0.9, weight_decay=0.05)
    for seed in (3, 4):
        optimiser.zero_grad()
        state.loss_of(batch(seed), state.mixture().detached()).backward()
        optimiser.step()
    return tiny_search(state.network, state.parameters, weight_optimiser=optimiser)


def test_the_second_order_gradient_is_that_through_the_unrolled_step_and_its_error_shrinks_with_epsilon() -> None:
    state = with_momentum()
    truth = exact(state)
    first_order = exact(state, unroll=False)
    errors = [
        float((gradient(Bilevel(2, epsilon), state) - truth).norm() / truth.norm()) for epsilon in (1.0, 0.1, 0.01)
    ]
    assert float((first_order - truth).norm() / truth.norm()) > 0.05  # or the comparison would say nothing
    assert errors[2] < 1e-4
    # a central difference: the error falls with the square of epsilon
    assert errors[1] < errors[0] / 30
    assert errors[2] < errors[1] / 80


def first_batches(searched: SearchJob) -> tuple[Batch, Batch]:
    part = images().to(torch.device(searched.device))
    return next(paired_batches(part, searched.method.weights.augmentation, size=16, seed=0, epoch=0))


@pytest.mark.slow
def test_the_second_order_is_computed_in_single_precision() -> None:
    """In bfloat16 its correction would be off by more than its length: no displacement of a weight would be felt."""
    searched = job("darts-1", "nasbench201")
    train, valid = first_batches(searched)
    state = begun(searched)
    coarse = replace(state, precision=torch.bfloat16)

    def slope(of: SearchState, update: ArchitectureUpdate) -> Tensor:
        update.step(of, train, valid)
        return of.parameters.alpha["cell"].grad.clone()

    assert torch.equal(slope(coarse, Bilevel(2)), slope(state, Bilevel(2)))
    assert not torch.equal(slope(coarse, Bilevel(1)), slope(state, Bilevel(1)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_second_order_on_a_gpu_is_that_on_a_cpu() -> None:
    found = []
    for device in ("cpu", "cuda"):
        searched = replace(job("darts-1", "nasbench201"), device=device)
        state = begun(searched)
        with torch.no_grad():
            for values in state.parameters.alpha.values():  # which are drawn on the device
                values.zero_()
        Bilevel(2).step(state, *first_batches(searched))
        found.append(state.parameters.alpha["cell"].grad.cpu())
    assert float((found[1] - found[0]).norm() / found[0].norm()) < 0.02


def test_without_a_learning_rate_the_second_order_is_the_first() -> None:
    state = tiny_search()
    state.weight_optimiser.param_groups[0]["lr"] = 0.0
    assert torch.equal(gradient(Bilevel(2), state), gradient(Bilevel(1), state))


def test_each_weight_is_unrolled_at_the_rate_of_its_own_group() -> None:
    state = tiny_search()
    first, *others = state.network.parameters()
    optimiser = torch.optim.SGD([{"params": [first], "lr": 0.5}, {"params": others, "lr": 0.0}], lr=0.1)
    state = tiny_search(state.network, state.parameters, weight_optimiser=optimiser)
    frozen = copy.deepcopy(state.network)
    for weight in list(frozen.parameters())[1:]:
        weight.requires_grad_(False)
    alone = tiny_search(frozen, state.parameters, weight_optimiser=torch.optim.SGD([next(frozen.parameters())], lr=0.5))
    torch.testing.assert_close(gradient(Bilevel(2), state), gradient(Bilevel(2), alone), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("update", [SingleLevel(), Bilevel(1), Bilevel(2), Mixed(2.0)])
def test_an_update_leaves_weights_their_gradients_and_the_momentum_as_they_are(update: ArchitectureUpdate) -> None:
    state = with_momentum()
    before = copy.deepcopy((list(state.network.parameters()), state.weight_optimiser.state_dict()))
    slopes = [parameter.grad.clone() for parameter in state.network.parameters() if parameter.grad is not None]
    update.step(state, TRAIN, VALID)
    after = (list(state.network.parameters()), state.weight_optimiser.state_dict())
    for old, new in zip(before[0], after[0], strict=True):
        assert torch.equal(old, new)
    kept = [parameter.grad for parameter in state.network.parameters()]
    assert len(slopes) == len(kept)
    assert all(torch.equal(old, new) for old, new in zip(slopes, kept, strict=True) if new is not None)
    assert str(before[1]) == str(after[1])


def test_running_statistics_do_not_see_the_weights_that_were_only_tried() -> None:
    state = tiny_search(CountingNetwork(torch.Generator().manual_seed(0)))
    gradient(Bilevel(2), state)
    assert float(state.network.get_buffer("calls")) == 0
    gradient(Mixed(1.0), state)
    assert float(state.network.get_buffer("calls")) == 2


def test_first_order_updates_are_plain_gradients() -> None:
    state = tiny_search()
    (alpha,) = state.parameters.tensors()
    mixture = Mixture({"cell": torch.softmax(alpha, dim=1)})
    train, valid = (
        torch.autograd.grad(state.loss_of(part, mixture), alpha, retain_graph=True)[0] for part in (TRAIN, VALID)
    )
    torch.testing.assert_close(gradient(SingleLevel(), state), train)
    torch.testing.assert_close(gradient(Bilevel(1), state), valid)
    torch.testing.assert_close(gradient(Mixed(0.1), state), train + 0.1 * valid)


def test_mixed_level_goes_from_single_level_to_the_direction_of_bilevel() -> None:
    state = tiny_search()
    assert torch.equal(gradient(Mixed(0.0), state), gradient(SingleLevel(), state))
    bilevel = gradient(Bilevel(1), state).flatten()

    def distance(weight: float) -> float:
        return 1 - float(torch.cosine_similarity(gradient(Mixed(weight), state).flatten(), bilevel, dim=0))

    distances = [distance(weight) for weight in (0.0, 1.0, 10.0, 999.0)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.01
    assert distances[-1] < 1e-5


class NoisyNetwork(TinyNetwork):
    """Adds random numbers from a generator to its images, like the operation `noise`."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__(torch.Generator().manual_seed(0))
        self.noise = generator

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        noise = torch.randn(images.shape, generator=self.noise, dtype=images.dtype)
        return super().forward(images + noise, mixture)


def test_both_sides_of_the_finite_difference_see_the_same_noise() -> None:
    """With noise of its own on each side the difference, divided by 2e-6, would be near a million."""
    generator = torch.Generator().manual_seed(0)
    state = tiny_search(NoisyNetwork(generator), generator=generator)
    assert float(gradient(Bilevel(2, 1e-6), state).norm()) < 10


def test_a_switch_changes_at_its_epoch() -> None:
    switch = Switch(SingleLevel(), Bilevel(1), epoch=35)
    for epoch, expected in ((0, SingleLevel()), (34, SingleLevel()), (35, Bilevel(1)), (49, Bilevel(1))):
        state = tiny_search(epoch=epoch)
        assert torch.equal(gradient(switch, state), gradient(expected, state))


def test_a_sampling_relaxation_is_differentiated_at_one_sample_a_step() -> None:
    """lambda times the same loss as the training loss has to be (1 + lambda) times the gradient, exactly."""

    def slope(weight: float) -> Tensor:
        state = tiny_search(relaxation=GumbelSoftmax(), generator=torch.Generator().manual_seed(3))
        Mixed(weight).step(state, TRAIN, TRAIN)
        return state.parameters.tensors()[0].grad

    torch.testing.assert_close(slope(3.0), 4 * slope(0.0))


def test_gradients_are_set_and_not_added_to() -> None:
    state = tiny_search()
    once = gradient(Bilevel(1), state)
    assert torch.equal(gradient(Bilevel(1), state), once)


@pytest.mark.parametrize("weight", [-0.1, float("inf"), float("nan")])
def test_a_weight_out_of_range_is_refused(weight: float) -> None:
    with pytest.raises(ConfigurationError, match="lambda"):
        Mixed(weight)


def test_a_displacement_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="epsilon"):
        Bilevel(2, 0.0)
    with pytest.raises(ConfigurationError, match="order 1 or 2"):
        Bilevel(3)


def test_which_update_differentiates_through_the_weights_may_depend_on_the_epoch() -> None:
    second = Bilevel(2, 0.1)
    assert second_order_at(second, 0) is second
    assert second_order_at(Anchored(second, DirichletAnchor("weight-decay")), 3) is second
    assert second_order_at(Bilevel(1), 0) is None
    switch = Switch(second, Mixed(1.0), epoch=2)
    assert [second_order_at(switch, epoch) for epoch in range(4)] == [second, second, None, None]
