"""What an oracle is: it answers how good an architecture is after some epochs, and what finding that out cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from predictornas.plain_help import PlainHelp
from predictornas.spaces.base import Genes


@dataclass(frozen=True)
class Evaluations:
    """Answers for `n` architectures, in the order asked.

    Attributes:
        value: `(n,)` what was measured, higher is better: an accuracy as a fraction, a loss negated.
        epochs: `(n,)` length of the training behind each value; 0 where it is not known.
        cost_seconds: `(n,)` seconds of the whole training; NaN where they are not known.
        cost_epochs: `(n,)` epochs of the whole training; NaN where they are not known.
        costs: `(n, m)` everything that a search for several objectives goes by, lower is better; None for a search
            with one.
    """

    value: Float[np.ndarray, " n"]
    epochs: Int[np.ndarray, " n"]
    cost_seconds: Float[np.ndarray, " n"]
    cost_epochs: Float[np.ndarray, " n"]
    costs: Float[np.ndarray, "n m"] | None = None

    def __len__(self) -> int:
        return len(self.value)


@runtime_checkable
class Oracle(Protocol, metaclass=PlainHelp):
    """Evaluates architectures: reads a table, or trains networks.

    One that has an attribute `resumes = True` goes on with a training where it was asked to stop before, so that a
    search pays only for the epochs between; otherwise each number of epochs is a training of its own.

    Example:
        >>> import numpy as np
        >>> from predictornas import Oracle, TabularOracle, open_benchmark
        >>> table = open_benchmark("nasbench101-digits")
        >>> oracle = TabularOracle(table)
        >>> isinstance(oracle, Oracle)
        True
        >>> oracle.evaluate(table.genes[:2], None, np.random.default_rng(0)).value.round(3).tolist()
        [0.297, 0.533]
    """

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        """Values of `(n, g)` architectures.

        Args:
            genes: `(n, g)`.
            epochs: length of the training in all; None for the oracle's own.
            rng: the only source of randomness.
        """
        ...
