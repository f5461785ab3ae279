"""The gradient through one training step of the weights: what the second order of a bilevel update adds to the first.

By a finite difference, as Liu et al. 2019 have it, or exactly, by differentiating twice; and how far apart the two are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.restoring import mode, restored
from predictornas.supernet.state import Batch, SearchState


@dataclass(frozen=True)
class Point:
    """The factors where losses are differentiated, cut off from the parameters they were computed from.

    Attributes:
        mixture: with leaf tensors as its factors.
        leaves: those tensors.
        attached: the same numbers, with the graph that leads to the parameters.
    """

    mixture: Mixture
    leaves: list[Tensor]
    attached: list[Tensor]

    @classmethod
    def drawn(cls, state: SearchState) -> Point:
        """A point at the current parameters."""
        drawn = state.mixture()
        cut = drawn.detached()
        attached, leaves = _factors(drawn), _factors(cut)
        for leaf in leaves:
            leaf.requires_grad_()
        return cls(cut, leaves, attached)

    def slopes(self, state: SearchState, batch: Batch) -> list[Tensor]:
        """The gradient of the loss on a batch with respect to the factors."""
        loss = state.loss_of(batch, self.mixture)
        return list(torch.autograd.grad(loss, self.leaves, materialize_grads=True))

    def hand_over(self, state: SearchState, slopes: Sequence[Tensor]) -> None:
        """Carries a gradient of the factors to the architecture parameters."""
        for parameter in state.parameters.tensors():
            # zero and not None: Adam skips what has no gradient, and its moments and weight decay would stand still
            parameter.grad = torch.zeros_like(parameter)
        torch.autograd.backward(self.attached, list(slopes))

    def carried(self, state: SearchState, slopes: Sequence[Tensor]) -> Tensor:
        """A gradient of the factors as one of all architecture parameters, flat; theirs stays as it is."""
        parts = torch.autograd.grad(
            self.attached, state.parameters.tensors(), list(slopes), retain_graph=True, materialize_grads=True
        )
        return torch.cat([part.flatten() for part in parts])


class Unrolled(NamedTuple):
    """The gradient of L_val(w - xi dw(alpha), alpha) with respect to the factors, in two terms.

    Attributes:
        direct: of L_val at the weights after the step.
        through_weights: through the weights: - xi v times the derivative of dw in the factors.
    """

    direct: list[Tensor]
    through_weights: list[Tensor]

    def slopes(self) -> list[Tensor]:
        """The sum."""
        return [first + second for first, second in zip(self.direct, self.through_weights, strict=True)]


class DifferenceError(NamedTuple):
    """How far the term through the weights is from the exact one when a finite difference gives it.

    Attributes:
        relative: length of the error over that of the exact term; 0 where there is no such term.
        cosine: of the angle between the two; 1 where there is no such term.
    """

    relative: float
    cosine: float


def unrolled(point: Point, state: SearchState, train: Batch, valid: Batch, epsilon: float | None) -> Unrolled:
    """The gradient of L_val(w - xi dw(alpha), alpha) with respect to the factors; network and generator go back.

    Args:
        point: the factors.
        state: the search, in a precision that resolves eps v.
        train: images of dw.
        valid: images of L_val.
        epsilon: length of the displacement in the finite difference; None to differentiate twice.
    """
    weights, rates = _weights_and_rates(state)
    # losses away from w are only looked at: neither w nor the statistics of batch normalisation may remember them
    with restored([*state.network.parameters(), *state.network.buffers()]):
        before = state.generator.get_state()
        with restored(weights):
            _take_step(state, train, point.mixture.detached(), weights)
            loss = state.loss_of(valid, point.mixture)
            slopes = torch.autograd.grad(loss, [*point.leaves, *weights], materialize_grads=True)
        direct, implicit = slopes[: len(point.leaves)], slopes[len(point.leaves) :]
        # xi v as one direction: where all weights share a rate, w +- eps v are the same points
        direction = [slope * rate for slope, rate in zip(implicit, rates, strict=True)]
        after = state.generator.get_state()
        state.generator.set_state(before)  # the loss of the step itself, with the noise that it had
        if epsilon is None:
            through = _exact(point, state, train, weights, direction)
        else:
            through = _by_difference(point, state, train, weights, direction, epsilon)
        state.generator.set_state(after)
    return Unrolled(list(direct), through)


def difference_error(state: SearchState, train: Batch, valid: Batch, epsilon: float = 0.01) -> DifferenceError:
    """What a finite difference gets wrong on these batches, in the gradient of the architecture parameters.

    Two of the four gradients that make up the second order are computed anew for it; the search stays as it was.

    Args:
        state: the search.
        train: images of the unrolled step.
        valid: images of the loss after it.
        epsilon: as in `Bilevel`.
    """
    kept = state.generator.get_state()
    with state.exact() as exact, mode(state.network, training=True):
        point = Point.drawn(exact)
        drawn = state.generator.get_state()
        terms = []
        for length in (epsilon, None):
            state.generator.set_state(drawn)
            through = unrolled(point, exact, train, valid, length).through_weights
            terms.append(point.carried(exact, through).double())
    state.generator.set_state(kept)
    found, truth = terms
    lengths = [float(torch.linalg.vector_norm(term)) for term in terms]
    if not min(lengths) > 0:
        return DifferenceError(0.0 if max(lengths) == 0 else float("inf"), 1.0 if max(lengths) == 0 else 0.0)
    error = float(torch.linalg.vector_norm(found - truth)) / lengths[1]
    return DifferenceError(error, float(found @ truth) / lengths[0] / lengths[1])


def _factors(mixture: Mixture) -> list[Tensor]:
    return [*mixture.weights.values(), *(mixture.edge_weights or {}).values()]


def _by_difference(
    point: Point, state: SearchState, train: Batch, weights: list[Tensor], direction: list[Tensor], epsilon: float
) -> list[Tensor]:
    """- (grad L_train(w + eps v) - grad L_train(w - eps v)) / (2 eps), v of length one; the weights are moved."""
    length = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in direction]))
    # no slope, so no second-order term (and eps would be infinite); also where it is NaN
    if not length > 0:
        return [torch.zeros_like(leaf) for leaf in point.leaves]
    noise = state.generator.get_state()
    _displace(weights, direction, epsilon / float(length))
    above = point.slopes(state, train)
    state.generator.set_state(noise)  # or the operation `noise` would drown the difference
    _displace(weights, direction, -2 * epsilon / float(length))
    below = point.slopes(state, train)
    factor = float(length) / (2 * epsilon)
    return [-(factor * (up - down)) for up, down in zip(above, below, strict=True)]


def _exact(
    point: Point, state: SearchState, train: Batch, weights: list[Tensor], direction: list[Tensor]
) -> list[Tensor]:
    """The same in the limit of eps to 0: the gradient in the factors of -direction * grad_w L_train."""
    loss = state.loss_of(train, point.mixture)
    slopes = torch.autograd.grad(loss, weights, create_graph=True, materialize_grads=True)
    along = torch.stack([(slope * part).sum() for slope, part in zip(slopes, direction, strict=True)]).sum()
    if not along.requires_grad:  # a loss without curvature
        return [torch.zeros_like(leaf) for leaf in point.leaves]
    return list(torch.autograd.grad(-along, point.leaves, materialize_grads=True))


def _weights_and_rates(state: SearchState) -> tuple[list[Tensor], list[float]]:
    """The weights that the optimiser moves, and the learning rate of each."""
    pairs = [
        (weight, float(group["lr"])) for group in state.weight_optimiser.param_groups for weight in group["params"]
    ]
    return [weight for weight, _ in pairs], [rate for _, rate in pairs]


def _take_step(state: SearchState, train: Batch, mixture: Mixture, weights: Sequence[Tensor]) -> None:
    """w' = w - xi (momentum * buffer + grad_w L_train + decay * w), as the released `_compute_unrolled_model`."""
    slopes = iter(torch.autograd.grad(state.loss_of(train, mixture), list(weights), materialize_grads=True))
    with torch.no_grad():
        for group in state.weight_optimiser.param_groups:
            for weight in group["params"]:
                step = next(slopes) + group.get("weight_decay", 0.0) * weight
                buffer = state.weight_optimiser.state.get(weight, {}).get("momentum_buffer")
                if buffer is not None:
                    step += group["momentum"] * buffer
                weight.sub_(step, alpha=group["lr"])


def _displace(weights: Sequence[Tensor], direction: Sequence[Tensor], by: float) -> None:
    """w <- w + by * direction."""
    with torch.no_grad():
        for weight, part in zip(weights, direction, strict=True):
            weight.add_(part, alpha=by)
