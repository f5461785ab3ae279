"""The index of a whole space: built once, kept in the cache folder, and shared by all predictors of a process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Shaped

from predictornas.predictors.engine.graph_index import GraphIndex, IndexLayer, SparseRows, build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.engine.message_passing import MessagePassing
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.cache import Arrays, cached_arrays, space_digest

VERSION = 1
"""Raised when an index would come out differently; indexes of older versions are built again."""

_MOST_HELD = 4
_HELD: OrderedDict[tuple[int, str], tuple[Genes, list[IndexTables]]] = OrderedDict()


def space_tables(
    space: SearchSpace,
    view: str,
    message_passing: Callable[[Genes], MessagePassing],
    *,
    depth: int,
    block: int,
    device: str,
) -> list[IndexTables]:
    """The tables of `space.enumerate()`, block by block; those of the spaces used last stay in memory.

    Args:
        space: what is indexed.
        view: a file name for all that `message_passing` depends on besides the space.
        message_passing: what a network sees of architectures; called only where the cache has no index.
        depth: number of layers.
        block: architectures indexed together.
        device: where the tables are used.
    """
    genes = space.enumerate()
    name = f"graph-index/{space.name}-{view}-{depth}-{block}"
    key = (id(genes), f"{name} on {device}")  # the array is held below, so its id stays its own
    if key not in _HELD:

        def build() -> Arrays:
            blocks = [build_index(message_passing(part), depth) for part in blocks_of(genes, block)]
            return {f"{number}_{key}": array for number, index in enumerate(blocks) for key, array in _flat(index)}

        arrays = cached_arrays(f"{name}-{space_digest(space)}", VERSION, build)
        count = -(-len(genes) // block)
        _HELD[key] = (genes, [IndexTables.of(_index(arrays, f"{number}_"), device) for number in range(count)])
        if len(_HELD) > _MOST_HELD:
            _HELD.popitem(last=False)
    _HELD.move_to_end(key)
    return _HELD[key][1]


def blocks_of(genes: Genes, block: int) -> Iterator[Genes]:
    """Consecutive parts of at most `block` architectures."""
    return (genes[start : start + block] for start in range(0, len(genes), block))


def _flat(index: GraphIndex) -> Iterator[tuple[str, Shaped[np.ndarray, "..."]]]:
    """An index as named arrays."""
    yield from {"labels": index.labels, "vertices": index.vertices, "shares": index.shares}.items()
    for number, layer in enumerate(index.layers):
        if layer.gates is not None:
            yield f"{number}_gates", layer.gates
        for way, (sums, part) in enumerate(zip(layer.sums, layer.parts, strict=True)):
            yield f"{number}_{way}_indices", sums.indices
            yield f"{number}_{way}_weights", sums.weights
            yield f"{number}_{way}_offsets", sums.offsets
            yield f"{number}_{way}_part", part


def _index(arrays: Arrays, prefix: str) -> GraphIndex:
    """The inverse of `_flat`, read into memory."""
    own = {name.removeprefix(prefix): np.array(array) for name, array in arrays.items() if name.startswith(prefix)}
    depth = sum(name.endswith("_0_part") for name in own)
    ways = sum(name.startswith("0_") and name.endswith("_part") for name in own)
    layers = tuple(
        IndexLayer(
            sums=tuple(
                SparseRows(own[f"{g}_{way}_indices"], own[f"{g}_{way}_weights"], own[f"{g}_{way}_offsets"])
                for way in range(ways)
            ),
            parts=tuple(own[f"{g}_{way}_part"] for way in range(ways)),
            gates=own.get(f"{g}_gates"),
        )
        for g in range(depth)
    )
    return GraphIndex(own["labels"], layers, own["vertices"], own["shares"])
