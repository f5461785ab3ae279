"""A super-network with fewer operations and wider partial channels, which goes on from the weights of another.

The step between the stages of DrNAS (Chen et al. 2021, section 3.2). As in the released code, a wider convolution keeps
its channels and fills up with copies of randomly chosen ones, without dividing by how often a channel is there, so the
function of the network is not preserved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.cell import MixedWave
from predictornas.supernet.network.lanes import LaneReduce
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import CellTopology, Topology

Kept = Mapping[str, Sequence[Sequence[str]]]
"""For each cell type the names of the operations that each edge keeps."""

Indices = tuple[Int64[Tensor, " _"], ...]
"""Where the entries of a tensor come from, for its first dimensions."""


@dataclass(frozen=True)
class Transfer:
    """How tensors of one super-network become those of a reduced one.

    Attributes:
        indices: by name of a parameter or buffer; a name that is missing is taken over as it is.
    """

    indices: dict[str, Indices]

    def of(self, name: str, values: Tensor) -> Tensor:
        """The reduced network's tensor of that name: of its weight, its momentum, or its running statistic."""
        for dimension, index in enumerate(self.indices.get(name, ())):
            values = values.index_select(dimension, index.to(values.device))
        return values.clone()

    def copy_momentum(
        self, old: tuple[nn.Module, torch.optim.Optimizer], new: tuple[nn.Module, torch.optim.Optimizer]
    ) -> None:
        """Gives the optimiser of the reduced network the momentum of the other's.

        Args:
            old: the network from before, and the SGD that moved it.
            new: the reduced network, and an SGD over its parameters.
        """
        sources = dict(old[0].named_parameters())
        for name, parameter in new[0].named_parameters():
            momentum = old[1].state[sources[name]].get("momentum_buffer")
            if momentum is not None:
                new[1].state[parameter]["momentum_buffer"] = self.of(name, momentum)


def reduced(
    network: SuperNetwork, kept: Kept, *, partial: int, generator: torch.Generator
) -> tuple[SuperNetwork, Transfer]:
    """A super-network that keeps some operations of another, with their weights, and how to carry over more.

    Args:
        network: the network to go on from; it stays as it is.
        kept: names, for each cell type and edge.
        partial: k of the new network, at most that of the old one.
        generator: chooses the channels that are copied, one draw an operation (ours; the released code draws for
            each layer); its device is that of the new network.

    Raises:
        ConfigurationError: operations that an edge does not have, or narrower channels.
    """
    if partial > network.partial:
        raise ConfigurationError(
            f"Channels can only grow wider: partial = {partial} after {network.partial}. Use {network.partial} or less."
        )
    topology = _kept_topology(network.topology, kept)
    smaller = SuperNetwork(topology, network.shape, partial=partial, generator=generator)
    smaller.to(network.classifier.weight.dtype)
    modules = dict(network.named_modules())
    indices: dict[str, Indices] = {}
    for name, module in smaller.named_modules():
        if isinstance(module, MixedWave):
            former = modules[name]
            if isinstance(former, MixedWave):
                indices |= {f"{name}.{part}": index for part, index in _wave_indices(former, module, generator).items()}
    transfer = Transfer(indices)
    state = network.state_dict()
    smaller.load_state_dict({name: transfer.of(name, state[name]) for name in smaller.state_dict()})
    return smaller.train(network.training), transfer


def _kept_topology(topology: Topology, kept: Kept) -> Topology:
    cells = []
    for cell in topology.cells:
        operations = tuple(tuple(names) for names in kept[cell.name])
        _check(cell, operations)
        cells.append(replace(cell, operations=operations))
    return replace(topology, cells=tuple(cells))


def _check(cell: CellTopology, operations: tuple[tuple[str, ...], ...]) -> None:
    if len(operations) != len(cell.edges):
        raise ConfigurationError(
            f"Kept operations are given for {len(operations)} edges of the {cell.name} cell, which has "
            f"{len(cell.edges)}. Give one entry an edge."
        )
    for edge, names in enumerate(operations):
        unknown = [name for name in names if name not in cell.operations[edge]]
        if unknown or not names:
            raise ConfigurationError(
                f"Edge {cell.edges[edge]} of the {cell.name} cell cannot keep {unknown or 'nothing'}. It has: "
                f"{', '.join(cell.operations[edge])}."
            )


def _wave_indices(old: MixedWave, new: MixedWave, generator: torch.Generator) -> dict[str, Indices]:
    """Where the tensors of a wave come from, by name within the wave."""
    indices: dict[str, Indices] = {}
    for name, places in new.wave.lanes.items():
        former = [edge for edge, _ in old.wave.lanes[name]]
        lanes = torch.tensor([former.index(edge) for edge, _ in places])
        channels = _widened(old.channels, new.channels, generator)
        operation = new.lanes[name]
        if isinstance(operation, LaneReduce):
            found = _reduce_indices(lanes, channels, old.channels, new.channels, generator)
        else:
            found = {part: _indices(values, lanes, channels) for part, values in operation.state_dict().items()}
        indices |= {f"lanes.{name}.{part}": index for part, index in found.items()}
    for name, pool in new.pools.items():
        sources = old.wave.shared_sources(name)
        lanes = torch.tensor([sources.index(source) for source in new.wave.shared_sources(name)])
        channels = _widened(old.channels, new.channels, generator)
        indices |= {f"pools.{name}.{part}": (lanes, channels) for part in pool.state_dict()}
    return indices


def _indices(values: Tensor, lanes: Int64[Tensor, " lanes"], channels: Int64[Tensor, " channels"]) -> Indices:
    """Those of a convolution, depthwise or not, or of a running statistic."""
    if values.ndim > 2 and values.shape[2] == len(channels):
        return lanes, channels, channels
    return lanes, channels


def _reduce_indices(
    lanes: Int64[Tensor, " lanes"], channels: Int64[Tensor, " channels"], old: int, new: int, generator: torch.Generator
) -> dict[str, Indices]:
    """Those of a `LaneReduce`, whose two convolutions give half of the channels each."""
    first = _widened(old // 2, new // 2, generator)
    second = _widened(old - old // 2, new - new // 2, generator)
    both = torch.cat([first, second + old // 2])
    return {
        "straight.weight": (lanes, first, channels),
        "shifted.weight": (lanes, second, channels),
        "norm.running_mean": (lanes, both),
        "norm.running_var": (lanes, both),
    }


def _widened(old: int, new: int, generator: torch.Generator) -> Int64[Tensor, " channels"]:
    """The former channel of each of `new` channels: all `old` ones in order, then randomly chosen ones."""
    copies = torch.randint(old, (new - old,), generator=generator, device=generator.device)
    return torch.cat([torch.arange(old), copies.cpu()])
