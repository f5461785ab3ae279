from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from predictornas.live.nasbench101_cell import NASBench101Cell
from predictornas.predictors.process.signal_propagation import GATES, MEAN, VARIANCE, signal_features
from predictornas.spaces.base import Graphs
from predictornas.spaces.nasbench101 import OPERATIONS
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench101")
AREAS = SPACE.convolution_areas  # type: ignore[attr-defined]
CELLS = SPACE.sample(60, np.random.default_rng(0))


def chain(*operations: int) -> Graphs:
    """Input, some operations, output."""
    size = len(operations) + 2
    return Graphs(np.eye(size, k=1, dtype=np.uint8)[None], np.array([[3, *operations, 4]], np.int8), 5)


def test_a_convolution_by_hand() -> None:
    # ReLU lets half of the gradient pass twice, behind the convolution and behind the projection before it; both divide
    # by the variance of what they are given, and what is given to the projection is what another cell gives
    by_variance = [np.log(0.25 / VARIANCE**2), np.log(np.sqrt(9 / 2)), np.log(1e-4), 0, 1, 0, 0, 1, 0]
    by_mean_square = [0, np.log(np.sqrt(9 / 2)), np.log(1e-4), 0, 1, 0, 0, 1, 0]
    expected = [*by_variance, *by_mean_square, 1, 0, 0, 1, np.log(9 + 1)]
    np.testing.assert_allclose(signal_features(chain(0), AREAS)[0], expected, atol=1e-6)


def test_a_maximum_before_a_convolution_by_hand() -> None:
    found = signal_features(chain(2, 1), AREAS)[0]
    energy = 0.5 / VARIANCE  # before the convolution, and so before the maximum, whose gradient ReLU lets pass by .8
    assert found[0] == pytest.approx(np.log(energy * 0.8 / VARIANCE), abs=1e-6)
    assert found[3] == pytest.approx(np.log(1 + energy), abs=1e-6)
    assert found[4:9].tolist() == [0, 1, 1, 2, 0]
    square = (MEAN + 1.2 * np.sqrt(VARIANCE)) ** 2 + 0.45 * VARIANCE
    assert found[12] == pytest.approx(np.log(1 + 0.5 / square), abs=1e-6)


def paths(edges: np.ndarray, vertex: int, last: int) -> Iterator[list[int]]:
    if vertex == last:
        yield [last]
        return
    for after in np.flatnonzero(edges[vertex]):
        for rest in paths(edges, int(after), last):
            yield [vertex, *rest]


def moments(edges: np.ndarray, labels: np.ndarray, last: int) -> tuple[dict, dict, dict, dict]:
    """Variances into and out of each vertex of one cell; and with means, the mean squares into it, and moments out."""
    into, out = {}, {0: VARIANCE}
    squares, both = {}, {0: (MEAN, VARIANCE)}
    for vertex in range(1, last):
        sources = [u for u in range(vertex) if edges[u, vertex]]
        into[vertex] = sum(out[u] for u in sources)
        out[vertex] = VARIANCE if labels[vertex] < 2 else into[vertex]
        mean, spread = np.sum([both[u] for u in sources], axis=0)
        squares[vertex] = mean**2 + spread
        both[vertex] = (MEAN, VARIANCE) if labels[vertex] < 2 else (mean + 1.2 * spread**0.5, 0.45 * spread)
    return into, out, squares, both


def along_every_path(
    edges: np.ndarray, labels: np.ndarray, divided: dict, at_output: float, gates: tuple[float, float]
) -> list[float]:
    """Energies and depths of the gradient by walking along every path of one cell."""
    last = int((labels == 4).argmax())
    inside, joined = range(1, last), max(1, int(edges[1:last, last].sum()))

    def gate(path: list[int]) -> float:
        """What ReLU of the first vertex, or of the projection, lets pass of what comes along the rest."""
        if path[0] and labels[path[0]] == 2:
            return 1.0
        return gates[int(path[1] != last and labels[path[1]] == 2)]

    def carried(path: list[int]) -> float:
        """The energy at the output of the path's first vertex, or at the input's projection."""
        share = 1.0 if path == [0, last] else 1 / joined
        for place, vertex in enumerate(path[1:-1], start=1):
            share *= gate(path[place:]) / (divided[vertex] if labels[vertex] < 2 else 1.0)
        return share

    energy = {v: sum(carried(path) for path in paths(edges, v, last)) for v in inside}
    passing = {v: sum(carried(path) * gate(path) for path in paths(edges, v, last)) for v in inside}
    whole = list(paths(edges, 0, last))
    weights = np.array([carried(path) * gate(path) for path in whole])
    passed = np.array([[sum(labels[v] == kind for v in path[1:-1]) for kind in range(3)] for path in whole])
    depths, total = weights @ passed / weights.sum(), passed.sum(axis=1)
    deviation = np.sqrt(max(weights @ total**2 / weights.sum() - (weights @ total / weights.sum()) ** 2, 0))
    norms = [
        sum(np.sqrt(passing[v] * area / joined) for v in inside if labels[v] == kind) for kind, area in ((0, 9), (1, 1))
    ]
    logarithms = [weights.sum() / at_output, *norms, sum(energy.values())]
    return [*np.log(np.maximum(logarithms, 1e-4)), *depths, depths.sum(), deviation]


def test_sums_over_vertices_are_those_over_paths() -> None:
    graphs = SPACE.graphs(CELLS)
    found = signal_features(graphs, AREAS)
    for row, (edges, labels) in enumerate(zip(graphs.adjacency, graphs.operations, strict=True)):
        last = int((labels == 4).argmax())
        into, out, squares, both = moments(edges, labels, last)
        ends, past = [v for v in range(1, last) if edges[v, last]], bool(edges[0, last])
        joined = max(1, len(ends))
        variance = sum(out[v] for v in ends) / joined + past * VARIANCE
        mean = sum(both[v][0] for v in ends) / joined
        square = sum(both[v][1] + both[v][0] ** 2 for v in ends) / joined
        square += past * (VARIANCE + MEAN**2 + 2 * MEAN * mean)
        expected = along_every_path(edges, labels, into, variance, GATES)
        expected += along_every_path(edges, labels, squares, square, (0.5, 0.5))
        np.testing.assert_allclose(found[row, :18], expected, atol=1e-5)


def test_the_order_of_vertices_does_not_count() -> None:
    edges = np.zeros((2, 5, 5), np.uint8)
    edges[0, [0, 0, 1, 2, 1], [1, 2, 3, 4, 4]] = 1
    edges[1, [0, 0, 2, 1, 2], [2, 1, 3, 4, 4]] = 1
    edges[:, 3, 4] = 1
    labels = np.array([[3, 0, 2, 1, 4], [3, 2, 0, 1, 4]], np.int8)
    one, other = signal_features(Graphs(edges, labels, 5), AREAS)
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_whole_space_in_blocks_is_that_cell_by_cell() -> None:
    genes = SPACE.enumerate()[8_000:16_500]
    whole = signal_features(SPACE.graphs(genes), AREAS)
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(whole[-50:], signal_features(SPACE.graphs(genes[-50:]), AREAS))


@pytest.mark.parametrize("count", [0, 1])
def test_few_cells(count: int) -> None:
    assert signal_features(SPACE.graphs(CELLS[:count]), AREAS).shape == (count, 23)


def test_gradients_of_real_networks_have_these_energies() -> None:
    """Wide untrained cells on noise. Without a maximum the theory is exact but for chance; .8 was read off the rest."""
    drawn = SPACE.graphs(SPACE.sample(400, np.random.default_rng(1)))
    with_it = (drawn.operations == 2).any(axis=1)
    chosen = [*np.flatnonzero(~with_it)[:12], *np.flatnonzero(with_it)[:20]]
    graphs = Graphs(drawn.adjacency[chosen], drawn.operations[chosen], drawn.num_codes)
    measured, carried = [], []
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    for edges, labels in zip(graphs.adjacency, graphs.operations, strict=True):
        size = int((labels >= 0).sum())
        names = [OPERATIONS[label] for label in labels[1 : size - 1]]
        cell = NASBench101Cell(edges[:size, :size], names, 60, 60)
        images = torch.randn(4, 60, 8, 8, generator=generator).relu().requires_grad_()
        output = cell(images)
        output.backward(torch.randn(output.shape, generator=generator))
        assert images.grad is not None
        measured.append(float(images.grad.square().mean() * images.detach().var()))
        carried.append(float(output.detach().var(dim=(0, 2, 3)).mean()))
    # the theory divides by the variance of what the cell gives, as the next one does
    off = np.log(np.array(measured) / np.array(carried)) - signal_features(graphs, AREAS)[:, 0]
    assert np.abs(off[:12]).max() < 0.4
    assert off[:12].std() < 0.15
    assert abs(off[12:].mean()) < 0.25
    assert off[12:].std() < 0.25
    told = signal_features(graphs, AREAS)[:, 0] + np.log(carried)
    assert np.corrcoef(told, np.log(measured))[0, 1] > 0.85
