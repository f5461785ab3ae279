"""What the journal of a run holds, column by column: a million evaluations in about a hundred megabytes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int8, Shaped

from predictornas.errors import JournalError

_WHOLE = {"iteration": "l", "order": "l", "key": "L", "epochs": "l"}  # 64 bits each, as numpy calls them
_REAL = ("value", "cost_seconds", "cost_epochs", "predicted")


@dataclass
class RecordedPools:
    """What a run counted of the pools that it ranked: row i is the pool of one iteration.

    Attributes:
        iterations: of each pool.
        sizes: members of each.
        filled: members of each that were drawn uniformly for want of others; -1 where that was not counted.
        hits: of each at every target, one pool after the other.
    """

    iterations: array[Any]
    sizes: array[Any]
    filled: array[Any]
    hits: array[Any]


class Recorded:
    """The records of a run's journal, read or just appended.

    Args:
        records: those that the journal has, oldest first.
        source: the journal, for messages.

    Attributes:
        identity: the fields of the first record; empty where there is none.
        chosen: architectures of each iteration's proposal.
        recommended: key of what was recommended before each iteration's proposal, or in the end before the one that
            would have followed.
        source: the journal.
        opinion_given: whether the last recommendation was made.
        ended: whether the run has come to the end of its budget; runs of older versions do not say.
        pools: what was counted of pools.

    Raises:
        JournalError: a record that no run writes, or evaluations out of order.
    """

    def __init__(self, records: Iterable[dict[str, Any]], source: Path) -> None:
        self.identity: dict[str, Any] = {}
        self.chosen: dict[int, int] = {}
        self.recommended: dict[int, int] = {}
        self.opinion_given = False
        self.ended = False
        self.pools = RecordedPools(*(array("l") for _ in range(4)))
        self.source = source
        self._columns: dict[str, array[Any]] = {name: array(kind) for name, kind in _WHOLE.items()}
        self._columns |= {name: array("d") for name in _REAL}
        self._genes = array("b")
        self._costs = array("d")
        self._proposers: dict[str, int] = {}
        self._proposed_by = array("H")
        self._read = 0
        for record in records:
            self.add(record)

    def __len__(self) -> int:
        """Evaluations so far."""
        return len(self._proposed_by)

    def add(self, record: dict[str, Any]) -> None:
        """Takes up one more record."""
        self._read += 1
        try:
            self._add(record)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise JournalError(
                f"{self.source}, record {self._read}: not what a run writes there ({type(error).__name__}: {error}). "
                "Move the file away to start over."
            ) from error

    def column(self, name: str, begin: int = 0, end: int | None = None) -> Shaped[np.ndarray, " n"]:
        """A column of the evaluations as in `predictornas.history.SCHEMA`, NaN for null, of rows begin .. end - 1."""
        return np.array(self._columns[name][begin:end])

    def genes(self, begin: int = 0, end: int | None = None) -> Int8[np.ndarray, "n g"]:
        """The architectures of these rows."""
        end = len(self) if end is None else end
        width = len(self._genes) // max(len(self), 1)
        return np.array(self._genes[begin * width : end * width], np.int8).reshape(end - begin, width)

    def costs_of(self, begin: int = 0, end: int | None = None) -> Float[np.ndarray, "n m"] | None:
        """What a search for several objectives went by in these rows; None for a search with one."""
        if not self._costs:
            return None
        return np.array(self._costs, np.float64).reshape(len(self), -1)[begin:end]

    def proposed_by(self) -> tuple[list[str], Shaped[np.ndarray, " n"]]:
        """The names of what proposed, and for each evaluation the place of its name."""
        return list(self._proposers), np.array(self._proposed_by)

    def costs(self, begin: int, end: int) -> Iterator[dict[str, Any]]:
        """Of each of these rows the `key`, `cost_seconds` and `cost_epochs`; NaN where not known."""
        names = ("key", "cost_seconds", "cost_epochs")
        rows = zip(*(self._columns[name][begin:end] for name in names), strict=True)
        return (dict(zip(names, row, strict=True)) for row in rows)

    def _add(self, record: dict[str, Any]) -> None:
        kind = record["kind"]
        self.ended = False  # a larger budget goes on after the end of a smaller one
        if (kind == "run") != (self._read == 1):
            raise ValueError(f"a record of kind {kind!r}")
        if kind == "run":
            self.identity = {name: value for name, value in record.items() if name != "kind"}
        elif kind == "evaluation":
            self._add_evaluation(record)
        elif kind == "proposal":
            self._add_proposal(record)
        elif kind == "recommendation":
            self.recommended[int(record["iteration"])] = int(record["recommended"])
            self.opinion_given = True
        elif kind == "end":
            if record["evaluations"] != len(self):
                raise ValueError(f"an end after {record['evaluations']} evaluations in place {len(self)}")
            self.ended = True
        else:
            raise ValueError(f"a record of kind {kind!r}")

    def _add_evaluation(self, record: dict[str, Any]) -> None:
        rows, genes = len(self), record["genes"]
        iterations = self._columns["iteration"]
        if record["order"] != rows or (rows and record["iteration"] < iterations[-1]):
            raise ValueError(f"evaluation {record['order']} of iteration {record['iteration']} in place {rows}")
        if rows and len(genes) * rows != len(self._genes):
            raise ValueError(f"{len(genes)} genes")
        costs = record.get("costs", [])
        if len(costs) * rows != len(self._costs):
            raise ValueError(f"{len(costs)} costs")
        code = self._proposers.setdefault(str(record["proposed_by"]), len(self._proposers))
        for name in _WHOLE:
            self._columns[name].append(record[name])
        for name in _REAL:
            value = record[name]
            self._columns[name].append(math.nan if value is None else value)
        self._genes.extend(genes)
        self._costs.extend(costs)
        self._proposed_by.append(code)

    def _add_proposal(self, record: dict[str, Any]) -> None:
        iteration = int(record["iteration"])
        self.chosen[iteration] = int(record["chosen"])
        if "recommended" in record:
            self.recommended[iteration] = int(record["recommended"])
        if "pool_hits" in record:
            self.pools.hits.extend(record["pool_hits"])
            self.pools.sizes.append(record["pool_size"])
            self.pools.filled.append(record.get("filled", -1))
            self.pools.iterations.append(iteration)
