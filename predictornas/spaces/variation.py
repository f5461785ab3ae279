"""What the variation operators of all spaces share: fresh attempts until a child is valid, and one-hot genes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from predictornas.spaces.base import Genes

ATTEMPTS = 100
"""Fresh attempts at a valid child before the parent is returned."""


def retry_until_valid(
    attempt: Callable[..., Genes], parents: tuple[Genes, ...], valid: Callable[[Genes], Bool[np.ndarray, " n"]]
) -> Genes:
    """Calls `attempt` on the rows that have no valid child yet; rows that never get one keep their first parent."""
    children = np.array(parents[0])
    waiting = np.arange(len(children))
    for _ in range(ATTEMPTS):
        if not len(waiting):
            break
        tried = attempt(*(parent[waiting] for parent in parents))
        good = valid(tried)
        children[waiting[good]] = tried[good]
        waiting = waiting[~good]
    return children


def one_hot_genes(genes: Genes, width: int) -> Float[np.ndarray, "n g k"]:
    """Each gene as a one-hot row of `width` places, float32."""
    return np.asarray(np.eye(width, dtype=np.float32)[genes])
