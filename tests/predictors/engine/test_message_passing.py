import numpy as np
import pytest

from predictornas.predictors.engine.message_passing import propagation, readout_shares
from predictornas.spaces.base import Graphs

# input -> conv -> output with a skip, and input -> output with one vertex of padding
ADJACENCY = np.array([[[0, 1, 1], [0, 0, 1], [0, 0, 0]], [[0, 1, 0], [0, 0, 0], [0, 0, 0]]], np.uint8)
GRAPHS = Graphs(ADJACENCY, np.array([[1, 0, 2], [1, 2, -1]], np.int8), 3)


def dense(**options):
    return propagation(GRAPHS, **options).dense(slice(None))


def test_left_divides_rows_by_the_root_of_their_sum():
    third, half = 3**-0.5, 2**-0.5
    np.testing.assert_allclose(
        dense(normalisation="left"),
        [[[third, third, third], [0, half, half], [0, 0, 1]], [[half, half, 0], [0, 1, 0], [0, 0, 0]]],
        rtol=1e-6,
    )


def test_symmetric_divides_by_both_roots():
    np.testing.assert_allclose(
        dense(normalisation="symmetric")[0],
        [[1 / 3, 6**-0.5, 3**-0.5], [0, 1 / 2, 2**-0.5], [0, 0, 1]],
        rtol=1e-6,
    )


def test_reverse_listens_to_predecessors():
    np.testing.assert_array_equal(
        dense(normalisation="none", reverse=True),
        [[[1, 0, 0], [1, 1, 0], [1, 1, 1]], [[1, 0, 0], [1, 1, 0], [0, 0, 0]]],
    )
    np.testing.assert_allclose(dense(normalisation="left", reverse=True)[0, 2], [3**-0.5] * 3, rtol=1e-6)


def test_codes_of_large_graphs_do_not_overflow():
    size = 40
    full = Graphs(np.triu(np.ones((1, size, size), np.uint8), 1), np.zeros((1, size), np.int8), 3)
    matrix = propagation(full, normalisation="symmetric").dense(slice(None))[0]
    assert matrix[0, 0] == pytest.approx(1 / size, rel=1e-6)
    assert matrix[0, 1] == pytest.approx((size * (size - 1)) ** -0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("readout", "expected"),
    [
        ("mean", [[1 / 3, 1 / 3, 1 / 3], [1 / 2, 1 / 2, 0]]),
        ("paper", [[1 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 0]]),
        ("output", [[0, 0, 1], [0, 1, 0]]),
    ],
)
def test_shares_of_each_readout(readout, expected):
    np.testing.assert_allclose(readout_shares(GRAPHS.operations >= 0, readout), expected, rtol=1e-6)
