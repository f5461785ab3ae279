"""What a predictor is: the protocols that search and samplers rely on."""

from __future__ import annotations

import copy
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from predictornas.predictors.fidelity import FidelityRule
from predictornas.spaces.base import Genes, SearchSpace

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Predictor(Protocol):
    """Learns to rank the architectures of one space. A constructor only stores; what is learned ends in `_`."""

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> Predictor:
        """Learns from `n` evaluated architectures.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value, for predictors that compare across fidelities.
            rng: the only source of randomness.
        """
        ...

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Scores, higher is better; only their order matters."""
        ...


PredictorType = TypeVar("PredictorType", bound=Predictor)


def fresh(predictor: PredictorType) -> PredictorType:
    """An unfitted copy of a configuration, so that what is fitted never changes what was configured.

    A dataclass is built again from its fields, and so without whatever was learned; anything else is copied as it is.
    """
    if is_dataclass(predictor) and not isinstance(predictor, type):
        return replace(predictor)
    return copy.deepcopy(predictor)


@runtime_checkable
class WarmStartPredictor(Predictor, Protocol):
    """A predictor that can go on from what another one of the same configuration has learned."""

    def starting_from(self, fitted: Predictor) -> Predictor:
        """An unfitted copy of this configuration whose `fit` begins with the weights of `fitted`."""
        ...


@runtime_checkable
class UncertainPredictor(Predictor, Protocol):
    """A predictor that knows how unsure it is."""

    def predict_std(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Standard deviation of each score, in the units of `predict`, after `fit`."""
        ...


@runtime_checkable
class ExpectingPredictor(UncertainPredictor, Protocol):
    """A predictor that can be told what is being evaluated, before the values are known."""

    def expecting(self, genes: Genes) -> UncertainPredictor:
        """This predictor, fitted, once `(p, g)` architectures in flight have turned out to be what it predicts.

        It scores as before, and is surer where they are: a posterior mean in the place of each value that is missing
        (Ginsbourger et al. 2010, the kriging believer).
        """
        ...


@runtime_checkable
class DenoisingPredictor(Predictor, Protocol):
    """A predictor that estimates how noisy the values are that it learns from."""

    @property
    def knows_noise(self) -> bool:
        """Whether its score of an architecture it was fitted on is an estimate of the value without its noise.

        It weighs the value seen there against what the others say, by the noise that it found in them: a posterior
        mean. Without noise it orders them as their values do. Only then may a search name its result by the score;
        where this is False, or missing, it is named by the signal.
        """
        ...


def knows_noise(predictor: Predictor) -> bool:
    """Whether a predictor says so of itself, see `DenoisingPredictor`; one that says nothing does not."""
    return isinstance(predictor, DenoisingPredictor) and predictor.knows_noise


@runtime_checkable
class FidelityPredictor(Predictor, Protocol):
    """A predictor that can be told how to order architectures that were trained for different numbers of epochs."""

    @property
    def fidelity_pairs(self) -> FidelityRule:
        """The rule, see `FidelityRule`."""
        ...


@runtime_checkable
class DifferentiablePredictor(Predictor, Protocol):
    """A predictor that can be differentiated with respect to a relaxed architecture."""

    def relaxed(self, sequences: torch.Tensor) -> torch.Tensor:
        """Scores `(n,)` of relaxed genes, differentiable in them, after `fit`.

        Args:
            sequences: `(n, steps, k)` float, rows of `SearchSpace.sequences` or mixtures of such rows.
        """
        ...
