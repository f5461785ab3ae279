"""A graph isomorphism network that learns errors: the predictor of NPENAS-NP (Wei et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError
from predictornas.plain_help import PlainHelp
from predictornas.predictors.engine.message_passing import MessagePassing, propagation, readout_shares
from predictornas.predictors.fidelity import FidelityRule, comparable_accuracies
from predictornas.predictors.fitting import check_device, checked_values, fit_regression
from predictornas.predictors.graph_predictor import DENSE_BLOCK, part_of
from predictornas.predictors.optimisers import Adam, Optimiser
from predictornas.spaces.base import Genes, Graphs, SearchSpace

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True)
class GIN(metaclass=PlainHelp):
    """Three layers of a graph isomorphism network (Xu et al. 2019) and the squared error (Wei et al. 2022, NPENAS).

    The network's output is a sigmoid times a limit: the public code predicts errors of up to 10 % on NAS-Bench-101, so
    that worse cells look alike. Here the limit is that multiple of the median error that 10 % is there (ours), which
    suits every table. Errors are learned as parts of it.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.gin import GIN
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> GIN(width=8, passes=2).fit(space, genes, genes.mean(axis=1) / 5, rng=rng).predict(genes).shape
        (20,)

    Attributes:
        layers: rounds of messages, >= 1.
        width: features of every layer.
        hidden: features of the layer before the output.
        dropout: share of these that training leaves out, 0 <= dropout < 1.
        limit: the largest error that is predicted, as a multiple of the median error of the training set.
        optimiser: how it is trained; the decoupled weight decay is ours.
        passes: over the architectures.
        batch_size: architectures in an update, all of them where there are fewer.
        device: where torch computes.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        space_: the space it was fitted on.
        network_: the trained network.
    """

    layers: int = 3
    width: int = 32
    hidden: int = 16
    dropout: float = 0.1
    limit: float = 1.5
    optimiser: Optimiser = field(default_factory=lambda: Adam(0.005, betas=(0.0, 0.9), weight_decay=1e-4))
    passes: int = 300
    batch_size: int = 16
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
    ) -> GIN:
        """Trains a new network; where all values are equal it stays untrained.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)` accuracies as fractions, or anything else that is better the higher.
            epochs: `(n,)` fidelity of each value; where they differ, the order of the Borda shares is learned.
            rng: source of the initial weights, of dropout and of the order of batches.

        Raises:
            DataError: a value is not finite.
            ConfigurationError: a setting is out of range, training diverged, or this machine lacks the device.
        """
        import torch

        from predictornas.predictors.engine.dense import dense_batch
        from predictornas.predictors.networks.gin_network import GINNetwork

        if self.layers < 1 or self.batch_size < 1 or not 0 <= self.dropout < 1 or self.limit <= 0:
            raise ConfigurationError(
                "GIN needs layers >= 1, batch_size >= 1, 0 <= dropout < 1 and limit > 0, "
                f"not {self.layers}, {self.batch_size}, {self.dropout} and {self.limit}."
            )
        values = checked_values(genes, values)
        check_device(self.device)
        genes, values = comparable_accuracies(genes, values, epochs, self.fidelity_pairs)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        graphs = space.graphs(genes)
        network = GINNetwork(
            graphs.num_codes,
            layers=self.layers,
            width=self.width,
            hidden=self.hidden,
            dropout=self.dropout,
            generator=generator,
        ).to(self.device)
        everything = dense_batch(_messages(graphs), slice(None), self.device)
        fit_regression(
            network,
            lambda rows: network(part_of(everything, rows)),
            _errors(values, self.limit),
            _slopes,
            optimiser=self.optimiser,
            passes=self.passes,
            batch_size=self.batch_size,
            generator=generator,
            device=self.device,
        )
        self.space_, self.network_ = space, network.eval().requires_grad_(False)
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Scores, higher is better: the predicted error as a part of the limit, negated, before its sigmoid."""
        import torch

        from predictornas.predictors.engine.dense import dense_batch

        scores = np.empty(len(genes), np.float32)
        with torch.inference_mode():
            for start in range(0, len(genes), DENSE_BLOCK):
                rows = slice(start, start + DENSE_BLOCK)
                messages = _messages(self.space_.graphs(genes[rows]))
                scores[rows] = -self.network_(dense_batch(messages, slice(None), self.device)).cpu().numpy()
        return scores


def _slopes(outputs: torch.Tensor, errors: torch.Tensor) -> torch.Tensor:
    """Of (sigmoid(o) - e)^2."""
    shares = outputs.sigmoid()
    return 2 * (shares - errors) * shares * (1 - shares)


def _messages(graphs: Graphs) -> MessagePassing:
    """Every vertex receives itself and its inputs, with equal weights."""
    return MessagePassing(
        propagations=(propagation(graphs, normalisation="none", reverse=True),),
        labels=graphs.operations,
        num_labels=graphs.num_codes,
        shares=readout_shares(graphs.operations >= 0, "mean"),
    )


def _errors(values: Float[np.ndarray, " n"], limit: float) -> Float[np.ndarray, " n"]:
    """Errors as parts of the limit, at most 1; where values are no accuracies, how far they lie below the best."""
    if not len(values):
        return values
    accuracies = values.min() >= 0 and values.max() <= 1
    errors = 1 - values if accuracies else values.max() - values
    largest = limit * float(np.median(errors)) or 1.0
    return np.asarray((errors / largest).clip(max=1.0))
