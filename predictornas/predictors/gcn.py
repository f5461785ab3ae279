"""The graph convolutional predictor of Mauch et al. 2020, and its symmetric and bidirectional relatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from predictornas.predictors.engine.message_passing import MessagePassing, Normalisation, propagation, readout_shares
from predictornas.predictors.graph_predictor import GraphPredictor
from predictornas.spaces.base import Graphs

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.engine.dense import DenseBatch
    from predictornas.predictors.networks.gcn_network import GCNNetwork


@dataclass(kw_only=True)
class GCN(GraphPredictor):
    """Graph convolutional network trained on pairwise order; the defaults are the paper's.

    Layers X_g = ReLU(D~^(-1/2) (A + I) X_(g-1) W_g) on one-hot operations, vertex scores averaged, one output
    (Mauch et al. 2020, eq. 3 and 4). Invariant under a permutation of a graph's vertices. ReLU, the missing bias and
    the average over real vertices only are ours.

    Example:
        >>> import numpy as np
        >>> from predictornas import GCN, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(30, rng)
        >>> values = (genes == 3).mean(axis=1)  # more 3 x 3 convolutions are better
        >>> predictor = GCN(width=16, training_epochs=50).fit(space, genes, values, rng=rng)
        >>> best, worst = np.array([[3] * 6], np.int8), np.array([[0] * 6], np.int8)
        >>> bool(predictor.predict(best)[0] > predictor.predict(worst)[0])
        True

    Attributes:
        layers: number of graph convolutions, >= 1.
        width: features of every layer.
        normalisation: of the adjacency; see `message_passing.propagation`.
        bidirectional: whether messages also travel against the edges, with weights of their own (Wen et al. 2020).
        readout: how vertex scores make a graph's score.
        loss: what training minimises; a loss on the order of pairs by default.
        optimiser: how.
        training_epochs: updates of the weights, >= 0.
        batch_size: architectures in an update, >= 2; None takes all at once.
        engine: "indexed", or the plain and slow reference "dense".
        device: where torch computes, e.g. "cuda".
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs.
    """

    layers: int = 3
    width: int = 256
    normalisation: Normalisation = "left"
    bidirectional: bool = False

    @property
    def _directions(self) -> tuple[bool, ...]:
        return (False, True) if self.bidirectional else (False,)

    @property
    def depth(self) -> int:
        """Number of rounds of message passing."""
        return self.layers

    @property
    def index_block(self) -> int:
        """Graphs indexed together: along the edges alone a whole space shares most; both ways the tables must fit."""
        return 1 << 14 if self.bidirectional else 1 << 20

    def view(self) -> str:
        """A file name for all that `message_passing` depends on besides the graphs."""
        return f"{self.normalisation}-{'both-ways' if self.bidirectional else 'along'}-{self.readout}"

    def message_passing(self, graphs: Graphs) -> MessagePassing:
        """What the network sees of a batch of graphs."""
        return MessagePassing(
            propagations=tuple(
                propagation(graphs, normalisation=self.normalisation, reverse=reverse) for reverse in self._directions
            ),
            labels=graphs.operations,
            num_labels=graphs.num_codes,
            shares=readout_shares(graphs.operations >= 0, self.readout),
        )

    def new_network(self, num_codes: int, generator: torch.Generator) -> GCNNetwork:
        """An untrained network for graphs with operation codes 0 .. num_codes - 1."""
        from predictornas.predictors.networks.gcn_network import GCNNetwork

        return GCNNetwork(
            num_codes,
            layers=self.layers,
            width=self.width,
            propagations=len(self._directions),
            generator=generator,
        )

    def relaxed_batch(self, adjacency: torch.Tensor, operations: torch.Tensor) -> DenseBatch:
        """The dense form of `message_passing` for real-valued graphs, differentiable in both."""
        from predictornas.predictors.engine.dense import DenseBatch, relaxed_propagation, relaxed_real, relaxed_shares

        real = relaxed_real(operations)
        return DenseBatch(
            propagations=[
                relaxed_propagation(adjacency, real, normalisation=self.normalisation, reverse=reverse)
                for reverse in self._directions
            ],
            labels=operations,
            gates=None,
            shares=relaxed_shares(operations, self.readout),
        )
