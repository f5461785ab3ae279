"""What a mixture asks of each wave of a cell; made once for all cells of a type, because they share the mixture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from predictornas.supernet.network.lanes import Lanes
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.topology import CellTopology
from predictornas.supernet.network.waves import Place, Wave, waves_of


@dataclass(frozen=True)
class LaneChoice:
    """What is computed of one operation with weights: the lanes, and the edges that they are."""

    lanes: Lanes
    edges: tuple[int, ...]

    def parts(self, factors: Float[Tensor, " lanes"], at_once: int | None) -> Iterator[tuple[LaneChoice, Tensor]]:
        """Choices of at most so many lanes each, all in one where that is None, and the factors of each."""
        if at_once is None or at_once >= len(self.edges):
            yield self, factors
            return
        lanes = self.lanes if isinstance(self.lanes, list) else list(range(len(self.edges)))
        for start, some in zip(range(0, len(lanes), at_once), torch.split(factors, at_once), strict=True):
            here = slice(start, start + at_once)
            yield LaneChoice(_sliced(lanes[here]), self.edges[here]), some


@dataclass(frozen=True)
class SharedChoice:
    """What is computed of one operation without weights: the lanes of its `SourcePool`, and the nodes that they are."""

    lanes: list[int] | None
    sources: tuple[int, ...]


@dataclass(frozen=True)
class WavePlan:
    """What a mixture asks of a wave.

    Attributes:
        lanes: by name of the operation.
        factors: one factor a lane, by name of the operation.
        shared: by name of the operation; their results, one after the other, are the features.
        targets: the nodes that features go to.
        coefficients: `(targets, features)`, how much of each feature goes to each of them.
        bypass: `(targets of the wave, sources of the wave)`, the factors of whole edges, for the channels that bypass
            the operations; zero where there is no edge.
    """

    lanes: dict[str, LaneChoice]
    factors: dict[str, Float[Tensor, " _"]]
    shared: dict[str, SharedChoice]
    targets: tuple[int, ...]
    coefficients: Float[Tensor, "targets features"]
    bypass: Float[Tensor, "ends sources"]


def plans_of(cell: CellTopology, mixture: Mixture) -> list[WavePlan]:
    """What a mixture asks of each wave of `waves_of(cell)`."""
    factors = mixture.factors(cell.name)
    computed = tuple(map(tuple, mixture.computed(cell.name).tolist()))
    selections, index = _selections(cell, computed, factors.device)
    # One gather for all plans: a gather each would be dozens of tiny kernels in every step.
    gathered = torch.cat([factors.flatten(), mixture.edge_factors(cell.name), factors.new_zeros(1)])[index]
    parts = iter(torch.split(gathered, [len(part) for selection in selections for part in selection.indices]))
    return [selection.plan(parts) for selection in selections]


@lru_cache(maxsize=64)
def _selections(
    cell: CellTopology, computed: tuple[tuple[bool, ...], ...], device: torch.device
) -> tuple[list[_Selection], Int64[Tensor, " gathered"]]:
    """The selections of a cell's waves, and their indices one after the other; mostly the same in every step."""
    selections = [_Selection(cell, wave, computed) for wave in waves_of(cell)]
    indices = [index for selection in selections for part in selection.indices for index in part]
    return selections, torch.tensor(indices, device=device)


class _Selection:
    """What is computed of a wave, and where its factors stand in the vector (operations, edges, zero)."""

    def __init__(self, cell: CellTopology, wave: Wave, computed: tuple[tuple[bool, ...], ...]) -> None:
        self._wave = wave
        self._lanes: dict[str, LaneChoice] = {}
        self._shared: dict[str, SharedChoice] = {}
        self.indices: list[list[int]] = []
        for name, places in wave.lanes.items():
            picked = [lane for lane, (edge, column) in enumerate(places) if computed[edge][column]]
            if picked:
                self._lanes[name] = LaneChoice(_none_if_all(picked, places), tuple(places[lane][0] for lane in picked))
                self.indices.append([edge * cell.width + column for edge, column in (places[i] for i in picked)])
        entries: dict[tuple[int, str, int], int] = {}
        for name in wave.shared:
            found = [(edge, column) for edge, column in wave.shared[name] if computed[edge][column]]
            if found:
                self._shared[name] = _shared_choice(wave, name, found)
                ends = wave.edges
                entries |= {(ends[e][1], name, ends[e][0]): e * cell.width + column for e, column in found}
        self._targets = tuple(sorted({target for target, _, _ in entries}))
        zero = len(cell.edges) * (cell.width + 1)
        features = [(name, source) for name, choice in self._shared.items() for source in choice.sources]
        self.indices.append([entries.get((target, *feature), zero) for target in self._targets for feature in features])
        whole = {ends: len(cell.edges) * cell.width + edge for edge, ends in wave.edges.items()}
        self.indices.append([whole.get((s, target), zero) for target in wave.targets for s in wave.sources])

    def plan(self, parts: Iterator[Tensor]) -> WavePlan:
        """The plan, with the gathered factors in the order of `indices`."""
        factors = {name: next(parts) for name in self._lanes}
        coefficients = next(parts).view(len(self._targets), -1) if self._targets else next(parts).view(0, 0)
        bypass = next(parts).view(len(self._wave.targets), -1)
        return WavePlan(self._lanes, factors, self._shared, self._targets, coefficients, bypass)


def _shared_choice(wave: Wave, name: str, places: list[Place]) -> SharedChoice:
    every = wave.shared_sources(name)
    used = {wave.edges[edge][0] for edge, _ in places}
    picked = [lane for lane, source in enumerate(every) if source in used]
    return SharedChoice(_none_if_all(picked, every), tuple(every[lane] for lane in picked))


def _sliced(lanes: list[int]) -> Lanes:
    """The same lanes; as a slice, which copies nothing, where they follow one another."""
    first, behind = lanes[0], lanes[0] + len(lanes)
    return slice(first, behind) if lanes == list(range(first, behind)) else lanes


def _none_if_all(picked: list[int], every: tuple[object, ...]) -> list[int] | None:
    return None if len(picked) == len(every) else picked
