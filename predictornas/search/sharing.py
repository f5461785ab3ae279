"""Proposals of which another choice than the predictor's has a share, spread evenly over the evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int64

from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.predictors.contract import scores_of
from predictornas.samplers.base import Pool
from predictornas.search.strategies import Proposal

_ROUNDING = 1e-9
"""0.1 * 30 is a little more than 3, 0.29 * 100 a little less than 29."""


def places_of(share: float, known: int, n: int) -> Bool[np.ndarray, " n"]:
    """Which of the next `n` evaluations belong to a share, however many are asked for at once.

    Example:
        >>> places_of(0.5, known=10, n=4).tolist()
        [False, True, False, True]

    Args:
        share: of all evaluations, 0 to 1.
        known: how many were evaluated or are in flight.
        n: how many come next.
    """
    given = np.floor(share * np.arange(known, known + n + 1) + _ROUNDING)
    return np.asarray(np.diff(given) > 0)


def wanted_of(history: History, n: int) -> int:
    """How many of `n` proposals are evaluated: a search asks for as many more as there are in flight."""
    flying = len(history.pending)
    return n - flying if n > flying else n


def with_others(
    proposal: Proposal, places: Int64[np.ndarray, " e"], others: Pool, rows: Sequence[int], predictor: Predictor
) -> Proposal:
    """A proposal with further architectures at some places; what it was chosen from has both pools.

    Args:
        proposal: `k` architectures that a predictor ranked in a pool.
        places: of the further ones among the `k + e`, ascending.
        others: what they were chosen from.
        rows: `(e,)` which of it they are, none of them in the proposal.
        predictor: gives their scores.
    """
    assert proposal.pool is not None
    assert proposal.predicted is not None
    before = places - np.arange(len(places))
    new = ~np.isin(others.keys, proposal.pool.keys)
    genes = np.concatenate([others.genes[new], proposal.pool.genes])
    keys = np.concatenate([others.keys[new], proposal.pool.keys])
    added = others.genes[rows]
    return replace(
        proposal,
        genes=np.insert(proposal.genes, before, added, axis=0),
        keys=np.insert(proposal.keys, before, others.keys[rows]),
        predicted=np.insert(proposal.predicted, before, scores_of(predictor, added).astype(np.float64)),
        pool=replace(proposal.pool, genes=genes, keys=keys),
    )
