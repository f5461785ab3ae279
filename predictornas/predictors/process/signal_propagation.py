"""How signals pass through an untrained cell, worked out and not run: mean-field theory as features. Numpy only.

In a wide network with random weights activations are normal, so that their variance at every vertex, and the energy
(the mean square) of the gradient there, follow from the graph alone (Poole et al. 2016; Schoenholz et al. 2017; with
batch normalisation Yang et al. 2019). For a cell whose vertices add up what comes in, whose convolutions are followed
by batch normalisation and ReLU, and whose output concatenates vertices between which its channels are divided, as in
NAS-Bench-101, the rules are these.

Forwards: after a convolution every activation is ReLU of a standard normal variable, whatever came in, with the
variance 1/2 - 1/(2 pi). A sum has the sum of variances, and a maximum over neighbours leaves what it is taken of.

Backwards, with energy T at the output of a vertex: ReLU lets half of it pass; batch normalisation divides by the
variance of what comes in, whose mean it removes. Where the gradient comes through a maximum it sits on large
activations, which ReLU left alone: .8 passes. A maximum hands on all of T. The gradient of a convolution's weights has
the energy that ReLU lets pass, times kernel area and channels, but for a factor that all of them share.

Two numbers are not theory: the variance that a maximum leaves (all of it) and the .8 were read off gradients of real
cells on noise, as the tests do; no accuracy was looked at for them.

All of it is worked out a second time as if batch normalisation divided by the mean square and left the mean in, with
half of every gradient passing ReLU. That follows real gradients less well, and yet predictors rank better with both;
why was not looked into. What the features are worth is measured in docs/results/predictors.md. Their use is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from predictornas.spaces.base import Graphs

MEAN, VARIANCE = 1 / np.sqrt(2 * np.pi), 1 / 2 - 1 / (2 * np.pi)
"""Of ReLU of a standard normal variable."""
RAISED, LEFT = 1.2, 0.45
"""Deviations that a maximum over neighbours adds to the mean, and the share of the variance that it leaves, where mean
squares are worked out: between one value (0 and 1) and nine independent ones (1.49 and .36), as pixels are alike."""
GATES = (0.5, 0.8)
"""What ReLU lets pass of a gradient that comes straight from a sum, and through a maximum."""
_LEAST = 1e-4
"""What logarithms are taken of is at least this: an energy that no cell of the table comes near."""
_BLOCK = 1 << 13
"""Cells at once: what is known of their vertices stays in the cache."""

_Rows = Float[np.ndarray, "v n"]


def signal_features(graphs: Graphs, areas: Sequence[int]) -> Float32[np.ndarray, "n f"]:
    """Energies of gradients and depths of the paths that signals take, of untrained cells.

    Columns: the logarithm of the gradient's energy at the input of the cell, for one at its output; for each kind of
    convolution that of the root of its weights' gradient energies, summed over vertices; that of the sum of energies
    over vertices; for each operation how often the gradient passes it on its way to the input, in the mean over paths
    weighted by the energy that they carry, the total and its deviation. All of these again with mean squares. Then for
    each operation how often the signal has passed it at the output, weighted by variance, and the total; and the
    logarithm of the number of weights.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.process.signal_propagation import signal_features
        >>> space = get_space("nasbench101")
        >>> features = signal_features(space.graphs(space.enumerate()[:5]), space.convolution_areas)
        >>> features.shape, bool(np.isfinite(features).all())
        ((5, 23), True)

    Args:
        graphs: `n` cells, vertices in topological order.
        areas: of the kernel of each operation by its code; 0 is a maximum over neighbours.

    Returns:
        `(n, f)`, f = 10 + 3 k + 2 c for k operations, of which c are convolutions.
    """
    starts = range(0, max(1, len(graphs)), _BLOCK)
    return np.concatenate([_of_block(graphs.rows(start, start + _BLOCK), areas) for start in starts])


def _of_block(graphs: Graphs, areas: Sequence[int]) -> Float32[np.ndarray, "n f"]:
    cells = _Cells.of(graphs, areas)
    carried, depths = _variances(cells)
    columns = [
        *_backwards(cells, carried, GATES),
        *_backwards(cells, _mean_squares(cells), (0.5, 0.5)),
        *depths,
        np.log(np.maximum(cells.weights, _LEAST)),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class _Cells:
    """What the rules read off n cells, vertex by vertex.

    Attributes:
        edges: `(v, v, n)` between vertices inside the cell, and from the input to these.
        kinds: `(k, v, n)` which vertex has which operation.
        area: `(v, n)` of the kernel; 0 where there is none.
        to_output: `(v, n)` which vertices inside the output concatenates.
        past: `(n,)` whether the input goes straight to the output.
        channels: `(v, n)` as shares of the cell's.
        areas: of each operation.
    """

    edges: Bool[np.ndarray, "v v n"]
    kinds: Bool[np.ndarray, "k v n"]
    area: _Rows
    to_output: Bool[np.ndarray, "v n"]
    past: Bool[np.ndarray, " n"]
    channels: _Rows
    areas: Sequence[int]

    @classmethod
    def of(cls, graphs: Graphs, areas: Sequence[int]) -> _Cells:
        labels = np.ascontiguousarray(graphs.operations.T)
        edges = np.ascontiguousarray(graphs.adjacency.transpose(1, 2, 0)).astype(bool)
        kinds = labels == np.arange(len(areas))[:, None, None]
        inside = kinds.any(axis=0)
        into_output = (edges & (labels == graphs.num_codes - 1)).any(axis=1)
        edges = edges & inside
        to_output = into_output & inside
        # who feeds the output has an equal share, and who does not as many as the widest that it feeds: so all the same
        channels = inside / np.maximum(to_output.sum(axis=0), 1)
        area = np.sum([kind * size for kind, size in zip(kinds, areas, strict=True)], axis=0).astype(np.float64)
        return cls(edges, kinds, area, to_output, into_output[0], channels, areas)

    @property
    def joined(self) -> Int[np.ndarray, " n"]:
        """How many vertices the output concatenates, at least 1."""
        return np.asarray(np.maximum(self.to_output.sum(axis=0), 1))

    @property
    def weights(self) -> Float[np.ndarray, " n"]:
        """How many, but for a factor: those of the convolutions, and of the projections of the input."""
        projected = (self.edges[0] * self.channels).sum(axis=0) + self.past
        return np.asarray((self.area * self.channels**2).sum(axis=0) + projected)


@dataclass(frozen=True)
class _Carried:
    """What gradients are divided by.

    Attributes:
        into: `(v, n)` variance, or mean square, of what comes into each vertex.
        at_output: `(n,)` of what the cell gives.
    """

    into: _Rows
    at_output: Float[np.ndarray, " n"]


def _variances(cells: _Cells) -> tuple[_Carried, list[Float[np.ndarray, " n"]]]:
    """Variances, and of each operation and of all how often the signal at the output has passed it."""
    into, left = np.zeros(cells.area.shape), np.zeros(cells.area.shape)
    # the input reaches every vertex by a projection of its own, which is a convolution of area 1
    left[0] = VARIANCE
    passed = np.zeros((len(cells.areas), *cells.area.shape))
    for vertex in range(1, len(left)):
        terms = cells.edges[:vertex, vertex] * left[:vertex]
        into[vertex] = terms.sum(axis=0)
        shares = terms / np.maximum(into[vertex], _LEAST)
        passed[:, vertex] = (shares * passed[:, :vertex]).sum(axis=1) + cells.kinds[:, vertex]
        left[vertex] = np.where(cells.area[vertex] > 0, VARIANCE, into[vertex])
    joined = cells.to_output * left
    total = joined.sum(axis=0) + cells.past * VARIANCE
    depths = (joined * passed).sum(axis=1) / np.maximum(total, _LEAST)
    at_output = joined.sum(axis=0) / cells.joined + cells.past * VARIANCE
    return _Carried(into, at_output), [*depths, depths.sum(axis=0)]


def _mean_squares(cells: _Cells) -> _Carried:
    """Mean squares of what comes in."""
    mean, variance, into = (np.zeros(cells.area.shape) for _ in range(3))
    mean[0], variance[0] = MEAN, VARIANCE
    for vertex in range(1, len(mean)):
        taken = cells.edges[:vertex, vertex]
        arrived, spread = ((taken * rows[:vertex]).sum(axis=0) for rows in (mean, variance))
        into[vertex] = arrived**2 + spread
        is_convolution = cells.area[vertex] > 0
        mean[vertex] = np.where(is_convolution, MEAN, arrived + RAISED * np.sqrt(spread))
        variance[vertex] = np.where(is_convolution, VARIANCE, LEFT * spread)
    of_joined, square = ((cells.to_output * rows).sum(axis=0) / cells.joined for rows in (mean, variance + mean**2))
    return _Carried(into, square + cells.past * (VARIANCE + MEAN**2 + 2 * MEAN * of_joined))


def _backwards(cells: _Cells, forwards: _Carried, gates: tuple[float, float]) -> list[Float[np.ndarray, " n"]]:
    """The gradient's columns of `signal_features`."""
    operations, (vertices, count) = len(cells.areas), cells.area.shape
    # by how the gradient comes to a vertex, straight or through a maximum: its energy, and this times how often each
    # operation, all of them, and all squared, was passed on the way from the output
    carried = np.zeros((2, operations + 3, vertices, count))
    carried[0, 0] = cells.to_output / cells.joined
    carried[0, 0, 0] = cells.past
    of_weights = np.zeros((operations, count))
    for vertex in reversed(range(1, vertices)):
        kind, is_convolution = cells.kinds[:, vertex], cells.area[vertex] > 0
        let = np.where(is_convolution, np.array(gates)[:, None], 1.0)
        passing = (carried[:, :, vertex] * let[:, None]).sum(axis=0)
        energy = passing[0]
        of_weights += kind * np.sqrt(energy * cells.area[vertex] * cells.channels[vertex])
        passing[-1] += 2 * passing[-2] + energy
        passing[1:-2] += kind * energy
        passing[-2] += energy
        passing /= np.where(is_convolution, np.maximum(forwards.into[vertex], _LEAST), 1.0)
        told = cells.edges[:vertex, vertex] * passing[:, None]
        carried[0, :, :vertex] += told * is_convolution
        carried[1, :, :vertex] += told * ~is_convolution
    at_input = (carried[:, :, 0] * np.array(gates)[:, None, None]).sum(axis=0)  # the projections have ReLU too
    counts = at_input[1:] / np.maximum(at_input[0], _LEAST**2)
    deviation = np.sqrt(np.maximum(counts[-1] - counts[-2] ** 2, 0.0))
    inside = cells.kinds.any(axis=0) * carried[:, 0].sum(axis=0)
    logarithms = [
        at_input[0] / np.maximum(forwards.at_output, _LEAST),
        *(rows for rows, area in zip(of_weights, cells.areas, strict=True) if area),
        inside.sum(axis=0),
    ]
    return [*(np.log(np.maximum(values, _LEAST)) for values in logarithms), *counts[:-1], deviation]
