"""What the variation operators of all spaces share: fresh attempts until a child is valid, and one-hot genes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from predictornas.errors import ConfigurationError
from predictornas.spaces.base import Genes

ATTEMPTS = 100
"""Fresh attempts at a valid child before the parent is returned, where no other number is asked for."""


def retry_until_valid(
    attempt: Callable[..., Genes],
    parents: tuple[Genes, ...],
    valid: Callable[[Genes], Bool[np.ndarray, " n"]],
    *,
    changed: bool = False,
    attempts: int = ATTEMPTS,
) -> Genes:
    """Calls `attempt` on the rows that have no valid child yet; rows that never get one keep their first parent.

    With `changed`, a child that equals its first parent is tried again too.
    """
    children = np.array(parents[0])
    waiting = np.arange(len(children))
    for _ in range(attempts):
        if not len(waiting):
            break
        tried = attempt(*(parent[waiting] for parent in parents))
        good = valid(tried)
        if changed:
            good &= (tried != parents[0][waiting]).any(axis=1)
        children[waiting[good]] = tried[good]
        waiting = waiting[~good]
    return children


def require_rate(rate: float) -> None:
    """Checks a mutation rate, the probability with which each gene is redrawn.

    Raises:
        ConfigurationError: it is not in (0, 1].
    """
    if not 0 < rate <= 1:
        raise ConfigurationError(
            f"A mutation rate is a probability above 0 and at most 1, not {rate}; 0.1 redraws a tenth of the genes."
        )


def one_hot_genes(genes: Genes, width: int) -> Float[np.ndarray, "n g k"]:
    """Each gene as a one-hot row of `width` places, float32."""
    return np.asarray(np.eye(width, dtype=np.float32)[genes])
