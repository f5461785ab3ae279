"""What a process sees of its inputs: features, dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from scipy import sparse

View: TypeAlias = Float[np.ndarray, "_ _"] | sparse.csr_array
"""Features of n inputs, `(n, f)`; sparse where most are zero: counts of subtrees fill 1 % of their table."""

Inputs = Sequence[View]
"""The same inputs as each view describes them, `(n, features of the view)` each."""


def columns_of(view: View) -> Float[np.ndarray, "f n"]:
    """The features as rows, dense."""
    return view.T.toarray() if isinstance(view, sparse.csr_array) else view.T


def squared_norms(view: View) -> Float[np.ndarray, " n"]:
    """Of each input, in the type of the view."""
    return np.asarray((view * view).sum(axis=1), view.dtype)
