"""Searching in stages, each with fewer operations and more channels (DrNAS: Chen et al. 2021, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.memory_layout import lay_out_weights
from predictornas.supernet.network.mixture import OperationWeights
from predictornas.supernet.network.reduction import reduced
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import Topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.state import SearchState

Columns = Mapping[str, tuple[tuple[int, ...], ...]]
"""For each cell type the operations that each edge keeps, ascending."""


@dataclass(frozen=True)
class Stage:
    """One part of a progressive search.

    Attributes:
        epochs: its length, >= 1.
        operations: the operations that an edge has in it, >= 1; an edge that has fewer keeps all.
        partial: k, the share 1/k of the channels that goes through the operations, >= 1.
        warm_up: epochs at its beginning in which the architecture parameters rest (paper: 10).

    Raises:
        ConfigurationError: a value out of range.
    """

    epochs: int
    operations: int
    partial: int
    warm_up: int = 10

    def __post_init__(self) -> None:
        if min(self.epochs, self.operations, self.partial) < 1 or self.warm_up < 0:
            raise ConfigurationError(f"A stage needs epochs, operations and partial >= 1 and warm_up >= 0, not {self}.")


def kept_columns(topology: Topology, importance: Mapping[str, OperationWeights], count: int) -> Columns:
    """The `count` operations of largest importance on each edge; at ties the earlier one is kept.

    Args:
        topology: the cells.
        importance: `(edges, operations)` for each cell type.
        count: operations kept on an edge.
    """
    kept = {}
    for cell in topology.cells:
        values = importance[cell.name].tolist()
        edges = []
        for row, names in zip(values, cell.operations, strict=True):
            ranked = sorted(range(len(names)), key=lambda column, row=row: -row[column])  # type: ignore[misc]
            edges.append(tuple(sorted(ranked[:count])))
        kept[cell.name] = tuple(edges)
    return kept


def entered(state: SearchState, stage: Stage, generator: torch.Generator) -> SearchState:
    """The search at the beginning of a stage: what is kept goes on with its weights, parameters and momenta.

    Optimisers are new ones of the same type and settings; learning rates are those of the moment.

    Args:
        state: the search at the end of the stage before; it stays as it is.
        stage: the stage that begins.
        generator: chooses the channels that are copied.

    Raises:
        ConfigurationError: edges are decided already, or the network is no `SuperNetwork`.
    """
    if any(state.decisions.decided.values()):
        raise ConfigurationError(
            "A stage removes operations by their importance, but some edges are decided already. Use stages without "
            "greedy decisions, and perturbation selection after the last stage only."
        )
    if not isinstance(state.network, SuperNetwork):
        raise ConfigurationError(f"Only a SuperNetwork has stages, not {type(state.network).__name__}.")
    topology = state.parameters.topology
    columns = kept_columns(topology, state.relaxation.importance(state.parameters), stage.operations)
    names = {
        cell.name: [[cell.operations[edge][column] for column in row] for edge, row in enumerate(columns[cell.name])]
        for cell in topology.cells
    }
    network, transfer = reduced(state.network, names, partial=stage.partial, generator=generator)
    lay_out_weights(network)
    weight_optimiser = _like(state.weight_optimiser, list(network.parameters()))
    transfer.copy_momentum((state.network, state.weight_optimiser), (network, weight_optimiser))
    parameters = _reduced_parameters(state.parameters, network.topology, columns)
    return replace(
        state,
        network=network,
        parameters=parameters,
        weight_optimiser=weight_optimiser,
        architecture_optimiser=_reduced_optimiser(state, parameters, columns),
    )


def _reduced_parameters(
    parameters: ArchitectureParameters, topology: Topology, columns: Columns
) -> ArchitectureParameters:
    """The parameters of the operations that are kept."""
    alpha = {
        name: _selected(columns[name])(values.detach()).requires_grad_() for name, values in parameters.alpha.items()
    }
    beta = parameters.beta and {
        name: values.detach().clone().requires_grad_() for name, values in parameters.beta.items()
    }
    return ArchitectureParameters(topology, alpha, beta)


def _reduced_optimiser(
    state: SearchState, parameters: ArchitectureParameters, columns: Columns
) -> torch.optim.Optimizer:
    """The architecture optimiser over the reduced parameters, with what it remembers of them."""
    optimiser = _like(state.architecture_optimiser, parameters.tensors())
    former = state.parameters.tensors()
    for index, (old, new) in enumerate(zip(former, parameters.tensors(), strict=True)):
        names = list(columns)
        select = _selected(columns[names[index]]) if index < len(names) else torch.clone  # beta comes after alpha
        for key, value in state.architecture_optimiser.state.get(old, {}).items():
            is_like_parameter = isinstance(value, Tensor) and value.shape == old.shape
            optimiser.state[new][key] = select(value) if is_like_parameter else _copied(value)
    return optimiser


def _selected(columns: tuple[tuple[int, ...], ...]) -> Callable[[Tensor], Tensor]:
    """Picks columns of each row; rows that keep fewer than the others are padded with their first column."""
    width = max(len(row) for row in columns)
    index: Int64[Tensor, "edges width"] = torch.tensor([[*row, *[row[0]] * (width - len(row))] for row in columns])
    return lambda values: values.gather(1, index.to(values.device))


def _like(optimiser: torch.optim.Optimizer, parameters: list[Tensor]) -> torch.optim.Optimizer:
    """A fresh optimiser of the same type and settings."""
    settings = {key: optimiser.param_groups[0][key] for key in optimiser.defaults}
    fresh: torch.optim.Optimizer = type(optimiser)(parameters, **settings)
    return fresh


def _copied(value: object) -> object:
    return value.clone() if isinstance(value, Tensor) else value
