"""What PVLL-NAS remembers: the latest evaluations, their normalised losses and their weights (Li, Dong et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Sequences = Float[np.ndarray, "m steps k"]


@dataclass(frozen=True)
class Memory:
    """The queue M of the latest evaluations, oldest first; a new one comes out of every change.

    Attributes:
        sequences: `(m, steps, k)`, the relaxed architectures H~ (one-hot where none was drawn).
        values: `(m,)` signal accuracies, higher is better.
        p: `(m,)` the p_t of each entry in [p_min, 1], fixed when it was evaluated; see `step_lengths`.
    """

    sequences: Sequences
    values: Float[np.ndarray, " m"]
    p: Float[np.ndarray, " m"]

    def __len__(self) -> int:
        return len(self.values)

    def pushed(
        self,
        sequences: Float[np.ndarray, "b steps k"],
        values: Float[np.ndarray, " b"],
        p: Float[np.ndarray, " b"],
        *,
        limit: int,
    ) -> Memory:
        """The memory with these entries at its end, and only the latest `limit` of all."""
        return Memory(
            np.concatenate([self.sequences, sequences])[-limit:],
            np.concatenate([self.values, values])[-limit:],
            np.concatenate([self.p, p])[-limit:],
        )

    def span(self, clip: float = 0.0) -> tuple[float, float]:
        """The values whose normalised losses are 0 and 1: the best of the memory, and its worst.

        Of what is remembered now: with the entries that leave the queue the range may shrink (ours). A running range,
        which only widens, would keep the width of the warm-up's worst cell for ever.

        Args:
            clip: quantile of the memory's values that counts as the worst. 0 is the least of them: then a few collapsed
                networks take most of the range and all others look alike.
        """
        return float(self.values.max()), float(np.quantile(self.values, clip))

    def normalised(self, values: Float[np.ndarray, " v"], clip: float = 0.0) -> Float[np.ndarray, " v"]:
        """Losses in [0, 1] of some values: 1 - value, by the memory's `span` (ours).

        The paper only says that losses are normalised to [0, 1]. Values outside the span are clipped; all losses are 0
        while it is empty.
        """
        best, worst = self.span(clip)
        if best == worst:
            return np.zeros(len(values))
        return np.asarray(np.clip((best - values) / (best - worst), 0.0, 1.0))

    def weights(self) -> Float[np.ndarray, " m"]:
        """1/p_t of Li, Dong et al. 2020, eq. 8, scaled to a mean of 1 (ours)."""
        inverse = 1 / self.p
        return np.asarray(inverse / inverse.mean())

    def clamp_rate(self, smallest: float) -> float:
        """Share of the entries whose p_t is the lower limit `smallest`: where it is near 1 the weights say nothing."""
        return float((self.p <= smallest).mean())

    def effective_share(self) -> float:
        """(sum w)^2 / (m sum w^2), the share of the entries that a weighted mean really uses; 1 with equal weights."""
        weights = self.weights()
        return float(weights.sum() ** 2 / (len(self) * (weights**2).sum()))


def step_lengths(estimates: Float[np.ndarray, " m"], smallest: float) -> Float[np.ndarray, " m"]:
    """p_t = |psi(H_t) - psi(H_(t-1))| within [smallest, 1], from estimated losses in order of evaluation.

    Li, Dong et al. 2020, section 3.3, read with a modulus (the difference as printed is <= 0 whenever the sampler
    works) and with a lower limit (ours). The first entry has none before it and takes the median of the others, or 1
    if alone.
    """
    lengths = np.clip(np.abs(np.diff(estimates)), smallest, 1.0)
    # the lower limit in its place would give the first entry the largest weight of all
    first = np.median(lengths) if len(lengths) else 1.0
    return np.concatenate([[first], lengths]) if len(estimates) else lengths
