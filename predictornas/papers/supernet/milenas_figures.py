"""Figures 2, 3, 5 and 6 of He et al. 2020 (MiLeNAS): mixed-level searches against single-level and bilevel ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from predictornas.analysis.statistics import POSITIVE, SHARE, Bounds, over_seeds
from predictornas.benchmarks.table import Benchmark
from predictornas.papers.claims import DIFFERENCE, SPREAD, difference_of, judged, together
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.cell_accuracy import CELL_SPACE, cell_accuracies, cell_table, described_table
from predictornas.papers.supernet.searches import (
    SCALES,
    Scale,
    SearchTrace,
    StudiedSearch,
    described_scale,
    scale_of,
    studied,
    study_facts,
    table_for,
    traces,
)
from predictornas.plots.milenas import draw_curves_and_rows, draw_sizes
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.nasbench201 import OPERATIONS
from predictornas.spaces.registry import get_space
from predictornas.studies.supernet_tables import operations_of
from predictornas.supernet.method import Method
from predictornas.supernet.parts.updates import Mixed
from predictornas.supernet.published import get_method

LEVELS = ("single-level", "mixed-0.1", "mixed-1", "mixed-999", "darts-2")
"""Settings of figure 2, in the order in which the paper finds their gaps, the largest first."""

LOSSES_A_STEP = {"single-level": 2, "mixed-0.1": 3, "mixed-1": 3, "mixed-999": 3, "darts-2": 5}
"""Losses that one step differentiates, that of the operation weights included (He et al. 2020, eq. 5 to 7)."""

LEVEL_SCALES = {
    # The epochs of the paper and its switch at the 35th of them, on a fiftieth of its images, which are learned by
    # heart as in its figure; 800 steps for 19,500, so that 25 times the rate of alpha gives it as much way (ours).
    "medium": Scale(
        CELL_SPACE,
        images=2_000,
        pixels=16,
        batch_size=64,
        epochs=50,
        cells=1,
        channels=8,
        seeds=5,
        architecture_rate=25.0,
    ),
}
"""Sizes that figures 2 and 3 alone have."""

LONG_SEARCH = 200
"""Epochs of figure 6 in the paper; the other figures have 50."""

CELL_ACCURACY = "accuracy of the cell in NAS-Bench-201"
"""Of a cell that is trained from scratch, as the evaluation column of the table has it."""

SIZE_DIFFERENCE = "best validation accuracy, difference"
"""Of mixed-level and bilevel searches, in the table of figure 6."""

ACCURACY_CLAIMS = {
    "single-level": "< 0",
    "mixed-0.1": "> 0",
    "mixed-1": "> 0",
    "mixed-999": "about 0",
    "bilevel-to-mixed": "> 0",
}
"""Where the paper's figure 3a has the validation accuracy of each setting, less that of darts-2."""

SAMPLING_ACCURACIES = {
    "final validation accuracy": {"gdas": 0.6579, "milenas-gumbel": 0.6956},
    CELL_ACCURACY: {"gdas": 1 - 0.0282, "milenas-gumbel": 1 - 0.0257},
}
"""What the paper states for figure 5; the second line is of DARTS cells, retrained on CIFAR-10."""

_SEEDS = "Mean and 95 % interval (cut at the edge of a panel) over seeds"
_FINAL = "Final: mean of the last quarter of the epochs"


def gap_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 2: how far the accuracy on the training half is above that on the validation half."""
    searches = _level_searches(request, LEVELS)
    ends = LEVELS[0], LEVELS[-1]
    pairs = [*pairwise(LEVELS), ends]
    table = table_for(
        request, lambda: _table(_followed(epoch_rows(_at_levels(request, searches)), "gap", "gap", pairs, DIFFERENCE))
    )
    caption = (
        f"{described_scale(request, searches[0].scale)} Accuracy on the training half as it was seen in the epoch, "
        f"less that on the validation half after it. {_FINAL}. {_SEEDS}; differences between settings are paired by "
        "seed."
    )
    figure = draw_curves_and_rows(
        _part(table, "gap"),
        _part(table, "final gap"),
        quantity="training - validation accuracy, %",
        rows_quantity="final gap, %",
        title=title,
        caption=caption,
    )
    claims = {f"{a} - {b}": "about 0" if (a, b) == LEVELS[-2:] else "> 0" for a, b in pairs}
    return Made(table, figure, study_facts(searches), _beside(table, "final gap, difference", claim=claims))


def validation_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 3: validation accuracy over epochs, and what an epoch costs.

    The switch has no cost of its own: it is that of its two parts.
    """
    searches = _level_searches(request, (*LEVELS, "bilevel-to-mixed"))
    table = table_for(request, lambda: _accuracies_and_costs(_at_levels(request, searches)))
    losses = ", ".join(f"{setting} {count}" for setting, count in LOSSES_A_STEP.items())
    caption = (
        f"{described_scale(request, searches[0].scale)} Accuracy of the super-network on the validation half. "
        f"{_SEEDS}. Cost: median wall time of an epoch with its validation, relative to single-level at the same seed. "
        f"Losses differentiated a step, weights included: {losses}."
    )
    relative = _part(table, "seconds an epoch, ratio").filter(pl.col("setting").str.ends_with(" / single-level"))
    figure = draw_curves_and_rows(
        _part(table, "validation accuracy"),
        relative.with_columns(pl.col("setting").str.strip_suffix(" / single-level")),
        quantity="validation accuracy, %",
        rows_quantity="time of an epoch / that of single-level",
        title=title,
        caption=caption,
        percent_rows=False,
    )
    accuracies = {f"{setting} - darts-2": claim for setting, claim in ACCURACY_CLAIMS.items()}
    paper = [
        _beside(table, "final validation accuracy, difference", claim=accuracies),
        _beside(table, "seconds an epoch, ratio", claim={"darts-2 / mixed-1": "> 3"}),
    ]
    return Made(table, figure, study_facts(searches) | {"losses_a_step": LOSSES_A_STEP}, pl.concat(paper))


def sampling_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 5: GDAS against MiLeNAS with Gumbel-softmax, and between them GDAS with only its update exchanged (ours).

    Raises:
        ConfigurationError: a table of another space than NAS-Bench-201.
    """
    benchmark = _table_of_cells(request)
    searches = studied(request, _methods(scale_of(request).space, ("gdas", "gdas-mixed", "milenas-gumbel")))
    table = table_for(request, lambda: _sampled_accuracies(traces(request, searches), benchmark))
    own_recipes = scale_of(request).epochs is None
    recipes = " Each has the recipe of its paper: 250 epochs in batches of 256, and 50 of 128." if own_recipes else ""
    caption = (
        f"{described_scale(request)} Accuracy of the super-network on the validation half, at sampled operations "
        "(GDAS: one an edge; MiLeNAS: a mixture), so that levels also differ by the relaxation. 'GDAS, mixed-level' "
        f"differs from GDAS in its update alone.{recipes} {_SEEDS}. {_described_cells(benchmark)}"
    )
    figure = draw_curves_and_rows(
        _part(table, "validation accuracy"),
        _part(table, CELL_ACCURACY),
        quantity="validation accuracy, %",
        rows_quantity="accuracy of the derived cell, %",
        title=title,
        caption=caption,
    )
    paper = [_beside(table, quantity, paper=numbers) for quantity, numbers in SAMPLING_ACCURACIES.items()]
    better = {"milenas-gumbel - gdas": "> 0"}
    paper += [_beside(table, f"{quantity}, difference", claim=better) for quantity in SAMPLING_ACCURACIES]
    return Made(table, figure, study_facts(searches), together(*paper))


def sizes_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 6: the best validation accuracy by the number of convolutions in the architecture derived at an epoch.

    Raises:
        ConfigurationError: a table of another space than NAS-Bench-201.
    """
    benchmark = _table_of_cells(request)
    searches = _long_searches(request)
    table = table_for(request, lambda: _by_size(size_rows(traces(request, searches), benchmark), benchmark))
    drawn = table.filter(pl.col("quantity") != SIZE_DIFFERENCE)
    length = f" Searches of {LONG_SEARCH} epochs." if scale_of(request).epochs is None else ""
    caption = (
        f"{described_scale(request)}{length} For every number of convolutions: the best accuracy of the super-network "
        "on the validation half among the epochs after which the derived architecture has so many, and the cell of "
        f"that epoch. {_SEEDS} that derive one. {_described_cells(benchmark)}"
    )
    paper = _part(table, SIZE_DIFFERENCE).select(
        "quantity", "setting", "convolutions", pl.lit("> 0").alias("claim"), pl.col("mean").alias("ours"), *SPREAD
    )
    figure = draw_sizes(drawn, title=title, caption=caption)
    return Made(table, figure, study_facts(searches), judged(paper, "claim"))


def epoch_rows(found: Iterable[SearchTrace]) -> pl.DataFrame:
    """One row an epoch of each search: both accuracies, their `gap` (training - validation), and `seconds`."""
    rows = [
        {
            "setting": trace.search.setting,
            "seed": trace.search.seed,
            "epoch": record.epoch,
            "train_accuracy": record.train_accuracy,
            "validation_accuracy": record.validation_accuracy,
            "seconds": record.seconds,
        }
        for trace in found
        for record in trace.records
    ]
    return pl.DataFrame(rows).with_columns(gap=pl.col("train_accuracy") - pl.col("validation_accuracy"))


def final_values(epochs: pl.DataFrame, column: str) -> pl.DataFrame:
    """The mean `value` of a column in the last quarter of the epochs of each `setting` and `seed`, rounded up."""
    last = pl.col(column).sort_by("epoch").tail((pl.len() + 3) // 4)
    return epochs.group_by("setting", "seed", maintain_order=True).agg(value=last.mean())


def size_rows(found: Sequence[SearchTrace], benchmark: Benchmark | None) -> pl.DataFrame:
    """For each search and number of `convolutions`: its epoch of best validation accuracy, the first of equals.

    Args:
        found: the searches.
        benchmark: where `cell_accuracy` of the architecture derived at that epoch is read; null without one.
    """
    rows = []
    for trace in found:
        space = get_space(trace.search.space)
        genes = np.array([record.genes for record in trace.records], dtype=np.int8)
        accuracies = _accuracies(benchmark, genes)
        for record, row, accuracy in zip(trace.records, genes, accuracies, strict=True):
            rows.append(
                {
                    "setting": trace.search.setting.removesuffix(_LONG),
                    "seed": trace.search.seed,
                    "epoch": record.epoch,
                    "convolutions": convolutions(space, row),
                    "validation_accuracy": record.validation_accuracy,
                    "cell_accuracy": accuracy,
                }
            )
    frame = pl.DataFrame(rows, schema_overrides={"cell_accuracy": pl.Float64}, infer_schema_length=None)
    best = frame.sort("validation_accuracy", descending=True, maintain_order=True)
    best = best.unique(["setting", "seed", "convolutions"], keep="first", maintain_order=True)
    return best.sort("setting", "convolutions", "seed", descending=[True, False, False])


def convolutions(space: SearchSpace, genes: np.ndarray) -> int:
    """The number of convolutions, separable and dilated ones included, in all cells of an architecture `(g,)`."""
    return sum("conv" in operation for cell in operations_of(space, genes).values() for operation in cell)


_LONG = f", {LONG_SEARCH} epochs"


def _level_searches(request: FigureRequest, settings: Sequence[str]) -> list[StudiedSearch]:
    """Those of figures 2 and 3."""
    scale = scale_of(request, SCALES | LEVEL_SCALES)
    return studied(request, _methods(scale.space, settings), scale=scale)


def _at_levels(request: FigureRequest, searches: Sequence[StudiedSearch]) -> list[SearchTrace]:
    own = request.folder / f"milenas-{request.size}" if request.size in LEVEL_SCALES else None
    return traces(request, searches, folder=own)


def _methods(space_name: str, settings: Sequence[str]) -> dict[str, Method]:
    """What each setting means in a space; a lambda changes nothing but the update of MiLeNAS."""
    space = get_space(space_name)
    milenas = get_method("milenas", space)
    made = {f"mixed-{weight:g}": replace(milenas, update=Mixed(weight=weight)) for weight in (0.1, 1.0, 999.0)}
    made["gdas-mixed"] = replace(get_method("gdas", space), update=Mixed(weight=1.0))
    return {setting: made.get(setting) or get_method(setting, space) for setting in settings}


def _long_searches(request: FigureRequest) -> list[StudiedSearch]:
    """Those of figure 6: as long as the paper's where the scale takes its settings, else those of the other figures."""
    scale = scale_of(request)
    methods = _methods(scale.space, ("mixed-1", "darts-2"))
    if scale.epochs is not None:
        return studied(request, methods)
    named = {setting + _LONG: method for setting, method in methods.items()}
    return studied(request, named, scale=replace(scale, epochs=LONG_SEARCH))


def _followed(
    epochs: pl.DataFrame, column: str, name: str, pairs: Iterable[tuple[str, str]], bounds: Bounds
) -> dict[str, pl.DataFrame]:
    """A column over epochs, and at the end."""
    curves = over_seeds(epochs, ["setting", "epoch"], column, bounds=bounds)
    return {name: curves} | _summarised(final_values(epochs, column), f"final {name}", pairs, bounds)


def _accuracies_and_costs(found: Sequence[SearchTrace]) -> pl.DataFrame:
    """The table of figure 3."""
    epochs = epoch_rows(found)
    pairs = [(setting, "darts-2") for setting in ACCURACY_CLAIMS]
    parts = _followed(epochs, "validation_accuracy", "validation accuracy", pairs, SHARE)
    return _table(parts | _costs(epochs.filter(pl.col("setting").is_in(LEVELS))))


def _sampled_accuracies(found: Sequence[SearchTrace], benchmark: Benchmark | None) -> pl.DataFrame:
    """The table of figure 5."""
    pairs = [("milenas-gumbel", "gdas"), ("gdas-mixed", "gdas")]
    parts = _followed(epoch_rows(found), "validation_accuracy", "validation accuracy", pairs, SHARE)
    if benchmark is not None:
        parts |= _summarised(_derived_accuracies(found, benchmark), CELL_ACCURACY, pairs, SHARE)
    return _table(parts)


def _by_size(sizes: pl.DataFrame, benchmark: Benchmark | None) -> pl.DataFrame:
    """The table of figure 6."""
    by = ["setting", "convolutions"]
    parts = {"best validation accuracy": over_seeds(sizes, by, "validation_accuracy", bounds=SHARE)}
    if benchmark is not None:
        cells = over_seeds(sizes, by, "cell_accuracy", bounds=SHARE)
        parts[CELL_ACCURACY] = pl.concat([cells, _best_of_table(benchmark)], how="diagonal")
    return _table(parts | {SIZE_DIFFERENCE: _differences_by_size(sizes)}, by)


def _costs(epochs: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The median time of an epoch; a median, for other work on the machine makes single epochs long."""
    cost = epochs.group_by("setting", "seed", maintain_order=True).agg(value=pl.col("seconds").median())
    pairs = [(setting, "single-level") for setting in LEVELS[1:]]
    pairs += [("darts-2", setting) for setting in LEVELS[1:-1]]
    return _summarised(cost, "seconds an epoch", pairs, POSITIVE, ratio=True)


def _summarised(
    values: pl.DataFrame, name: str, pairs: Iterable[tuple[str, str]], bounds: Bounds, *, ratio: bool = False
) -> dict[str, pl.DataFrame]:
    """Means over seeds of each setting, and of a - b, or a / b, over the seeds that both have."""
    parts = []
    for a, b in pairs:
        both = values.filter(pl.col("setting") == a).join(values.filter(pl.col("setting") == b), on="seed")
        value = pl.col("value") / pl.col("value_right") if ratio else pl.col("value") - pl.col("value_right")
        parts.append(both.select(setting=pl.lit(f"{a} {'/' if ratio else '-'} {b}"), value=value))
    return {
        name: over_seeds(values, ["setting"], "value", bounds=bounds),
        f"{name}, {'ratio' if ratio else 'difference'}": over_seeds(
            pl.concat(parts), ["setting"], "value", bounds=POSITIVE if ratio else difference_of(bounds)
        ),
    }


def _table(parts: Mapping[str, pl.DataFrame], by: Sequence[str] = ("setting", "epoch")) -> pl.DataFrame:
    """One below the other; null where a part has no such column."""
    named = [part.with_columns(quantity=pl.lit(quantity)) for quantity, part in parts.items()]
    return pl.concat(named, how="diagonal").select("quantity", *by, "mean", *SPREAD)


def _part(table: pl.DataFrame, quantity: str) -> pl.DataFrame:
    return table.filter(pl.col("quantity") == quantity)


def _beside(table: pl.DataFrame, quantity: str, **said: Mapping[str, Any]) -> pl.DataFrame:
    """What the paper says of each setting, a claim or a number, beside what was found."""
    ours = _part(table, quantity).rename({"mean": "ours"}).drop("quantity")
    ((column, by_setting),) = said.items()
    rows = pl.DataFrame({"setting": list(by_setting), column: list(by_setting.values())})
    rows = rows.join(ours, on="setting", how="left", maintain_order="left")
    return judged(rows.select(pl.lit(quantity).alias("quantity"), "setting", column, "ours", *SPREAD), column)


def _differences_by_size(sizes: pl.DataFrame) -> pl.DataFrame:
    """Mixed-level less bilevel, at each number of convolutions that both derive at the same seed."""
    on = ["seed", "convolutions"]
    mixed, bilevel = (sizes.filter(pl.col("setting") == setting) for setting in ("mixed-1", "darts-2"))
    value = pl.col("validation_accuracy") - pl.col("validation_accuracy_right")
    both = mixed.join(bilevel, on=on).select(pl.lit("mixed-1 - darts-2").alias("setting"), *on, value=value)
    return over_seeds(both, ["setting", "convolutions"], "value", bounds=DIFFERENCE).sort("convolutions")


def _table_of_cells(request: FigureRequest) -> Benchmark | None:
    """Where accuracies of cells are read; None for architectures of a space that has no table."""
    return cell_table(request) if scale_of(request).space == CELL_SPACE else None


def _accuracies(benchmark: Benchmark | None, genes: Genes) -> list[float | None]:
    if benchmark is None:
        return [None] * len(genes)
    values = cell_accuracies(benchmark, genes)
    return [None if np.isnan(value) else float(value) for value in values]


def _derived_accuracies(found: Sequence[SearchTrace], benchmark: Benchmark) -> pl.DataFrame:
    """The accuracy `value` of the cell that each search arrives at."""
    genes = np.array([trace.genes for trace in found], dtype=np.int8)
    return pl.DataFrame(
        {
            "setting": [trace.search.setting for trace in found],
            "seed": [trace.search.seed for trace in found],
            "value": _accuracies(benchmark, genes),
        }
    )


def _best_of_table(benchmark: Benchmark) -> pl.DataFrame:
    """The best cell of a whole table by its number of convolutions: what a search of that size could have found."""
    counts = np.array(["conv" in name for name in OPERATIONS])[benchmark.genes].sum(axis=1)
    cells = pl.DataFrame({"convolutions": counts, "mean": _accuracies(benchmark, benchmark.genes)})
    best = cells.group_by("convolutions").agg(pl.col("mean").max(), runs=pl.len().cast(pl.Int64)).sort("convolutions")
    return best.with_columns(setting=pl.lit("whole table"))


def _described_cells(benchmark: Benchmark | None) -> str:
    if benchmark is None:
        return "Architectures of this space have no table: retrain them for their accuracy."
    return f"Cells: {described_table(benchmark)}."
