"""A rehearsal of a predictor-based search on a table: its loop with predictors that were fitted beforehand.

What a search gains depends on how well its predictor ranks after so many trainings, and on the pools. Pools cost next
to nothing on a table and are drawn as in a search; fits are what takes time. One fit says how a predictor ranks the
whole table after n trainings, so few fits serve as many searches as one likes: each asks for the fit on as many
architectures as it has evaluated.

Predictors learn more about good architectures from a search's own training set than from a uniform one. So there are
rounds: fits on uniform sets, a search with each, and fits on sets that are as good as what these searches evaluated: a
random architecture of about the same rank in the place of each proposal. The first two rounds are the same for all
methods of a predictor, searches in pools of 1,000; the third has searches of the method itself. On the one table where
it was tried (docs/results/expected-gain.md) gains rose by up to 4.2 dB in the second round, by 1.0 in the third and by
.4 in a fourth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int64

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers.uniform import Uniform
from predictornas.search.loop import Search
from predictornas.search.strategies import PredictorSearch, Strategy
from predictornas.seeding import rng_for
from predictornas.studies.expected.fits import REFERENCE, Fitted, Rehearsed, fitted_on
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.threads import one_thread

ALIKE = 0.3
"""Standard deviation of the logarithm of the ratio of two ranks that count as about the same (ours)."""

_COMMON_POOL = 1000
"""Of the searches of the second round."""

_WIDER = 1.05
"""Where a rank is taken, those further away are tried too."""


@dataclass(frozen=True)
class Effort:
    """How much is rehearsed.

    Attributes:
        draws: sequences of training sets; their spread is that of the intervals.
        sizes: training-set sizes, at equal ratios from the initial set to the last fit of a search.
        runs: rehearsed searches in all, as many of each draw; as many as the study will have seeds, so that targets
            which hardly anything reaches look the same.

    Raises:
        ConfigurationError: fewer than two draws, whose spread would say nothing, or fewer runs than draws.
    """

    draws: int = 4
    sizes: int = 5
    runs: int = 20

    def __post_init__(self) -> None:
        if self.draws < 2 or self.sizes < 1 or self.runs < self.draws:
            raise ConfigurationError(f"A rehearsal needs at least 2 draws, 1 size and a run of each draw, not {self}.")

    def fits(self, methods: int) -> int:
        """Fits for so many methods of one predictor, at most: small budgets have fewer sizes."""
        return self.draws * self.sizes * (2 + methods)


@dataclass(frozen=True)
class Rehearsal:
    """Searches of one predictor-based strategy on one table.

    Attributes:
        opened: the table and its signal.
        strategy: what is rehearsed.
        budget: evaluations of a search.
        effort: how many fits and searches.
        seed: of all of it.
    """

    opened: OpenedStudy
    strategy: PredictorSearch
    budget: int
    effort: Effort
    seed: int = 0

    def first_round(self, advance: Callable[[int], None]) -> list[tuple[Fitted, ...]]:
        """Fits on uniform training sets, by draw.

        Args:
            advance: told of each fit.
        """
        rows = self._rows
        sets = [rng_for(self.seed, draw, "rehearsal").permutation(rows)[: self._sizes[-1]] for draw in self._draws]
        return self._fits(sets, advance)

    def shared_rounds(self, advance: Callable[[int], None]) -> list[tuple[Fitted, ...]]:
        """Fits of the second round, by draw: the same for all strategies with this predictor.

        Args:
            advance: told of each fit.
        """
        common = replace(self, strategy=replace(self.strategy, sampler=Uniform(), pool_size=_COMMON_POOL))
        return common.next_round(self.first_round(advance), advance)

    def next_round(
        self, before: Sequence[tuple[Fitted, ...]], advance: Callable[[int], None]
    ) -> list[tuple[Fitted, ...]]:
        """Fits on training sets that are as good as those of searches with the fits of the round before.

        Args:
            before: these fits, by draw.
            advance: told of each fit.
        """
        order = self._rows[np.argsort(self._costs[self._rows], kind="stable")]
        rank = np.empty(len(self._costs), np.int64)
        rank[order] = np.arange(len(order))
        sets = []
        for draw in self._draws:
            found = rank[self._evaluated(before[draw], draw)[self.strategy.initial :]]
            sets.append(order[self._alike(found, len(order), rng_for(self.seed, draw, "alike"))])
        return self._fits(sets, advance)

    def histories(self, fits: Sequence[tuple[Fitted, ...]], method: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rehearsed searches with the fits of each draw in turn: rows of a history and of its pools.

        Args:
            fits: by draw.
            method: what they are called.
        """
        history: list[pl.DataFrame] = []
        pools: list[dict[str, Any]] = []
        for run in range(self.effort.runs):
            search, ranked = self._searched(fits[run % self.effort.draws], self.effort.draws + run)
            seen = search.history
            place = {"run_id": f"{method} {run}", "method": method, "seed": run}
            history.append(
                pl.DataFrame(
                    {
                        **{name: [value] * len(seen) for name, value in place.items()},
                        "iteration": seen.iterations.astype(np.int64),
                        "order": np.arange(len(seen)),
                        "key": seen.keys,
                        "epochs": np.zeros(len(seen), np.int64),
                        "value": seen.values,
                        "evaluation": pl.Series([None] * len(seen), dtype=pl.Float64),
                        "cost_seconds": np.full(len(seen), np.nan),
                        "cost_epochs": np.full(len(seen), np.nan),
                    }
                )
            )
            pools += [place | row for row in ranked]
        return pl.concat(history), pl.DataFrame(pools)

    def _searched(self, fits: tuple[Fitted, ...], seed: int) -> tuple[Search, list[dict[str, Any]]]:
        # what a search has evaluated these fits have not seen: parents are the best by the signal
        strategy = replace(self.strategy, predictor=Rehearsed(fits), warm_start=False, smoothed=False)
        search = Search(self.opened.benchmark.space, strategy, seed=_own(self.seed, seed))
        oracle, rng, targets = self.opened.oracle, rng_for(0, 0, "unused"), self.opened.targets["target_error"]
        pools: list[dict[str, Any]] = []
        while len(search.history) < self.budget:
            proposal = search.ask(self.budget - len(search.history))
            if not len(proposal):
                break
            if proposal.pool is not None:
                hits = self.opened.pool_hits(proposal.pool)
                at = {"iteration": search.iteration, "pool_size": len(proposal.pool)}
                pools += [{**at, "target_error": j, "pool_hits": hit} for j, hit in zip(targets, hits, strict=True)]
            search.tell(proposal.genes, oracle.evaluate(proposal.genes, None, rng).value)
        return search, pools

    def _evaluated(self, fits: tuple[Fitted, ...], seed: int) -> Int64[np.ndarray, " n"]:
        history: History = self._searched(fits, seed)[0].history
        return self.opened.benchmark.rows(history.keys)

    def _alike(self, ranks: Int64[np.ndarray, " k"], table: int, rng: np.random.Generator) -> Int64[np.ndarray, " n"]:
        """A random initial set, then another rank near each one, all distinct."""
        chosen = dict.fromkeys(rng.choice(table, self.strategy.initial, replace=False).tolist())
        for rank in ranks[: self._sizes[-1] - self.strategy.initial]:
            near, spread = -1, ALIKE
            while not 0 <= near < table or near in chosen:
                near = round((rank + 1) * np.exp(rng.normal(0.0, spread)) + rng.uniform(-1.0, 1.0)) - 1
                spread *= _WIDER
            chosen[near] = None
        return np.array(list(chosen), np.int64)

    def _fits(
        self, sets: Sequence[Int64[np.ndarray, " n"]], advance: Callable[[int], None]
    ) -> list[tuple[Fitted, ...]]:
        """Fits on the first so many of each set."""
        reference = rng_for(self.seed, 0, "reference").permutation(self._rows)[:REFERENCE]
        benchmark = self.opened.benchmark
        values = benchmark.column(benchmark.signal).worth(benchmark.values(benchmark.signal))
        found: list[tuple[Fitted, ...]] = []
        for draw, rows in enumerate(sets):
            own = []
            for size in self._sizes:
                rng = rng_for(self.seed, draw, f"fit {size}")
                with one_thread():
                    fit = fitted_on(self.strategy.predictor, benchmark, values, rows[:size], reference, rng)
                own.append(fit)
                advance(1)
            found.append(tuple(own))
        for size in range(len(self._sizes)):
            for draw in self._draws:
                found[draw][size].others = [found[other][size] for other in self._draws if other != draw]
        return found

    @property
    def _draws(self) -> range:
        return range(self.effort.draws)

    @property
    def _sizes(self) -> list[int]:
        first, last = self.strategy.initial, max(self.budget - self.strategy.batch, self.strategy.initial)
        return sorted({round(size) for size in np.geomspace(first, last, self.effort.sizes)})

    @property
    def _costs(self) -> np.ndarray:
        benchmark = self.opened.benchmark
        return benchmark.costs(benchmark.signal)

    @property
    def _rows(self) -> Int64[np.ndarray, " n"]:
        return np.flatnonzero(np.isfinite(self._costs))


def rehearsable(method: str, strategy: Strategy) -> PredictorSearch:
    """The strategy, where it is one that a rehearsal can stand for.

    Args:
        method: its name.
        strategy: what the name means.

    Raises:
        ConfigurationError: it fits no predictor that ranks pools.
    """
    if type(strategy) is not PredictorSearch:
        raise ConfigurationError(
            f"{method!r} fits no predictor that ranks pools, so there is nothing to rehearse; on a table it takes "
            "seconds by itself: `predictornas gain`. Name methods such as uniform-1000, exhaustive, evolutionary-100."
        )
    return strategy


def _own(seed: int, run: int) -> int:
    """A seed that no study has."""
    return int(rng_for(seed, run, "rehearsed search").integers(2**31, 2**32))
