from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers.base import Sampler
from predictornas.samplers.nearby import Nearby
from predictornas.spaces.nasbench201 import NASBench201

SPACE = NASBench201()


def seen(genes: list[list[int]], values: list[float]) -> History:
    rows = np.array(genes, np.int8)
    return History.empty(6).extended(
        keys=SPACE.keys(rows), genes=rows, epochs=[200] * len(rows), values=values, iteration=0
    )


def test_follows_the_protocol() -> None:
    assert isinstance(Nearby(), Sampler)


def test_all_within_the_edits_of_the_best_and_nothing_that_was_evaluated(rng: np.random.Generator) -> None:
    """Of the best: 6 x 4 neighbours at one edit and 15 x 16 at two; one of the former was evaluated."""
    history = seen([[0] * 6, [0, 0, 0, 0, 0, 1], [4] * 6], [0.9, 0.5, 0.1])
    pool = Nearby(parents=1, edits=2).propose(SPACE, 0, history, None, rng)
    assert len(pool) == 24 + 240 - 1
    assert (pool.genes != 0).sum(axis=1).max() == 2
    assert not np.isin(pool.keys, history.keys).any()
    np.testing.assert_array_equal(pool.keys, SPACE.keys(pool.genes))


def test_neighbourhoods_of_several_parents_are_joined(rng: np.random.Generator) -> None:
    history = seen([[0] * 6, [1] * 6], [0.9, 0.8])
    assert len(Nearby(parents=2, edits=1).propose(SPACE, 0, history, None, rng)) == 48


def test_without_a_history_it_is_the_whole_space(rng: np.random.Generator) -> None:
    assert len(Nearby().propose(SPACE, 0, History.empty(6), None, rng)) == len(SPACE)


def test_no_neighbourhood_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="edits >= 1"):
        Nearby(edits=0)


def test_a_space_that_compares_by_its_fields(rng: np.random.Generator) -> None:
    @dataclass
    class Compared(NASBench201):
        name: str = "compared"

    space, history = Compared(), seen([[0] * 6, [4] * 6], [0.9, 0.1])
    ours, theirs = (Nearby(parents=1, edits=1).propose(s, 0, history, None, rng) for s in (SPACE, space))
    np.testing.assert_array_equal(ours.keys, theirs.keys)
    with pytest.raises(TypeError):
        hash(space)
