"""A space of three genes with 2, 3 and 2 values: small enough to write everything down."""

import itertools

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.spaces.base import Graphs, SearchSpace
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.product import ProductSpace
from predictornas.testing import check_space

KEYS = [6238072747940578789, 16444549356334734657, 13502499918015996279]
CHILDREN = [[0, 0, 2, 0, 0, 0], [3, 1, 2, 0, 4, 2], [4, 1, 4, 2, 4, 4]]
"""Recorded before NASBench201 became a product space."""


class Chain(ProductSpace):
    name = "chain"
    num_choices = (2, 3, 2)

    def graphs(self, genes: np.ndarray) -> Graphs:
        labels = np.full((len(genes), 5), 3, np.int8)
        labels[:, 1:4], labels[:, 4] = genes, 4
        adjacency = np.zeros((len(genes), 5, 5), np.uint8)
        adjacency[:, range(4), range(1, 5)] = 1
        return Graphs(adjacency, labels, num_codes=5)


def test_every_rule_of_the_protocol_follows_from_the_choices(rng):
    assert isinstance(Chain(), SearchSpace)
    check_space(Chain(), rng=rng)


def test_rows_are_in_lexicographic_order_and_know_their_place():
    space = Chain()
    expected = list(itertools.product(range(2), range(3), range(2)))
    assert [tuple(row) for row in space.enumerate().tolist()] == expected
    assert space.rows(space.enumerate()).tolist() == list(range(12))
    assert (len(space), space.num_genes, repr(space)) == (12, 3, "Chain()")
    assert space.describe(space.enumerate()[11]) == "1-2-1"


def test_values_out_of_range_are_not_valid_and_sequences_are_as_wide_as_the_widest_gene():
    space = Chain()
    assert space.valid(np.array([[1, 2, 1], [2, 0, 0], [0, 0, -1]], np.int8)).tolist() == [True, False, False]
    assert space.sequences(space.enumerate()[:1]).tolist() == [[[1, 0, 0]] * 3]


def test_mutation_redraws_each_gene_among_its_own_values(rng):
    space = Chain()
    children = space.mutate(np.zeros((30_000, 3), np.int8), rng, rate=0.6)
    # a gene changes where it is redrawn (0.6) to another value (1/2, 2/3, 1/2)
    np.testing.assert_allclose((children != 0).mean(axis=0), [0.3, 0.4, 0.3], atol=0.01)
    assert children.max(axis=0).tolist() == [1, 2, 1]


def test_a_space_too_large_to_enumerate_says_so():
    class Large(Chain):
        num_choices = (10,) * 8

    with pytest.raises(ConfigurationError, match="100,000,000 architectures"):
        Large().enumerate()


def test_a_space_too_large_to_enumerate_draws_each_architecture_once(rng):
    class Large(Chain):
        num_choices = (3,) * 16  # 43 million

    drawn = Large().sample(20_000, rng)  # 4.6 pairs that are equal were expected of independent draws
    assert len(np.unique(drawn, axis=0)) == len(np.unique(Large().keys(drawn))) == len(drawn) == 20_000
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.03)
    assert len(Large().sample(0, rng)) == 0


def test_keys_and_children_of_nas_bench_201_are_those_of_the_stored_tables():
    space = NASBench201()
    rows = np.array([[0, 0, 0, 0, 0, 0], [3, 1, 2, 0, 4, 1], [4, 4, 4, 4, 4, 4]], np.int8)
    assert space.keys(rows).tolist() == KEYS
    child = space.mutate(rows, np.random.default_rng(0), rate=0.5)
    assert child.tolist() == CHILDREN
