"""The runs behind a figure: one study, shared by all figures that are views of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.regret import OracleErrors, oracle_errors
from predictornas.benchmarks.table import Benchmark
from predictornas.counting import counted
from predictornas.errors import AtWorkError, ConfigurationError, StoreError
from predictornas.papers.figure import FigureRequest, default_benchmark
from predictornas.studies.gain.execution import HISTORY, advance_study, collected
from predictornas.studies.gain.manifest import read_manifest, study_in
from predictornas.studies.gain.opened import OpenedStudy, open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.locks import locked


@dataclass(frozen=True)
class FigureRuns:
    """The runs that one figure shows.

    Attributes:
        opened: what was run on which table; its methods and seeds are those of the figure.
        history: rows as in `predictornas.history.SCHEMA`.
        pools: rows as in `predictornas.history.POOL_SCHEMA`.
        facts: the study's identity (with the fingerprint of its data), the strategies of its methods, and seeds.
    """

    opened: OpenedStudy
    history: pl.DataFrame
    pools: pl.DataFrame
    facts: dict[str, Any]

    @property
    def study(self) -> Study:
        """What was run."""
        return self.opened.study

    @property
    def benchmark(self) -> Benchmark:
        """The table that was searched."""
        return self.opened.benchmark

    @property
    def errors(self) -> Float[np.ndarray, " n"]:
        """1 - signal of every architecture of the table that was measured, fractions."""
        errors = self.benchmark.costs(self.benchmark.signal)
        return np.asarray(errors[np.isfinite(errors)])

    @property
    def oracles(self) -> OracleErrors:
        """The best errors that the table allows."""
        return oracle_errors(
            *(self.benchmark.costs(name) for name in (self.benchmark.signal, self.benchmark.evaluation))
        )

    @property
    def setting(self) -> str:
        """The setting in one line, for the caption."""
        batch = self.opened.strategy(self.study.method_names[0]).batch
        return (
            f"{self.benchmark.name}, preset {self.study.preset}: "
            f"{counted(self.study.budget or 0, 'evaluation')} a run, "
            f"{batch} an iteration, {counted(len(self.study.seeds), 'seed')}; "
            f"signal {self.benchmark.signal}, evaluation {self.benchmark.evaluation}."
        )


def figure_runs(request: FigureRequest, methods: Sequence[str]) -> FigureRuns:
    """Runs what is missing of the methods that a figure shows, and reads them back.

    Args:
        request: says which study: one below its folder, named by benchmark, preset and budget, or an existing one.
        methods: names of search methods.

    Raises:
        UnknownNameError: no table, method, preset or size has the name asked for.
        ConfigurationError: options that the existing study fixes.
        StoreError: `request.study` holds no study.
    """
    study, folder = _existing(request, methods) if request.study is not None else _own(request, methods)
    opened = open_study(study)
    for method in methods:
        opened.strategy(method)  # refuses an unknown method before anything is run
    kept = _kept(opened, folder) if request.study is not None else None
    history, pools = kept or _run(opened, folder, request)
    mine = pl.col("method").is_in(list(study.method_names)) & pl.col("seed").is_in(list(study.seeds))
    manifest = read_manifest(folder) or {}
    strategies = {method: manifest["methods"][method]["strategy"] for method in study.method_names}
    return FigureRuns(
        opened,
        history.filter(mine),
        pools.filter(mine),
        {
            "study": manifest["study"],
            "study_folder": str(folder),
            "methods": strategies,
            "seeds": list(study.seeds),
            "runs_made_with": manifest["made_with"],
        },
    )


def _run(opened: OpenedStudy, folder: Path, request: FigureRequest) -> tuple[pl.DataFrame, pl.DataFrame]:
    if missing := advance_study(opened, folder, request.execution):
        raise AtWorkError(f"Other commands are at {missing} runs of {folder}. Make the figure when they are done.")
    with locked(folder / HISTORY):
        return collected(opened, folder)


def _own(request: FigureRequest, methods: Sequence[str]) -> tuple[Study, Path]:
    scale = request.scale()
    study = Study(
        benchmark=request.benchmark or default_benchmark(),
        methods=tuple(methods),
        budget=scale.budget,
        seeds=tuple(range(scale.seeds)),
        preset=scale.preset,
    )
    return study, request.folder / f"study-{study.benchmark}-{study.preset}-{study.budget}"


def _existing(request: FigureRequest, methods: Sequence[str]) -> tuple[Study, Path]:
    folder = request.study or request.folder
    given = [name for name in ("benchmark", "preset", "budget", "seeds") if getattr(request, name) is not None]
    if given:
        raise ConfigurationError(
            f"The study in {folder} fixes {', '.join(given)}. Leave out --{' and --'.join(given)}."
        )
    manifest = read_manifest(folder)
    if manifest is None:
        raise StoreError(f"{folder} holds no study. Run predictornas gain --out {folder} first.")
    return study_in(manifest, methods), folder


def _kept(opened: OpenedStudy, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """History and pools of a folder that holds every run of a study; its journals may be gone. None where one lacks."""
    paths = [folder / "history.parquet", folder / "pools.parquet"]
    same_data = (read_manifest(folder) or {}).get("study") == opened.identity
    if not same_data or not all(path.exists() for path in paths):
        return None
    history, pools = map(pl.read_parquet, paths)
    there = set(history.select("method", "seed").unique().iter_rows())
    wanted = {(method, seed) for method in opened.study.method_names for seed in opened.study.seeds}
    return (history, pools) if wanted <= there else None
