"""The Neural Predictor of Wen et al. 2020: a classifier finds the good architectures, a regressor ranks them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from predictornas.errors import ConfigurationError
from predictornas.predictors.engine.message_passing import Normalisation
from predictornas.predictors.fidelity import FidelityRule, comparable_accuracies
from predictornas.predictors.fitting import check_device, checked_values, fit_regression, squared_error_slopes
from predictornas.predictors.gcn import GCN
from predictornas.predictors.graph_predictor import Engine, part_of
from predictornas.predictors.optimisers import Adam, Optimiser
from predictornas.spaces.base import Genes, SearchSpace

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.fitting import Slopes


@dataclass(kw_only=True)
class NeuralPredictor:
    """Graph convolutions both ways and a fully connected layer, in two stages (Wen et al. 2020, arXiv 1912.00848).

    A classifier learns which architectures exceed a threshold, a regressor of the same shape learns the values of
    those that do; all that the classifier accepts rank above all that it rejects. The classifier minimises the
    cross-entropy, the regressor the squared error of values scaled to mean 0 and deviation 1, with a linear output, as
    in a public reimplementation. The rejected are ranked by the classifier (ours; the paper drops them), and where a
    training set lies on one side of the threshold there is a regressor alone (ours).

    Of the errors found in public versions none is repeated: gradients begin at zero in every step (not in the GCN
    predictors of NASLib and naszilla), and dropout ends with training.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.neural_predictor import NeuralPredictor
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> small = NeuralPredictor(width=8, hidden=8, passes=2)
        >>> small.fit(space, genes, genes.mean(axis=1) / 4, rng=rng).predict(genes).shape
        (20,)

    Attributes:
        threshold: value above which an architecture is good; the paper's is 0.91, validation accuracy on
            NAS-Bench-101. None takes a quantile, which suits every table.
        quantile: share of the training values that are not good where `threshold` is None, 0 <= quantile < 1 (ours;
            about the share that 0.91 leaves out on NAS-Bench-101). 0 leaves the classifier out: one stage.
        layers: number of graph convolutions, >= 1.
        width: features of every convolution; the paper has fewer for training sets below 172 and more above.
        hidden: features of the fully connected layer.
        normalisation: of the adjacency; see `message_passing.propagation` (ours; public versions divide rows).
        dropout: share of features dropped in training, 0 <= dropout < 1.
        classifier_optimiser: how the classifier is trained; the decoupled weight decay is ours.
        regressor_optimiser: how the regressor is trained; public reimplementations take half this learning rate.
        passes: over the architectures, in each stage.
        batch_size: architectures in an update, >= 1.
        engine: how scores are computed after training; see `graph_predictor.GraphPredictor`.
        device: where torch computes.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        classifier_: the trained classifier, None where there is one stage only.
        regressor_: the trained regressor.
    """

    threshold: float | None = None
    quantile: float = 0.4
    layers: int = 3
    width: int = 144
    hidden: int = 128
    normalisation: Normalisation = "symmetric"
    dropout: float = 0.1
    classifier_optimiser: Optimiser = field(default_factory=lambda: Adam(0.0002, weight_decay=0.001))
    regressor_optimiser: Optimiser = field(default_factory=lambda: Adam(0.0002, weight_decay=0.001))
    passes: int = 300
    batch_size: int = 10
    engine: Engine = "indexed"
    device: str = "cpu"
    fidelity_pairs: FidelityRule = "common"

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> NeuralPredictor:
        """Trains both stages anew. Values that are all equal leave the regressor untrained.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value; where they differ, the order of the Borda shares is learned.
            rng: source of the initial weights, of dropout and of the order of batches.

        Raises:
            DataError: a value is not finite.
            UnknownNameError: no such rule for pairs across fidelities.
            ConfigurationError: a setting is out of range, training diverged, or this machine lacks the device.
        """
        import torch

        self._check()
        values = checked_values(genes, values)
        check_device(self.device)
        genes, values = comparable_accuracies(genes, values, epochs, self.fidelity_pairs)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        good = self._good(values)
        self.classifier_ = None
        if not good.all():
            self.classifier_ = self._fitted(
                space, genes, good.astype(np.float64), _cross_entropy_slopes, self.classifier_optimiser, generator
            )
        self.regressor_ = self._fitted(
            space, genes[good], _standardised(values[good]), squared_error_slopes, self.regressor_optimiser, generator
        )
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Scores, higher is better; only their order matters.

        Those that the classifier accepts are in [1, 2], those that it rejects below 1/2.
        """
        from scipy.special import expit

        ranks = 1 + expit(self.regressor_.predict(genes).astype(np.float64))
        if self.classifier_ is None:
            return np.asarray(ranks)
        chances = expit(self.classifier_.predict(genes).astype(np.float64))
        return np.asarray(np.where(chances >= 0.5, ranks, chances))

    def _check(self) -> None:
        if not 0 <= self.quantile < 1 or not 0 <= self.dropout < 1 or self.batch_size < 1:
            raise ConfigurationError(
                "NeuralPredictor needs 0 <= quantile < 1, 0 <= dropout < 1 and batch_size >= 1, "
                f"not {self.quantile}, {self.dropout} and {self.batch_size}."
            )

    def _good(self, values: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Which of the training architectures the regressor learns from: all where the threshold parts nothing."""
        everything = np.ones(len(values), bool)
        if self.threshold is None and (self.quantile == 0 or not len(values)):
            return everything
        threshold = np.quantile(values, self.quantile) if self.threshold is None else self.threshold
        good: Bool[np.ndarray, " n"] = values > threshold
        return good if good.any() else everything

    def _fitted(
        self,
        space: SearchSpace,
        genes: Genes,
        targets: Float[np.ndarray, " n"],
        slopes: Slopes,
        optimiser: Optimiser,
        generator: torch.Generator,
    ) -> GCN:
        """One stage, trained, in the form of the `GCN` that scores as it does."""

        from predictornas.predictors.engine.dense import dense_batch
        from predictornas.predictors.networks.neural_predictor_network import NeuralPredictorNetwork

        scorer = GCN(
            layers=self.layers,
            width=self.width,
            normalisation=self.normalisation,
            bidirectional=True,
            engine=self.engine,
            device=self.device,
        )
        graphs = space.graphs(genes)
        network = NeuralPredictorNetwork(
            graphs.num_codes,
            layers=self.layers,
            width=self.width,
            hidden=self.hidden,
            dropout=self.dropout,
            generator=generator,
        ).to(self.device)
        everything = dense_batch(scorer.message_passing(graphs), slice(None), self.device)
        fit_regression(
            network,
            lambda rows: network(part_of(everything, rows)),
            targets,
            slopes,
            optimiser=optimiser,
            passes=self.passes,
            batch_size=self.batch_size,
            generator=generator,
            device=self.device,
        )
        scorer.space_, scorer.network_ = space, network.folded()
        return scorer


def _standardised(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Values with mean 0 and deviation 1; 0 where all are equal."""
    if len(np.unique(values)) < 2:  # the deviation of equal values can be a rounding error
        return np.zeros(len(values))
    return np.asarray((values - values.mean()) / values.std())


def _cross_entropy_slopes(
    scores: Float[torch.Tensor, " b"], targets: Float[torch.Tensor, " b"]
) -> Float[torch.Tensor, " b"]:
    """Of -t ln sigmoid(s) - (1 - t) ln sigmoid(-s)."""
    return scores.sigmoid() - targets
