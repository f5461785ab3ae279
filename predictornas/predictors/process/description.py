"""What many graphs look like before any weights are drawn: computed block by block, kept on disk for a whole space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Shaped, UInt64

from predictornas.predictors.process.graph_features import structure_features
from predictornas.predictors.process.shared_flow import SharedFlow
from predictornas.spaces.base import Genes, Graphs, SearchSpace, is_whole
from predictornas.spaces.cache import cached_arrays, space_digest
from predictornas.spaces.hashing import vertex_hashes

DEPTHS = (1, 2)
"""Steps around a vertex that a subtree reaches."""

_VERSION = 1
"""Raised when a description would come out differently; those of older versions are made again."""
_BLOCK = 1 << 13
_WAYS = ("along", "against")


@dataclass(frozen=True)
class Description:
    """What n graphs look like, but for the random network's features, which follow from it.

    Attributes:
        structure: `(n, f)`, see `graph_features.structure_features`.
        subtrees: `(depths, n, V)` a hash of what lies around each vertex up to 1 and 2 steps away, 0 on padding.
        ways: what is distinct for messages along the edges and against them.
        num_codes: of the graphs.
    """

    structure: Float32[np.ndarray, "n f"]
    subtrees: UInt64[np.ndarray, "d n v"]
    ways: tuple[SharedFlow, ...]
    num_codes: int

    @classmethod
    def of(cls, graphs: Graphs) -> Description:
        """Of some graphs."""
        starts = range(0, max(1, len(graphs)), _BLOCK)
        parts = [without_weights(graphs.rows(start, start + _BLOCK)) for start in starts]
        structures, subtrees = zip(*parts, strict=True)
        ways = tuple(SharedFlow.of(graphs, against=way == "against") for way in _WAYS)
        return cls(np.concatenate(structures), np.concatenate(subtrees, axis=1), ways, graphs.num_codes)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> Description:
        """The inverse of `arrays`, read into memory."""
        own = {name: np.array(array) for name, array in arrays.items()}
        ways = (
            SharedFlow.from_arrays({name.removeprefix(f"{way}_"): a for name, a in own.items() if name.startswith(way)})
            for way in _WAYS
        )
        return cls(own["structure"], own["subtrees"], tuple(ways), int(own["num_codes"]))

    def arrays(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """What it is made of, by name."""
        found = {"structure": self.structure, "subtrees": self.subtrees, "num_codes": np.asarray(self.num_codes)}
        for name, way in zip(_WAYS, self.ways, strict=True):
            found |= {f"{name}_{key}": array for key, array in way.arrays().items()}
        return found


def description(space: SearchSpace, genes: Genes) -> Description:
    """What architectures look like; that of `space.enumerate()` itself comes from the cache folder.

    Args:
        space: the space the genes belong to.
        genes: `(n, g)`.
    """
    return Description.from_arrays(_whole(space)) if is_whole(space, genes) else Description.of(space.graphs(genes))


def structure_of(space: SearchSpace, genes: Genes) -> Float32[np.ndarray, "n f"]:
    """`Description.structure` alone; that of `space.enumerate()` itself comes from the cache folder, with the rest.

    Args:
        space: the space the genes belong to.
        genes: `(n, g)`.
    """
    if is_whole(space, genes):
        return np.asarray(_whole(space)["structure"])
    starts = range(0, max(1, len(genes)), _BLOCK)
    return np.concatenate([structure_features(space.graphs(genes[start : start + _BLOCK])) for start in starts])


def _whole(space: SearchSpace) -> Mapping[str, Shaped[np.ndarray, "..."]]:
    return kept(space, "graph-views", _VERSION, lambda: Description.of(space.graphs(space.enumerate())).arrays())


def kept(
    space: SearchSpace, kind: str, version: int, build: Callable[[], dict[str, Shaped[np.ndarray, "..."]]]
) -> Mapping[str, Shaped[np.ndarray, "..."]]:
    """What is said of all of a space, from the cache folder where it is there.

    Args:
        space: the space.
        kind: a folder of the cache.
        version: of what is said.
        build: says it.
    """
    return cached_arrays(f"{kind}/{space.name}-{space_digest(space)}", version, build)


def without_weights(graphs: Graphs) -> tuple[Float32[np.ndarray, "n f"], UInt64[np.ndarray, "d n v"]]:
    """Structure and subtrees of some graphs, see `Description`."""
    states = list(vertex_hashes(graphs.adjacency, graphs.operations, max(DEPTHS)))
    return structure_features(graphs), np.stack([states[depth].T for depth in DEPTHS])
