"""Three views of a batch of graphs that need no training, scaled by the graphs that a predictor learns from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt64
from scipy import sparse

from predictornas.predictors.process.graph_features import random_flow_features, structure_features
from predictornas.predictors.process.matern import View
from predictornas.spaces.base import Genes, Graphs, SearchSpace
from predictornas.spaces.hashing import vertex_hashes

DEPTHS = (1, 2)
"""Steps around a vertex that a subtree reaches."""

STRUCTURE = 0
"""Place of the counts among the scaled views."""

_BLOCK = 1 << 14
_MOST_HELD = 2
_HELD: OrderedDict[tuple[int, int, int], tuple[Genes, RawViews]] = OrderedDict()


@dataclass(frozen=True)
class RawViews:
    """What a batch of n graphs looks like.

    Attributes:
        structure: `(n, f)`, see `graph_features.structure_features`.
        flow: `(n, w)`, see `graph_features.random_flow_features`.
        subtrees: `(depths, n, V)` a hash of what lies around each vertex up to 1 and 2 steps away, 0 on padding.
    """

    structure: Float32[np.ndarray, "n f"]
    flow: Float32[np.ndarray, "n w"]
    subtrees: UInt64[np.ndarray, "d n v"]

    def __len__(self) -> int:
        return len(self.structure)

    def rows(self, start: int, stop: int) -> RawViews:
        """Some of the graphs."""
        return RawViews(self.structure[start:stop], self.flow[start:stop], self.subtrees[:, start:stop])


def raw_views(space: SearchSpace, genes: Genes, *, width: int, seed: int = 0) -> RawViews:
    """The views of architectures; those of `space.enumerate()` itself stay in memory once they were asked for.

    Args:
        space: the space the genes belong to.
        genes: `(n, g)`.
        width: of the random flow features.
        seed: of the random flow features.
    """
    key = (id(genes), width, seed)  # the array is held below, so its id stays its own
    if key in _HELD:
        _HELD.move_to_end(key)
        return _HELD[key][1]
    starts = range(0, max(1, len(genes)), _BLOCK)
    parts = [_of_graphs(space.graphs(genes[start : start + _BLOCK]), width, seed) for start in starts]
    views = RawViews(
        structure=np.concatenate([part.structure for part in parts]),
        flow=np.concatenate([part.flow for part in parts]),
        subtrees=np.concatenate([part.subtrees for part in parts], axis=1),
    )
    if len(genes) == len(space) and genes is space.enumerate():
        _HELD[key] = (genes, views)
        if len(_HELD) > _MOST_HELD:
            _HELD.popitem(last=False)
    return views


def _of_graphs(graphs: Graphs, width: int, seed: int) -> RawViews:
    states = list(vertex_hashes(graphs.adjacency, graphs.operations, max(DEPTHS)))
    return RawViews(
        structure=structure_features(graphs),
        flow=random_flow_features(graphs, width=width, seed=seed),
        subtrees=np.stack([states[depth].T for depth in DEPTHS]),
    )


Scaled = Callable[[RawViews], list[View]]
"""Turns raw views into features of comparable size, one array a view."""


def scaling(training: RawViews) -> Scaled:
    """How graphs are described to a predictor that learns from these ones.

    Structure and flow are standardised over the training graphs, features that do not vary there are dropped. Subtrees
    are counted: the square root of how often each occurs in a graph, for those that at least two training graphs hold.
    """
    structure, flow = _standardised(training.structure), _standardised(training.flow)
    vocabularies = [_vocabulary(subtrees) for subtrees in training.subtrees]
    spreads = [_spread(_counts(s, v)) for s, v in zip(training.subtrees, vocabularies, strict=True)]

    def scaled(views: RawViews) -> list[View]:
        counted = [
            _counts(subtrees, vocabulary) / spread
            for subtrees, vocabulary, spread in zip(views.subtrees, vocabularies, spreads, strict=True)
        ]
        return [structure(views.structure), *counted, flow(views.flow)]

    return scaled


def _standardised(training: Float32[np.ndarray, "n f"]) -> Callable[[Float32[np.ndarray, "m f"]], np.ndarray]:
    exact = training.astype(np.float64)
    mean, std = exact.mean(axis=0), exact.std(axis=0)
    # a constant feature has a spread of its rounding, and divided by that it would drown the others
    kept = np.flatnonzero(std > 1e-6 * np.abs(mean).max(initial=1))
    return lambda features: (features[:, kept] - mean[kept]) / std[kept]


def _vocabulary(subtrees: UInt64[np.ndarray, "n v"]) -> UInt64[np.ndarray, " s"]:
    """Subtrees that at least two graphs hold, ascending."""
    ranked = np.sort(subtrees, axis=1)
    first = np.ones(ranked.shape, bool)
    first[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    found, graphs = np.unique(ranked[first & (ranked > 0)], return_counts=True)
    return np.asarray(found[graphs > 1])


def _counts(subtrees: UInt64[np.ndarray, "n v"], vocabulary: UInt64[np.ndarray, " s"]) -> sparse.csr_array:
    """Square root of how often each subtree of the vocabulary occurs in each graph, `(n, s)`."""
    shape = (len(subtrees), len(vocabulary))
    if not len(vocabulary):
        return sparse.csr_array(shape)
    # what is larger than all of the vocabulary has no place there; the comparison below leaves it out
    place = np.minimum(np.searchsorted(vocabulary, subtrees), len(vocabulary) - 1)
    rows, columns = np.nonzero(vocabulary[place] == subtrees)
    ones = np.ones(len(rows))
    return sparse.csr_array((ones, (rows, place[rows, columns])), shape=shape).sqrt()


def _spread(counts: sparse.csr_array) -> float:
    """Twice the mean over subtrees of the standard deviation of their counts."""
    if not counts.shape[1]:
        return 1.0
    variances = (counts * counts).mean(axis=0) - counts.mean(axis=0) ** 2
    return 2 * float(np.sqrt(np.maximum(variances, 0)).mean()) + 1e-9
