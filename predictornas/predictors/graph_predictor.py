"""What all predictors on graphs share: training on the order of values, scoring in blocks, relaxed graphs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int, Int8

from predictornas.errors import ConfigurationError
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import Predictor
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.message_passing import MessagePassing, Readout
from predictornas.predictors.fidelity import FidelityRule, borda, curves_of, ordered_pairs, same_fidelity
from predictornas.predictors.fitting import (
    Labels,
    check_batches,
    check_device,
    checked_values,
    fit_network,
    fit_network_in_batches,
    starting_network,
)
from predictornas.predictors.losses import Loss, PairLoss, PairwiseCrossEntropy
from predictornas.predictors.optimisers import GradientDescent, Optimiser
from predictornas.spaces.base import Genes, Graphs, SearchSpace, is_whole, relaxation_of

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.engine.dense import DenseBatch
    from predictornas.predictors.engine.index_tables import IndexTables
    from predictornas.predictors.networks.graph_network import GraphNetwork

Engine = Literal["indexed", "dense"]

DENSE_BLOCK = 1024
"""Graphs scored at once by the dense engine."""


@dataclass(kw_only=True)
class GraphPredictor(metaclass=PlainHelp):
    """Base of the predictors that pass messages along graphs; a subclass says what is seen and by which network.

    Attributes:
        readout: how vertex scores make a graph's score; see `message_passing.readout_shares`.
        loss: what training minimises.
        optimiser: which one training uses, with its learning rate.
        training_epochs: updates of the weights, >= 0, whatever the batch size: a budget of work, not of passes.
        batch_size: architectures in an update, >= 2, all of them where there are fewer: the next ones of a random
            order, a new order where fewer than a batch are left. The loss is over the pairs inside the batch. None
            takes all at once.
        engine: "indexed" computes each distinct neighbourhood once; "dense" is the plain reference. From one seed both
            give the same predictor up to float error. Mini-batches share little and are always trained on densely.
        device: where torch computes, e.g. "cuda"; initial weights are the same on every device.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs. A `PairLoss`
            learns that order pair by pair, any other loss the Borda shares it makes; see `fidelity`.
        space_: the space it was fitted on.
        network_: the trained network.
        start_: the network that training begins with, where `starting_from` gave one.
    """

    readout: Readout = "mean"
    loss: Loss = field(default_factory=PairwiseCrossEntropy)
    optimiser: Optimiser = field(default_factory=GradientDescent)
    training_epochs: int = 2000
    batch_size: int | None = None
    engine: Engine = "indexed"
    device: str = "cpu"
    fidelity_pairs: FidelityRule = "common"
    start_: GraphNetwork | None = field(default=None, init=False, repr=False, compare=False)

    @property
    @abstractmethod
    def depth(self) -> int:
        """Number of rounds of message passing."""

    @property
    def index_block(self) -> int:
        """Graphs indexed together: more share more, fewer keep the tables of the deeper layers in the cache."""
        return 1 << 14

    @abstractmethod
    def message_passing(self, graphs: Graphs) -> MessagePassing:
        """What the network sees of a batch of graphs."""

    @abstractmethod
    def new_network(self, num_codes: int, generator: torch.Generator) -> GraphNetwork:
        """An untrained network for graphs with operation codes 0 .. num_codes - 1."""

    @abstractmethod
    def relaxed_batch(self, adjacency: torch.Tensor, operations: torch.Tensor) -> DenseBatch:
        """The dense form of `message_passing` for real-valued graphs, differentiable in both.

        Args:
            adjacency: `(n, V, V)` float, strength of each edge i -> j, >= 0.
            operations: `(n, V, K)` float, rows of one-hot codes or mixtures; a row of zeros is padding.
        """

    @abstractmethod
    def view(self) -> str:
        """A file name for all that `message_passing` depends on besides the graphs."""

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> GraphPredictor:
        """Trains a new network, on all architectures at once or in batches.

        Without an order to learn, as where all values are equal, the network stays untrained.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value; None where all have the same.
            rng: source of the initial weights and of the order of batches.

        Raises:
            DataError: a value is not finite.
            UnknownNameError: no such rule for pairs across fidelities.
            ConfigurationError: training diverged, this machine lacks the device, or the loss takes no batches.
        """
        import torch

        values = checked_values(genes, values)
        self._check_settings()
        check_device(self.device)
        if self.batch_size is not None:
            check_batches(self.batch_size, self.loss)
        genes, labels = self._labelled(genes, values, epochs)
        graphs = space.graphs(genes)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        network = self.new_network(graphs.num_codes, generator)
        self._train(network, self.message_passing(graphs), labels, generator)
        self.space_ = space
        self.network_ = network
        return self

    def starting_from(self, fitted: Predictor) -> GraphPredictor:
        """An unfitted copy whose `fit` begins with the weights of `fitted` instead of random ones.

        Raises:
            ConfigurationError: `fitted` is no fitted predictor of this class.
        """
        copy = replace(self)
        copy.start_ = starting_network(self, fitted)
        return copy

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Scores in float32, higher is better; only their order matters.

        Handed `space.enumerate()` itself, the indexed engine uses the whole space's index: made at the first call,
        kept in the cache folder.
        """
        import torch

        from predictornas.predictors.engine.dense import dense_batch

        with torch.inference_mode():
            if self.engine == "indexed":
                blocks = [self.network_.indexed(tables).cpu().numpy() for tables in self._tables(genes)]
                return np.concatenate(blocks) if blocks else np.empty(0, np.float32)
            messages = self.message_passing(self.space_.graphs(genes))
            scores = np.empty(len(genes), np.float32)
            for start in range(0, len(genes), DENSE_BLOCK):
                rows = slice(start, start + DENSE_BLOCK)
                scores[rows] = self.network_(dense_batch(messages, rows, self.device)).cpu().numpy()
        return scores

    def relaxed(self, sequences: torch.Tensor) -> torch.Tensor:
        """Scores `(n,)` of relaxed genes `(n, steps, k)`, differentiable in them: see `relaxed_graphs`.

        Raises:
            ConfigurationError: the space does not say how genes make a graph (`RelaxableSpace`).
        """
        from predictornas.predictors.engine.relaxed_graphs import relaxed_graphs

        scores: torch.Tensor = self.network_(
            self.relaxed_batch(*relaxed_graphs(relaxation_of(self.space_), sequences.to(self.device)))
        )
        return scores

    def _check_settings(self) -> None:
        least = {"layers": 1, "width": 1, "training_epochs": 0}
        for name, lowest in least.items():
            if getattr(self, name, lowest) < lowest:
                raise ConfigurationError(f"{type(self).__name__} needs {name} >= {lowest}, not {getattr(self, name)}.")

    def _labelled(
        self, genes: Genes, values: Float[np.ndarray, " n"], epochs: Int[np.ndarray, " n"] | None
    ) -> tuple[Int8[np.ndarray, "m g"], Float[np.ndarray, " m"] | Int8[np.ndarray, "m m"]]:
        """Each architecture once, and what training learns of it."""
        if epochs is None or same_fidelity(epochs):
            return genes, values
        curves = curves_of(genes, values, epochs)
        learned = ordered_pairs if isinstance(self.loss, PairLoss) else borda
        return curves.genes, learned(curves, self.fidelity_pairs)

    def _train(
        self,
        network: GraphNetwork,
        messages: MessagePassing,
        labels: Labels,
        generator: torch.Generator,
    ) -> None:
        if self.batch_size is None:
            fit_network(
                network,
                self._scorer(network, messages),
                labels,
                start=self.start_,
                loss=self.loss,
                optimiser=self.optimiser,
                epochs=self.training_epochs,
                device=self.device,
            )
            return
        from predictornas.predictors.engine.dense import dense_batch

        everything = dense_batch(messages, slice(None), self.device)
        fit_network_in_batches(
            network,
            lambda rows: network.in_training(part_of(everything, rows), generator),
            labels,
            start=self.start_,
            loss=self.loss,
            optimiser=self.optimiser,
            updates=self.training_epochs,
            batch_size=self.batch_size,
            generator=generator,
            device=self.device,
        )

    def _scorer(self, network: GraphNetwork, messages: MessagePassing) -> Callable[[], torch.Tensor]:
        """The scores of a batch by this predictor's engine, everything that does not depend on weights done before."""
        from predictornas.predictors.engine.dense import dense_batch
        from predictornas.predictors.engine.index_tables import IndexTables

        if self.engine == "indexed":
            tables = IndexTables.of(build_index(messages, self.depth), self.device)
            return lambda: network.indexed(tables)
        batch = dense_batch(messages, slice(None), self.device)
        return lambda: network(batch)

    def _tables(self, genes: Genes) -> Iterable[IndexTables]:
        """The tables of these architectures, block by block."""
        from predictornas.predictors.engine.index_tables import IndexTables
        from predictornas.predictors.engine.space_index import blocks_of, space_tables

        def messages(part: Genes) -> MessagePassing:
            return self.message_passing(self.space_.graphs(part))

        if is_whole(self.space_, genes):
            return space_tables(
                self.space_, self.view(), messages, depth=self.depth, block=self.index_block, device=self.device
            )
        parts = blocks_of(genes, self.index_block)
        return (IndexTables.of(build_index(messages(part), self.depth), self.device) for part in parts)


def part_of(batch: DenseBatch, rows: torch.Tensor) -> DenseBatch:
    """Some graphs of a dense batch, given by their places in it."""
    return batch._replace(
        propagations=[propagation[rows] for propagation in batch.propagations],
        labels=batch.labels[rows],
        gates=None if batch.gates is None else batch.gates[rows],
        shares=batch.shares[rows],
    )
