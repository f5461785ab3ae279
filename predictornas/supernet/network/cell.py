"""A cell that holds every operation on every edge, computed wave by wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from predictornas.supernet.network.lanes import SourcePool, lane_operation, lanes_at_once
from predictornas.supernet.network.plans import SharedChoice, WavePlan
from predictornas.supernet.network.topology import CellTopology
from predictornas.supernet.network.waves import IDENTITY, Wave, waves_of

Nodes = Mapping[int, Tensor]
"""What stands at each node, `(n, channels, h, w)`."""

Arrivals = dict[int, list[Tensor]]
"""What has arrived at each node so far, to be summed, `(n, channels, h, w)` each."""


class MixedCell(nn.Module):
    """The nodes of a cell, each the weighted sum of all operations on all edges into it.

    With partial channels (Xu et al. 2020) the first 1/k of the channels go through the operations. The others bypass
    them, through a max-pool of 2 x 2 where the stride is 2, and the channels of an edge are shuffled. Sum and shuffle
    commute, so it is the node that is shuffled, once.

    Args:
        topology: the cell type.
        channels: channels of each node.
        partial: k >= 1, which divides `channels`.
        normalised_pools: whether batch normalisation follows a pool (DARTS).
    """

    def __init__(self, topology: CellTopology, channels: int, *, partial: int, normalised_pools: bool) -> None:
        super().__init__()
        self._topology = topology
        self._partial = partial
        self._mixed = channels // partial
        self._layout = waves_of(topology)
        self.waves = nn.ModuleList(
            MixedWave(wave, self._mixed, normalised_pools=normalised_pools) for wave in self._layout
        )

    def forward(self, given: Sequence[Tensor], plans: Sequence[WavePlan]) -> list[Tensor]:
        """The nodes that are computed, `(n, channels, h, w)` each, in their order.

        Args:
            given: what stands at the given nodes, `(n, channels, h, w)` each.
            plans: what the mixture asks of each wave.
        """
        nodes = dict(enumerate(given))
        empty = _nothing(given[0], self._mixed, self._layout[0].stride)
        mixed: Arrivals = {node: [] for node in self._topology.nodes}
        bypassed: Arrivals = {node: [] for node in self._topology.nodes}
        for wave, layer, plan in zip(self._layout, self.waves, plans, strict=True):
            for source in wave.sources:
                if source not in nodes:
                    nodes[source] = self._joined(mixed[source] or [empty], bypassed[source])
            layer({source: nodes[source][:, : self._mixed] for source in wave.sources}, plan, mixed)
            if self._partial > 1:
                rest = [nodes[source][:, self._mixed :] for source in wave.sources]
                _bypass(wave, rest, plan, bypassed)
        for node in self._topology.nodes:
            if node not in nodes:
                nodes[node] = self._joined(mixed[node] or [empty], bypassed[node])
        return [nodes[node] for node in self._topology.nodes]

    def _joined(self, mixed: list[Tensor], bypassed: list[Tensor]) -> Tensor:
        """The sums of both parts of the channels, shuffled."""
        if self._partial == 1:
            return _sum(mixed)
        # torch.nn.functional.channel_shuffle has no derivative on CPUs in old versions of torch
        pixels = torch.cat([_sum(mixed), _sum(bypassed)], dim=1).permute(0, 2, 3, 1)
        apart = pixels.reshape(*pixels.shape[:3], self._partial, -1)
        return apart.transpose(3, 4).flatten(3).permute(0, 3, 1, 2)


class MixedWave(nn.Module):
    """The operations on the edges of a wave.

    Args:
        wave: the edges.
        channels: channels that go through the operations.
        normalised_pools: whether batch normalisation follows a pool.

    Attributes:
        wave: as given.
        channels: as given.
        lanes: by name the operations with weights.
        pools: by name the pools.
    """

    def __init__(self, wave: Wave, channels: int, *, normalised_pools: bool) -> None:
        super().__init__()
        self.wave, self.channels = wave, channels
        self.lanes = nn.ModuleDict(
            {name: lane_operation(name, len(places), channels, wave.stride) for name, places in wave.lanes.items()}
        )
        self.pools = nn.ModuleDict(
            {
                name: SourcePool(
                    name, len(wave.shared_sources(name)), channels, wave.stride, normalised=normalised_pools
                )
                for name in wave.shared
                if name != IDENTITY
            }
        )

    def forward(self, images: Nodes, plan: WavePlan, arrivals: Arrivals) -> None:
        """Adds what the edges carry to the `arrivals` at the nodes that they end in."""
        totals: dict[tuple[int, ...], Tensor] = {}
        inputs = _LaneInputs(images)
        for name, choice in plan.lanes.items():
            operation = self.lanes[name]
            at_once = lanes_at_once(self.channels, plan.factors[name].device)
            for part, factors in choice.parts(plan.factors[name], at_once):
                sources = tuple(self.wave.edges[edge][0] for edge in part.edges)
                carried = operation(inputs.of(sources, shared=bool(operation.shares_input)), part.lanes, factors)
                totals[part.edges] = totals[part.edges] + carried if part.edges in totals else carried
        for edges, total in totals.items():
            for edge, carried in zip(edges, total.chunk(len(edges), dim=1), strict=True):
                arrivals[self.wave.edges[edge][1]].append(carried)
        if plan.shared:
            features = [
                feature for name, choice in plan.shared.items() for feature in self._features(name, choice, images)
            ]
            _distribute(plan.coefficients, features, plan.targets, arrivals)

    def _features(self, name: str, choice: SharedChoice, images: Nodes) -> list[Tensor]:
        """The results of one operation without weights for each source, `(n, channels, h, w)` each."""
        chosen = [images[source] for source in choice.sources]
        if name == IDENTITY:
            return chosen
        lanes = range(len(chosen)) if choice.lanes is None else choice.lanes
        pool = self.pools[name]
        return [pool(each, slice(lane, lane + 1)) for lane, each in zip(lanes, chosen, strict=True)]


class _LaneInputs:
    """The inputs of lanes behind their ReLU, each computed once for all operations that need it."""

    def __init__(self, images: Nodes) -> None:
        self._images = images
        self._active: dict[int, Tensor] = {}
        self._joined: dict[tuple[int, ...], Tensor] = {}

    def of(self, sources: tuple[int, ...], *, shared: bool) -> Tensor:
        """The active images of `sources` side by side; only once where they are one node and may be `shared`."""
        if shared and len(set(sources)) == 1:
            sources = sources[:1]
        if sources not in self._joined:
            for source in sources:
                if source not in self._active:
                    self._active[source] = self._images[source].relu()
            active = [self._active[source] for source in sources]
            self._joined[sources] = active[0] if len(active) == 1 else torch.cat(active, dim=1)
        return self._joined[sources]


def _bypass(wave: Wave, rest: list[Tensor], plan: WavePlan, arrivals: Arrivals) -> None:
    """Adds the channels that bypass the operations to the `arrivals`; an odd size is rounded up as operations do."""
    if wave.stride == 2:
        rest = [nn.functional.max_pool2d(images, 2, ceil_mode=True) for images in rest]
    _distribute(plan.bypass, rest, wave.targets, arrivals)


def _distribute(
    coefficients: Float[Tensor, "targets features"],
    features: list[Tensor],
    targets: tuple[int, ...],
    arrivals: Arrivals,
) -> None:
    """Adds weighted sums of features, `(n, channels, h, w)` each, to the `arrivals` at some nodes."""
    stacked = torch.stack([feature.permute(0, 2, 3, 1) for feature in features])
    sums = torch.matmul(coefficients, stacked.flatten(1))
    for target, pixels in zip(targets, sums.unbind(), strict=True):
        arrivals[target].append(pixels.view(stacked.shape[1:]).permute(0, 3, 1, 2))


def _sum(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _nothing(
    images: Float[Tensor, "n channels h w"], channels: int, stride: int
) -> Float[Tensor, "n mixed rows columns"]:
    height, width = images.shape[-2:]
    return images.new_zeros(len(images), channels, -(-height // stride), -(-width // stride))
