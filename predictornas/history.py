"""The history of a search: what was evaluated so far, one row an evaluation, what failed, and what is in flight."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, Shaped, UInt64

from predictornas.errors import ConfigurationError, DataError
from predictornas.files import writing_file
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


_IN_FLIGHT = ("key", "genes", "iteration", "epochs", "worker", "since")
_SAVED = (*_IN_FLIGHT, "state", "value", "reason")
"""Columns of a saved history; those of what is in flight in the order of `Pending`."""


@dataclass(frozen=True)
class Pending(metaclass=PlainHelp):
    """An evaluation in flight: asked for, and not told yet.

    Example:
        >>> from predictornas import RandomSearch, Search, get_space
        >>> search = Search(get_space("nasbench201"), RandomSearch(initial=2), seed=0)
        >>> proposal = search.ask(1, worker="gpu-3")
        >>> [(pending.worker, pending.genes == tuple(proposal.genes[0])) for pending in search.history.pending]
        [('gpu-3', True)]

    Attributes:
        key: identity of the architecture.
        genes: `g` whole numbers.
        iteration: the one that proposed it.
        epochs: how long it is to be trained in all; None for the oracle's own length.
        worker: who evaluates it, as whoever asked said.
        since: when it was asked for, in seconds since 1970.
    """

    key: int
    genes: tuple[int, ...]
    iteration: int
    epochs: int | None = None
    worker: str = ""
    since: float = 0.0


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
        values: `(n,)` of the signal, higher is better: accuracies as fractions, losses negated; NaN where an evaluation
            failed.
        iterations: `(n,)` the iteration that proposed each.
        costs: `(n, m)` everything that a search for several objectives goes by, lower is better; None where a search
            has one objective, which is `values`.
        failures: why evaluations failed, by row.
        pending: the evaluations in flight, the oldest first.
    """

    keys: UInt64[np.ndarray, " n"]
    genes: Int8[np.ndarray, "n g"]
    epochs: Int[np.ndarray, " n"]
    values: Float[np.ndarray, " n"]
    iterations: Int[np.ndarray, " n"]
    costs: Float[np.ndarray, "n m"] | None = None
    failures: Mapping[int, str] = field(default_factory=dict)
    pending: tuple[Pending, ...] = ()
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
        self,
        *,
        keys: Any,
        genes: Any,
        epochs: Any,
        values: Any,
        iteration: Any,
        costs: Any = None,
        failures: Mapping[int, str] | None = None,
    ) -> History:
        """A new history with these evaluations appended; takes time for them alone, not for those before.

        Where the history has costs and none are given, they are unknown (NaN).

        Args:
            keys: `(k,)`.
            genes: `(k, g)`.
            epochs: `(k,)`.
            values: `(k,)`.
            iteration: the one that proposed all of them, or `(k,)` of each.
            costs: `(k, m)`.
            failures: why some failed, by their rows among the k.
        """
        if costs is not None and self.costs is None:
            if not self.failed.all():
                raise ValueError(f"costs of {len(keys)} evaluations, and none of the {len(self)} before")
            self = replace(self, costs=np.full((len(self), np.shape(costs)[1]), np.nan))
        if costs is None and self.costs is not None:
            costs = np.full((len(keys), self.costs.shape[1]), np.nan)
        if self._growth is None or self._growth.size != len(self):
            self._growth = _Growth(self)  # another history has grown from this one already, or it is the first to grow
        added = (keys, genes, epochs, values, np.full(len(keys), iteration, np.int64))
        grown = self._growth.grown(*added, *([] if costs is None else [costs]))
        late = {len(self) + row: reason for row, reason in (failures or {}).items()}
        grown.failures, grown.pending = {**self.failures, **late} if late else self.failures, self.pending
        return grown

    def with_pending(self, pending: Iterable[Pending]) -> History:
        """The same evaluations with others in flight."""
        other = copy.copy(self)
        other.pending = tuple(pending)
        return other

    def rows(self, chosen: Shaped[np.ndarray, " k"]) -> History:
        """The history of some of its rows, given by number or by a mask; what is in flight stays."""
        kept = enumerate(np.arange(len(self))[chosen].tolist()) if self.failures else ()
        return History(
            self.keys[chosen],
            self.genes[chosen],
            self.epochs[chosen],
            self.values[chosen],
            self.iterations[chosen],
            None if self.costs is None else self.costs[chosen],
            {row: self.failures[old] for row, old in kept if old in self.failures},
            self.pending,
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
    def genes_by_key(self) -> Int8[np.ndarray, "n g"]:
        """`(n, g)`, of each row those that its architecture came in with: isomorphic graphs are one architecture."""
        _, first, place = np.unique(self.keys, return_index=True, return_inverse=True)
        return self.genes if len(first) == len(self) else self.genes[first[place]]

    @property
    def pending_genes(self) -> Int8[np.ndarray, "p g"]:
        """`(p, g)`, the architectures in flight."""
        return np.array([each.genes for each in self.pending], np.int8).reshape(-1, self.genes.shape[1])

    @property
    def pending_keys(self) -> UInt64[np.ndarray, " p"]:
        """`(p,)`, their identity."""
        return np.array([each.key for each in self.pending], np.uint64)

    @property
    def failed(self) -> Bool[np.ndarray, " n"]:
        """Which evaluations gave no value."""
        failed = np.isnan(self.values)
        failed[list(self.failures)] = True
        return np.asarray(failed)

    @property
    def succeeded(self) -> Bool[np.ndarray, " n"]:
        """Which trainings gave a value that is not that of a training that `diverged`."""
        return np.asarray(~self.failed & ~diverged(self.values))

    def with_failures_last(self) -> History:
        """What a strategy learns from: failures have the worst value that any evaluation has; itself without any.

        They stay marked as `failed`. Costs of theirs that are not known are the worst ones too.
        """
        failed = self.failed
        if not failed.any():
            return self
        values, costs = np.array(self.values), self.costs
        values[failed] = values[~failed].min() if not failed.all() else 0.0
        if costs is not None:
            unknown = np.isnan(costs) & failed[:, None]
            worst = np.where(np.isnan(costs), -np.inf, costs).max(axis=0)
            costs = np.where(unknown, np.where(np.isfinite(worst), worst, 0.0), costs)
        failures = {row: self.failures.get(row, "no value") for row in np.flatnonzero(failed).tolist()}
        return replace(self, values=values, costs=costs, failures=failures)

    def longest(self) -> Int[np.ndarray, " k"]:
        """Rows of the most epochs after which any training succeeded, without failed ones; none where all failed."""
        rows = np.flatnonzero(self.succeeded)
        return np.asarray(rows[self.epochs[rows] == self.epochs[rows].max(initial=0)])

    def best(self, count: int) -> Int[np.ndarray, " k"]:
        """Rows of the `count` best values, best first; ties in order of evaluation."""
        return np.argsort(-self.values, kind="stable")[:count]

    def save(self, path: Path | str) -> None:
        """Writes a parquet file, one row an evaluation, those in flight last; see `load`.

        Raises:
            ConfigurationError: a name that promises another kind of file, such as `history.csv`.
            StoreError: it cannot be written.
        """
        import polars as pl

        from predictornas.frames import write_parquet

        if Path(path).suffix not in ("", ".parquet"):
            raise ConfigurationError(f"A history is written as parquet: call the file {Path(path).stem}.parquet.")

        flying, width = self.pending, self.genes.shape[1]
        genes = np.concatenate([self.genes, self.pending_genes])
        states = np.where(self.failed, "failed", "evaluated").tolist()
        columns = {
            "state": pl.Series([*states, *["pending"] * len(flying)], dtype=pl.String),
            "key": pl.Series(np.concatenate([self.keys, self.pending_keys]), dtype=pl.UInt64),
            "genes": pl.Series(genes, dtype=pl.Array(pl.Int8, width)),
            "epochs": pl.Series([*self.epochs.tolist(), *(each.epochs for each in flying)], dtype=pl.Int64),
            "value": pl.Series([*self.values.tolist(), *[math.nan] * len(flying)], dtype=pl.Float64),
            "iteration": pl.Series([*self.iterations.tolist(), *(each.iteration for each in flying)], dtype=pl.Int64),
            "reason": pl.Series([*map(self.failures.get, range(len(self))), *[None] * len(flying)], dtype=pl.String),
            "worker": pl.Series([*[None] * len(self), *(each.worker for each in flying)], dtype=pl.String),
            "since": pl.Series([*[None] * len(self), *(each.since for each in flying)], dtype=pl.Float64),
        }
        if self.costs is not None:
            costs = np.concatenate([self.costs, np.full((len(flying), self.costs.shape[1]), np.nan)])
            columns["costs"] = pl.Series(costs, dtype=pl.Array(pl.Float64, costs.shape[1]))
        with writing_file(Path(path)) as temporary:
            write_parquet(pl.DataFrame(columns), temporary)

    @classmethod
    def load(cls, path: Path | str) -> History:
        """What `save` wrote.

        Example:
            >>> import tempfile
            >>> from pathlib import Path
            >>> from predictornas import History, RandomSearch, Search, get_space
            >>> search = Search(get_space("nasbench201"), RandomSearch(initial=3), seed=0)
            >>> proposal = search.ask()
            >>> search.tell(proposal.genes[:1], [0.9])
            >>> file = Path(tempfile.mkdtemp()) / "history.parquet"
            >>> search.history.save(file)
            >>> again = History.load(file)
            >>> again.values.tolist(), len(again.pending)
            ([0.9], 2)

        Raises:
            DataError: the file cannot be read, or is not what `save` writes.
        """
        from predictornas.frames import read_all, read_bytes, readable

        table = read_all(read_bytes(Path(path)), str(path))
        if lacking := sorted({*_SAVED} - {*table.columns}):
            raise DataError(f"{path} is no saved history: it lacks {', '.join(lacking)}. Write it with History.save().")
        with readable(str(path)):
            flying = table["state"] == "pending"
            done = table.filter(~flying)
            reasons = {row: reason for row, reason in enumerate(done["reason"].to_list()) if reason is not None}
            pending = tuple(
                Pending(key, tuple(genes), *rest)
                for key, genes, *rest in table.filter(flying).select(_IN_FLIGHT).iter_rows()
            )
            names = ("key", "genes", "epochs", "value", "iteration")
            keys, genes, epochs, values, iterations = (np.array(done[name].to_numpy()) for name in names)
            costs = np.array(done["costs"].to_numpy()) if "costs" in done.columns else None
            return cls(keys, genes, epochs, values, iterations, costs, reasons, pending)


def diverged(values: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which trainings diverged: those whose accuracy is exactly 0. Where some values are negative they are none.

    Args:
        values: `(n,)`, higher is better, NaN where there is none.
    """
    return np.asarray((values == 0) & ~(values < 0).any())


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
        keys, genes, epochs, values, iterations, *costs = (column[:end] for column in self._columns)
        history = History(keys, genes, epochs, values, iterations, costs[0] if costs else None)
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
