from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from predictornas.spaces.darts_settings import NodeSettings

TWO = NodeSettings(
    tuple(((0, 1),) * inputs for inputs in (2, 3, 4, 5) * 2), (2, 2, 2, 2, 3, 2, 3, 2, 4, 2, 4, 2, 5, 2, 5, 2) * 2
)
"""Two operations, both on every edge."""


def test_settings_are_pairs_of_inputs_with_operations() -> None:
    assert TWO.sizes == (1 * 4, 3 * 4, 6 * 4, 10 * 4) * 2
    expected = {
        (first, one, second, other)
        for first, second in [(0, 1), (0, 2), (1, 2)]
        for one, other in itertools.product((0, 1), repeat=2)
    }
    assert {tuple(row) for row in TWO.of_nodes[1].tolist()} == expected


def test_ranks_go_both_ways() -> None:
    total = np.prod(TWO.sizes)
    ranks = np.array([0, 1, 12345, total - 1])
    genes = TWO.architectures(ranks)
    np.testing.assert_array_equal(TWO.ranks(genes), ranks)
    assert genes[0].tolist() == [0, 0, 1, 0] * 8
    assert genes[1].tolist() == [0, 0, 1, 0] * 7 + [0, 0, 1, 1]  # the last gene changes first
    assert genes[-1].tolist() == [0, 1, 1, 1, 1, 1, 2, 1, 2, 1, 3, 1, 3, 1, 4, 1] * 2


@pytest.mark.parametrize("setting", [[1, 0, 0, 0], [0, 0, 0, 1], [0, 2, 1, 0], [0, 0, 2, 0], [-1, 0, 1, 0]])
def test_what_is_no_setting_has_no_number(setting: list[int]) -> None:
    """Descending inputs, one input twice, an unknown operation, a node that does not come before, a negative one."""
    genes = TWO.architectures(np.array([0]))
    genes[0, :4] = setting
    assert (TWO.numbers(genes) < 0).tolist() == [[True] + [False] * 7]


def test_operations_are_drawn_from_those_of_their_edge(rng: np.random.Generator) -> None:
    """Of three operations, the edge from input 0 to node 0 allows the first and the last, that from 1 the second."""
    allowed = tuple(((0, 2), (1,), (0, 1, 2), (0, 1, 2), (0, 1, 2))[:inputs] for inputs in (2, 3, 4, 5) * 2)
    settings = NodeSettings(allowed, TWO.choices)
    genes = np.tile(np.array([0, 1, 1, 1], np.int8), 8)[None].repeat(3000, axis=0)
    redrawn = np.zeros((3000, 16), bool)
    redrawn[:, 2] = True
    drawn = settings.with_operations(genes, redrawn, rng.random((3000, 16)))
    assert (drawn[:, ::2] == genes[:, ::2]).all()
    assert (drawn[:, 3::4] == 1).all()
    assert np.isin(drawn[:, 1::4], [0, 2]).all()  # 1 may not stand there, redrawn or not
    for gene in (1, 5):
        assert stats.binomtest(int((drawn[:, gene] == 0).sum()), 3000).pvalue > 0.001
    kept = settings.with_operations(drawn, np.zeros((3000, 16), bool), rng.random((3000, 16)))
    np.testing.assert_array_equal(kept, drawn)
