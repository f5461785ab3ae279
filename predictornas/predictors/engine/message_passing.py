"""What message passing sees of a batch of graphs: who listens to whom with which weight, labels, and the read-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int8, UInt

from predictornas.spaces.base import Graphs

Normalisation = Literal["left", "symmetric", "none"]
Readout = Literal["mean", "paper", "output"]


@dataclass(frozen=True)
class Propagation:
    """One weighted adjacency a graph, self-loops included: row i gathers from every column j with a weight.

    Attributes:
        codes: `(n, V, V)`, 0 where i does not listen to j, else the place of the weight in `weights`.
        weights: `(k,)`, the few distinct weights; the first is 0.
    """

    codes: UInt[np.ndarray, "n v v"]
    weights: Float[np.ndarray, " k"]

    def dense(self, rows: slice) -> Float[np.ndarray, "m v v"]:
        """The weights of some graphs as float32 matrices."""
        matrices: Float[np.ndarray, "m v v"] = self.weights[self.codes[rows]]
        return matrices


@dataclass(frozen=True)
class MessagePassing:
    """A batch of graphs, ready for a network of one or several directed propagations.

    Attributes:
        propagations: one for each direction that messages travel.
        labels: `(n, V)` label whose features a vertex starts with, 0 .. num_labels - 1, -1 on padding.
        num_labels: width of the one-hot labels.
        shares: `(n, V)` weight of each vertex's score in its graph's score, 0 on padding.
        gates: `(n, V)` label that a vertex applies in every layer, None where no layer looks at labels again.
        num_gates: width of the one-hot gates.
    """

    propagations: tuple[Propagation, ...]
    labels: Int8[np.ndarray, "n v"]
    num_labels: int
    shares: Float[np.ndarray, "n v"]
    gates: Int8[np.ndarray, "n v"] | None = None
    num_gates: int = 0


def propagation(graphs: Graphs, *, normalisation: Normalisation, reverse: bool = False) -> Propagation:
    """Row i gathers from itself and from the heads of its out-edges (`reverse`: from the tails of its in-edges).

    With A~ = A + I and D~ = diag(A~ 1): "left" is D~^(-1/2) A~ (Mauch et al. 2020, eq. 3 and footnote 2), "symmetric"
    is D~^(-1/2) A~ D~^(-1/2) (Kipf and Welling 2017), "none" is A~. In all three a weight is one over the square root
    of a product of degrees, and that product is its code.
    """
    real = graphs.operations >= 0
    adjacency = graphs.adjacency.transpose(0, 2, 1) if reverse else graphs.adjacency
    vertices = real.shape[1]
    # a code is a product of at most two degrees, <= V^2: one byte up to 15 vertices
    code = np.min_scalar_type(vertices**2)
    # A~ = A + I, but a vertex that is not there listens to nobody, itself included
    looped = (adjacency + np.eye(vertices, dtype=code)) * (real[:, :, None] & real[:, None, :])
    degree = looped.sum(2, dtype=code)
    if normalisation == "left":
        looped = looped * degree[:, :, None]
    elif normalisation == "symmetric":
        looped = looped * degree[:, :, None] * degree[:, None, :]
    top = int(looped.max(initial=1))
    weights = np.concatenate([[0.0], np.arange(1, top + 1) ** -0.5]).astype(np.float32)
    return Propagation(looped, weights)


def readout_shares(real: Bool[np.ndarray, "n v"], readout: Readout) -> Float[np.ndarray, "n v"]:
    """How much each vertex's score counts.

    "mean" averages over the real vertices (ours); "paper" divides the sum by V, the number of vertices of the largest
    graph (Mauch et al. 2020, eq. 4 with L = V); "output" reads the last real vertex alone.
    """
    if readout == "paper":
        shares = real / real.shape[1]
    elif readout == "mean":
        shares = real / real.sum(1, keepdims=True).clip(min=1)
    else:
        shares = real & (np.arange(real.shape[1]) == real.sum(1, keepdims=True) - 1)
    return np.asarray(shares, np.float32)
