"""What schedulers will save, told before: from a table in seconds, or from the learning curves of a pilot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float, Int64
from scipy.stats import rankdata

from predictornas.analysis.early_stopping import Saving, chosen_saving, expected_saving, saving_from_pilot
from predictornas.description import describe
from predictornas.errors import ConfigurationError, DataError
from predictornas.frames import column_names, read_bytes, read_columns
from predictornas.predictors.base import Predictor, fresh
from predictornas.predictors.contract import scores_of
from predictornas.schedulers.rungs import Promotions, nominal_saving
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, Strategy
from predictornas.seeding import rng_for
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.study import Study
from predictornas.threads import one_thread

FITS = 8
"""Of a predictor, on random architectures trained in full: as many as the budget has full trainings."""

FULL_TRAININGS = 30
"""Trainings whose epochs are the budget where none is given."""


@dataclass(frozen=True)
class ExpectedSaving:
    """What is to be expected of a method with a scheduler.

    Attributes:
        method: its name.
        candidates: newcomers that the budget is enough for.
        random: the saving where they are random.
        chosen: the saving where the method's predictor chose them; None for methods without one, and without a table.
    """

    method: str
    candidates: int
    random: Saving
    chosen: Saving | None = None


@dataclass(frozen=True)
class Pilot:
    """Learning curves of a few random architectures; a longer training continues a shorter one.

    Attributes:
        levels: epochs, ascending.
        curves: `(n, l)`, the higher the better.
    """

    levels: tuple[int, ...]
    curves: Float[np.ndarray, "n l"]

    @classmethod
    def read(cls, path: Path) -> Pilot:
        """Reads a CSV or parquet file: a row an architecture, a column a level, named by its epochs; others are left.

        Raises:
            DataError: the file cannot be read, no two columns are named by numbers of epochs, or a value is no number.
        """
        content = read_bytes(path)
        levels = sorted(int(name) for name in column_names(content, str(path)) if name.isascii() and name.isdigit())
        if len(levels) < 2:
            raise DataError(
                f"{path} has no two levels. Name a column by the epochs of each: a header such as 1,3,9, and a row an "
                "architecture below it."
            )
        frame = read_columns(content, str(path), [str(epochs) for epochs in levels])
        values = frame.with_columns(pl.all().cast(pl.Float64, strict=False)).to_numpy()
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise DataError(
                f"Architecture {row + 1} of {path} has no number after {levels[column]} epochs. Leave it out."
            )
        return cls(tuple(levels), values)


def expected_savings(
    study: Study, *, seed: int = 0, advance: Callable[[int], None] = lambda _: None
) -> tuple[ExpectedSaving, ...]:
    """What the methods of a study with a scheduler will save on its table beside full trainings of as many newcomers.

    Args:
        study: its budget in epochs says how many newcomers there are; 30 full trainings where it has none.
        seed: of the fits.
        advance: told of each method.

    Raises:
        ConfigurationError: a table without several lengths of training, or a budget that no promotion survives or that
            the table is too small for.
        UnknownNameError: no table, column, method or preset has this name.
    """
    asked = replace(study, budget=None, budget_epochs=study.budget_epochs or 1)
    opened = OpenedStudy(asked, asked.open())
    signals = opened.oracle.signals
    values = np.stack([column.worth(opened.benchmark.values(column.name)) for column in signals.values()], axis=1)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    levels, resumes = tuple(signals), opened.oracle.resumes
    ties = rng_for(seed, 0, "ties").uniform(0.0, 0.5, (len(rows), len(levels)))
    values = rankdata(values[rows], axis=0) + ties  # of equal values any may be promoted
    trainings = _trainings(study, levels)
    fitted: dict[str, list[Float[np.ndarray, " n"]]] = {}
    found = []
    for method in study.method_names:
        strategy = opened.study.configured(method)
        scheduler, predictor = _promotions(strategy), _predictor(strategy)
        if scheduler is not None:
            candidates = _newcomers(scheduler, trainings, resumes=resumes)
            if candidates + trainings > len(rows):
                raise ConfigurationError(
                    f"{method!r} would train {candidates} architectures, and {study.benchmark!r} has {len(rows)}. "
                    "Lower --budget-epochs."
                )
            ratio, chosen = scheduler.ratio, None
            random = expected_saving(values, levels, ratio=ratio, candidates=candidates, resumes=resumes)
            if predictor is not None:
                same = json.dumps(describe(predictor), sort_keys=True)
                if same not in fitted:
                    rngs = [rng_for(seed, fit, "predicted saving") for fit in range(FITS)]
                    fitted[same] = [scores_of_fit(predictor, opened, rows, trainings, rng) for rng in rngs]
                chosen = chosen_saving(
                    values, fitted[same], levels, ratio=ratio, candidates=candidates, resumes=resumes
                )
            found.append(ExpectedSaving(method, candidates, random, chosen))
        advance(1)
    return tuple(found)


def piloted_savings(study: Study, pilot: Pilot, *, seed: int = 0) -> tuple[ExpectedSaving, ...]:
    """The same of random newcomers from a pilot, without a table.

    Args:
        study: its methods, preset and budget in epochs; its table is not opened.
        pilot: learning curves.
        seed: of the draws.

    Raises:
        ConfigurationError: too few curves, a level at which all are equal, or a budget that no promotion survives.
        UnknownNameError: no method or preset has this name.
    """
    found = []
    for method in study.method_names:
        scheduler = _promotions(get_strategy(method, replace(get_preset(study.preset), levels=pilot.levels)))
        if scheduler is not None:
            candidates = _newcomers(scheduler, _trainings(study, pilot.levels), resumes=True)
            rng = rng_for(seed, 0, "pilot")
            saving = saving_from_pilot(
                pilot.curves, pilot.levels, ratio=scheduler.ratio, candidates=candidates, rng=rng
            )
            found.append(ExpectedSaving(method, candidates, saving))
    return tuple(found)


def scores_of_fit(
    predictor: Predictor,
    opened: OpenedStudy,
    rows: Int64[np.ndarray, " n"],
    trainings: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, " n"]:
    """Scores of a table by a fit on random architectures of it that were trained in full; NaN of these.

    Args:
        predictor: its configuration.
        opened: the study's table.
        rows: of the architectures, all of which have the signal.
        trainings: how many are learned from.
        rng: the only source of randomness.
    """
    benchmark = opened.benchmark
    values = benchmark.column(benchmark.signal).worth(benchmark.values(benchmark.signal))[rows]
    learned = rng.choice(len(rows), trainings, replace=False)
    epochs = np.full(trainings, opened.oracle.levels[-1], np.int64)
    genes = benchmark.genes[rows]
    with one_thread():
        fitted = fresh(predictor).fit(benchmark.space, genes[learned], values[learned], epochs=epochs, rng=rng)
        scores = scores_of(fitted, genes).astype(np.float64)
    scores[learned] = np.nan
    return scores


def _promotions(strategy: Strategy) -> Promotions | None:
    scheduler = strategy.scheduler if isinstance(strategy, Scheduled) else None
    return scheduler if isinstance(scheduler, Promotions) else None


def _predictor(strategy: Strategy) -> Predictor | None:
    """What ranks the newcomers."""
    newcomers = strategy.strategy if isinstance(strategy, Scheduled) else strategy
    return newcomers.predictor if isinstance(newcomers, PredictorSearch) else None


def _trainings(study: Study, levels: tuple[int, ...]) -> int:
    """Full trainings that the budget is enough for."""
    return FULL_TRAININGS if study.budget_epochs is None else max(study.budget_epochs // levels[-1], 1)


def _newcomers(scheduler: Promotions, trainings: int, *, resumes: bool) -> int:
    return round(trainings * nominal_saving(scheduler.levels, scheduler.ratio, resumes=resumes))
