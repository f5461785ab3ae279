"""The report of a study of several objectives that a person opens in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from predictornas.benchmarks.objectives import costs_of
from predictornas.report.cautions import shared_noise
from predictornas.report.objectives_page import ObjectivesFacts, objectives_page
from predictornas.studies.gain.manifest import read_manifest
from predictornas.studies.objectives.report import ObjectivesReport
from predictornas.studies.objectives.study import OpenedObjectives
from predictornas.studies.pages import write_page


def write_objectives_page(
    folder: Path, opened: OpenedObjectives, report: ObjectivesReport, history: pl.DataFrame, missing: int = 0
) -> None:
    """Writes `report.html`, which needs nothing but itself.

    Args:
        folder: of the study.
        opened: the study.
        report: on its history.
        history: of the runs that have ended.
        missing: runs that other commands have not ended.

    Raises:
        StoreError: the folder cannot be written.
    """
    manifest = read_manifest(folder, "objectives") or {}
    seeds = history.group_by("method", maintain_order=True).agg(pl.col("seed").unique().sort())
    facts = ObjectivesFacts(
        study=opened.identity,
        methods=dict(seeds.iter_rows()),
        space=opened.benchmark.space.name,
        rows=int(opened.within.sum()),
        scale=report.scale,
        frame=report.measure,
        recommended=_recommended(opened, report.front),
        missing=missing,
        warnings=tuple(shared_noise(*pair) for pair in opened.shared_noise),
        made_with=tuple(manifest.get("made_with", ())),
    )
    tables = {
        name: getattr(report, name) for name in ("summary", "pairs", "hypervolume", "attainment", "front", "gain")
    }
    write_page(folder, objectives_page(tables, facts))


def _recommended(opened: OpenedObjectives, front: pl.DataFrame) -> list[dict[str, Any]]:
    """The front of the first run of each method: the objectives, what else is limited, and the notation."""
    runs = front.filter(pl.col("key").is_not_null())
    first = runs.filter(pl.col("seed") == pl.col("seed").min().over("method"))
    rows, table = opened.benchmark.rows(first["key"].to_numpy()), opened.benchmark
    names = [objective.name for objective in opened.objectives]
    limited = {one.name: pl.Series(costs_of(table, one.judged)[rows]) for one in opened.asked if not one.is_objective}
    notation = [table.space.describe(genes) for genes in table.genes[rows]]
    shown = first.select("method", "seed", *names).with_columns(
        **limited, notation=pl.Series(notation, dtype=pl.String)
    )
    return shown.to_dicts()
