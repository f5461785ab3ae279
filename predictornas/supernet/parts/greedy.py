"""Deciding edges one after the other while the super-network trains (SGAS: Li, Qian et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import PRUNED, Decisions
from predictornas.supernet.network.topology import NONE, CellTopology
from predictornas.supernet.parts.perturbation import Batches, least_accuracy_without
from predictornas.supernet.state import SearchState

Probabilities = Float[Tensor, "edges operations"]
"""How an edge's mass is shared among its operations other than `none`; rows sum to one."""


@dataclass(frozen=True)
class EdgeHistory:
    """The probabilities of the latest epochs, oldest first, which criterion 2 compares.

    Attributes:
        probabilities: for each cell type, at most `Greedy.history` of them.
    """

    probabilities: Mapping[str, Sequence[Probabilities]] = field(default_factory=dict)

    def of(self, cell_type: str) -> Sequence[Probabilities]:
        """Those of one cell type."""
        return self.probabilities.get(cell_type, ())

    def state_dict(self) -> dict[str, Tensor]:
        """`(epochs, edges, operations)` for each cell type, for a checkpoint."""
        return {name: torch.stack(list(past)) for name, past in self.probabilities.items() if past}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor]) -> EdgeHistory:
        """What `state_dict` came from."""
        return cls({name: tuple(past) for name, past in state.items()})


@runtime_checkable
class GradualSelection(Protocol):
    """A selection that decides edges while the search goes on."""

    @property
    def batch_increase(self) -> int:
        """Images by which each round of decisions lets a batch grow."""
        ...

    def decide(self, state: SearchState, past: EdgeHistory, batches: Batches) -> tuple[Decisions, EdgeHistory]:
        """The decisions after an epoch, and what the next epoch has to know of this one.

        Args:
            state: the search.
            past: what the epoch before handed on.
            batches: the validation half.
        """
        ...


@dataclass(frozen=True)
class Greedy:
    """Decides, every few epochs, the edge of each cell type that scores highest, and its most probable operation.

    Score of an edge: importance (its mass on operations other than `none`) times certainty (1 - entropy / log of the
    number of these operations), and for criterion 2 times stability (how much its probabilities overlap with those of
    the latest epochs); each factor is rescaled to [0, 1] over all edges of the cell type. A factor that is the same on
    all edges says nothing and is left out, as importance where there is no `none` (ours: the released code multiplies
    by zero). Once a node has all the inputs that it keeps, its other edges are pruned.

    Attributes:
        criterion: 1 or 2.
        warm_up: the first epoch, from 0, at whose end something is decided (paper: 9).
        interval: epochs between decisions, >= 1 (paper: 5).
        history: epochs that criterion 2 looks back, >= 1 (paper: 4).
        batch_increase: images that the batch size grows by with each decision, >= 0 (paper: 8).
        by_perturbation: whether the operation of the decided edge is the one whose removal hurts most, instead of the
            most probable one (thesis of Wang, section 3.1.3: "SGAS + PT").

    Raises:
        ConfigurationError: a value out of range.
    """

    criterion: int = 1
    warm_up: int = 9
    interval: int = 5
    history: int = 4
    batch_increase: int = 8
    by_perturbation: bool = False

    def __post_init__(self) -> None:
        counts_fit = min(self.interval, self.history) >= 1 and min(self.warm_up, self.batch_increase) >= 0
        if self.criterion not in (1, 2) or not counts_fit:
            raise ConfigurationError(
                "Greedy decisions need criterion 1 or 2, interval and history >= 1, warm_up and batch_increase >= 0, "
                f"not {self}."
            )

    def decides_at(self, epoch: int) -> bool:
        """Whether something is decided at the end of an epoch, counted from 0."""
        return epoch >= self.warm_up and (epoch - self.warm_up) % self.interval == 0

    def decide(self, state: SearchState, past: EdgeHistory, batches: Batches) -> tuple[Decisions, EdgeHistory]:
        """What is decided after this epoch, and the history with this epoch in it; to be asked after every epoch.

        Args:
            state: the search at the end of its epoch `state.epoch`.
            past: what this function gave an epoch before; an empty one at first.
            batches: validation batches, looked at only if `by_perturbation`.
        """
        decisions, probabilities = state.decisions, {}
        importance = state.relaxation.importance(state.parameters)
        for cell in state.parameters.topology.cells:
            shares = importance[cell.name].detach()
            now = operation_probabilities(shares, _candidates(cell).to(shares.device))
            earlier = past.of(cell.name)
            probabilities[cell.name] = (*earlier, now)[-self.history :]
            open_edges = [edge for edge in range(len(cell.edges)) if edge not in decisions.of(cell.name)]
            if not self.decides_at(state.epoch) or not open_edges:
                continue
            scores = self.scores(shares, _candidates(cell).to(shares.device), earlier)
            edge = max(open_edges, key=lambda index: float(scores[index]))  # the first one of equal scores
            operation = int(now[edge].argmax())
            if self.by_perturbation:
                candidates = _candidates(cell)[edge].nonzero().flatten().tolist()
                operation = least_accuracy_without(state, batches, cell.name, edge, candidates)
            decisions = _pruned(decisions.with_edge(cell.name, edge, operation), cell, state)
        return decisions, EdgeHistory(probabilities)

    def scores(
        self,
        shares: Float[Tensor, "edges operations"],
        candidates: Bool[Tensor, "edges operations"],
        earlier: Sequence[Probabilities],
    ) -> Float[Tensor, " edges"]:
        """The score of each edge, in [0, 1].

        Args:
            shares: the mass of each operation; rows sum to one.
            candidates: the operations other than `none`.
            earlier: the probabilities of the latest epochs before this one.
        """
        probabilities = operation_probabilities(shares, candidates)
        factors = [shares.masked_fill(~candidates, 0).sum(dim=1), certainty(probabilities, candidates)]
        if self.criterion == 2 and earlier:
            overlaps = [torch.minimum(probabilities, before).sum(dim=1) for before in earlier]
            factors.append(torch.stack(overlaps).mean(dim=0))
        product = torch.ones_like(factors[0])
        for factor in factors:
            product = product * _rescaled(factor)
        return product


def operation_probabilities(
    shares: Float[Tensor, "edges operations"], candidates: Bool[Tensor, "edges operations"]
) -> Probabilities:
    """The mass of each operation as a share of its edge's mass on candidates."""
    mass = shares.masked_fill(~candidates, 0)
    return mass / mass.sum(dim=1, keepdim=True)


def certainty(probabilities: Probabilities, candidates: Bool[Tensor, "edges operations"]) -> Float[Tensor, " edges"]:
    """1 - entropy / log(number of candidates) of each edge, in [0, 1]; 1 where there is one candidate."""
    entropy = -torch.xlogy(probabilities, probabilities).sum(dim=1)
    count = candidates.sum(dim=1).clamp(min=2)  # one candidate has no entropy
    return 1 - entropy / torch.log(count.to(entropy))


def _candidates(cell: CellTopology) -> Bool[Tensor, "edges operations"]:
    """The operations an edge can keep: all but `none`."""
    rows = [[name != NONE for name in names] + [False] * (cell.width - len(names)) for names in cell.operations]
    return torch.tensor(rows)


def _rescaled(values: Float[Tensor, " edges"]) -> Float[Tensor, " edges"]:
    """To [0, 1] over the edges; ones where all are the same up to rounding."""
    least, most = values.min(), values.max()
    if math.isclose(float(least), float(most), rel_tol=1e-5, abs_tol=1e-7):
        return torch.ones_like(values)
    return (values - least) / (most - least)


def _pruned(decisions: Decisions, cell: CellTopology, state: SearchState) -> Decisions:
    """The decisions, and the open edges into nodes that have all their inputs pruned."""
    kept = state.parameters.topology.inputs_kept
    for node in cell.nodes:
        edges = cell.edges_into(node)
        decided = decisions.of(cell.name)
        if kept is None or sum(decided.get(edge, PRUNED) is not PRUNED for edge in edges) < kept:
            continue
        for edge in edges:
            if edge not in decided:
                decisions = decisions.with_edge(cell.name, edge, PRUNED)
    return decisions
