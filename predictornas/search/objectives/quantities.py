"""What a search for several objectives goes by: quantities, lower is better, of which some are limited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError
from predictornas.fronts.dominance import Costs, crowding, ranks
from predictornas.history import History
from predictornas.spaces.base import Genes


@dataclass(frozen=True)
class Goal:
    """A column of `History.costs`.

    Attributes:
        name: what people call it.
        known: whether it can be read without a training, as parameters and FLOPs; then it is never predicted.
        is_objective: whether it is to be low; otherwise it is only limited.
        limit: the highest cost that is allowed; None for no limit.
    """

    name: str
    known: bool = False
    is_objective: bool = True
    limit: float | None = None


@runtime_checkable
class Reader(Protocol):
    """Reads what is known without a training."""

    def read(self, genes: Genes) -> Float[np.ndarray, "n k"]:
        """The costs of `(n, g)` architectures, a column for each quantity that is `known`, in their order."""
        ...


def objectives_of(quantities: Sequence[Goal]) -> Int[np.ndarray, " m"]:
    """The places of the objectives among the quantities."""
    return np.flatnonzero([quantity.is_objective for quantity in quantities])


def costs_of(history: History, quantities: Sequence[Goal]) -> Costs:
    """The costs of a history, one column a quantity.

    Raises:
        ConfigurationError: the history has none, or of another number of quantities.
    """
    if history.costs is None or history.costs.shape[1] != len(quantities):
        met = "no costs" if history.costs is None else f"{history.costs.shape[1]} costs an evaluation"
        raise ConfigurationError(
            f"A search for {', '.join(quantity.name for quantity in quantities)} was told {met}. Give tell() costs, "
            "one column for each."
        )
    return history.costs


def excess(costs: Costs, quantities: Sequence[Goal]) -> Float[np.ndarray, " n"]:
    """How far each point is beyond the limits, each as a share of its limit, summed; 0 where it keeps all of them.

    Infinite for a failure (NaN).
    """
    total = np.zeros(len(costs))
    for column, quantity in zip(costs.T, quantities, strict=True):
        if quantity.limit is not None:
            total += np.maximum(column - quantity.limit, 0.0) / (abs(quantity.limit) or 1.0)
    return np.where(np.isnan(costs).any(axis=1), np.inf, total)


def best_first(goals: Costs, beyond: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The rows from the best to the worst, as NSGA-II selects (Deb et al. 2002, sections III-C and VI).

    Those within the limits come first, by front, and on a front the least crowded first; then the others, by how far
    they are beyond the limits. Ties in order of evaluation.

    Args:
        goals: `(n, m)`, the objectives alone.
        beyond: from `excess`.
    """
    inside = np.flatnonzero(beyond == 0)
    front, crowded = np.zeros(len(goals)), np.zeros(len(goals))
    front[inside] = ranks(goals[inside])
    for number in np.unique(front[inside]):
        members = inside[front[inside] == number]
        crowded[members] = -crowding(goals[members])
    return np.asarray(np.lexsort([crowded, front, beyond]))
