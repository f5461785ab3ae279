"""Deterministic splits of labelled images: disjoint, stratified by label, and never through one source."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int64

from predictornas.errors import ConfigurationError
from predictornas.live.images.image_sets import Images
from predictornas.seeding import rng_for


def split(images: Images, sizes: tuple[int, ...], seed: int) -> tuple[Images, ...]:
    """Disjoint parts of a set, drawn at random, in each of which every label has its share to within a few images.

    Images that share a source never go to two parts. Where a part is full before its last source is, the rest of that
    source is in no part; if the images run short for that reason, the last part is smaller by so many.

    Args:
        images: the set to take apart.
        sizes: number of images of each part, each >= 1; what they leave over is in no part.
        seed: seed of the draw, >= 0.

    Raises:
        ConfigurationError: a size below 1, sizes that ask for more images than there are, or no source left for a part.
    """
    if not sizes or min(sizes) < 1 or sum(sizes) > len(images):
        raise ConfigurationError(
            f"A set of {len(images)} images has no parts of {' + '.join(map(str, sizes))}. "
            "Ask for parts of at least one image, of no more in all than there are."
        )
    sources = None if images.sources is None else images.sources.cpu().numpy()
    places = places_of_parts(images.labels.cpu().numpy(), sizes, seed, sources)
    return tuple(images.rows(torch.from_numpy(part).to(images.device)) for part in places)


def places_of_parts(
    labels: Int64[np.ndarray, " n"], sizes: tuple[int, ...], seed: int, sources: Int64[np.ndarray, " n"] | None = None
) -> list[Int64[np.ndarray, "..."]]:
    """Which images `split` puts into each part.

    Raises:
        ConfigurationError: no source is left for a part.
    """
    sources = np.arange(len(labels)) if sources is None else sources
    _, first, source, counts = np.unique(sources, return_index=True, return_inverse=True, return_counts=True)
    order = _interleaved(labels[first], counts, rng_for(seed, 0, "split"))
    ends = np.cumsum(counts[order])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    indices = np.argsort(place[source], kind="stable")
    parts, start = [], 0
    for size in sizes:
        stop = min(start + size, len(labels))
        if start == stop:
            raise ConfigurationError(f"{len(counts)} sources are too few for {len(sizes)} parts; none is divided.")
        parts.append(indices[start:stop])
        start = int(ends[np.searchsorted(ends, stop)])
    return parts


def _interleaved(
    labels: Int64[np.ndarray, " n"], counts: Int64[np.ndarray, " n"], rng: np.random.Generator
) -> Int64[np.ndarray, " n"]:
    """An order of the sources in which the images of each label lie evenly from beginning to end.

    Any stretch of it is then stratified. Within a label the order is random.
    """
    shuffled = rng.permutation(len(labels))
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    weights, label = counts[by_label], labels[by_label]
    totals = np.bincount(label, weights=weights)
    before = np.cumsum(totals) - totals
    middles = (np.cumsum(weights) - weights / 2 - before[label]) / totals[label]
    return by_label[np.argsort(middles, kind="stable")]
