"""A study: several methods, several seeds, one benchmark, one budget; its fields are the command's flags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.column import column_entry
from predictornas.benchmarks.table import Benchmark
from predictornas.description import describe
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.oracles.tabular import TabularOracle
from predictornas.plain_help import PlainHelp
from predictornas.predictors.graph_predictor import Engine
from predictornas.schedulers.full import Full
from predictornas.search.budget import Budget
from predictornas.search.methods import Preset, get_preset, get_strategy
from predictornas.search.named import Named
from predictornas.search.scheduled import Scheduled, scheduler_of
from predictornas.search.strategies import Strategy
from predictornas.search.with_trials import WithTrials

PROTOCOL = 1
"""Raised whenever the same configuration and seed would give another history."""


@dataclass(frozen=True)
class Study(metaclass=PlainHelp):
    """What is run: which methods on which table, how long, with which seeds.

    Example:
        >>> from predictornas import Study
        >>> study = Study(methods=("random", "uniform-100@gp"), budget=50, seeds=tuple(range(10)))
        >>> study.benchmark, study.method_names
        ('nasbench201-cifar10', ('random', 'uniform-100@gp'))

    Attributes:
        benchmark: name of an offline or imported table.
        methods: search methods, by name or as `Named` strategies of your own.
        budget: evaluations of each run, the initial set T0 included.
        seeds: the seed of each run of each method.
        signal: column that drives the searches; the table's default where None.
        evaluation: column that judges them; the table's default where None.
        preset: fills in what a method's name leaves open.
        engine: "indexed", or the plain reference "dense".
        warm_start: whether predictors begin with the weights of the iteration before.
        budget_epochs: epochs that each run trains for its evaluations; None for no limit. With it, methods without a
            scheduler train every architecture to the last level.
        budget_seconds: seconds of training that each run spends for its evaluations, by the table; None for no limit.
    """

    benchmark: str = "nasbench201-cifar10"
    methods: tuple[str | Named, ...] = ("random", "uniform-1000", "bayesian-optimisation")
    budget: int | None = 100
    seeds: tuple[int, ...] = tuple(range(20))
    signal: str | None = None
    evaluation: str | None = None
    preset: str = "quick"
    engine: Engine = "indexed"
    warm_start: bool = False
    budget_epochs: int | None = None
    budget_seconds: float | None = None

    @property
    def method_names(self) -> tuple[str, ...]:
        """What the methods are called in tables and figures."""
        return tuple(method.name if isinstance(method, Named) else method for method in self.methods)

    @property
    def limits(self) -> Budget:
        """What each run may spend.

        Raises:
            ConfigurationError: no limit, or one below 1.
        """
        return Budget(self.budget, self.budget_epochs, self.budget_seconds)

    def open(self) -> Benchmark:
        """The benchmark with the columns of this study.

        Raises:
            UnknownNameError: no benchmark or column has the given name.
            ConfigurationError: two columns that share a training run, no budget, or a number below 1.
        """
        limits = {
            "--budget": self.budget,
            "--budget-epochs": self.budget_epochs,
            "--budget-seconds": self.budget_seconds,
        }
        given = {name: limit for name, limit in limits.items() if limit is not None}
        if not given or not min(given.values()) >= 1:
            met = ", ".join(f"{name} {limit}" for name, limit in given.items())
            raise ConfigurationError(f"A run needs a budget of at least 1; given: {met or 'none'}.")
        if not isinstance(self.seeds, Sequence):
            raise ConfigurationError(f"Seeds are those of the runs, such as tuple(range(20)), not {self.seeds!r}.")
        if not self.seeds or min(self.seeds) < 0 or max(self.seeds) >= 2**63:
            seeds = list(self.seeds)
            raise ConfigurationError(f"At least one seed is needed, all of them from 0 to 2^63 - 1; got {seeds}.")
        if isinstance(self.methods, str):
            raise ConfigurationError(f"Methods are a tuple of names: ({self.methods!r},), not {self.methods!r}.")
        if not self.methods:
            raise ConfigurationError("No method was given. Name some with --methods, e.g. random,uniform-100.")
        own = [method.name for method in self.methods if isinstance(method, Named)]
        clash = [name for name in own if self.method_names.count(name) > 1]
        if clash:
            raise ConfigurationError(f"Two methods are called {clash[0]!r}. Give each a name of its own.")
        benchmark = open_benchmark(self.benchmark)
        if self.signal is None and self.evaluation is None:
            return benchmark
        return benchmark.with_columns(signal=self.signal, evaluation=self.evaluation)

    def strategy(self, method: str, levels: tuple[int, ...] | None = None) -> Strategy:
        """The strategy of one of the methods under this study's preset.

        Args:
            method: its name.
            levels: epochs at which the table has the signal; None to look.

        Raises:
            UnknownNameError: no method has this name.
            ConfigurationError: the initial set is larger than the budget, a scheduler without a budget of epochs, or
                one that pays for no training.
        """
        strategy = self.configured(method, levels)
        scheduler = scheduler_of(strategy)
        if self.budget_epochs is None and scheduler is not None and scheduler.entry != scheduler.levels[-1]:
            lengths = ", ".join(map(str, scheduler.levels))
            raise ConfigurationError(
                f"{method!r} trains to {lengths} epochs, so evaluations are no measure of its budget. Say with "
                "--budget-epochs how many epochs a run may train."
            )
        if self.budget_epochs is not None and scheduler is not None and self.budget_epochs < scheduler.entry:
            raise ConfigurationError(
                f"--budget-epochs {self.budget_epochs} pays for no training of {method!r}, which begins with "
                f"{scheduler.entry}. Raise it."
            )
        if self.budget is not None and strategy.initial >= self.budget:
            first = "initial set" if not isinstance(strategy, WithTrials) else "first batch beside the trials"
            raise ConfigurationError(
                f"--budget {self.budget} leaves nothing to propose after the {first} of {strategy.initial} "
                f"architectures (preset {self.preset!r}). Raise the budget."
            )
        return strategy

    def configured(self, method: str, levels: tuple[int, ...] | None = None) -> Strategy:
        """The same, whether its initial set fits into the budget or not: what it is made part of may begin with less.

        Args:
            method: its name.
            levels: epochs at which the table has the signal; None to look.

        Raises:
            UnknownNameError: no method has this name.
        """
        levels = TabularOracle(self.open()).levels if levels is None else levels
        own = [named.strategy for named in self.methods if isinstance(named, Named) and named.name == method]
        strategy = own[0] if own else get_strategy(method, replace(self._preset(), levels=levels))
        if self.budget_epochs is not None and not isinstance(strategy, Scheduled):
            if not levels:
                raise ConfigurationError(f"{self.benchmark!r} does not say how long its networks were trained.")
            strategy = Scheduled(strategy, Full(levels))
        return strategy

    def _preset(self) -> Preset:
        if self.engine not in get_args(Engine):
            raise UnknownNameError("engine", self.engine, get_args(Engine))
        return replace(get_preset(self.preset), engine=self.engine, warm_start=self.warm_start)

    def identity(self, benchmark: Benchmark) -> dict[str, Any]:
        """What must be equal for two folders to hold runs of the same study; methods and seeds may be added."""
        return {
            "protocol": PROTOCOL,
            "benchmark": benchmark.name,
            "data_sha256": data_fingerprint(benchmark),
            "signal": benchmark.signal,
            "evaluation": benchmark.evaluation,
            "budget": self.budget,
            "preset": self.preset,
            "engine": self.engine,
            "warm_start": self.warm_start,
            **_meaning(benchmark),
            **({} if self.budget_epochs is None else {"budget_epochs": self.budget_epochs}),
            **({} if self.budget_seconds is None else {"budget_seconds": self.budget_seconds}),
        }


def _meaning(benchmark: Benchmark) -> dict[str, Any]:
    """What the columns are, so that a folder explains itself; nothing where both are accuracies, as ever."""
    columns = [benchmark.column(name) for name in (benchmark.signal, benchmark.evaluation)]
    if all(column.is_accuracy for column in columns):
        return {}
    return {"columns": [column_entry(column) for column in columns]}


def data_fingerprint(benchmark: Benchmark) -> str:
    """SHA-256 over the checksums of all files of a table."""
    sums = {name: facts["sha256"] for name, facts in benchmark.manifest["files"].items()}
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def run_identity(
    study: Mapping[str, Any], method: str, strategy: Strategy | Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """What makes one run itself: `run_id` (a hash of configuration and seed), `method` and `seed`.

    Args:
        study: `Study.identity`.
        method: the method's name.
        strategy: its strategy, or the description of it; every field of it and of what it holds counts.
        seed: seed of the run.
    """
    facts = {
        **{name: value for name, value in study.items() if name != "evaluation"},
        "method": method,
        "strategy": describe(strategy),
        "seed": seed,
    }
    run_id = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    return {"run_id": run_id, "method": method, "seed": seed}


def journal_path(folder: Path, run_id: str) -> Path:
    """Where the journal of a run lies inside a study's folder."""
    return folder / "runs" / f"{run_id}.jsonl"
