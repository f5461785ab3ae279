import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError
from predictornas.live.images.image_sets import ImageSet
from predictornas.live.images.image_split import split


def numbered(labels: np.ndarray, sources: np.ndarray | None = None) -> ImageSet:
    """Images of two bytes that say which they are."""
    numbers = torch.arange(len(labels))
    pixels = torch.stack([numbers // 256, numbers % 256], 1).to(torch.uint8)[:, :, None, None]
    return ImageSet(pixels, torch.from_numpy(labels), None if sources is None else torch.from_numpy(sources))


def numbers(images: ImageSet) -> list[int]:
    high, low = images.pixels[:, :, 0, 0].long().T
    return (high * 256 + low).tolist()


@settings(max_examples=40)
@given(
    labels=st.lists(st.integers(0, 4), min_size=3, max_size=300),
    shares=st.lists(st.floats(0.05, 1), min_size=1, max_size=4),
    seed=st.integers(0, 5),
)
def test_parts_are_disjoint_exact_and_stratified(labels, shares, seed):
    total = len(labels)
    sizes = tuple(max(1, int(share / sum(shares) * total)) for share in shares)
    if sum(sizes) > total:
        return
    images = numbered(np.array(labels))
    parts = split(images, sizes, seed)
    taken = [number for part in parts for number in numbers(part)]
    assert len(set(taken)) == len(taken)
    for part, size in zip(parts, sizes, strict=True):
        assert len(part) == size
        assert part.labels.tolist() == [labels[number] for number in numbers(part)]
        for label in set(labels):
            assert abs(part.labels.tolist().count(label) - size * labels.count(label) / total) < 3


def test_balanced_classes_stay_balanced_and_lie_mixed():
    images = numbered(np.repeat(np.arange(10), 50))
    first, second = split(images, (300, 200), 3)
    assert torch.bincount(first.labels).tolist() == [30] * 10
    assert torch.bincount(second.labels).tolist() == [20] * 10
    assert torch.bincount(first.labels[:20]).tolist() == [2] * 10


def test_the_seed_decides():
    images = numbered(np.arange(400) % 4)
    (first,), (again,), (other,) = (split(images, (100,), seed) for seed in (0, 0, 1))
    assert numbers(first) == numbers(again)
    assert 10 < len(set(numbers(first)) & set(numbers(other))) < 45  # 25 by chance


def test_every_image_is_as_likely_as_any_other_of_its_label():
    images = numbered(np.arange(20) % 2)
    counts = np.zeros(20)
    for seed in range(200):
        counts[numbers(split(images, (8,), seed)[0])] += 1
    # 80 expected, with a standard deviation of 6.9
    assert abs(counts - 80).max() < 32


@settings(max_examples=40)
@given(counts=st.lists(st.integers(1, 6), min_size=8, max_size=60), seed=st.integers(0, 3), share=st.floats(0.3, 0.7))
def test_sources_are_never_divided_among_parts(counts, seed, share):
    sources = np.repeat(np.arange(len(counts)) * 3 + 1, counts)
    images = numbered(sources % 4, np.random.default_rng(seed).permutation(sources))
    images = ImageSet(images.pixels, images.sources % 4, images.sources)
    total = len(sources)
    sizes = (max(1, int(share * total) - 6), max(1, total - int(share * total) - 6))
    parts = split(images, sizes, seed)
    assert tuple(map(len, parts)) == sizes  # twelve images in reserve: at most five are dropped
    first, second = (set(part.sources.tolist()) for part in parts)
    assert not first & second


def test_the_last_part_is_smaller_where_no_image_is_left():
    # four sources of three images: the first part takes two of the second source, whose third is then in no part
    images = numbered(np.zeros(12, np.int64), np.repeat(np.arange(4), 3))
    first, second = split(images, (5, 7), 0)
    assert (len(first), len(second)) == (5, 6)
    with pytest.raises(ConfigurationError, match="1 sources are too few for 2 parts"):
        split(images.rows(torch.arange(3)), (2, 1), 0)


@pytest.mark.parametrize("sizes", [(), (0, 3), (5, -1), (6, 5)])
def test_sizes_that_do_not_fit_are_refused(sizes: tuple[int, ...]):
    with pytest.raises(ConfigurationError, match="A set of 10 images has no parts of"):
        split(numbered(np.zeros(10, np.int64)), sizes, 0)
