"""Several predictors that vote: the mean of their scores, and how unsure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import Predictor, UncertainPredictor, fresh, knows_noise
from predictornas.predictors.contract import fitted_on, scores_of, spread_of
from predictornas.spaces.base import Genes, SearchSpace

_REFERENCE = 1000
"""Random architectures whose scores make those of the members comparable."""


@dataclass(frozen=True)
class _Scale:
    mean: float
    std: float


@dataclass
class Ensemble(metaclass=PlainHelp):
    """The mean over members of their scores, each standardised over the same random architectures of the space.

    Scores of ranking losses have no unit, so they are made comparable where the members are asked about what they were
    not trained on. Members of one kind differ by their initial weights, members of several kinds by what they can see.

    Example:
        >>> import numpy as np
        >>> from predictornas import Ensemble, GCN, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(30, rng)
        >>> members = (GCN(width=8, training_epochs=20), GCN(width=8, layers=2, training_epochs=20))
        >>> fitted = Ensemble(members).fit(space, genes, genes.mean(axis=1), rng=rng)
        >>> fitted.predict(genes).shape, fitted.predict_std(genes).shape
        ((30,), (30,))

    Attributes:
        members: configurations; each is fitted as a fresh copy, with random numbers of its own.
        fitted_: the fitted members.

    Raises:
        ConfigurationError: no member.
    """

    members: tuple[Predictor, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise ConfigurationError("An ensemble needs at least one member.")

    @property
    def knows_noise(self) -> bool:
        """Whether all members do."""
        return all(knows_noise(member) for member in self.members)

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> Ensemble:
        """Fits every member on all architectures.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value, handed on to the members.
            rng: source of all randomness.

        Raises:
            DataError: a value is not finite.
            ConfigurationError: as the members' `fit`.
        """
        reference = space.sample(min(_REFERENCE, len(space)), rng)
        self.fitted_: list[Predictor] = []
        self._scales: list[_Scale] = []
        for member, own in zip(self.members, rng.spawn(len(self.members)), strict=True):
            fitted = fitted_on(fresh(member), space, genes, values, epochs=epochs, rng=own)
            scores = scores_of(fitted, reference).astype(np.float64)
            self.fitted_.append(fitted)
            self._scales.append(_Scale(float(scores.mean()), float(scores.std()) or 1.0))
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Mean standardised score, higher is better; only the order matters."""
        return np.asarray(self.predict_members(genes).mean(axis=0))

    def predict_std(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Standard deviation of the standardised score, by the law of total variance as in deep ensembles.

        The variance is that of the members' scores, how much they disagree, plus the mean of what members that know
        noise say of their own (Lakshminarayanan et al. 2017, section 2.4). The others are taken to be as unsure as
        these; where no member knows noise the disagreement is all there is.
        """
        variance = self.predict_members(genes).var(axis=0)
        own = [
            (spread_of(fitted, genes) / scale.std) ** 2
            for fitted, scale in zip(self.fitted_, self._scales, strict=True)
            if knows_noise(fitted) and isinstance(fitted, UncertainPredictor)
        ]
        return np.asarray(np.sqrt(variance + np.mean(own, axis=0) if own else variance))

    def predict_members(self, genes: Genes) -> Float[np.ndarray, "members n"]:
        """The standardised scores of each member."""
        return np.stack(
            [
                (scores_of(fitted, genes).astype(np.float64) - scale.mean) / scale.std
                for fitted, scale in zip(self.fitted_, self._scales, strict=True)
            ]
        )
