from __future__ import annotations

import itertools

import numpy as np
import pytest

from predictornas.spaces.base import ReadableSpace
from predictornas.spaces.registry import get_space
from predictornas.testing import check_space

WIDTHS = range(8, 65, 8)


def splitmix64(x: int) -> int:
    """Its finaliser, on whole numbers of python."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


@pytest.mark.slow
def test_networks_are_written_and_listed_as_in_the_official_package() -> None:
    space = get_space("natsbench-size")
    names = [":".join(map(str, widths)) for widths in itertools.product(WIDTHS, repeat=5)]
    assert isinstance(space, ReadableSpace)
    assert len(space) == len(names) == 32_768
    some = [0, 1, 8, 4096, 32_767]
    assert [space.describe(space.enumerate()[row]) for row in some] == [names[row] for row in some]
    np.testing.assert_array_equal(space.from_strings(names), space.enumerate())


def test_keys_stay_the_same() -> None:
    space = get_space("natsbench-size")
    keys = space.keys(space.from_strings(["8:8:8:8:8", "64:64:64:64:64"]))
    assert keys.tolist() == [splitmix64(1), splitmix64(32_768)]


@pytest.mark.slow
def test_it_keeps_every_rule_of_spaces(rng: np.random.Generator) -> None:
    check_space(get_space("natsbench-size"), rng=rng, samples=200)
