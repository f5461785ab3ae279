"""A study of several objectives, and what it means on its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from predictornas.analysis.objectives.measure import HypervolumeScale, measure_of
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.objectives import Objective, costs_of, objectives_for
from predictornas.benchmarks.table import Benchmark
from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.oracles.objectives import ObjectivesOracle, TableReader
from predictornas.search.budget import Budget
from predictornas.search.named import Named
from predictornas.search.objectives.building import get_objective_strategy
from predictornas.search.objectives.quantities import Goal
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import SearchSpace
from predictornas.studies.gain.refusals import refuse_constant, refuse_small
from predictornas.studies.gain.study import data_fingerprint

PROTOCOL = 1
"""Raised whenever the same configuration and seed would give another history."""

METHODS = ("random", "nsga-ii", "bayesian-optimisation")
"""What is compared where nothing is named."""


@dataclass(frozen=True)
class ObjectivesStudy:
    """What is run.

    Attributes:
        benchmark: name of an offline or imported table.
        objectives: names, as `predictornas.benchmarks.objectives.objectives_for` takes them; with limits,
            none means the signal.
        limits: conditions such as `parameters<5e6`.
        known: which of these can be read without training or measuring, in addition to parameters and FLOPs.
        methods: by name, or as `Named` strategies of your own.
        budget: evaluations of each run, the initial set T0 included.
        seeds: the seed of each run of each method.
        signal: column that drives the searches; the table's default where None.
        evaluation: column that judges them; the table's default where None.
    """

    benchmark: str = "nasbench201-cifar10"
    objectives: tuple[str, ...] = ("error", "latency")
    limits: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    methods: tuple[str | Named, ...] = METHODS
    budget: int = 100
    seeds: tuple[int, ...] = tuple(range(20))
    signal: str | None = None
    evaluation: str | None = None

    def open(self) -> OpenedObjectives:
        """The study with its table.

        Raises:
            UnknownNameError: no benchmark or column has the given name.
            ConfigurationError: a budget, seeds, objectives or limits that cannot be; no architecture within the limits;
                an objective by which all of them are equally good.
        """
        if self.budget < 1 or not self.methods or not self.seeds or min(self.seeds) < 0 or max(self.seeds) >= 2**63:
            raise ConfigurationError(
                f"A study needs methods, seeds of at least 0 and below 2^63, and a budget of at least 1 evaluation; "
                f"got {len(self.methods)} methods, seeds {list(self.seeds)} and a budget of {self.budget}."
            )
        benchmark = open_benchmark(self.benchmark)
        if self.signal or self.evaluation:
            benchmark = benchmark.with_columns(signal=self.signal, evaluation=self.evaluation)
        opened = OpenedObjectives(self, benchmark)
        if not opened.within.any():
            raise ConfigurationError(
                f"No architecture of {self.benchmark!r} is within {', '.join(self.limits)}. Loosen the limits."
            )
        for objective in opened.objectives:
            for column in dict.fromkeys((objective.searched, objective.judged)):
                refuse_constant(self.benchmark, column, costs_of(benchmark, column)[opened.within])
        return opened


@dataclass(frozen=True)
class OpenedObjectives:
    """What a study means on its table. A copy in another process works out anew what it needs.

    Attributes:
        study: what is run.
        benchmark: its table, with the study's columns.
    """

    study: ObjectivesStudy
    benchmark: Benchmark

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.study, self.benchmark)

    @property
    def method_names(self) -> tuple[str, ...]:
        """What the methods are called in tables and figures."""
        return tuple(method.name if isinstance(method, Named) else method for method in self.study.methods)

    @property
    def seeds(self) -> tuple[int, ...]:
        """As of the study."""
        return self.study.seeds

    @property
    def limits(self) -> Budget:
        """What each run may spend."""
        return Budget(self.study.budget)

    @cached_property
    def asked(self) -> tuple[Objective, ...]:
        """The objectives, then what is only limited."""
        study = self.study
        return objectives_for(self.benchmark, study.objectives, study.limits, study.known)

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives alone."""
        return tuple(objective for objective in self.asked if objective.is_objective)

    @cached_property
    def told(self) -> tuple[Objective, ...]:
        """What a search is told of each evaluation: a limit on what is known is kept by leaving out what breaks it."""
        return tuple(objective for objective in self.asked if objective.is_objective or not objective.known)

    @cached_property
    def within(self) -> Bool[np.ndarray, " n"]:
        """Which rows of the table have all that is asked for, and keep the limits on what is known."""
        kept = np.ones(len(self.benchmark), bool)
        for objective in self.asked:
            for column in (objective.searched, objective.judged):
                kept &= np.isfinite(costs_of(self.benchmark, column))
            if objective.known and objective.limit is not None:
                kept &= costs_of(self.benchmark, objective.searched) <= objective.limit
        return kept

    @property
    def shared_noise(self) -> tuple[tuple[str, str], ...]:
        """The searched and the judging column of each objective or limit that was trained, where both err together."""
        columns = self.benchmark.columns
        pairs = [(columns[one.searched], columns[one.judged]) for one in self.asked]
        return tuple((a.name, b.name) for a, b in pairs if a.split is not None and a.shares_noise_with(b))

    @cached_property
    def space(self) -> SearchSpace:
        """The architectures that a search may propose."""
        space = self.benchmark.space
        if self.within.all():
            return space
        keys = self.benchmark.keys[self.within]
        return space.restricted_to(keys[np.isin(keys, space.enumerated_keys())])

    @cached_property
    def oracle(self) -> ObjectivesOracle:
        """What answers the searches."""
        return ObjectivesOracle(self.benchmark, self.told)

    def strategy(self, method: str) -> Strategy:
        """The strategy of one of the methods.

        Raises:
            UnknownNameError: no method for several objectives has this name.
            ConfigurationError: the initial set is larger than the budget, or uses up what can be proposed.
        """
        own = [one.strategy for one in self.study.methods if isinstance(one, Named) and one.name == method]
        strategy = own[0] if own else get_objective_strategy(method, self._quantities, self._reader)
        if strategy.initial >= self.study.budget:
            raise ConfigurationError(
                f"--budget {self.study.budget} leaves nothing to propose after the initial set of {strategy.initial} "
                f"architectures of {method!r}. Raise the budget."
            )
        refuse_small(self.benchmark.name, len(self.space), method, strategy.initial)
        return strategy

    def knows(self, method: str, described: Any) -> bool:
        """Whether a method that a folder holds can be run, as `OpenedStudy.knows`."""
        if ":" in method and method not in self.method_names:
            return False
        try:
            return bool(describe(self.strategy(method)) == described)
        except ConfigurationError:
            return False

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must be equal for two folders to hold runs of the same study; methods and seeds may be added."""
        return {
            "protocol": PROTOCOL,
            "benchmark": self.benchmark.name,
            "data_sha256": data_fingerprint(self.benchmark),
            "signal": self.benchmark.signal,
            "evaluation": [objective.judged for objective in self.asked],
            "budget": self.study.budget,
            "objectives": [objective.name for objective in self.objectives],
            "searched": [objective.searched for objective in self.asked],
            "limits": [objective.condition for objective in self.asked if objective.condition],
            "known": [objective.name for objective in self.asked if objective.known],
        }

    def searched(self) -> Float[np.ndarray, "n m"]:
        """The objectives of the whole table as a search sees them; NaN beyond a limit."""
        return self._costs([objective.searched for objective in self.asked])

    def judged(self) -> Float[np.ndarray, "n m"]:
        """The same as they are judged."""
        return self._costs([objective.judged for objective in self.asked])

    @cached_property
    def measure(self) -> HypervolumeScale:
        """The scale of hypervolumes."""
        judged = self.judged()
        columns = self.benchmark.columns
        trained = [columns[objective.judged].split is not None for objective in self.objectives]
        names = [objective.name for objective in self.objectives]
        return measure_of(names, judged[~np.isnan(judged).any(axis=1)], trained=trained)

    def _costs(self, columns: list[str]) -> Float[np.ndarray, "n m"]:
        kept, found = self.within.copy(), []
        for objective, column in zip(self.asked, columns, strict=True):
            costs = costs_of(self.benchmark, column)
            if objective.limit is not None:
                kept &= costs <= objective.limit
            if objective.is_objective:
                found.append(costs)
        return np.where(kept[:, None], np.column_stack(found), np.nan)

    @cached_property
    def _quantities(self) -> tuple[Goal, ...]:
        return tuple(Goal(one.name, one.known, one.is_objective, None if one.known else one.limit) for one in self.told)

    @cached_property
    def _reader(self) -> TableReader:
        return TableReader(self.benchmark, [objective.searched for objective in self.told if objective.known])


def objectives_in(manifest: Mapping[str, Any]) -> ObjectivesStudy:
    """The study that a manifest describes, with all its methods and seeds.

    Args:
        manifest: of `predictornas.studies.gain.manifest.read_manifest`.
    """
    study, entries = manifest["study"], manifest["methods"]
    return ObjectivesStudy(
        benchmark=study["benchmark"],
        objectives=tuple(study["objectives"]),
        limits=tuple(study["limits"]),
        known=tuple(study["known"]),
        methods=tuple(entries),
        budget=study["budget"],
        seeds=tuple(sorted({seed for entry in entries.values() for seed in entry["seeds"]})),
        signal=study["signal"],
    )
