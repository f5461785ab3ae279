"""The history of a search: what was evaluated so far, one row an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, Shaped, UInt64

from predictornas.plain_help import PlainHelp

SCHEMA: dict[str, str] = {
    "run_id": "str",  # hash of configuration and seed
    "method": "str",
    "seed": "int64",
    "iteration": "int64",  # 0 is the initial set T0
    "order": "int64",  # 0, 1, 2, ... within the run
    "key": "uint64",  # space.keys of the architecture
    "genes": "list[int8]",
    "architecture": "str",  # the same in the notation of its space, as `space.describe` writes it
    "epochs": "int64",  # fidelity of `value`
    "value": "float64",  # signal, higher is better: an accuracy as a fraction, a loss negated
    "cost_seconds": "float64",
    "cost_epochs": "float64",
    "predicted": "float64",  # the predictor's score when it was proposed; null where there was none
    "proposed_by": "str",  # "initial", or the name of the sampler or strategy
    "recommended": "uint64",  # key of what the search would name after this evaluation; null: the best by the signal
    "evaluation": "float64",  # as `value`, joined at consolidation; null where it is not known
}
"""Columns of `history.parquet` and their types; rows are sorted by (method, seed, order)."""

POOL_SCHEMA: dict[str, str] = {
    "run_id": "str",
    "method": "str",
    "seed": "int64",
    "iteration": "int64",  # >= 1
    "pool_size": "int64",  # N'_t
    "pool_filled": "int64",  # members drawn uniformly for want of others; null: drawn so on purpose, or not counted
    "target_error": "float64",  # J on the signal column
    "pool_hits": "int64",  # M'_t(J): pool members with signal error <= J
}
"""Columns of `pools.parquet`: for every iteration that ranked a pool, its hits on a fixed grid of targets."""


@dataclass
class History(metaclass=PlainHelp):
    """Everything a strategy may look at when it proposes: architectures, their signal values and fidelities.

    Example:
        >>> from predictornas import History, get_space
        >>> space = get_space("nasbench201")
        >>> genes = space.enumerate()[:3]
        >>> history = History.empty(space.num_genes).extended(
        ...     keys=space.keys(genes), genes=genes, epochs=[12, 12, 12], values=[0.1, 0.9, 0.5], iteration=0
        ... )
        >>> len(history), history.best(2).tolist()
        (3, [1, 2])
        >>> int(space.keys(genes)[0]) in history
        True

    Attributes:
        keys: `(n,)` identity of each evaluated architecture, in order of evaluation.
        genes: `(n, g)`.
        epochs: `(n,)` fidelity of each value.
        values: `(n,)` of the signal, higher is better: accuracies as fractions, losses negated.
        iterations: `(n,)` the iteration that proposed each.
        costs: `(n, m)` everything that a search for several objectives goes by, lower is better; None where a search
            has one objective, which is `values`.
    """

    keys: UInt64[np.ndarray, " n"]
    genes: Int8[np.ndarray, "n g"]
    epochs: Int[np.ndarray, " n"]
    values: Float[np.ndarray, " n"]
    iterations: Int[np.ndarray, " n"]
    costs: Float[np.ndarray, "n m"] | None = None
    _growth: _Growth | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def empty(cls, num_genes: int) -> History:
        """A history without evaluations, for architectures of `num_genes` genes."""
        return cls(
            keys=np.empty(0, np.uint64),
            genes=np.empty((0, num_genes), np.int8),
            epochs=np.empty(0, np.int64),
            values=np.empty(0, np.float64),
            iterations=np.empty(0, np.int64),
        )

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: Any) -> bool:
        self._growth = self._growth or _Growth(self)
        first = self._growth.first_row(int(key))
        return first is not None and first < len(self)

    def extended(
        self, *, keys: Any, genes: Any, epochs: Any, values: Any, iteration: int, costs: Any = None
    ) -> History:
        """A new history with these evaluations appended; takes time for them alone, not for those before.

        Where the history has costs and none are given, they are unknown (NaN).
        """
        if costs is not None and self.costs is None:
            if len(self):
                raise ValueError(f"costs of {len(keys)} evaluations, and none of the {len(self)} before")
            self = replace(self, costs=np.empty((0, np.shape(costs)[1])))
        if costs is None and self.costs is not None:
            costs = np.full((len(keys), self.costs.shape[1]), np.nan)
        if self._growth is None or self._growth.size != len(self):
            self._growth = _Growth(self)  # another history has grown from this one already, or it is the first to grow
        added = (keys, genes, epochs, values, np.full(len(keys), iteration, np.int64))
        return self._growth.grown(*added, *([] if costs is None else [costs]))

    def rows(self, chosen: Shaped[np.ndarray, " k"]) -> History:
        """The history of some of its rows, given by number or by a mask."""
        return History(
            self.keys[chosen],
            self.genes[chosen],
            self.epochs[chosen],
            self.values[chosen],
            self.iterations[chosen],
            None if self.costs is None else self.costs[chosen],
        )

    def before(self, iteration: int) -> History:
        """The evaluations that an iteration could look at: those of all iterations before it."""
        return self.rows(self.iterations < iteration)

    def latest(self) -> History:
        """Each architecture once, in order of first evaluation, with its last evaluation; itself where none repeats."""
        _, first, place = np.unique(self.keys, return_index=True, return_inverse=True)
        if len(first) == len(self):
            return self
        last = np.empty(len(first), np.int64)
        last[place] = np.arange(len(self))  # of several rows in one place the last one stays
        return self.rows(last[np.argsort(first)])

    @property
    def succeeded(self) -> Bool[np.ndarray, " n"]:
        """Which trainings did not fail: a NaN is none, nor is exactly 0, the accuracy of a training that diverged."""
        return np.asarray(~np.isnan(self.values) & (self.values != 0))

    def longest(self) -> Int[np.ndarray, " k"]:
        """Rows of the most epochs after which any training succeeded, without failed ones; none where all failed."""
        rows = np.flatnonzero(self.succeeded)
        return np.asarray(rows[self.epochs[rows] == self.epochs[rows].max(initial=0)])

    def best(self, count: int) -> Int[np.ndarray, " k"]:
        """Rows of the `count` best values, best first; ties in order of evaluation."""
        return np.argsort(-self.values, kind="stable")[:count]


class _Growth:
    """What histories that grow from one another share: columns with room to spare, and the first row of each key."""

    def __init__(self, history: History) -> None:
        self._columns = [history.keys, history.genes, history.epochs, history.values, history.iterations]
        if history.costs is not None:
            self._columns.append(history.costs)
        self._first_rows: dict[int, int] = {}
        self._searched = 0
        self.size = len(history)

    def grown(self, *added: Any) -> History:
        """The history of all rows so far and these; earlier ones continue to see their own rows alone."""
        begin, end = self.size, self.size + len(added[0])
        if end > len(self._columns[0]):
            self._columns = [_with_room(column[:begin], 2 * end) for column in self._columns]
        for column, rows in zip(self._columns, added, strict=True):
            if len(rows) != end - begin:
                raise ValueError(f"{len(rows)} rows in one of the columns, {end - begin} in another")
            column[begin:end] = rows
        self.size = end
        history = History(*(column[:end] for column in self._columns))
        history._growth = self
        return history

    def first_row(self, key: int) -> int | None:
        """Where an architecture was evaluated first, in any of the histories; None where in none."""
        for row, seen in enumerate(self._columns[0][self._searched : self.size].tolist(), start=self._searched):
            self._first_rows.setdefault(seen, row)
        self._searched = self.size
        return self._first_rows.get(key)


def _with_room(rows: Shaped[np.ndarray, "n ..."], size: int) -> Shaped[np.ndarray, "m ..."]:
    roomy = np.empty((size, *rows.shape[1:]), rows.dtype)
    roomy[: len(rows)] = rows
    return roomy
