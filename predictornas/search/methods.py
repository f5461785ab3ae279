"""Search methods by name, and the presets that fill in what a name leaves open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.base import Predictor
from predictornas.predictors.fidelity import FidelityRule
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.graph_predictor import Engine
from predictornas.predictors.neural_predictor import NeuralPredictor
from predictornas.predictors.rnn import RNN
from predictornas.samplers.base import Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.likelihood import Likelihood
from predictornas.samplers.pvll import PVLL
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.schedulers.base import Scheduler
from predictornas.schedulers.full import Full
from predictornas.schedulers.halving import ASHALike, SuccessiveHalving
from predictornas.schedulers.nosh import NOSH
from predictornas.search.bananas import BANANAS
from predictornas.search.evolution import RegularisedEvolution
from predictornas.search.local_search import LocalSearch
from predictornas.search.one_shot import OneShot
from predictornas.search.pvll import PVLLSearch
from predictornas.search.scheduled import Scheduled, ZeroCost
from predictornas.search.strategies import PredictorSearch, RandomSearch, Strategy

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Preset:
    """What a method's name leaves open.

    Attributes:
        initial: K0, architectures in the random initial set T0.
        batch: K, architectures evaluated in each iteration.
        training_epochs: full-batch steps of predictor training in each iteration.
        warm_up: N, the warm-up population of PVLL-NAS.
        engine: how the predictor computes; see `predictornas.predictors.graph_predictor`.
        warm_start: whether each fit begins with the weights of the iteration before.
        predictor: a name in `PREDICTORS`.
        levels: epochs at which a scheduler may stop a training, ascending; empty where there is but one length.
    """

    initial: int
    batch: int
    training_epochs: int
    warm_up: int
    engine: Engine = "indexed"
    warm_start: bool = False
    predictor: str = "gcn"
    levels: tuple[int, ...] = ()


PRESETS: dict[str, Preset] = {
    "quick": Preset(initial=10, batch=10, training_epochs=100, warm_up=20),
    "default": Preset(initial=10, batch=10, training_epochs=500, warm_up=50),
    # Mauch et al. 2020, section 5; Li, Dong et al. 2020, section 5.1
    "paper": Preset(initial=4, batch=4, training_epochs=2000, warm_up=100),
}


def get_preset(name: str) -> Preset:
    """The preset of this name.

    Raises:
        UnknownNameError: no preset has this name.
    """
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name]


PREDICTORS: dict[str, Callable[[Preset], Predictor]] = {
    "gcn": lambda preset: GCN(training_epochs=preset.training_epochs, engine=preset.engine),
    "flow": lambda preset: Flow(training_epochs=preset.training_epochs, engine=preset.engine),
    "rnn": lambda preset: RNN(training_epochs=preset.training_epochs),
    "gp": lambda preset: GaussianProcess(),
    "neural-predictor": lambda preset: NeuralPredictor(engine=preset.engine),
}
"""The predictors that a method can be asked for, as in `uniform-100@rnn`; without a name it takes the first."""

Factory = Callable[[Preset, int | None], Strategy]
"""Builds a strategy from a preset and the number behind the method's name (`uniform-100`: 100), if there is one."""


def _random(preset: Preset, size: int | None) -> Strategy:
    if size is not None:
        raise ConfigurationError(f"'random-{size}': random search has no pool. Use 'random' or 'uniform-{size}'.")
    if preset.predictor != "gcn":
        raise ConfigurationError(f"'random@{preset.predictor}': random search asks no predictor. Use 'random'.")
    return RandomSearch(preset.initial, preset.batch)


def _with_sampler(sampler: Sampler, *, sized: bool) -> Factory:
    def build(preset: Preset, size: int | None) -> Strategy:
        if sized != (size is not None):
            example = f"{sampler.name}-1000" if sized else sampler.name
            raise ConfigurationError(f"Give the method as {example!r}: {'with' if sized else 'without'} a pool size.")
        return PredictorSearch(
            predictor=PREDICTORS[preset.predictor](preset),
            sampler=sampler,
            pool_size=size if size is not None else 0,
            initial=preset.initial,
            batch=preset.batch,
            warm_start=preset.warm_start,
        )

    return build


def _pvll(preset: Preset, size: int | None) -> Strategy:
    if size is None and preset.predictor != "gcn":
        raise ConfigurationError("'pvll' has an estimator of its own. Use 'pvll', or 'pvll-100' with a predictor.")
    if size is None:
        return PVLLSearch(warm_up=preset.warm_up)
    return _with_sampler(PVLL(), sized=True)(preset, size)


def _baseline(name: str, strategy: Strategy) -> Factory:
    """A method with settings of its own, which no preset changes."""

    def build(preset: Preset, size: int | None) -> Strategy:
        if size is not None or preset.predictor != "gcn":
            raise ConfigurationError(f"{name!r} takes neither a pool size nor a predictor. Give it as {name!r}.")
        return strategy

    return build


def _bayesian_optimisation(preset: Preset, size: int | None) -> Strategy:
    """The best search of this package; how its settings were chosen stands in `docs/results/search.md`."""
    if size is not None or preset.predictor not in ("gcn", "gp"):
        raise ConfigurationError("'bayesian-optimisation' has a pool and a predictor of its own. Give it without both.")
    return PredictorSearch(
        predictor=GaussianProcess(width=32, tuned_on=200, relevances=False, degrees_of_freedom=None),
        sampler=Evolutionary(mutants=1.0, rate=0.2),
        pool_size=300,
        initial=preset.initial,
        batch=preset.batch,
        exploration=1.0,
        smoothed=True,
    )


def _scheduled(scheduler: Callable[..., Scheduler], *, ranked: bool, pairs: FidelityRule = "common") -> Factory:
    """A search whose trainings a scheduler stops and goes on with; the number behind its name is r in percent.

    Where `ranked`, a pairwise predictor ranks a pool around the best, otherwise newcomers are random.
    """

    def build(preset: Preset, size: int | None) -> Strategy:
        if len(preset.levels) < 2:
            raise ConfigurationError(
                f"This method needs a table with several lengths of training, not {list(preset.levels)}. Take "
                "nasbench101-digits, nasbench101-val30k or nasbench201-full-cifar10, or search on networks of your own."
            )
        if size is not None and scheduler is Full:
            raise ConfigurationError(f"'rank-full-{size}': where all are trained to the end, no share is promoted.")
        ratio = Fraction(50 if size is None else size, 100)
        chosen = Full(preset.levels) if scheduler is Full else scheduler(preset.levels, ratio)
        if not ranked and preset.predictor != "gcn":
            raise ConfigurationError(
                f"This method's newcomers are random: it asks no predictor, so leave '@{preset.predictor}' away."
            )
        if not ranked:
            return Scheduled(RandomSearch(preset.initial, preset.batch), chosen)
        predictor = PREDICTORS[preset.predictor](preset)
        strategy = PredictorSearch(
            predictor=cast("Predictor", replace(cast("DataclassInstance", predictor), fidelity_pairs=pairs)),
            sampler=Evolutionary(),
            pool_size=1000,
            initial=preset.initial,
            batch=preset.batch,
            warm_start=preset.warm_start,
        )
        return Scheduled(strategy, chosen, ZeroCost())

    return build


SIZED = ("uniform", "evolutionary", "likelihood")
"""Methods whose name ends in the size of the pool that the predictor ranks; `pvll` goes with and without."""

METHODS: dict[str, Factory] = {
    "random": _random,
    "exhaustive": _with_sampler(Exhaustive(), sized=False),
    "uniform": _with_sampler(Uniform(), sized=True),
    "evolutionary": _with_sampler(Evolutionary(), sized=True),
    "likelihood": _with_sampler(Likelihood(), sized=True),
    "pvll": _pvll,
    "bayesian-optimisation": _bayesian_optimisation,
    "regularised-evolution": _baseline("regularised-evolution", RegularisedEvolution()),
    "local-search": _baseline("local-search", LocalSearch()),
    "bananas": _baseline("bananas", BANANAS()),
    "one-shot": _baseline("one-shot", OneShot()),
    "rank-nosh": _scheduled(NOSH, ranked=True),
    "rank-nosh-level": _scheduled(NOSH, ranked=True, pairs="level"),
    "rank-full": _scheduled(Full, ranked=True),
    "nosh": _scheduled(NOSH, ranked=False),
    "successive-halving": _scheduled(SuccessiveHalving, ranked=False),
    "asha": _scheduled(ASHALike, ranked=False),
}
"""The methods of this package; others register a factory in the entry-point group `predictornas.methods`."""


def method_names() -> list[str]:
    """How each known method is written, e.g. `uniform-N`."""
    return [f"{name}-N" if name in SIZED else name for name in _factories()] + ["pvll-N"]


def get_strategy(method: str, preset: Preset) -> Strategy:
    """The strategy of a method such as `random`, `exhaustive`, `uniform-1000` or `uniform-1000@rnn`.

    Raises:
        UnknownNameError: no method, or no predictor, has this name.
        ConfigurationError: a pool size where there is none, or none where one is needed.
    """
    factories = _factories()
    method, at, predictor = method.partition("@")
    if at and predictor not in PREDICTORS:
        raise UnknownNameError("predictor", predictor, PREDICTORS)
    preset = replace(preset, predictor=predictor or preset.predictor)
    if method in factories:
        return factories[method](preset, None)
    match = re.fullmatch(r"(.+)-(\d+)", method)
    if match is None or match[1] not in factories:
        raise UnknownNameError("method", method, [*method_names(), "uniform-1000"])
    if int(match[2]) < 1:
        raise ConfigurationError(f"{method!r}: the pool size must be at least 1.")
    return factories[match[1]](preset, int(match[2]))


def _factories() -> dict[str, Factory]:
    plugins = {point.name: point.load() for point in entry_points(group="predictornas.methods")}
    return {**plugins, **METHODS}
