"""Result folders side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from predictornas.analysis.regret import TRACES, incumbent_curves
from predictornas.analysis.statistics import over_seeds
from predictornas.errors import ConfigurationError, StoreError

_SHARED = ("data_sha256", "signal", "evaluation")


def compare_folders(folders: Sequence[Path]) -> pl.DataFrame:
    """Errors of every method of every folder after as many evaluations as all runs have.

    Args:
        folders: what `predictornas gain` or `search` wrote, all on the same table and columns.

    Returns:
        `folder`, `method`, `trace`, `evaluations`, `mean`, `std`, `low`, `high` (95 %), `runs`; errors as fractions.

    Raises:
        ConfigurationError: no folder, or folders of different tables or columns.
        StoreError: a folder that holds no finished study.
    """
    if not folders:
        raise ConfigurationError(
            "Name at least one result folder, as in: predictornas compare gain-nasbench201-cifar10"
        )
    studies = [_study(folder) for folder in folders]
    for folder, study in zip(folders, studies, strict=True):
        differing = [name for name in _SHARED if study.get(name) != studies[0].get(name)]
        if differing:
            raise ConfigurationError(
                f"{folders[0]} and {folder} differ in {', '.join(differing)}: their errors cannot be compared."
            )
    curves = pl.concat(
        incumbent_curves(pl.read_parquet(folder / "history.parquet")).with_columns(folder=pl.lit(str(folder)))
        for folder in folders
    )
    reached = curves.group_by("folder", "run_id").agg(pl.col("evaluations").max())["evaluations"].min()
    last = curves.filter(pl.col("evaluations") == reached)
    long = last.unpivot(on=list(TRACES), index=["folder", "method", "seed"], variable_name="trace", value_name="error")
    summary = over_seeds(long, ["folder", "method", "trace"], "error")
    return summary.with_columns(evaluations=pl.lit(reached)).select(
        "folder", "method", "trace", "evaluations", "mean", "std", "low", "high", "runs"
    )


def _study(folder: Path) -> dict[str, object]:
    try:
        study = json.loads((folder / "manifest.json").read_text())["study"]
        complete = isinstance(study, dict) and (folder / "history.parquet").is_file()
    except (OSError, ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise StoreError(f"{folder} holds no finished study. Run predictornas gain --out {folder} first.")
    return dict(study)
