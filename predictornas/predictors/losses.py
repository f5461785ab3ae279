"""Ranking losses: they look at values only through their order. Importable without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from jaxtyping import Float

if TYPE_CHECKING:
    import torch

    ScoreGradient = Callable[[Float[torch.Tensor, "*members n"]], Float[torch.Tensor, "*members n"]]
    """The derivative of a loss with respect to the scores, at the scores it is given."""


@runtime_checkable
class Loss(Protocol):
    """How badly scores rank architectures. A subclass that only defines `__call__` is trained through autograd."""

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


@dataclass(frozen=True)
class PairwiseCrossEntropy(Loss):
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
