"""Non-uniform successive halving, the scheduler of RANK-NOSH: a pyramid that nobody leaves."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from predictornas.history import History
from predictornas.schedulers.base import Plan
from predictornas.schedulers.rungs import Promotions, Rungs


@dataclass(frozen=True)
class NOSH(Promotions):
    """Keeps floor(r n_i) of the n_i architectures that ever reached level i on the level above it.

    Whenever newcomers make a level larger, the best of all who wait there, new or old, are trained further: nobody is
    discarded. Levels are worked on in ascending order, so an architecture may climb several. Wang's thesis (chapter 4)
    gives the idea without a rule; the quota is the only reading that keeps the pyramid when later arrivals are better
    (ours). A training that failed, whose value is NaN, counts and never goes on; one in flight counts where it leads
    to.

    Levels and ratio: see `Promotions`; r from 0.4 to 0.7 is reported to do well and 0.3 worse.

    Example:
        >>> import numpy as np
        >>> from predictornas import History, get_space
        >>> from predictornas.schedulers.nosh import NOSH
        >>> genes = get_space("nasbench201").enumerate()[:4]
        >>> history = History.empty(6).extended(
        ...     keys=np.arange(4), genes=genes, epochs=[1] * 4, values=[0.1, 0.4, 0.3, 0.2], iteration=0
        ... )
        >>> plan = NOSH((1, 3, 9)).promotions(history)  # the better half goes on
        >>> plan.keys.tolist(), plan.epochs
        ([1, 2], 3)
    """

    def promotions(self, history: History) -> Plan:
        """The best who wait at the lowest level whose quota is not filled; see `Scheduler.promotions`.

        Filling a level leaves those below it as they are, so planning level by level is one ascending sweep.
        """
        rungs = Rungs.of(history, self.levels)
        # what is in flight fills a quota already, and makes none before its value is known
        for level, here in enumerate(rungs.reached.sum(axis=0)[:-1].tolist()):
            missing = floor(self.ratio * here) - int(rungs.begun[:, level + 1].sum())
            chosen = rungs.waiting(level)[: max(0, missing)]
            if len(chosen):
                return rungs.plan(chosen, level + 1)
        return rungs.nobody()
