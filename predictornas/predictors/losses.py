"""What training minimises: order for the ranking losses, size for squared errors. Importable without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from jaxtyping import Float, Int8

from predictornas.errors import ConfigurationError

if TYPE_CHECKING:
    import torch

    ScoreGradient = Callable[[Float[torch.Tensor, "*members n"]], Float[torch.Tensor, "*members n"]]
    """The derivative of a loss with respect to the scores, at the scores it is given."""


@runtime_checkable
class Loss(Protocol):
    """How badly scores fit what was measured. A subclass that only defines `__call__` is trained through autograd."""

    def __call__(
        self, scores: Float[torch.Tensor, "*members n"], values: Float[torch.Tensor, "*members n"]
    ) -> Float[torch.Tensor, ""]:
        """The loss, differentiable in `scores`; with leading axes, the sum over their members.

        Args:
            scores: what the predictor gives, higher is better.
            values: what was measured, higher is better, in float64 so that order is not lost.
        """
        ...

    def gradient_for(self, values: Float[torch.Tensor, "*members n"]) -> ScoreGradient:
        """The loss's gradient for fixed `values`: whatever does not depend on the scores is worked out once."""
        import torch

        def gradient(scores: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                leaf = scores.detach().requires_grad_()
                return torch.autograd.grad(self(leaf, values), leaf)[0]

        return gradient


@runtime_checkable
class PairLoss(Loss, Protocol):
    """A loss that looks at the order of pairs alone, and can be told that order instead of values."""

    def gradient_for_pairs(self, signs: Int8[torch.Tensor, "n n"]) -> ScoreGradient:
        """The loss's gradient for a fixed order of `(n,)` scores.

        Args:
            signs: antisymmetric: above 0 where the row's architecture is better, below 0 where the column's is, 0 where
                the pair has no order; their sizes are the weights of the pairs. See `fidelity.ordered_pairs`.
        """
        ...


@dataclass(frozen=True)
class PairwiseCrossEntropy(PairLoss):
    """Mean of -ln sigmoid(s_i - s_j) over the ordered pairs with v_i > v_j (Mauch et al. 2020, eq. 5-7).

    The misplaced bracket of eq. 5 and the sign of eq. 6 are read as p(i better than j) = sigmoid(s_i - s_j). Pairs of
    equal values carry no order and are left out (ours; eq. 6 counts them). Without any ordered pair the loss is 0.
    """

    def __call__(
        self, scores: Float[torch.Tensor, "*members n"], values: Float[torch.Tensor, "*members n"]
    ) -> Float[torch.Tensor, ""]:
        """The loss in about N^2/2 work, its gradient in closed form; see `Loss.__call__`."""
        from predictornas.predictors.pairwise import OrderedPairs

        return OrderedPairs(values).loss(scores)

    def gradient_for(self, values: Float[torch.Tensor, "*members n"]) -> ScoreGradient:
        """The gradient alone, with the order of `values` worked out once; see `Loss.gradient_for`."""
        from predictornas.predictors.pairwise import OrderedPairs

        return OrderedPairs(values).gradient

    def gradient_for_pairs(self, signs: Int8[torch.Tensor, "n n"]) -> ScoreGradient:
        """The mean is over the pairs that have an order; see `PairLoss.gradient_for_pairs`."""
        from predictornas.predictors.pairwise import LabelledPairs

        return _weighted_mean(signs, lambda part: LabelledPairs(part).gradient)


@dataclass(frozen=True)
class HingeRanking(PairLoss):
    """Mean of max(0, margin - (s_i - s_j)) over the ordered pairs with v_i > v_j (Ning et al. 2020, section 3.3).

    Pairs of equal values carry no order and are left out (ours). Without any ordered pair the loss is 0. Where a
    difference of scores is exactly the margin, the slope is taken as 0.

    Attributes:
        margin: by how much the better one should lead (0.1 in Ning et al. 2020).
    """

    margin: float = 0.1

    def __call__(
        self, scores: Float[torch.Tensor, "*members n"], values: Float[torch.Tensor, "*members n"]
    ) -> Float[torch.Tensor, ""]:
        """The loss over the N x N square; see `Loss.__call__`."""
        better = _better(values)
        lead = scores[..., :, None] - scores[..., None, :]
        total = ((self.margin - lead).relu() * better).sum((-2, -1))
        return (total / _pairs(better)).sum()

    def gradient_for(self, values: Float[torch.Tensor, "*members n"]) -> ScoreGradient:
        """Each pair within the margin pushes its winner up and its loser down; see `Loss.gradient_for`."""
        return self._gradient(_better(values))

    def gradient_for_pairs(self, signs: Int8[torch.Tensor, "n n"]) -> ScoreGradient:
        """The mean is over the pairs that have an order; see `PairLoss.gradient_for_pairs`."""
        return _weighted_mean(signs, lambda part: self._gradient(part > 0))

    def _gradient(self, better: torch.Tensor) -> ScoreGradient:
        pairs = _pairs(better)[..., None]

        def gradient(scores: torch.Tensor) -> torch.Tensor:
            lead = scores[..., :, None] - scores[..., None, :]
            active = better & (lead < self.margin)
            return ((active.sum(-2) - active.sum(-1)) / pairs).to(scores)

        return gradient


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of (sigmoid(s_i) - u_i)^2, u the values scaled so that the training set spans [0, 1].

    The score is the logit of the estimated u, so that higher is better and 1 - sigmoid(s) is the loss that the
    estimator psi of Li, Dong et al. 2020, section 3.3, gives. The paper does not say how the loss comes into [0, 1];
    taking the smallest value to 0 and the largest to 1 is ours, and so is u = 1/2 where all values are equal.
    """

    def __call__(
        self, scores: Float[torch.Tensor, "*members n"], values: Float[torch.Tensor, "*members n"]
    ) -> Float[torch.Tensor, ""]:
        """See `Loss.__call__`."""
        errors = (scores.sigmoid() - _normalised(values).to(scores)) ** 2
        return errors.sum() / max(1, values.shape[-1])

    def gradient_for(self, values: Float[torch.Tensor, "*members n"]) -> ScoreGradient:
        """2 (p - u) p (1 - p) / n with p = sigmoid(s); see `Loss.gradient_for`."""
        return _squared_error_gradient(values, 1.0)


@dataclass(frozen=True)
class WeightedMeanSquaredError(Loss):
    """`MeanSquaredError` with a weight for each architecture (Li, Dong et al. 2020, eq. 8).

    Attributes:
        weights: one for each architecture, in the order of the training set, >= 0. Eq. 8 divides by the probability p
            with which an architecture was sampled: (1 / p) / mean(1 / p); the division by the mean is ours.
    """

    weights: tuple[float, ...]

    def __call__(
        self, scores: Float[torch.Tensor, "*members n"], values: Float[torch.Tensor, "*members n"]
    ) -> Float[torch.Tensor, ""]:
        """Members share the weights; see `Loss.__call__`.

        Raises:
            ConfigurationError: the number of weights is not that of the values.
        """
        errors = (scores.sigmoid() - _normalised(values).to(scores)) ** 2
        return (errors * self._weights(values).to(scores)).sum() / max(1, values.shape[-1])

    def gradient_for(self, values: Float[torch.Tensor, "*members n"]) -> ScoreGradient:
        """See `MeanSquaredError.gradient_for`.

        Raises:
            ConfigurationError: the number of weights is not that of the values.
        """
        return _squared_error_gradient(values, self._weights(values))

    def _weights(self, values: torch.Tensor) -> torch.Tensor:
        if len(self.weights) != values.shape[-1]:
            raise ConfigurationError(
                f"WeightedMeanSquaredError has {len(self.weights)} weights for {values.shape[-1]} values. Give one "
                "weight for each training architecture, in the same order."
            )
        return values.new_tensor(self.weights)


def _weighted_mean(
    signs: Int8[torch.Tensor, "n n"], gradient_of: Callable[[Int8[torch.Tensor, "n n"]], ScoreGradient]
) -> ScoreGradient:
    """The gradient of a mean over pairs whose weights are the sizes of their signs, from that of an unweighted one."""
    sizes = signs.abs()
    counts = sizes.flatten().bincount().tolist()
    weights = [weight for weight, count in enumerate(counts) if weight and count]
    if len(weights) < 2:
        return gradient_of(signs.sign())
    total = sum(weight * counts[weight] for weight in weights)
    parts = [(weight * counts[weight] / total, gradient_of(signs.sign() * (sizes == weight))) for weight in weights]

    def gradient(scores: torch.Tensor) -> torch.Tensor:
        slopes = scores.new_zeros(scores.shape)
        for share, part in parts:
            slopes += share * part(scores)
        return slopes

    return gradient


def _better(values: torch.Tensor) -> torch.Tensor:
    """`(..., n, n)`: whether v_i > v_j."""
    return values[..., :, None] > values[..., None, :]


def _pairs(better: torch.Tensor) -> torch.Tensor:
    """Number of ordered pairs of each member, at least 1."""
    return better.sum((-2, -1)).clamp_min(1)


def _normalised(values: torch.Tensor) -> torch.Tensor:
    """Values of each member scaled to [0, 1], its smallest to 0 and its largest to 1; 1/2 where all are equal."""
    if values.shape[-1] == 0:
        return values
    lowest = values.amin(-1, keepdim=True)
    span = values.amax(-1, keepdim=True) - lowest
    return ((values - lowest) / span).where(span > 0, 0.5)


def _squared_error_gradient(values: torch.Tensor, weights: torch.Tensor | float) -> ScoreGradient:
    """2 w (p - u) p (1 - p) / n with p = sigmoid(s)."""
    targets = _normalised(values)
    factors = 2 / max(1, values.shape[-1]) * weights * values.new_ones(())

    def gradient(scores: torch.Tensor) -> torch.Tensor:
        estimates = scores.sigmoid()
        return (estimates - targets.to(scores)) * estimates * (1 - estimates) * factors.to(scores)

    return gradient
