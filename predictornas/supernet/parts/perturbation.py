"""Selection by what the removal of an operation does to the trained super-network (DARTS-PT: Wang et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import PRUNED, Decisions, Mixture
from predictornas.supernet.network.topology import NONE, CellTopology, Topology
from predictornas.supernet.restoring import mode, restored
from predictornas.supernet.state import Batch, SearchState

Batches = Callable[[], Iterable[Batch]]
"""Gives the batches of the whole validation half, the same ones at every call."""


@runtime_checkable
class FineTunedSelection(Protocol):
    """A selection that decides after the search, with fine-tuning in between."""

    @property
    def rate_factor(self) -> float:
        """The fine-tuning's first learning rate as a share of the search's."""
        ...

    @property
    def cosine(self) -> bool:
        """Whether the learning rate falls by a cosine."""
        ...

    def epochs(self, topology: Topology) -> int:
        """Epochs of fine-tuning in all."""
        ...

    def decides_at(self, epoch: int, epochs: int) -> bool:
        """Whether a decision comes before an epoch of fine-tuning, counted from 0, of so many."""
        ...

    def decide(self, state: SearchState, batches: Batches) -> Decisions:
        """The decisions after one more round."""
        ...


@dataclass(frozen=True)
class PerturbationSelection:
    """Decides every edge, then which inputs every node keeps, by masked accuracies, with fine-tuning in between.

    In each round one open edge of each cell type, drawn at random, keeps the operation whose masking lowers the
    validation accuracy most. After the edges, in each round one node of each cell type that has too many inputs, drawn
    at random, loses the inputs whose removal is least harmful, one at a time, until it has as many as it keeps.
    Between rounds the super-network is fine-tuned, as in the search, with the decisions taken so far. Nothing in the
    papers says how long in all, and at what rate: both are the released code's.

    Attributes:
        interval: epochs of fine-tuning from one round to the next, >= 1 (paper: 5).
        rate_factor: the fine-tuning's first learning rate as a share of the search's, > 0 (released code: 1/10).
        topology_step: whether nodes lose inputs at the end; False for cells that keep every edge (NAS-Bench-201).
        cosine: whether the learning rate falls, by one cosine over the whole fine-tuning; else it is constant.

    Raises:
        ConfigurationError: a value out of range.
    """

    interval: int = 5
    rate_factor: float = 0.1
    topology_step: bool = True
    cosine: bool = True

    def __post_init__(self) -> None:
        if self.interval < 1 or not self.rate_factor > 0:
            raise ConfigurationError(
                f"Perturbation selection needs an interval >= 1 and a rate_factor above 0, not {self}."
            )

    def epochs(self, topology: Topology) -> int:
        """Epochs of fine-tuning in all, as released: `interval` from each round to the next.

        With the topology step one more follows the last round, 5 (14 + 3 - 1) + 1 = 81 in the DARTS space. Without it
        the last round comes before the last of these epochs, 5 (6 - 1) = 25 in NAS-Bench-201; with an interval of 1 it
        has an epoch of its own (ours: as released an edge would stay open).

        Raises:
            ConfigurationError: a topology step where every edge is kept.
        """
        self._check(topology)
        rounds = max(len(cell.edges) + len(self._nodes(topology, cell)) for cell in topology.cells)
        between = self.interval * (rounds - 1)
        return between + 1 if self.topology_step else max(between, rounds)

    def decides_at(self, epoch: int, epochs: int) -> bool:
        """Whether a round comes before an epoch of fine-tuning, counted from 0, of so many."""
        return epoch % self.interval == 0 or epoch == epochs - 1

    def decide(self, state: SearchState, batches: Batches) -> Decisions:
        """The decisions after one more round; those of the state where nothing is left to decide.

        Args:
            state: the search; edges and nodes are drawn from its generator.
            batches: the validation half.

        Raises:
            ConfigurationError: a topology step where every edge is kept.
        """
        topology = state.parameters.topology
        self._check(topology)
        for cell in topology.cells:
            decided = state.decisions.of(cell.name)
            open_edges = [edge for edge in range(len(cell.edges)) if edge not in decided]
            nodes = [node for node in self._nodes(topology, cell) if _too_many(topology, cell, node, state.decisions)]
            if open_edges:
                edge = _drawn(open_edges, state.generator)
                candidates = selectable(topology, cell, edge)
                operation = least_accuracy_without(state, batches, cell.name, edge, candidates)
                state = replace(state, decisions=state.decisions.with_edge(cell.name, edge, operation))
            elif nodes:
                state = _shrunk(state, batches, cell, _drawn(nodes, state.generator))
        return state.decisions

    def _nodes(self, topology: Topology, cell: CellTopology) -> list[int]:
        """The nodes that have a choice of inputs."""
        if not self.topology_step or topology.inputs_kept is None:
            return []
        return [node for node in cell.nodes if len(cell.edges_into(node)) > topology.inputs_kept]

    def _check(self, topology: Topology) -> None:
        if self.topology_step and topology.inputs_kept is None:
            raise ConfigurationError(
                f"Cells of the family {topology.family!r} keep every edge, so there are no inputs to choose. Set "
                "topology_step to False."
            )


def masked_accuracies(
    state: SearchState, batches: Batches, cell_type: str, edge: int, operations: Sequence[int]
) -> list[float]:
    """Validation accuracy of the super-network without each of some operations of an edge, the others unchanged.

    The weights of the others are not renormalised. All are measured at the same mixture.

    Args:
        state: the search.
        batches: the validation half.
        cell_type: where the edge is.
        edge: its index.
        operations: indices of its operations.
    """
    mixture = _measured_mixture(state)
    return [accuracy(state, batches, mixture.without_operation(cell_type, edge, operation)) for operation in operations]


def least_accuracy_without(
    state: SearchState, batches: Batches, cell_type: str, edge: int, operations: Sequence[int]
) -> int:
    """The operation whose masking hurts most, the first one of equals."""
    accuracies = masked_accuracies(state, batches, cell_type, edge, operations)
    return operations[accuracies.index(min(accuracies))]


def accuracy(state: SearchState, batches: Batches, mixture: Mixture) -> float:
    """Share of correct labels, with batch norm in training mode (as released) and its statistics put back after.

    Raises:
        ConfigurationError: there are no images to measure on.
    """
    correct: Tensor | int = 0
    images = 0
    with torch.no_grad(), mode(state.network, training=True), restored(state.network.buffers()):
        for batch in batches():
            correct += (state.logits_of(batch, mixture).argmax(dim=1) == batch.labels).sum()
            images += len(batch.labels)
    if not images:
        raise ConfigurationError("Perturbation selection got no validation images. Give the search a validation half.")
    return int(correct) / images


def selectable(topology: Topology, cell: CellTopology, edge: int) -> list[int]:
    """The operations that an edge may be decided to: without `none` where a node keeps some of its inputs only.

    There an input that carries nothing is one that is not kept, and no genotype can hold it.
    """
    names = cell.operations[edge]
    return [index for index, name in enumerate(names) if topology.inputs_kept is None or name != NONE]


def _shrunk(state: SearchState, batches: Batches, cell: CellTopology, node: int) -> SearchState:
    """The state in which a node has lost its least harmful inputs; measured again after each one."""
    while _too_many(state.parameters.topology, cell, node, state.decisions):
        decided = state.decisions.of(cell.name)
        inputs = [edge for edge in cell.edges_into(node) if decided[edge] is not PRUNED]
        mixture = _measured_mixture(state)
        accuracies = [accuracy(state, batches, mixture.without_edge(cell.name, edge)) for edge in inputs]
        least_harmful = inputs[accuracies.index(max(accuracies))]
        state = replace(state, decisions=state.decisions.with_edge(cell.name, least_harmful, PRUNED))
    return state


def _measured_mixture(state: SearchState) -> Mixture:
    """Every open edge at its importance, so that no random draw decides what is selected (ours where one samples).

    With the softmax relaxation that is the mixture itself.
    """
    mixture = state.mixture().detached()
    weights = {}
    for name, importance in state.relaxation.importance(state.parameters).items():
        shares = importance / importance.sum(dim=1, keepdim=True)  # the edge's own weight is in `edge_weights`
        decided = list(mixture.decisions.of(name))
        shares[decided] = mixture.weights[name][decided]
        weights[name] = shares
    return replace(mixture, weights=weights, sparse=False)


def _too_many(topology: Topology, cell: CellTopology, node: int, decisions: Decisions) -> bool:
    """Whether a node has more inputs than it keeps; edges that are open count as inputs."""
    pruned = [edge for edge, operation in decisions.of(cell.name).items() if operation is PRUNED]
    inputs = [edge for edge in cell.edges_into(node) if edge not in pruned]
    return topology.inputs_kept is not None and len(inputs) > topology.inputs_kept


def _drawn(choices: Sequence[int], generator: torch.Generator) -> int:
    place = torch.randint(len(choices), (), generator=generator, device=generator.device)
    return choices[int(place)]
