"""Tables on which no search can be compared: too small for the initial set, or with one value everywhere."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError


def refuse_small(table: str, architectures: int, method: str, initial: int) -> None:
    """Refuses a table that the initial set uses up.

    Args:
        table: its name.
        architectures: how many may be proposed.
        method: name of the method.
        initial: size of its random initial set.

    Raises:
        ConfigurationError: nothing would be left to propose.

    Example:
        >>> refuse_small("mine", 11, "random", 10)
    """
    if architectures <= initial:
        raise ConfigurationError(
            f"{table!r} has {architectures} architectures that can be proposed, the random initial set of {method!r} "
            f"is {initial}: nothing is left to propose. Take a larger table, or looser limits."
        )


def refuse_constant(table: str, column: str, costs: Float[np.ndarray, " n"]) -> None:
    """Refuses a column by which all architectures are equally good.

    Args:
        table: its name.
        column: name of the column.
        costs: `(n,)` its values as costs; NaN where there is none.

    Raises:
        ConfigurationError: all values are equal.

    Example:
        >>> refuse_constant("mine", "valid_accuracy", np.array([0.1, 0.2, np.nan]))
    """
    present = costs[np.isfinite(costs)]
    if len(present) and present.min() == present.max():
        raise ConfigurationError(
            f"All {len(present)} values of {column!r} in {table!r} are equal, so there is nothing to compare by it. "
            "Choose another column."
        )
