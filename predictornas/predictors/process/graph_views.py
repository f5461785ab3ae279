"""Three views of a batch of graphs that need no training, scaled by the graphs that a predictor learns from."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int64, Shaped, UInt64
from scipy import sparse

from predictornas.predictors.process.description import description, kept, without_weights
from predictornas.predictors.process.graph_features import random_flow_features
from predictornas.predictors.process.identities import wired
from predictornas.predictors.process.shared_flow import shared_flow_features
from predictornas.predictors.process.signal_propagation import signal_features
from predictornas.predictors.process.views import View
from predictornas.spaces.base import Genes, SearchSpace, is_whole

STRUCTURE = 0
"""Place of the counts among the scaled views."""

_FEW = 1 << 13
"""Graphs that are described one by one: to share what repeats in them would not be faster."""
_BLOCK = 1 << 11
"""Graphs whose features are scaled at once: 2 MiB, which are then in the cache for what reads them."""
_VERSION = 2
"""Raised when signals would come out differently; those of older versions are made again."""
_MOST_HELD = 2
_HELD: OrderedDict[tuple[int, int, int], tuple[Genes, RawViews]] = OrderedDict()
_RECENT: deque[tuple[SearchSpace, Genes, int, int, RawViews]] = deque(maxlen=2)


@dataclass(frozen=True)
class RawViews:
    """What a batch of n graphs looks like.

    Attributes:
        structure: `(n, f)`, see `graph_features.structure_features`; signals too, where they are asked for.
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


def raw_views(space: SearchSpace, genes: Genes, *, width: int, seed: int = 0, signals: bool = False) -> RawViews:
    """The views of architectures; those of `space.enumerate()` itself stay in memory once they were asked for.

    Args:
        space: the space the genes belong to.
        genes: `(n, g)`.
        width: of the random flow features.
        seed: of the random flow features.
        signals: whether `signal_propagation.signal_features` are among the structure; a space that does not say how
            its operations pass signals (`convolution_areas`) has none. Where it says which operation is the identity
            (`identity`), the same counts and subtrees of the cells without it stand beside those with it.
    """
    if signals:
        views = raw_views(space, genes, width=width, seed=seed)
        more = _signals(space, genes)
        structure = np.concatenate([views.structure, more["counts"]], axis=1)
        subtrees = np.concatenate([views.subtrees, more["subtrees"]]) if len(more["subtrees"]) else views.subtrees
        return replace(views, structure=structure, subtrees=subtrees)
    if len(genes) <= _FEW:
        return _of_few(space, genes, width, seed)
    key = (id(genes), width, seed)  # the array is held below, so its id stays its own
    if key in _HELD:
        _HELD.move_to_end(key)
        return _HELD[key][1]
    described = description(space, genes)
    flow = shared_flow_features(described.ways, described.num_codes, width=width, seed=seed)
    views = RawViews(described.structure, flow, described.subtrees)
    if is_whole(space, genes):
        _HELD[key] = (genes, views)
        if len(_HELD) > _MOST_HELD:
            _HELD.popitem(last=False)
    return views


def signals_of(space: SearchSpace, genes: Genes) -> Float32[np.ndarray, "n f"]:
    """What is known of how signals pass through cells of a space, as counts.

    Args:
        space: the space; where it says nothing of that, there is no column.
        genes: `(n, g)`.
    """
    return np.asarray(_signals(space, genes)["counts"])


def _signals(space: SearchSpace, genes: Genes) -> Mapping[str, Shaped[np.ndarray, "..."]]:
    """The counts, and the subtrees of the cells without identities; of a whole space from the cache folder."""
    if len(genes) <= _FEW or not is_whole(space, genes):
        return _described(space, genes)
    return kept(space, "graph-signals", _VERSION, lambda: _described(space, genes))


def _described(space: SearchSpace, genes: Genes) -> dict[str, Shaped[np.ndarray, "..."]]:
    counts, subtrees = np.zeros((len(genes), 0), np.float32), np.zeros((0, len(genes), 0), np.uint64)
    areas = getattr(space, "convolution_areas", ())
    if areas:
        counts = signal_features(space.graphs(genes), areas)
    elif getattr(space, "identity", None) is not None:
        counts, subtrees = without_weights(wired(space, space.graphs(genes)))
    return {"counts": counts, "subtrees": subtrees}


def _of_few(space: SearchSpace, genes: Genes, width: int, seed: int) -> RawViews:
    """Views of architectures that are asked for again: by a fit and for its scores, by scores and how sure they are."""
    for known_space, known_genes, *weights, views in tuple(_RECENT):  # other threads add to it
        # compared by their entries, because an array may be written to between two questions
        if known_space is space and weights == [width, seed] and np.array_equal(known_genes, genes):
            return views
    graphs = space.graphs(genes)
    structure, subtrees = without_weights(graphs)
    views = RawViews(structure, random_flow_features(graphs, width=width, seed=seed), subtrees)
    _RECENT.append((space, genes.copy(), width, seed, views))
    return views


class Scaling:
    """How graphs are described to a predictor that learns from some of them: features of comparable size.

    Structure and flow are standardised over the training graphs, features that do not vary there are dropped. Subtrees
    are counted: the square root of how often each occurs in a graph, for those that at least two training graphs hold.

    Args:
        training: the graphs it learns from.
    """

    def __init__(self, training: RawViews) -> None:
        self._structure, self._flow = Standard.of(training.structure), Standard.of(training.flow)
        self._vocabularies = [_vocabulary(subtrees) for subtrees in training.subtrees]
        pairs = zip(training.subtrees, self._vocabularies, strict=True)
        self._spreads = [_spread(_counts(_places(subtrees, known), len(known))) for subtrees, known in pairs]

    def __call__(self, views: RawViews) -> list[View]:
        """Every view of some graphs."""
        counted = [
            _counts(_places(subtrees, known), len(known)) / spread
            for subtrees, known, spread in zip(views.subtrees, self._vocabularies, self._spreads, strict=True)
        ]
        return [self._structure(views.structure), *counted, self._flow(views.flow)]

    def in_parts(self, views: RawViews) -> Iterator[Part]:
        """The same view by view, in single precision, for what is a sum over views: see `matern.Regression.part`."""
        yield Part.of_features(views.structure, self._structure)
        for subtrees, known, spread in zip(views.subtrees, self._vocabularies, self._spreads, strict=True):
            yield Part.of_subtrees(subtrees, known, spread)
        yield Part.of_features(views.flow, self._flow)


@dataclass(frozen=True)
class Part:
    """One view of many graphs, block by block: as features, all of them at once would not fit.

    Attributes:
        blocks: features of graphs, or of the distinct ones among them where many look alike.
        places: which of these each graph is; None where each is its own.
    """

    blocks: Iterable[View]
    places: Int[np.ndarray, " n"] | None

    @classmethod
    def of_features(cls, features: Float32[np.ndarray, "n f"], standard: Standard) -> Part:
        """Of features that are standardised."""
        return cls((standard.single(features[rows]) for rows in _slices(len(features))), None)

    @classmethod
    def of_subtrees(
        cls, subtrees: UInt64[np.ndarray, "n v"], vocabulary: UInt64[np.ndarray, " s"], spread: float
    ) -> Part:
        """Of what is counted: beyond one step most subtrees are not in the vocabulary, and most graphs look alike."""
        places = _places(subtrees, vocabulary)
        # a sum of random numbers tells bags of places apart; of mixed places it would not: mix(20) is 2 mix(10)
        bags = np.random.default_rng(0).integers(1 << 64, size=len(vocabulary), dtype=np.uint64)
        held = np.append(bags, np.uint64(0))[places].sum(axis=1, dtype=np.uint64)
        _, examples, which = np.unique(held, return_index=True, return_inverse=True)
        return cls([_counts(places[examples], len(vocabulary)) / spread], which)

    def gathered(self, function: Callable[[View], Float[np.ndarray, " m"]]) -> Float[np.ndarray, " n"]:
        """What a function of this view gives each graph."""
        values = np.concatenate([function(block) for block in self.blocks])
        return values if self.places is None else values[self.places]


def _slices(count: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, max(1, count), _BLOCK)]


@dataclass(frozen=True)
class Standard:
    """Features that vary, with mean 0 and variance 1 over the training graphs.

    Attributes:
        kept: places of those that vary.
        mean: over the training graphs, of these.
        std: likewise.
    """

    kept: Int[np.ndarray, " k"]
    mean: Float64[np.ndarray, " k"]
    std: Float64[np.ndarray, " k"]

    @classmethod
    def of(cls, training: Float32[np.ndarray, "n f"]) -> Standard:
        """From the training graphs, one or more."""
        exact = training.astype(np.float64)
        mean, std = exact.mean(axis=0), exact.std(axis=0)
        # a constant feature has a spread of its rounding, and divided by that it would drown the others
        kept = np.flatnonzero(std > 1e-6 * np.abs(mean).max(initial=1))
        return cls(kept, mean[kept], std[kept])

    def __call__(self, features: Float32[np.ndarray, "n f"]) -> Float64[np.ndarray, "n k"]:
        """Those of some graphs, scaled."""
        return np.asarray((features[:, self.kept] - self.mean) / self.std)

    def single(self, features: Float32[np.ndarray, "n f"]) -> Float32[np.ndarray, "n k"]:
        """The same in single precision."""
        result = features[:, self.kept] if len(self.kept) < features.shape[1] else features.copy()
        result -= self.mean.astype(np.float32)
        result /= self.std.astype(np.float32)
        return result


def _vocabulary(subtrees: UInt64[np.ndarray, "n v"]) -> UInt64[np.ndarray, " s"]:
    """Subtrees that at least two graphs hold, ascending."""
    ranked = np.sort(subtrees, axis=1)
    first = np.ones(ranked.shape, bool)
    first[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    found, graphs = np.unique(ranked[first & (ranked > 0)], return_counts=True)
    return np.asarray(found[graphs > 1])


def _places(subtrees: UInt64[np.ndarray, "n v"], vocabulary: UInt64[np.ndarray, " s"]) -> Int64[np.ndarray, "n v"]:
    """Where each subtree stands in the vocabulary; behind its end where it does not."""
    if not len(vocabulary):
        return np.zeros(subtrees.shape, np.int64)
    # what is larger than all of the vocabulary has no place there either; the comparison finds that out
    places = np.minimum(np.searchsorted(vocabulary, subtrees), len(vocabulary) - 1)
    return np.where(vocabulary[places] == subtrees, places, len(vocabulary))


def _counts(places: Int64[np.ndarray, "n v"], words: int) -> sparse.csr_array:
    """Square root of how often each of the words of the vocabulary occurs in each graph, `(n, words)`."""
    rows, vertices = np.nonzero(places < words)
    ones = np.ones(len(rows))
    return sparse.csr_array((ones, (rows, places[rows, vertices])), shape=(len(places), words)).sqrt()


def _spread(counts: sparse.csr_array) -> float:
    """Twice the mean over subtrees of the standard deviation of their counts."""
    if not counts.shape[1]:
        return 1.0
    variances = (counts * counts).mean(axis=0) - counts.mean(axis=0) ** 2
    return 2 * float(np.sqrt(np.maximum(variances, 0)).mean()) + 1e-9
