"""How DARTS collapses along a search, and which way to read a cell off its super-networks does not (thesis of Wang)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.statistics import SHARE, over_seeds
from predictornas.benchmarks.table import Benchmark
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.cell_accuracy import accuracy_column, cell_accuracies, cell_table, described_table
from predictornas.papers.supernet.collapse_claims import (
    ACCURACY,
    AGREEMENT,
    DIRECTION,
    LENGTH,
    SCORES,
    SEARCHED,
    SKIPS,
    claims,
)
from predictornas.papers.supernet.collapse_design import (
    CELL_SPACE,
    COMPARED,
    LONGER,
    PERTURBED_AT_THE_END,
    SCORED,
    CollapseScale,
    run,
    scale_of,
)
from predictornas.papers.supernet.collapse_scores import OperationScores, OperationStrengths, PerturbedCells
from predictornas.papers.supernet.searches import DEFAULT_DATA, SearchTrace, described_scale, study_facts, table_for
from predictornas.papers.supernet.trained_measures import measurements
from predictornas.papers.supernet.trained_out import SlopesTrainedOut
from predictornas.plots.perturbation import draw_selections
from predictornas.spaces.nasbench201 import OPERATIONS
from predictornas.spaces.registry import get_space
from predictornas.studies.supernet_tables import SKIP


def collapse_figure(request: FigureRequest, *, title: str) -> Made:
    """Accuracy in the table of the cells that magnitude and perturbation select along searches from trained weights.

    Raises:
        UnknownNameError: no such size.
        ConfigurationError: a table of another space than NAS-Bench-201, or options of studies of tables.
    """
    scale, benchmark = scale_of(request), cell_table(request)
    found = run(request, scale) if request.found is None else []
    rows = table_for(
        request, lambda: pl.concat([searched_rows(found, benchmark), _looked_at(request, scale, found, benchmark)])
    )
    searched = replace(scale.searches, seeds=rows["seed"].n_unique())
    cells = rows.filter(quantity=ACCURACY).drop_nulls("value").rename({"setting": "table", "value": "accuracy"})
    drawn = cells.filter(pl.col("selection").is_in(["magnitude", "perturbation"]))
    means = over_seeds(drawn, ["table", "selection", "epoch"], "accuracy", bounds=SHARE)
    best = float(np.nanmax(benchmark.values(accuracy_column(benchmark))))
    caption = (
        f"{described_scale(request, searched)} Before: {scale.warm_up} epochs in which alpha rests, shared by "
        f"methods of one relaxation. Accuracy of the selected cell in {described_table(benchmark)}. Perturbation: from "
        "the super-network after that epoch. Mean and 95 % interval over seeds; points: seeds. Dashed: the best cell."
    )
    figure = draw_selections(means, drawn, best=dict.fromkeys((*COMPARED, LONGER), best), title=title, caption=caption)
    facts = study_facts([trace.search for trace in found]) if found else {"data": request.data or DEFAULT_DATA}
    return Made(rows, figure, facts | {"tables": described_table(benchmark)}, claims(rows))


def searched_rows(found: Sequence[SearchTrace], benchmark: Benchmark) -> pl.DataFrame:
    """What each epoch with alpha left: rows of `quantity`, `setting`, `seed`, `epoch`, `selection`, `cell`, `value`."""
    parts: list[dict[str, Any]] = []
    for trace in found:
        place = {"setting": trace.search.setting, "seed": trace.search.seed}
        for record in trace.records:
            parts += _of_cell(place | {"epoch": record.epoch, "selection": "magnitude"}, record.genes, benchmark)
            parts.append(_row(place | {"epoch": record.epoch}, SEARCHED, record.validation_accuracy))
    return _table(parts)


def chosen_by(scores: pl.DataFrame, column: str) -> tuple[int, ...]:
    """The genes of a cell whose edges hold the operation of the largest score each, the first one of equals.

    Args:
        scores: columns `edge`, `operation` and the score, all of one super-network.
        column: the score.
    """
    genes = []
    for edge in range(scores["edge"].n_unique()):
        own = scores.filter(edge=edge)
        genes.append(OPERATIONS.index(own["operation"][int(own[column].to_numpy().argmax())]))
    return tuple(genes)


def agreement_rows(scores: pl.DataFrame, strengths: pl.DataFrame) -> pl.DataFrame:
    """How well each score ranks the operations of an edge by strength, mean over edges: one row a seed and score.

    Args:
        scores: columns `setting`, `seed`, `epoch`, `edge`, `operation` and `SCORES`.
        strengths: columns `setting`, `seed`, `epoch`, `edge`, `operation` and `strength`.
    """
    both = strengths.join(scores, on=["setting", "seed", "epoch", "edge", "operation"], maintain_order="left")
    parts: list[dict[str, Any]] = []
    for (setting, seed, epoch), own in both.group_by("setting", "seed", "epoch", maintain_order=True):
        place = {"setting": setting, "seed": seed, "epoch": epoch}
        edges = [edge for _, edge in own.group_by("edge", maintain_order=True)]
        for name in SCORES:
            taus = [float(kendalltau(edge[name], edge["strength"]).statistic) for edge in edges]
            known = [tau for tau in taus if np.isfinite(tau)]
            parts.append(_row(place | {"selection": name}, AGREEMENT, float(np.mean(known)) if known else None))
    return _table(parts)


def _looked_at(
    request: FigureRequest, scale: CollapseScale, found: Sequence[SearchTrace], benchmark: Benchmark
) -> pl.DataFrame:
    """What was measured on the super-networks that were kept."""

    def of(names: Sequence[str]) -> list[SearchTrace]:
        return [trace for trace in found if trace.search.setting in names]

    rounds = tuple(zip(scale.snapshots, scale.rounds, strict=True))
    looked_at = [(SCORED, rounds), (PERTURBED_AT_THE_END, rounds[-1:])]
    perturbed = pl.concat(measurements(request, of(names), PerturbedCells(after)) for names, after in looked_at)
    scores = measurements(request, of(SCORED), OperationScores(scale.snapshots))
    strength = OperationStrengths(scale.snapshots[-1], scale.strength_edges, scale.strength_epochs)
    strengths = measurements(request, of(SCORED), strength)
    slopes = measurements(
        request, of(SCORED), SlopesTrainedOut((scale.snapshots[1], scale.snapshots[-1]), scale.trained_out)
    )
    parts: list[dict[str, Any]] = []
    for row in slopes.iter_rows(named=True):
        place = {name: row[name] for name in ("setting", "seed", "epoch")} | {"selection": row["where"]}
        parts += [_row(place, DIRECTION, row["cosine"]), _row(place, LENGTH, row["error"])]
    for row in perturbed.iter_rows(named=True):
        place = {name: row[name] for name in ("setting", "seed", "epoch")}
        parts += _of_cell(place | {"selection": "perturbation"}, row["genes"], benchmark)
    by_network: list[tuple[pl.DataFrame, Mapping[str, str]]] = [(scores, {name: name for name in SCORES[1:]})]
    if strengths["edge"].n_unique() == scores["edge"].n_unique():
        by_network.append((strengths, {"strength": "strength"}))
    for table, columns in by_network:
        for (setting, seed, epoch), own in table.group_by("setting", "seed", "epoch", maintain_order=True):
            for column, selection in columns.items():
                place = {"setting": setting, "seed": seed, "epoch": epoch, "selection": selection}
                parts += _of_cell(place, chosen_by(own, column), benchmark)
    return pl.concat([_table(parts), agreement_rows(scores, strengths)])


def _of_cell(place: Mapping[str, Any], genes: Sequence[int], benchmark: Benchmark) -> list[dict[str, Any]]:
    row = np.array([genes], dtype=np.int8)
    place = {**place, "cell": get_space(CELL_SPACE).describe(row[0])}
    accuracy = float(cell_accuracies(benchmark, row)[0])
    skips = float((row == OPERATIONS.index(SKIP)).mean())
    return [_row(place, ACCURACY, accuracy if np.isfinite(accuracy) else None), _row(place, SKIPS, skips)]


def _row(place: Mapping[str, Any], quantity: str, value: float | None) -> dict[str, Any]:
    return {"selection": None, "cell": None, **place, "quantity": quantity, "value": value}


_SCHEMA: dict[str, Any] = {
    "quantity": pl.String,
    "setting": pl.String,
    "seed": pl.Int64,
    "epoch": pl.Int64,
    "selection": pl.String,
    "cell": pl.String,
    "value": pl.Float64,
}


def _table(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame({name: [row[name] for row in rows] for name in _SCHEMA}, schema=_SCHEMA)
