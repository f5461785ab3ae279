from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import Graphs, SearchSpace, require_genes, require_members
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.registry import SPACES, get_space
from predictornas.spaces.restricted import RestrictedSpace


def test_every_space_follows_the_protocol() -> None:
    space = NASBench201()
    restricted = RestrictedSpace(space, space.enumerated_keys()[:3])
    assert all(isinstance(candidate, SearchSpace) for candidate in (NASBench101(), space, restricted))
    assert not isinstance(object(), SearchSpace)


def test_graphs_count_their_rows_and_stay_as_they_are() -> None:
    graphs = Graphs(np.zeros((3, 2, 2), np.uint8), np.zeros((3, 2), np.int8), 5)
    assert len(graphs) == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        graphs.num_codes = 4  # type: ignore[misc]


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "darts"])
@pytest.mark.parametrize("ask", ["keys", "graph_keys", "graphs", "sequences", "describe"])
def test_every_view_of_genes_checks_them(name: str, ask: str, rng: np.random.Generator) -> None:
    space = get_space(name)
    genes = space.sample(3, rng)
    highest = space.num_choices[1] - 1
    for wrong in (-1, highest + 1, 127, -128):
        met = genes.copy()
        met[2, 1] = wrong
        with pytest.raises(InvalidArchitectureError, match=rf"gene 1 is {wrong}, outside 0\.\.{highest}, .*{name}"):
            getattr(space, ask)(met[2] if ask == "describe" else met)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("is_part", [False, True], ids=["whole", "part"])
def test_what_works_on_rows_refuses_other_arrays(name: str, is_part: bool, rng: np.random.Generator) -> None:
    whole = get_space(name)
    genes = whole.sample(2, rng)
    space = RestrictedSpace(whole, whole.keys(genes), genes) if is_part else whole
    assert space.valid(genes.tolist()).all()
    for wrong in (genes[0].tolist(), genes + 0.5, genes.astype(float), genes[:, 1:], genes[None]):
        for work in (
            lambda: space.valid(wrong),  # noqa: B023
            lambda: space.normalise(wrong),  # noqa: B023
            lambda: space.mutate(wrong, rng, rate=0.5),  # noqa: B023
            lambda: space.crossover(wrong, wrong, rng),  # noqa: B023
        ):
            with pytest.raises(InvalidArchitectureError, match=f"rows of {space.num_genes} whole numbers"):
                work()


def test_genes_of_any_whole_type_are_brought_to_one() -> None:
    space = NASBench201()
    assert require_genes(space, [[4, 3, 2, 4, 1, 0]]).dtype == np.int8
    assert require_genes(space, np.zeros((0, 6))).shape == (0, 6)
    same = np.zeros((2, 6), np.int8)
    assert require_genes(space, same) is same
    with pytest.raises(InvalidArchitectureError, match=r"Row 1 of 2: gene 0 is 260, outside 0\.\.4"):
        require_genes(space, np.array([[0] * 6, [260, 0, 0, 0, 0, 0]]))  # 4 as int8


@pytest.mark.parametrize("genes", [[1, 2, 3, 4, 0, 0], [[1, 2, 3]], [[[0] * 6]], [[0.0] * 6], [["a"] * 6], 7])
def test_what_are_no_rows_of_genes(genes: object) -> None:
    with pytest.raises(InvalidArchitectureError, match="rows of 6 whole numbers"):
        require_genes(NASBench201(), genes)


def test_members_are_in_range_and_valid() -> None:
    space = NASBench201()
    part = space.restricted_to(space.enumerated_keys()[:3])
    assert len(require_members(part, space.enumerate()[:3])) == 3
    with pytest.raises(InvalidArchitectureError, match=r"Row 1 of 2, .* breaks the rules of 'nasbench201' \(1 such"):
        require_members(part, space.enumerate()[2:4])


@pytest.mark.parametrize("name", ["nasbench201", "nasbench-graph", "natsbench-size", "darts", "darts-s1"])
def test_lists_and_wider_integers_are_genes_everywhere(name: str) -> None:
    space = get_space(name)
    rows = space.sample(2, np.random.default_rng(0))
    for genes in (rows.tolist(), tuple(map(tuple, rows.tolist())), rows.astype(np.int64), rows.astype(np.uint8)):
        assert space.valid(genes).all()
        assert [space.describe(row) for row in genes] == [space.describe(row) for row in rows]
        for method in (space.keys, space.graph_keys, space.normalise, space.sequences):
            assert (method(genes) == method(rows)).all()
        for vary in (
            lambda given, rng: space.mutate(given, rng, rate=0.5),
            lambda given, rng: space.crossover(given, given, rng),
        ):
            children = vary(genes, np.random.default_rng(1))
            assert children.dtype == np.int8
            assert (children == vary(rows, np.random.default_rng(1))).all()
        assert (space.graphs(genes).operations == space.graphs(rows).operations).all()


def test_a_number_too_large_is_shown_as_it_was_given() -> None:
    with pytest.raises(InvalidArchitectureError, match="gene 1 is 300, outside 0"):
        require_genes(get_space("nasbench201"), [[0, 300, 0, 0, 0, 0]])


def test_numbers_that_begin_with_one_are_noticed() -> None:
    with pytest.raises(InvalidArchitectureError, match="numbers begin with 1"):
        get_space("natsbench-size").describe([8, 1, 2, 3, 4])
    with pytest.raises(InvalidArchitectureError) as caught:
        get_space("natsbench-size").describe([8, 0, 2, 3, 4])
    assert "begin with 1" not in str(caught.value)
