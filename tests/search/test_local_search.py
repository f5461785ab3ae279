from __future__ import annotations

import numpy as np
import pytest

from predictornas.history import History
from predictornas.search.local_search import LocalSearch, are_new, neighbours
from predictornas.search.loop import Search, run
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle


def history_of(space: SearchSpace, genes: Genes, values: object) -> History:
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(len(genes)), values=values, iteration=0
    )


def cell(*edges: tuple[int, int], operations: list[int]) -> Genes:
    genes = np.zeros((1, 26), np.int8)
    genes[0, 21:] = [*operations, *[3] * (5 - len(operations))]
    for x, y in edges:
        genes[0, x + y * (y - 1) // 2] = 1
    return genes


def test_follows_the_protocol() -> None:
    assert isinstance(LocalSearch(), Strategy)
    assert (LocalSearch().initial, LocalSearch().batch) == (10, 1)


def test_nasbench201_has_24_neighbours_that_differ_in_one_operation() -> None:
    centre = np.array([0, 1, 2, 3, 4, 0], np.int8)
    genes, keys = neighbours(get_space("nasbench201"), centre.tobytes())
    assert len(np.unique(keys)) == 6 * 4
    assert ((genes != centre).sum(axis=1) == 1).all()


def test_the_neighbours_of_a_chain_of_one_operation_by_hand() -> None:
    # input -> conv3x3 -> output: another operation (2), an edge past it (1), no vertex (no path is left); a cut edge
    # leaves no path either
    space = get_space("nasbench101")
    genes, keys = neighbours(space, cell((0, 1), (1, 6), operations=[0])[0].tobytes())
    expected = [
        cell((0, 1), (1, 6), operations=[1]),
        cell((0, 1), (1, 6), operations=[2]),
        cell((0, 1), (1, 6), (0, 6), operations=[0]),
    ]
    assert sorted(keys.tolist()) == sorted(space.keys(np.concatenate(expected)).tolist())
    assert space.valid(genes).all()


def test_cutting_an_edge_of_nasbench101_cuts_vertices_off() -> None:
    space = get_space("nasbench101")
    row = cell((0, 1), (1, 2), (2, 6), (0, 6), operations=[0, 2])
    _, keys = neighbours(space, row[0].tobytes())
    plain = space.keys(cell((0, 6), operations=[]))[0]
    assert (keys == plain).sum() == 1
    assert not (keys == space.keys(row)).any()


def test_the_first_better_neighbour_is_walked_on_from() -> None:
    space = get_space("nasbench201")
    genes = np.array([[0] * 6, [1, 0, 0, 0, 0, 0]], np.int8)
    history = history_of(space, genes, [0.5, 0.6])
    for iteration in range(1, 9):
        proposed = LocalSearch().propose(space, history, 1, seed=0, iteration=iteration)
        assert (proposed.genes != genes[1]).sum() == 1
        assert proposed.keys[0] not in history


def test_a_local_minimum_continues_from_the_next_best() -> None:
    space = get_space("nasbench201")
    peak, second = np.full((1, 6), 4, np.int8), np.array([[0, 0, 0, 0, 0, 0]], np.int8)
    around, _ = neighbours(space, peak[0].tobytes())
    genes = np.concatenate([peak, around, second])
    history = history_of(space, genes, [1.0, *[0.1] * len(around), 0.9])
    proposed = LocalSearch().propose(space, history, 5, seed=0, iteration=1)
    assert len(proposed) == 5
    assert ((proposed.genes != 0).sum(axis=1) == 1).all()


def test_a_uniform_draw_in_the_place_of_a_neighbour_says_so() -> None:
    whole = get_space("nasbench201")
    twins = np.array([[0] * 6, [4] * 6], np.int8)
    space = whole.restricted_to(whole.keys(twins))
    seen = history_of(space, twins[:1], [0.5])
    assert LocalSearch().propose(space, seen, 1, seed=0, iteration=1).proposed_by == "uniform"
    assert LocalSearch().propose(whole, seen, 1, seed=0, iteration=1).proposed_by == "local-search"


@pytest.mark.slow
def test_it_climbs_a_hill_without_local_minima() -> None:
    # the value is the mean gene: of at most 24 neighbours in each of some 20 steps one at least is better
    space = get_space("nasbench201")
    history = run(Search(space, LocalSearch(), seed=0), CountingOracle(), 200)
    assert history.values.max() == 4.0
    assert len(np.unique(history.keys)) == 200


@pytest.mark.slow
def test_a_resumed_run_goes_on_as_the_uninterrupted_one() -> None:
    space = get_space("nasbench101")
    whole = run(Search(space, LocalSearch(), seed=3), CountingOracle(), 40)
    resumed = Search(space, LocalSearch(), seed=3, history=whole.before(17))
    np.testing.assert_array_equal(run(resumed, CountingOracle(), 40).keys, whole.keys)


@pytest.mark.slow
@pytest.mark.parametrize("size", [12, 30])
def test_a_small_space_is_walked_to_its_end(size: int) -> None:
    whole = get_space("nasbench201")
    space = whole.restricted_to(whole.enumerated_keys()[::500][:size])
    history = run(Search(space, LocalSearch(), seed=0), CountingOracle(), 100)
    assert sorted(history.keys.tolist()) == sorted(space.enumerated_keys().tolist())


def test_what_is_new_is_what_is_not_among_what_is_known() -> None:
    rng = np.random.default_rng(0)
    for known in (0, 1, 50):
        keys, seen = rng.integers(30, size=20, dtype=np.uint64), rng.integers(30, size=known, dtype=np.uint64)
        np.testing.assert_array_equal(are_new(keys, np.sort(seen)), ~np.isin(keys, seen))
        assert are_new(keys[:0], np.sort(seen)).shape == (0,)
