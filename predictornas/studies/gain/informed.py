"""Searches of a study that know trials made elsewhere: those of a file, in the place of or beside the initial set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int8

from predictornas.benchmarks.table import Benchmark
from predictornas.benchmarks.validation import ROUNDING
from predictornas.counting import counted
from predictornas.errors import ConfigurationError, DataError
from predictornas.history import History
from predictornas.predictors.transferring import Prior
from predictornas.search.loop import Search
from predictornas.search.named import Named
from predictornas.search.results import Given, checked, unknown_rows
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, Strategy
from predictornas.search.transfer import TransferSearch
from predictornas.search.trials import Trials, read_trials
from predictornas.search.with_trials import WithTrials
from predictornas.spaces.base import SearchSpace
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.recommendation import history_of, recommended_architecture
from predictornas.studies.gain.study import Study


@dataclass(frozen=True)
class Files:
    """The files of trials that a search is to know.

    Attributes:
        trials: of the objective itself; see `WithTrials`.
        trials_value: its column of values.
        prior: of another data set, or scores; see `TransferSearch`.
        prior_value: its column of values.
    """

    trials: Path | None = None
    trials_value: str = "value"
    prior: Path | None = None
    prior_value: str = "value"

    def __bool__(self) -> bool:
        return self.trials is not None or self.prior is not None

    def informed(self, study: Study) -> tuple[Study, list[str]]:
        """A study of one method that knows these trials, under a name of its own; and what was made of the files.

        Raises:
            ConfigurationError: a method with a scheduler, or one without a Gaussian process and a `prior`.
            DataError: a file cannot be read, or has nothing to learn from.
        """
        (method,), benchmark, said = study.method_names, study.open(), []
        strategy = study.configured(method)  # what the initial set takes of the budget depends on the trials
        if isinstance(strategy, Scheduled):
            raise ConfigurationError(
                f"{method!r} trains for different numbers of epochs here, and a file of trials cannot begin that. "
                "Leave out --budget-epochs, or take another method."
            )
        if self.prior is not None:
            strategy, told = _with_prior(strategy, benchmark.space, self.prior, self.prior_value)
            said.append(told)
        if self.trials is not None:
            strategy, told = _with_trials(strategy, benchmark, self.trials, self.trials_value)
            said.append(told)
        files = " and ".join(name for name in ("prior", "trials") if getattr(self, name) is not None)
        name = f"{method} with {files}".replace("@", " ").replace(":", " ")
        return replace(study, methods=(Named(name, strategy),)), said


def recommended_of(opened: OpenedStudy, history: pl.DataFrame) -> Int8[np.ndarray, " g"]:
    """The genes that a run recommends, as `recommended_architecture`; where it knows trials, one of those may be best.

    Args:
        opened: a study of one method and one seed.
        history: rows as in `predictornas.history.SCHEMA`.

    Raises:
        AtWorkError, ConfigurationError: as there.
    """
    own = recommended_architecture(opened, history)
    name, seed = opened.study.method_names[0], opened.study.seeds[0]
    strategy = opened.strategy(name)
    if not isinstance(strategy, WithTrials):
        return own
    run = history_of(history.filter((pl.col("method") == name) & (pl.col("seed") == seed)).sort("order"))
    search = Search(opened.benchmark.space, strategy.strategy, seed=seed)
    for each in (strategy, run):
        search.add(each.genes, each.values, each.epochs)
    return np.asarray(search.recommend()[0])


def _with_prior(strategy: Strategy, space: SearchSpace, path: Path, value: str) -> tuple[Strategy, str]:
    if not isinstance(strategy, PredictorSearch):
        raise ConfigurationError(
            f"A prior needs a search with a Gaussian process, and {type(strategy).__name__} is none. Take "
            "bayesian-optimisation, or a sampler with @gp."
        )
    trials = read_trials(path, space, value=value)
    longest = trials.epochs == trials.epochs.max(initial=0)
    source = Prior(trials.genes[longest], trials.values[longest])
    return TransferSearch(strategy, (source,)), f"{_of(path, len(source), trials)}: their ranks are the prior."


def _with_trials(strategy: Strategy, benchmark: Benchmark, path: Path, value: str) -> tuple[Strategy, str]:
    space, nothing = benchmark.space, History.empty(benchmark.space.num_genes)
    trials = read_trials(path, space, value=value)
    signal, known = benchmark.column(benchmark.signal), trials.values[np.isfinite(trials.values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    if signal.is_fraction and (low < -ROUNDING or high > 1 + ROUNDING):
        raise DataError(
            f"{path}: {value!r} has values from {low:g} to {high:g}, and those of {signal.name!r} are fractions from 0 "
            "to 1, the higher the better. Divide percentages by 100."
        )
    epochs = np.where(trials.epochs > 0, trials.epochs, signal.epochs or 0)
    given = checked(space, nothing, Given(trials.genes, trials.values, epochs), twice=True)
    rows = unknown_rows(nothing, given)
    if not rows:
        raise ConfigurationError(f"{path} has no trials. Leave it out.")
    failed = int(np.isnan(given.values[rows]).sum())
    if failed == len(rows):
        raise DataError(f"Each of {_of(path, len(rows), trials)} failed: {value!r} has no number. Is it the column?")
    known = WithTrials(strategy, trials.genes[rows], given.values[rows], given.epochs[rows])
    told = f"{_of(path, len(rows), trials)}: known from the beginning, not counted to the budget"
    return known, f"{told}; {failed} of them failed." if failed else f"{told}."


def _of(path: Path, taken: int, trials: Trials) -> str:
    left = len(trials.values) - taken
    return f"{counted(taken, 'trial')} of {path.name}" + (f" ({left} left out)" if left else "")
