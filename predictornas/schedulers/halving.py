"""Schedulers that NOSH is compared with: successive halving bracket by bracket, and the rule of ASHA."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from predictornas.history import History
from predictornas.schedulers.base import Plan
from predictornas.schedulers.rungs import Promotions, Rungs


@dataclass(frozen=True)
class SuccessiveHalving(Promotions):
    """The newcomers of each iteration are a bracket of their own (Jamieson and Talwalkar 2016).

    Of the n architectures of a bracket that reached a level, the best max(1, floor(r n)) are trained to the next one,
    and the others never again. That at least one goes on, so that every bracket has a winner, is ours. A training that
    failed, whose value is NaN, counts, ranks last, and never goes on.

    Levels and ratio: see `Promotions`; r = 1 / eta.
    """

    def promotions(self, history: History) -> Plan:
        """The best of the first bracket that is not done, to its next level; see `Scheduler.promotions`."""
        rungs = Rungs.of(history, self.levels)
        came_in = history.iterations[rungs.rows]
        for bracket in np.unique(came_in):
            members = came_in == bracket
            for level, here in enumerate(rungs.reached[members].sum(axis=0)[:-1].tolist()):
                missing = max(1, floor(self.ratio * here)) - int(rungs.begun[members, level + 1].sum())
                waiting = rungs.waiting(level)
                chosen = waiting[members[waiting]][: max(0, missing)]
                if len(chosen):  # of a bracket that failed nobody is left to go on
                    return rungs.plan(chosen, level + 1)
        return rungs.nobody()


@dataclass(frozen=True)
class ASHALike(Promotions):
    """Whoever is among the best floor(r n_i) of the n_i that ever reached level i goes on, whoever went on before.

    The rule of asynchronous successive halving (Li, Jamieson et al. 2020), worked through after each batch of newcomers
    (ours). It suits arrivals that are alike. Where later ones are better, as a predictor makes them, each batch drives
    the one before it out of the best, and nearly everyone is promoted. A training that failed, whose value is NaN,
    counts, ranks last, and never goes on.

    Levels and ratio: see `Promotions`; r = 1 / eta.
    """

    def promotions(self, history: History) -> Plan:
        """Those in the top share of the lowest level who have not gone on; see `Scheduler.promotions`."""
        rungs = Rungs.of(history, self.levels)
        for level in range(len(self.levels) - 1):
            best = rungs.best(level, floor(self.ratio * int(rungs.reached[:, level].sum())))
            chosen = best[~rungs.begun[best, level + 1]]
            if len(chosen):
                return rungs.plan(chosen, level + 1)
        return rungs.nobody()
