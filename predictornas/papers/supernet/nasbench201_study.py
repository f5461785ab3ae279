"""Every super-network method in NAS-Bench-201: what a table knows of the cell that each would derive at each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from predictornas.analysis.statistics import POSITIVE, SHARE, Bounds, over_seeds
from predictornas.benchmarks.table import Benchmark
from predictornas.papers.claims import DIFFERENCE, SPREAD, judged
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.cell_accuracy import CELL_SPACE, cell_accuracies, cell_tables, described_table
from predictornas.papers.supernet.searches import (
    Scale,
    SearchTrace,
    described_scale,
    scale_of,
    studied,
    study_facts,
    table_for,
    traces,
)
from predictornas.plots.nasbench201 import draw_trajectories
from predictornas.spaces.nasbench201 import OPERATIONS
from predictornas.spaces.registry import get_space
from predictornas.studies.supernet_tables import SKIP
from predictornas.supernet.published import METHODS, PERTURBATION, get_method

SETTINGS = tuple(METHODS)
"""Methods with the selection of their papers; all that are known."""

PERTURBED = tuple(name + PERTURBATION for name in ("darts-1", "sdarts-rs", "sgas-1", "drnas"))
"""Methods that are followed by perturbation selection too, as in table 3.1 of the thesis, and DrNAS (ours)."""

LEFT_OUT = {"small": ("darts-2-exact", "sdarts-adv", "sgas-2", "sdarts-rs+pt", "sgas-1+pt", "drnas+pt")}
"""What a size does without: on two cores these would take as long as all the others together."""

STATED = {"nasbench201-cifar10": 0.9436, "nasbench201-cifar100": 0.7351, "nasbench201-imagenet16-120": 0.4634}
"""Test accuracies of DrNAS (Chen et al. 2021): the only ones in this space that the papers state."""

CLAIMS = {"accuracy, difference": ("darts-1+pt - darts-1", "> 0"), "accuracy since half-way": ("darts-1", "< 0")}
"""What figure 3.1 of the thesis shows: DARTS degenerates, and selection by perturbation does not."""


def trajectories_figure(request: FigureRequest, *, title: str) -> Made:
    """The accuracy of the derived cell over epochs, one panel a method, as in figure 3.1 of the thesis.

    Raises:
        ConfigurationError: a table of another space than NAS-Bench-201.
    """
    space = get_space(CELL_SPACE)
    left_out = LEFT_OUT.get(request.size, ())
    methods = {name: get_method(name, space) for name in (*SETTINGS, *PERTURBED) if name not in left_out}
    scale = replace(scale_of(request), space=CELL_SPACE)
    searches = studied(request, methods, scale=scale)
    tables = cell_tables(request)
    table = table_for(request, lambda: epoch_rows(traces(request, searches), tables))
    summary = summarised(table, list(tables))
    first, benchmark = next(iter(tables.items()))
    known = cell_accuracies(benchmark, benchmark.genes)
    drawn = table.rename({first: "accuracy"})
    return Made(
        table,
        draw_trajectories(
            drawn.filter(pl.col("setting").is_in(SETTINGS)),
            _ends(drawn),
            median=float(np.nanmedian(known)),
            best=float(np.nanmax(known)),
            title=title,
            caption=_caption(request, scale, tables),
        ),
        study_facts(searches) | {"tables": {name: described_table(table) for name, table in tables.items()}},
        _beside(summary),
    )


def epoch_rows(found: Sequence[SearchTrace], tables: Mapping[str, Benchmark]) -> pl.DataFrame:
    """One row an epoch of each search, with a column of accuracies for each table, null where it knows none.

    `cell` is the architecture that would be selected after the epoch, `skip_share` the share of skip connections among
    its six edges, and `is_selected` says which epoch's cell the search arrives at: of equal ones the last.
    """
    parts = []
    for trace in found:
        genes = np.array([record.genes for record in trace.records], dtype=np.int8)
        selected = np.flatnonzero((genes == np.array(trace.genes)).all(axis=1)).max()
        columns = {
            "setting": [trace.search.setting] * len(genes),
            "seed": [trace.search.seed] * len(genes),
            "epoch": [record.epoch for record in trace.records],
            "phase": [record.phase for record in trace.records],
            "cell": [get_space(CELL_SPACE).describe(row) for row in genes],
            "is_selected": [place == selected for place in range(len(genes))],
            "skip_share": (genes == OPERATIONS.index(SKIP)).mean(axis=1),
            "seconds": [record.seconds for record in trace.records],
        }
        accuracies = {name: cell_accuracies(table, genes) for name, table in tables.items()}
        parts.append(pl.DataFrame(columns | accuracies).with_columns(pl.col(list(tables)).fill_nan(None)))
    return pl.concat(parts)


def summarised(epochs: pl.DataFrame, tables: Sequence[str]) -> pl.DataFrame:
    """Means over seeds of what searches end with: accuracies by table, share of skip connections, seconds in all.

    Also, by table, `accuracy since half-way`: that of the selected cell less that of the cell after half of the search,
    and the difference that perturbation selection makes at the same seed.

    Returns:
        The columns `quantity`, `table`, `setting`, `mean`, `std`, `low`, `high`, `runs`.
    """
    ends = epochs.filter(pl.col("is_selected"))
    seconds = epochs.group_by("setting", "seed", maintain_order=True).agg(pl.col("seconds").sum())
    parts: list[tuple[str, str | None, pl.DataFrame, str, Bounds]] = [
        ("skip share", None, ends, "skip_share", SHARE),
        ("seconds", None, seconds, "seconds", POSITIVE),
    ]
    for name in tables:
        then = epochs.filter(pl.col("epoch") == _half_way()).select("setting", "seed", then=pl.col(name))
        since = ends.join(then, on=["setting", "seed"], maintain_order="left")
        parts += [
            ("accuracy", name, ends, name, SHARE),
            (
                "accuracy since half-way",
                name,
                since.with_columns(value=pl.col(name) - pl.col("then")),
                "value",
                DIFFERENCE,
            ),
            ("accuracy, difference", name, _differences(ends, name), "value", DIFFERENCE),
        ]
    return pl.concat(
        over_seeds(values, ["setting"], column, bounds=bounds).select(
            pl.lit(quantity).alias("quantity"),
            pl.lit(table, dtype=pl.String).alias("table"),
            "setting",
            "mean",
            *SPREAD,
        )
        for quantity, table, values, column, bounds in parts
        if len(values)
    )


def _half_way() -> pl.Expr:
    """The epoch at half of each search; what comes after it with perturbation selection is fine-tuning."""
    searched = pl.col("epoch").filter(pl.col("phase") != "fine-tuning").max()
    return (searched.over("setting", "seed") + 1) // 2


def _differences(ends: pl.DataFrame, column: str) -> pl.DataFrame:
    """With perturbation selection less without, at the same seed; the super-networks of a pair begin alike."""
    perturbed = ends.filter(pl.col("setting").str.ends_with(PERTURBATION))
    own = ends.select("seed", pl.col("setting") + PERTURBATION, own=pl.col(column))
    both = perturbed.join(own, on=["setting", "seed"], maintain_order="left")
    return both.select(
        setting=pl.col("setting") + " - " + pl.col("setting").str.strip_suffix(PERTURBATION),
        value=pl.col(column) - pl.col("own"),
    )


def _ends(epochs: pl.DataFrame) -> pl.DataFrame:
    """What each search arrives at; with perturbation selection below the name of the method without."""
    is_perturbed = pl.col("setting").str.ends_with(PERTURBATION)
    return epochs.filter(pl.col("is_selected")).select(
        pl.col("setting").str.strip_suffix(PERTURBATION),
        pl.when(is_perturbed).then(pl.lit("perturbation")).otherwise(pl.lit("own")).alias("selection"),
        "accuracy",
        "skip_share",
    )


def _beside(summary: pl.DataFrame) -> pl.DataFrame:
    """Every method's end, with the accuracies that a paper states and what the thesis claims."""
    on = ["quantity", "table", "setting"]
    stated = [
        {"quantity": "accuracy", "table": name, "setting": "drnas", "paper": accuracy, "claim": None}
        for name, accuracy in STATED.items()
    ]
    claims = [
        {"quantity": quantity, "table": name, "setting": setting, "paper": None, "claim": claim}
        for name in STATED
        for quantity, (setting, claim) in CLAIMS.items()
    ]
    said = pl.DataFrame(stated + claims, schema_overrides={"paper": pl.Float64, "claim": pl.String})
    rows = summary.join(said, on=on, how="left", nulls_equal=True, maintain_order="left").rename({"mean": "ours"})
    return judged(rows.select(*on, "paper", "claim", "ours", *SPREAD), "claim")


def _caption(request: FigureRequest, scale: Scale, tables: Mapping[str, Benchmark]) -> str:
    first, *others = tables.values()
    reduced = "" if scale.epochs is None else " PVLL-NAS: so many visits, and its own learning rate."
    also = f" The table of this figure also has {', '.join(table.name for table in others)}." if others else ""
    return (
        f"{described_scale(request, scale)}{reduced} Accuracies from {described_table(first)}, of the cell that "
        "would be selected after the epoch. Thin lines: seeds; thick: their mean. Diamonds: seeds and mean with "
        "perturbation selection (+pt). Dotted: median and best cell of the table. Numbers: mean accuracy in % and "
        "share of skip connections of the cell that the search arrives at; the "
        f"vertical axis is logarithmic in the error.{also}"
    )
