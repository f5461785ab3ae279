"""How methods are put together: a sampler or a scheduler makes one, and some have settings of their own."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

from predictornas.errors import ConfigurationError
from predictornas.predictors.base import Predictor
from predictornas.predictors.fidelity import FidelityRule, WithUntrained
from predictornas.predictors.gin import GIN
from predictornas.predictors.studied import fast_gp, signal_fast_gp
from predictornas.registry import Registered, expect
from predictornas.samplers.base import Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.mutants_of_best import MutantsOfBest
from predictornas.schedulers.base import Scheduler
from predictornas.schedulers.registry import SCHEDULERS
from predictornas.search.climbing import ClimbingSearch
from predictornas.search.exploring import ExploringSearch
from predictornas.search.peaks import PeakExploringSearch
from predictornas.search.pvll import PVLLSearch
from predictornas.search.registry import RANKED
from predictornas.search.scheduled import FromLevelZero, Scheduled, ZeroCost
from predictornas.search.strategies import PredictorSearch, RandomSearch

_HALF = 50
"""The share in percent that is promoted where a name has no number."""


def pool_method(sampler: Registered) -> Registered:
    """The method that ranks this sampler's pools with a predictor; the number of its name is the size of the pool."""

    def make(
        *, predictor: Predictor, number: int | None, initial: int, batch: int, warm_start: bool
    ) -> PredictorSearch:
        made: Sampler = expect(sampler.make(), Sampler, sampler)
        return PredictorSearch(predictor, made, number or 0, initial, batch, warm_start)

    takes = ("predictor", "number", "initial", "batch", "warm_start")
    return dataclasses.replace(sampler, target=make, takes=takes)


def newcomers_method(scheduler: Registered) -> Registered:
    """The method whose newcomers are random, and trained as this scheduler plans."""

    def make(*, levels: tuple[int, ...], number: int | None, initial: int, batch: int) -> Scheduled:
        return Scheduled(RandomSearch(initial, batch), _scheduler(scheduler, levels, number))

    return dataclasses.replace(scheduler, target=make, takes=("levels", "number", "initial", "batch"))


def ranked_method(scheduler: Registered) -> Registered:
    """The same with newcomers that a predictor ranks best in a pool around the best evaluated."""

    def make(**settings: Any) -> Scheduled:
        return _ranked(scheduler, "common", **settings)

    takes = ("predictor", "levels", "number", "initial", "batch", "warm_start")
    return dataclasses.replace(scheduler, name=RANKED + scheduler.name, label="", target=make, takes=takes, looks={})


def pvll(warm_up: int, published: bool) -> PVLLSearch:
    """PVLL-NAS with what works on tables, or with what its paper prints."""
    return PVLLSearch.published(warm_up) if published else PVLLSearch(warm_up=warm_up)


def rank_full(**settings: Any) -> Scheduled:
    """A predictor ranks a pool around the best; everything is trained to the end."""
    return _ranked(SCHEDULERS["full"], "common", number=None, **settings)


def rank_nosh(**settings: Any) -> Scheduled:
    """A predictor ranks a pool around the best, and NOSH says how long newcomers are trained (Wang et al. 2021)."""
    return _ranked(SCHEDULERS["nosh"], "common", **settings)


def rank_nosh_by_level(**settings: Any) -> Scheduled:
    """The same with pairs across levels ordered by level, as in the paper."""
    return _ranked(SCHEDULERS["nosh"], "level", **settings)


def rank_nosh_with_level_zero(**settings: Any) -> Scheduled:
    """`rank_nosh` whose predictor also learns from random architectures with a zero-cost score and no training."""
    return _ranked(SCHEDULERS["nosh"], WithUntrained(), **settings)


def bayesian_optimisation(initial: int, batch: int) -> PredictorSearch:
    """A process and mutants of what it thinks best; how its settings were chosen stands in `docs/results/search.md`."""
    return PredictorSearch(
        predictor=fast_gp(),
        sampler=Evolutionary(mutants=1.0, rate=0.2),
        pool_size=300,
        initial=initial,
        batch=batch,
        exploration=1.0,
        smoothed=True,
    )


def explorative_bayesian_optimisation(initial: int, batch: int) -> ExploringSearch:
    """The same, exploring once it is stuck; how that was chosen stands in `docs/results/robust-search.md`."""
    return ExploringSearch(**vars(bayesian_optimisation(initial, batch)), share=0.5, patience=10)


def signal_bayesian_optimisation(initial: int, batch: int) -> PredictorSearch:
    """The same with a process that sees how signals pass through the untrained cell; see `docs/results/search.md`."""
    plain = bayesian_optimisation(initial, batch)
    return dataclasses.replace(plain, predictor=signal_fast_gp())


def climbing_bayesian_optimisation(initial: int, batch: int) -> ClimbingSearch:
    """The best search of this package: the same with signals, and it climbs; see `docs/results/search.md`.

    Args:
        initial: K0.
        batch: K, where it is less than five.
    """
    plain = signal_bayesian_optimisation(initial, min(batch, 5))
    return ClimbingSearch(**vars(plain), share=0.6)


def climbing_explorative_bayesian_optimisation(initial: int, batch: int) -> PeakExploringSearch:
    """The same, exploring at a peak; how that was chosen stands in `docs/results/robust-search.md`."""
    return PeakExploringSearch(**vars(climbing_bayesian_optimisation(initial, batch)), exploring=0.1)


def npenas(initial: int, batch: int) -> PredictorSearch:
    """NPENAS-NP: a graph isomorphism network ranks mutants of the best (Wei et al. 2022, arXiv 2003.12857)."""
    return PredictorSearch(GIN(), MutantsOfBest(rate=0.15, name="npenas"), 100, initial, batch)


def _ranked(
    scheduler: Registered,
    pairs: FidelityRule,
    *,
    predictor: Predictor,
    levels: tuple[int, ...],
    number: int | None,
    initial: int,
    batch: int,
    warm_start: bool,
) -> Scheduled:
    plan = _scheduler(scheduler, levels, number)
    learner, zero_cost = _with_pairs(predictor, pairs), ZeroCost()
    search = PredictorSearch(learner, Evolutionary(), 1000, initial, batch, warm_start)
    if isinstance(pairs, WithUntrained):
        search = FromLevelZero(learner, Evolutionary(), 1000, initial, batch, warm_start, zero_cost=zero_cost)
    return Scheduled(search, plan, zero_cost)


def _scheduler(scheduler: Registered, levels: tuple[int, ...], number: int | None) -> Scheduler:
    if len(levels) < 2:
        raise ConfigurationError(
            f"{scheduler.name!r} needs several lengths of training, not {list(levels)}. Take the table "
            "nasbench101-digits, nasbench101-val30k or nasbench201-full-cifar10, or in a search of your own say the "
            "lengths: Scheduled(strategy, NOSH((1, 3, 9)))."
        )
    ratio = Fraction(_HALF if number is None else number, 100)
    made: Scheduler = expect(scheduler.make(levels=levels, ratio=ratio), Scheduler, scheduler)
    return made


def _with_pairs(predictor: Predictor, pairs: FidelityRule) -> Predictor:
    """The predictor with this rule for pairs across epochs; one without such a rule compares by "common" alone."""
    if hasattr(predictor, "fidelity_pairs") and dataclasses.is_dataclass(predictor):
        ruled: Predictor = dataclasses.replace(predictor, fidelity_pairs=pairs)
        return ruled
    if pairs != "common":
        raise ConfigurationError(
            f"{type(predictor).__name__} cannot order pairs by level: it has no field `fidelity_pairs`. Take "
            "'rank-nosh', or another predictor."
        )
    return predictor
