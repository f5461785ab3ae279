"""A graph network that passes messages both ways and also reads how signals pass through the untrained cell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from predictornas.errors import ConfigurationError
from predictornas.normal_scores import normal_scores
from predictornas.plain_help import PlainHelp
from predictornas.predictors.engine.message_passing import MessagePassing, Propagation, readout_shares
from predictornas.predictors.fidelity import FidelityRule, comparable
from predictornas.predictors.fitting import check_device, checked_values, fit_regression, squared_error_slopes
from predictornas.predictors.graph_predictor import part_of
from predictornas.predictors.optimisers import Adam, Optimiser
from predictornas.predictors.process.description import structure_of
from predictornas.predictors.process.graph_views import Standard, signals_of
from predictornas.predictors.process.identities import wired
from predictornas.spaces.base import Genes, Graphs, SearchSpace, is_whole
from predictornas.threads import side_by_side

if TYPE_CHECKING:
    import torch

_BLOCK = 1 << 14
"""Architectures whose surroundings are indexed together."""


@dataclass(kw_only=True)
class SignalNetwork(metaclass=PlainHelp):
    """A residual network on the graph and its counts that learns normal scores by their squared error (ours).

    Messages go along the edges and against them, as in Wen et al. 2020; see `networks.two_way_network`. Its head also
    reads what `SignalProcess` does: counts of what a cell is made of, and how signals pass through it where the space
    says how its operations pass them. Where identities are wires, as in NAS-Bench-201, so they are for messages. It
    errs on other architectures than the process, so that the two together rank best where thousands were trained; on
    NAS-Bench-201 it is ahead by itself from some hundred on.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.signal_network import SignalNetwork
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> SignalNetwork(width=8, passes=2).fit(space, genes, genes.mean(axis=1), rng=rng).predict(genes).shape
        (20,)

    Attributes:
        layers: rounds of messages, >= 1.
        width: features of every layer.
        hidden: features of the layer before the output.
        dropout: share of the features that training leaves out, 0 <= dropout < 1.
        optimiser: how it is trained.
        passes: over the architectures, as many as `most_updates` allow.
        most_updates: of the weights, so that a fit on thousands takes about half a minute.
        batch_size: architectures in an update, all of them where there are fewer.
        device: where torch computes.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        space_: the space it was fitted on.
        network_: the trained network.
    """

    layers: int = 4
    width: int = 96
    hidden: int = 128
    dropout: float = 0.1
    optimiser: Optimiser = field(default_factory=lambda: Adam(0.002, weight_decay=0.01))
    passes: int = 200
    most_updates: int = 6000
    batch_size: int = 32
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
    ) -> SignalNetwork:
        """Trains a new network; where all values are equal it stays untrained.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value; where they differ, each architecture's Borda share is learned.
            rng: source of the initial weights, of dropout and of the order of batches.

        Raises:
            DataError: a value is not finite.
            UnknownNameError: no such rule for pairs across fidelities.
            ConfigurationError: a setting is out of range, training diverged, or this machine lacks the device.
        """
        import torch

        from predictornas.predictors.engine.dense import dense_batch
        from predictornas.predictors.networks.two_way_network import TwoWayNetwork

        if self.layers < 1 or self.batch_size < 1 or not 0 <= self.dropout < 1:
            raise ConfigurationError(
                "SignalNetwork needs layers >= 1, batch_size >= 1 and 0 <= dropout < 1, "
                f"not {self.layers}, {self.batch_size} and {self.dropout}."
            )
        values = checked_values(genes, values)
        check_device(self.device)
        genes, values = comparable(genes, values, epochs, self.fidelity_pairs)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        graphs = space.graphs(genes)
        counts = np.concatenate([structure_of(space, genes), signals_of(space, genes)], axis=1)
        self.space_ = space
        # without any architecture no count varies
        self._standard = Standard.of(counts if len(counts) else np.zeros((1, counts.shape[1]), np.float32))
        network = TwoWayNetwork(
            graphs.num_codes,
            len(self._standard.kept),
            layers=self.layers,
            width=self.width,
            hidden=self.hidden,
            dropout=self.dropout,
            generator=generator,
        ).to(self.device)
        everything = dense_batch(_messages(wired(space, graphs)), slice(None), self.device)
        known = self._known(counts)
        fit_regression(
            network,
            lambda rows: network(part_of(everything, rows), known[rows]),
            normal_scores(values),
            squared_error_slopes,
            optimiser=self.optimiser,
            passes=self.passes,
            most_updates=self.most_updates,
            batch_size=self.batch_size,
            generator=generator,
            device=self.device,
        )
        self.network_ = network.eval().requires_grad_(False)
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Normal scores, higher is better.

        Handed `space.enumerate()` itself, what is the same for all networks comes from the cache folder.
        """
        import torch

        from predictornas.predictors.engine.graph_index import build_index
        from predictornas.predictors.engine.index_tables import IndexTables
        from predictornas.predictors.engine.space_index import space_tables

        space, device = self.space_, self.device
        structure, signals = structure_of(space, genes), signals_of(space, genes)
        kept = None
        if is_whole(space, genes):
            kept = space_tables(
                space, "two-way", lambda part: _gated(_graphs(space, part)), depth=1, block=_BLOCK, device=device
            )
        scores = np.empty(len(genes), np.float32)

        def score(number: int) -> None:
            rows = slice(number * _BLOCK, (number + 1) * _BLOCK)
            graphs = _graphs(space, genes[rows])
            tables = kept[number] if kept else IndexTables.of(build_index(_gated(graphs), 1), device)
            known = self._known(np.concatenate([structure[rows], signals[rows]], axis=1))
            edges = torch.from_numpy(_heard(graphs)).to(device)
            with torch.inference_mode():
                scores[rows] = self.network_.indexed(tables, edges, known).cpu().numpy()

        side_by_side(score, range(-(-len(genes) // _BLOCK)))
        return scores

    def _known(self, counts: Float32[np.ndarray, "n f"]) -> torch.Tensor:
        """What the head reads: those that vary over the training set, standardised over it."""
        import torch

        return torch.from_numpy(self._standard.single(counts)).to(self.device)


def _graphs(space: SearchSpace, genes: Genes) -> Graphs:
    """What messages are passed along."""
    return wired(space, space.graphs(genes))


def _messages(graphs: Graphs) -> MessagePassing:
    """Every vertex receives its inputs one way and its outputs the other, with equal weights, and itself neither way.

    The network has weights for a vertex itself; were it among its neighbours too, it would rank worse.
    """
    edges = graphs.adjacency.astype(np.uint8)
    weights = np.array([0, 1], np.float32)
    return MessagePassing(
        propagations=(Propagation(edges.transpose(0, 2, 1), weights), Propagation(edges, weights)),
        labels=graphs.operations,
        num_labels=graphs.num_codes,
        shares=readout_shares(graphs.operations >= 0, "mean"),
    )


def _gated(graphs: Graphs) -> MessagePassing:
    """The same with each vertex's label as its gate, which the index sorts by."""
    messages = _messages(graphs)
    return replace(messages, gates=messages.labels, num_gates=messages.num_labels)


def _heard(graphs: Graphs) -> UInt8[np.ndarray, "n v both"]:
    """1 where a vertex hears another, those along the edges and those against them in turn for each."""
    edges = graphs.adjacency.astype(np.uint8)
    return np.stack([edges.transpose(0, 2, 1), edges], axis=3).reshape(*edges.shape[:2], -1)
