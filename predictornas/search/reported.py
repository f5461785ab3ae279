"""What observers hear of a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from predictornas.history import History
from predictornas.observers import Announcer, Observer, several
from predictornas.search.strategies import Proposal
from predictornas.spaces.base import SearchSpace


class Reporter:
    """Tells observers of one search what happens in it.

    Args:
        name: of the run.
        observers: who is told.
        space: what is searched.
        made_of: what `started` says beside it.
    """

    def __init__(self, name: str, observers: Sequence[Observer], space: SearchSpace, **made_of: Any) -> None:
        self.observers = several(observers)
        self._announce = Announcer(name, self.observers)
        self._space = space
        self._made_of = {"space": space.name, **made_of}
        self._has_started = False
        self._has_ended = False
        self._best = -math.inf

    def proposed(self, history: History, iteration: int, proposal: Proposal) -> None:
        """Architectures are to be evaluated; those that were evaluated before are promoted."""
        if not self.observers or not len(proposal):
            return
        self._start(history.values)
        self._has_ended = False
        known = np.isin(proposal.keys, history.keys)
        for kind, rows in (("proposed", ~known), ("promoted", known)):
            if rows.any():
                self._announce(
                    kind,
                    iteration=iteration,
                    by=proposal.proposed_by,
                    architectures=[self._space.describe(row) for row in proposal.genes[rows]],
                    genes=proposal.genes[rows],
                    predicted=None if proposal.predicted is None else proposal.predicted[rows],
                    epochs=proposal.epochs,
                )

    def evaluated(self, history: History, count: int) -> None:
        """The last `count` evaluations of the history are new."""
        if not self.observers:
            return
        begin = len(history) - count
        self._start(history.values[:begin])
        self._has_ended = False
        for row in range(begin, len(history)):
            value = float(history.values[row])
            self._best = max(self._best, value) if math.isfinite(value) else self._best
            self._announce(
                "evaluated",
                order=row,
                iteration=int(history.iterations[row]),
                architecture=self._space.describe(history.genes[row]),
                genes=history.genes[row],
                epochs=int(history.epochs[row]),
                value=value,
                failure=history.failures.get(row),
                best=self._best,
            )

    def ended(self, history: History, recommended: str | None) -> None:
        """Nothing more is evaluated; said once, unless the search goes on."""
        self._start(history.values)
        if self._has_ended:
            return
        self._has_ended = True
        self._announce("ended", done=len(history), unit="evaluations", recommended=recommended)

    def _start(self, values: np.ndarray) -> None:
        if not self._has_started:
            self._has_started = True
            self._best = float(np.fmax.reduce(values, initial=-math.inf))
            self._announce("started", kind="search", done=len(values), unit="evaluations", **self._made_of)
