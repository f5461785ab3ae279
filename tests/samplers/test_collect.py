from __future__ import annotations

import numpy as np

from predictornas.history import History
from predictornas.samplers.collect import Distinct
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
CELLS = np.array([[i, 0, 0, 0, 0, 0] for i in range(5)], np.int8)


def test_each_architecture_is_collected_once_in_the_order_it_came() -> None:
    found = Distinct(SPACE, SPACE.keys(CELLS[[3]]))
    assert found.add(CELLS[[2, 3, 2, 0]], at_most=10).tolist() == [0, 3]
    assert found.add(CELLS[[0, 4, 3, 1]], at_most=10).tolist() == [1, 3]
    assert len(found) == 4
    pool = found.pool()
    np.testing.assert_array_equal(pool.genes, CELLS[[2, 0, 4, 1]])
    np.testing.assert_array_equal(pool.keys, SPACE.keys(CELLS[[2, 0, 4, 1]]))
    assert len(pool.excluded) == 0


def test_the_limit_counts_only_what_is_new() -> None:
    found = Distinct(SPACE, np.empty(0, np.uint64))
    found.add(CELLS[[1, 1, 2, 3]], at_most=2)
    found.add(CELLS[[2, 4]], at_most=0)
    np.testing.assert_array_equal(found.pool().genes, CELLS[[1, 2]])


def test_isomorphic_cells_are_the_same_architecture() -> None:
    space = NASBench101()
    # input -> {1, 2} -> output, with the two operations swapped
    edges = [1, 1, 0] + [0] * 12 + [0, 1, 1, 0, 0, 0]
    twins = np.array([[*edges, 0, 2, 3, 3, 3], [*edges, 2, 0, 3, 3, 3]], np.int8)
    assert space.valid(twins).all()
    found = Distinct(space, np.empty(0, np.uint64))
    found.add(twins, at_most=2)
    assert len(found) == 1


def test_what_was_collected_counts_as_seen_in_a_further_draw() -> None:
    found = Distinct(SPACE, np.empty(0, np.uint64))
    found.add(CELLS[:2], at_most=2)
    history = History.empty(6).extended(
        keys=SPACE.keys(CELLS[[4]]), genes=CELLS[[4]], epochs=[12], values=[0.5], iteration=1
    )
    seen = found.as_seen(history)
    np.testing.assert_array_equal(seen.genes, CELLS[[4, 0, 1]])
    np.testing.assert_array_equal(seen.keys, SPACE.keys(CELLS[[4, 0, 1]]))
    assert len(history) == 1


def test_filling_adds_only_what_is_missing_and_new() -> None:
    space = get_space("nasbench201")
    part = space.restricted_to(space.enumerated_keys()[:10])
    genes = part.enumerate()
    history = History.empty(6).extended(
        keys=part.keys(genes[:3]), genes=genes[:3], epochs=np.zeros(3), values=np.zeros(3), iteration=0
    )
    found = Distinct(part, history.keys)
    found.add(genes[3:5], at_most=2)
    rng = np.random.default_rng(0)
    found.fill_uniformly(2, history, rng)
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state  # nothing was drawn
    assert found.pool().filled == 0
    found.fill_uniformly(4, history, rng)
    assert len(found) == 4
    assert found.pool().filled == 2
    found.fill_uniformly(100, history, rng)
    assert found.pool().filled == 5  # of the 7 that are left, two were collected
    assert sorted(found.pool().keys) == sorted(part.keys(genes[3:]))
