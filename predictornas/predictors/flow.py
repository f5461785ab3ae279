"""The op-gated flow predictor: information flows from the input through gates that operations open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from predictornas.predictors.engine.message_passing import MessagePassing, propagation, readout_shares
from predictornas.predictors.graph_predictor import GraphPredictor
from predictornas.spaces.base import Graphs

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.engine.dense import DenseBatch
    from predictornas.predictors.networks.flow_network import FlowNetwork


@dataclass(kw_only=True)
class Flow(GraphPredictor):
    """Op-gated flow network (Ning et al. 2020, GATES), trained on pairwise order; learns best in mini-batches.

    In each layer the sum over a vertex and its predecessors, without degree normalisation, is multiplied by
    sigmoid(linear(embedding of its operation)). Flow starts at the input vertex, which alone has an embedding of its
    own; all others share one.

    Example:
        >>> import numpy as np
        >>> from predictornas import Flow, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(30, rng)
        >>> values = (genes == 3).mean(axis=1)  # more 3 x 3 convolutions are better
        >>> predictor = Flow(width=16, training_epochs=50).fit(space, genes, values, rng=rng)
        >>> best, worst = np.array([[3] * 6], np.int8), np.array([[0] * 6], np.int8)
        >>> bool(predictor.predict(best)[0] > predictor.predict(worst)[0])
        True

    Attributes:
        layers: rounds of flow, >= 1.
        width: features of every layer and of the embeddings.
        dropout: share of the features that an update on a mini-batch leaves out; the full batch leaves out none.
        readout: how vertex scores make a graph's score.
        loss: what training minimises; a loss on the order of pairs by default.
        optimiser: which one training uses, with its learning rate.
        training_epochs: updates of the weights, >= 0.
        batch_size: architectures in an update, >= 2; None takes all at once.
        engine: "indexed", or the plain and slow reference "dense".
        device: where torch computes, e.g. "cuda".
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs.
    """

    layers: int = 5
    width: int = 128
    dropout: float = 0.3

    @property
    def depth(self) -> int:
        """Number of rounds of message passing."""
        return self.layers

    def view(self) -> str:
        """A file name for all that `message_passing` depends on besides the graphs."""
        return f"flow-{self.readout}"

    def message_passing(self, graphs: Graphs) -> MessagePassing:
        """What the network sees of a batch of graphs."""
        real = graphs.operations >= 0
        is_input = (graphs.operations == graphs.num_codes - 2).astype(np.int8)
        return MessagePassing(
            propagations=(propagation(graphs, normalisation="none", reverse=True),),
            labels=np.where(real, is_input, np.int8(-1)),
            num_labels=2,
            shares=readout_shares(real, self.readout),
            gates=graphs.operations,
            num_gates=graphs.num_codes,
        )

    def new_network(self, num_codes: int, generator: torch.Generator) -> FlowNetwork:
        """An untrained network for graphs with operation codes 0 .. num_codes - 1."""
        from predictornas.predictors.networks.flow_network import FlowNetwork

        return FlowNetwork(num_codes, layers=self.layers, width=self.width, dropout=self.dropout, generator=generator)

    def relaxed_batch(self, adjacency: torch.Tensor, operations: torch.Tensor) -> DenseBatch:
        """The dense form of `message_passing` for real-valued graphs, differentiable in both."""
        import torch

        from predictornas.predictors.engine.dense import DenseBatch, relaxed_propagation, relaxed_real, relaxed_shares

        real = relaxed_real(operations)
        is_input = operations[:, :, -2]
        return DenseBatch(
            propagations=[relaxed_propagation(adjacency, real, normalisation="none", reverse=True)],
            labels=torch.stack([real - is_input, is_input], dim=2),
            gates=operations,
            shares=relaxed_shares(operations, self.readout),
        )
