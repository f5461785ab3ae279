"""How well predictors rank a table after training on few of its architectures: every predictor on the same draws."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.counting import counted
from predictornas.description import describe
from predictornas.errors import ConfigurationError, StoreError
from predictornas.executors import Task, Tell
from predictornas.predictors.contract import fitted_on, scores_of
from predictornas.predictors.registry import PREDICTORS
from predictornas.predictors.studied import studied_predictor
from predictornas.quantity import Quantity
from predictornas.report.predictors_page import predictors_page
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.studies.commands import repeated
from predictornas.studies.folder import check_owner, take, write_manifest
from predictornas.studies.gain.refusals import refuse_constant
from predictornas.studies.gain.study import data_fingerprint
from predictornas.studies.pages import write_page
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.predictor_quality import measured_calibration, measured_quality, numbers, summarised
from predictornas.studies.provenance import surroundings
from predictornas.studies.sealed import kept, write_sealed
from predictornas.studies.tasks import Execution, run_all
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROTOCOL = 1
"""Raised whenever the same configuration and draw would give other numbers."""

KIND = "predictors"


@dataclass(frozen=True)
class PredictorStudy:
    """Predictors, training-set sizes and draws on one table.

    Attributes:
        benchmark: name of an offline or imported table.
        predictors: names in `PREDICTORS`, or `module:attribute`.
        sizes: numbers of training architectures.
        draws: training sets of each size, uniform and without replacement, the same for every predictor.
        train_on: column with the values to learn; the table's signal where None.
        judge_on: column that the ranks are compared with, on all other architectures; `train_on` where None.
        judged: how many random ones of the others are judged on; None for all.
        judged_cells: "all" to judge on the architectures that were trained on too.
        protocol: name of the protocol that these follow; see `predictor_protocols`.
    """

    benchmark: str
    predictors: tuple[str, ...]
    sizes: tuple[int, ...]
    draws: int = 10
    train_on: str | None = None
    judge_on: str | None = None
    judged: int | None = None
    judged_cells: Literal["others", "all"] = "others"
    protocol: str | None = None


def run_predictor_study(
    study: PredictorStudy,
    folder: Path,
    execution: Execution | None = None,
    pictures: Pictures | None = None,
) -> pl.DataFrame:
    """Makes what is missing of a study and writes `fits.csv`, `predictors.csv`, their figure and the manifest.

    Each fit is a file below `folder/fits`, so an interrupted study goes on, and another one may add to it.

    Args:
        study: what to compare.
        folder: where everything goes.
        execution: where fits are made, and which share of them; only the seconds depend on it. Serial by default.
        pictures: formats and style of the figures.

    Returns:
        As `predictornas.studies.predictor_quality.summarised`: means with 95 % intervals over draws, and what random
        scores have; regret as a fraction.

    Raises:
        AtWorkError: other commands or parts have some of the fits.
        UnknownNameError: no table, column or predictor has this name.
        ConfigurationError: a size that leaves nothing to judge on.
    """
    opened = OpenedPredictorStudy(study, open_benchmark(study.benchmark))
    _check(opened)
    take(folder, KIND)
    described = {
        name: {str(size): describe(studied_predictor(name, size)) for size in study.sizes} for name in study.predictors
    }
    asked = {**asdict(study), "data_sha256": data_fingerprint(opened.benchmark)}
    facts = {"study": asked, "predictors": described, "made_with": surroundings()}
    write_manifest(folder, KIND, facts)  # before anything is run, so that a part knows what it is a part of
    fits = _tasks(folder, study, facts)
    run_all(FitPredictor(opened), fits, is_done=_is_made, execution=execution or Execution())
    return _told(folder, opened, facts, _rows(fits), pictures)


def report_predictors(folder: Path, pictures: Pictures | None = None) -> tuple[PredictorStudy, pl.DataFrame, int]:
    """Writes tables, figure and report of a folder of `predictors` anew, from the fits that are there.

    Args:
        folder: of a study.
        pictures: formats and style of the figure.

    Returns:
        The study, the table of `run_predictor_study`, and the number of fits that are missing.

    Raises:
        ConfigurationError: the folder holds no such study.
        StoreError: no fit is there, or the manifest is damaged.
    """
    facts = check_owner(folder, KIND)
    try:
        study = _study_in(facts["study"])
        fits = _tasks(folder, study, facts)
    except (KeyError, TypeError, AttributeError):
        raise StoreError(
            f"{folder}/manifest.json does not say what was asked for. Repeat the command that made it."
        ) from None
    made = [fit for fit in fits if _is_made(fit)]
    listed = folder / "fits.csv"
    if not made and not listed.exists():
        raise StoreError(f"{folder} holds no fit yet. {repeated(folder)}")
    rows = _rows(made) if made else pl.read_csv(listed)  # of a folder that was handed on without its parts
    missing = len(fits) - len(rows)
    opened = OpenedPredictorStudy(study, open_benchmark(study.benchmark))
    return study, _told(folder, opened, facts, rows, pictures, missing), missing


def _tasks(folder: Path, study: PredictorStudy, facts: Mapping[str, Any]) -> list[Task[Fit]]:
    """A task for every fit, whole draws first."""
    return [
        Task(Fit(predictor, size, draw), folder / "fits" / f"{_fit_id(study, facts, predictor, size, draw)}.json")
        for draw in range(study.draws)
        for size in study.sizes
        for predictor in study.predictors
    ]


def _rows(fits: Sequence[Task[Fit]]) -> pl.DataFrame:
    # fits of earlier versions lack some quantities, so every row is looked at for its columns
    return pl.DataFrame([numbers(kept(fit.target, "measured")) for fit in fits], infer_schema_length=None)


def _told(
    folder: Path,
    opened: OpenedPredictorStudy,
    facts: Mapping[str, Any],
    rows: pl.DataFrame,
    pictures: Pictures | None,
    missing: int = 0,
) -> pl.DataFrame:
    """Writes what the fits that are there show."""
    table = summarised(rows, opened.quantity)
    write_table(folder / "fits.csv", rows)
    write_table(folder / "predictors.csv", table)
    save_figures(folder, lambda: {"predictors": _figure(table, opened.study)}, pictures)
    page = predictors_page(table, facts["study"], facts["made_with"], opened.quantity, missing=missing)
    write_page(folder, page)
    return table


def _figure(table: pl.DataFrame, study: PredictorStudy) -> Figure:
    from predictornas.plots.predictors import draw_predictors

    train_on = study.train_on or open_benchmark(study.benchmark).signal
    return draw_predictors(
        table,
        title=f"How well predictors rank {study.benchmark} ({counted(study.draws, 'draw')})",
        judge=OpenedPredictorStudy(study, open_benchmark(study.benchmark)).quantity,
        caption=f"Trained on {train_on}, judged on {study.judge_on or train_on} of {judged_in_words(study)}.",
    )


def rewrite_summary(folder: Path, out: Path) -> None:
    """Derives `predictors.csv` and its figure again from the fits that a folder lists.

    Args:
        folder: has `fits.csv` and `manifest.json`.
        out: where the files go.
    """
    study = _study_in(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["study"])
    table = summarised(pl.read_csv(folder / "fits.csv"))
    write_table(out / "predictors.csv", table)
    save_figures(out, lambda: {"predictors": _figure(table, study)})


def _study_in(facts: Mapping[str, Any]) -> PredictorStudy:
    """The study of a manifest."""
    known: dict[str, Any] = {name: facts[name] for name in PredictorStudy.__dataclass_fields__ if name in facts}
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    return PredictorStudy(**fields)


def judged_in_words(study: PredictorStudy) -> str:
    """On which architectures predictors are judged."""
    many = "all" if study.judged is None else format(study.judged, ",")
    if study.judged_cells == "others":
        return f"{many} other architectures"
    return f"{many} architectures, those trained on included"


@dataclass(frozen=True)
class OpenedPredictorStudy:
    """A study with its table, opened once: what is in the order of the space's enumeration is worked out when needed.

    Attributes:
        study: what to compare.
        benchmark: its table.
    """

    study: PredictorStudy
    benchmark: Benchmark

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.study, self.benchmark)

    @property
    def space(self) -> SearchSpace:
        """The space of the table."""
        return self.benchmark.space

    @cached_property
    def genes(self) -> Genes:
        """All architectures of the space."""
        return self.space.enumerate()

    @cached_property
    def train(self) -> Float[np.ndarray, " n"]:
        """What is learned, the higher the better; NaN where it was not measured."""
        return self._values(self.study.train_on or self.benchmark.signal)

    @cached_property
    def judge(self) -> Float[np.ndarray, " n"]:
        """What ranks are compared with; NaN where it was not measured."""
        return self._values(self.judging)

    @property
    def quantity(self) -> Quantity:
        """How costs of the column that ranks are compared with are read."""
        return self.benchmark.column(self.judging).quantity

    @property
    def judging(self) -> str:
        """The column that ranks are compared with."""
        return self.study.judge_on or self.study.train_on or self.benchmark.signal

    @cached_property
    def rows(self) -> np.ndarray:
        """Places of the architectures that have both values."""
        return np.flatnonzero(np.isfinite(self.train) & np.isfinite(self.judge))

    def _values(self, column: str) -> Float[np.ndarray, " n"]:
        place = self.benchmark.rows(self.space.enumerated_keys())
        return self.benchmark.column(column).worth(self.benchmark.values(column)[place])


@dataclass(frozen=True)
class Fit:
    """One training of one predictor."""

    predictor: str
    size: int
    draw: int


@dataclass(frozen=True)
class FitPredictor:
    """Trains a predictor, measures how well it ranks all others, and keeps that in a file of its own."""

    opened: OpenedPredictorStudy

    def __call__(self, fit: Fit, path: Path, tell: Tell) -> None:
        """Writes what was measured of a fit."""
        write_sealed(path, {"measured": _measured(self.opened, fit)})
        tell(1)


def _is_made(task: Task[Fit]) -> bool:
    return kept(task.target, "measured") is not None


def _check(opened: OpenedPredictorStudy) -> None:
    study = opened.study
    for name in study.predictors:
        PREDICTORS[name]  # refuses an unknown name before anything is opened
    if not study.predictors or (study.judged is not None and study.judged < 2):
        raise ConfigurationError(
            "No predictor was named: give some, such as gp,gcn."
            if not study.predictors
            else f"Ranks are judged on two architectures at least, not on {study.judged}."
        )
    measured = len(opened.rows)
    wrong = [size for size in study.sizes if not 2 <= size <= measured - 2]
    if wrong or study.draws < 1:
        raise ConfigurationError(
            f"Sizes must lie between 2 and {measured - 2} (the table has {measured} architectures with both values) "
            f"and draws above 0, not {wrong or study.draws}."
        )
    refuse_constant(study.benchmark, opened.judging, opened.judge[opened.rows])


def _fit_id(study: PredictorStudy, made: Mapping[str, Any], predictor: str, size: int, draw: int) -> str:
    """The name of a fit: all that its numbers depend on, as a manifest has it."""
    facts: Mapping[str, Any] = {
        "protocol": PROTOCOL,
        "data": made["study"]["data_sha256"],
        "columns": [study.train_on, study.judge_on],
        "predictor": made["predictors"][predictor][str(size)],
        "size": size,
        "draw": draw,
        **({} if study.judged is None else {"judged": study.judged}),
        **({} if study.judged_cells == "others" else {"judged_cells": study.judged_cells}),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _measured(opened: OpenedPredictorStudy, fit: Fit) -> dict[str, Any]:
    study = opened.study
    drawn = rng_for(fit.draw, fit.size, "draw").choice(opened.rows, fit.size, replace=False)
    others = np.setdiff1d(opened.rows, drawn) if study.judged_cells == "others" else opened.rows
    if study.judged is not None and study.judged < len(others):
        others = np.sort(rng_for(fit.draw, fit.size, "judged").choice(others, study.judged, replace=False))
    begin = time.perf_counter()
    unfitted, rng = studied_predictor(fit.predictor, fit.size), rng_for(fit.draw, fit.size, "fit")
    predictor = fitted_on(unfitted, opened.space, opened.genes[drawn], opened.train[drawn], rng=rng)
    fitted = time.perf_counter()
    genes = opened.genes  # the whole space is what predictors know how to score fast
    scores = scores_of(predictor, genes)[others] if study.judged is None else scores_of(predictor, genes[others])
    scored = time.perf_counter()
    judge = opened.judge[others]
    return {
        "predictor": fit.predictor,
        "size": fit.size,
        "draw": fit.draw,
        **measured_quality(scores.astype(np.float64), judge),
        **measured_calibration(predictor, opened.genes[others], judge, rng_for(fit.draw, fit.size, "calibration")),
        "fit_seconds": fitted - begin,
        "predict_seconds": scored - fitted,
    }
