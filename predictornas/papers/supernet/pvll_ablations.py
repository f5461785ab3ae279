"""Figures 3a and 3b, tables 3 to 5 of Li, Dong et al. 2020 with a super-network, whose losses move meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from predictornas.analysis.statistics import CORRELATION, POSITIVE, SHARE, over_seeds
from predictornas.benchmarks.table import Benchmark
from predictornas.papers.claims import SPREAD, alike, beside, steps, together
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.pvll_figures import ABLATION, POPULATIONS, paper_ablation, paper_populations
from predictornas.papers.supernet.cell_accuracy import CELL_SPACE, cell_accuracies, cell_table, described_table
from predictornas.papers.supernet.estimator_probe import EstimatorProbe
from predictornas.papers.supernet.searches import (
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
from predictornas.plots.estimator import draw_curves, draw_rows
from predictornas.spaces.registry import get_space
from predictornas.supernet.method import Method
from predictornas.supernet.network.topology import topology_of
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.published import get_method

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER = LossSpaceRegression()
"""Algorithm 1 with the paper's N = T = 100, at every size: visits are cheap where images are few."""

IMAGES = 200
"""At most so many at a scale that reduces images, half of them to train a path with and half to validate (ours)."""

CELLS = {"darts": 3, CELL_SPACE: 1}
"""Depth at a scale that reduces it; a DARTS super-network of three has one normal and two reduction cells (ours)."""

SPACES = ("darts-s2", "darts-s3", "darts", "darts-8")
"""Two, three, seven and eight operations on each of 28 edges (ours: the legend of figure 3b is lost)."""

FULL, UNWARMED, UNIFORM = "sampler, warm-up, weighted loss", "sampler, weighted loss", "none"
"""Rows of table 5 that other figures look at too."""

ORDERS = {"second order": (0.0272, 0.20), "first order": (0.0348, 0.10)}
"""Table 4: test error on CIFAR-10 after retraining, and days of search."""

PROBES = {"small": EstimatorProbe(paths=50, interval=50), "full": EstimatorProbe()}
"""The paper has 100 test paths; every one costs as much as a visit of the search."""

_ERROR = "error of the cell (paper: retrained on CIFAR-10)"
_LOSS = (
    "Loss: mean squared error of psi against the validation losses that uniformly drawn paths outside the memory would "
    "have if they were visited next, after an epoch of training, over the variance of these losses, so that 1 is no "
    "better than their mean"
)


def sampling_curves_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 3a: psi's loss with gradient-sampled and with uniform paths, without a warm-up population."""
    names = {UNWARMED: "gradient sampling", UNIFORM: "uniform sampling"}
    searches = _searches(request, {setting: ablation()[setting] for setting in names})
    table, paper = request.found, None
    if table is None:
        rows = probed_rows(traces(request, searches)).with_columns(pl.col("setting").replace(names))
        splits = {"relative_loss": "test", "relative_training_loss": "training", "tau": "test"}
        table, paper = _curves(rows, splits), _uniform_less_gradient(rows)
    caption = (
        f"{_described(request, CELL_SPACE)} {_LOSS} (solid), and against the memory, which psi was trained on "
        "(dashed). Mean and 95 % interval over seeds."
    )
    losses = table.filter(pl.col("quantity") != "tau")
    figure = draw_curves(losses, quantity="loss / variance of the test set", title=title, caption=caption)
    return Made(table, figure, study_facts(searches), paper)


def space_sizes_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 3b: psi's loss in four DARTS spaces, which differ in their operations on each edge.

    NAS-Bench-201 has one set of operations for all edges and no smaller super-network, so these are DARTS cells.
    """
    update = replace(PAPER, warm_up=0)
    searches = [search for name in SPACES for search in _searches(request, {f"{UNWARMED}, {name}": update}, space=name)]
    labels = {f"{UNWARMED}, {name}": _sized(name) for name in SPACES}
    table, paper = request.found, None
    if table is None:
        rows = probed_rows(traces(request, searches)).with_columns(pl.col("setting").replace(labels))
        table, paper = _curves(rows, {"relative_loss": "test"}), _alike(_last(rows, "relative_loss"), labels.values())
    caption = (
        f"{_described(request, 'darts')} The spaces are those of DARTS with 2, 3, 7 and 8 operations an edge; a path "
        f"has 28. Without a warm-up population. {_LOSS}. "
        "Mean and 95 % interval over seeds."
    )
    figure = draw_curves(table, quantity="loss / variance of the test set", title=title, caption=caption)
    return Made(table, figure, study_facts(searches), paper)


def populations_figure(request: FigureRequest, *, title: str) -> Made:
    """Table 3: psi's loss after warm-up populations of four sizes, and one step of the search."""
    settings = {f"{size} architectures": replace(PAPER, warm_up=size, memory=size, steps=1) for size in POPULATIONS}
    searches = _searches(request, settings)
    table = table_for(request, lambda: _populations(_at_end(probed_rows(traces(request, searches)))))
    values = table.filter(pl.col("quantity") == "relative_loss")
    caption = (
        f"{_described(request, CELL_SPACE)} {_LOSS}. Every member of the population is trained for an epoch twice, the "
        "second time before it is evaluated; psi is trained once all are. Points: seeds; bar: 95 % interval. The "
        "paper does not say how its losses are normalised: compare the order, not the numbers."
    )
    return Made(
        table,
        draw_rows(values, quantity="loss / variance of the test set", title=title, caption=caption, bounds=POSITIVE),
        study_facts(searches),
        paper_populations(values, POPULATIONS),
    )


def orders_figure(request: FigureRequest, *, title: str) -> Made:
    """Table 4: each path evaluated as it is (first order), or after an epoch of training (second order)."""
    settings = {"second order": FULL, "first order": f"{FULL}, first order"}
    methods = {FULL: PAPER, settings["first order"]: replace(PAPER, order=1)}
    searches = _searches(request, methods, probed=False)
    benchmark = cell_table(request)
    names = {setting: name for name, setting in settings.items()}
    table = table_for(
        request,
        lambda: derived_rows(traces(request, searches), benchmark).with_columns(pl.col("setting").replace(names)),
    )
    values = table.filter(pl.col("quantity") == "derived")
    errors, days = ({name: stated[place] for name, stated in ORDERS.items()} for place in (0, 1))
    seconds, time = table.filter(pl.col("quantity") == "seconds"), "time of the search (paper: days; ours: seconds)"
    paper = [
        beside(values, _ERROR, errors, bounds=SHARE),
        steps(values, _ERROR, errors, bounds=SHARE),
        beside(seconds, time, days, bounds=POSITIVE),
        steps(seconds, time, days, bounds=POSITIVE),
    ]
    return Made(
        table,
        _drawn_errors(values, title, _cells_caption(request, benchmark)),
        study_facts(searches) | {"table": benchmark.name},
        together(*paper),
    )


def supernet_ablation_figure(request: FigureRequest, *, title: str) -> Made:
    """Table 5: the error of the cell that is derived with and without sampler, warm-up and weighted loss.

    Without the sampler the parameters never move, so that the cell is that of smallest validation loss; `evaluated`
    has that cell for every setting.
    """
    searches = _searches(request, ablation(), probed=False)
    benchmark = cell_table(request)
    table = table_for(request, lambda: derived_rows(traces(request, searches), benchmark))
    values = table.filter(pl.col("quantity") == "derived")
    return Made(
        table,
        _drawn_errors(values, title, _cells_caption(request, benchmark)),
        study_facts(searches)
        | {"table": benchmark.name, "paper_deviation": {name: deviation for name, _, _, deviation in ABLATION}},
        paper_ablation(values, _ERROR),
    )


def ablation() -> dict[str, LossSpaceRegression]:
    """The rows of table 5; a search without a warm-up has as many evaluations in all (section 5.5)."""
    alone = replace(PAPER, warm_up=0, steps=PAPER.warm_up + PAPER.steps)
    return {
        FULL: PAPER,
        "sampler, warm-up": replace(PAPER, weighted=False),
        UNWARMED: alone,
        "sampler": replace(alone, weighted=False),
        "warm-up": replace(PAPER, gradient=False),
        UNIFORM: replace(alone, gradient=False),
    }


def probed_rows(found: Sequence[SearchTrace]) -> pl.DataFrame:
    """What the probes measured, with the `setting` and `seed` of each search."""
    rows = [
        {"setting": trace.search.setting, "seed": trace.search.seed, **row} for trace in found for row in trace.probed
    ]
    overrides = dict.fromkeys(("relative_loss", "relative_training_loss", "tau"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None)


def derived_rows(found: Sequence[SearchTrace], benchmark: Benchmark) -> pl.DataFrame:
    """One row a search and `quantity`: `derived` and `evaluated`, errors of cells, and `seconds`.

    `derived` is the cell of the largest parameters, or where these never move that of smallest validation loss, which
    `evaluated` is everywhere: among the paths in the order of their visits, of equals the first.
    """
    rows = []
    for trace in found:
        update = trace.search.method.update
        moves = isinstance(update, LossSpaceRegression) and update.gradient
        evaluated = _best_evaluated(trace)
        cells = np.array([trace.genes if moves else evaluated, evaluated], dtype=np.int8)
        errors = 1 - cell_accuracies(benchmark, cells)
        values = {
            "derived": float(errors[0]),
            "evaluated": float(errors[1]),
            "seconds": sum(record.seconds for record in trace.records),
        }
        place = {"setting": trace.search.setting, "seed": trace.search.seed}
        rows += [{**place, "quantity": quantity, "value": value} for quantity, value in values.items()]
    return pl.DataFrame(rows).with_columns(pl.col("value").fill_nan(None))


def _best_evaluated(trace: SearchTrace) -> tuple[int, ...]:
    landscape = trace.trained().landscape
    if landscape is None:  # a method of another kind
        return trace.genes
    remembered = landscape.state_dict()
    best = remembered["sequences"][int(remembered["losses"].argmin())]
    return tuple(best.argmax(dim=1).tolist())


def _searches(
    request: FigureRequest,
    settings: Mapping[str, LossSpaceRegression],
    *,
    space: str = CELL_SPACE,
    probed: bool = True,
) -> list[StudiedSearch]:
    """Searches of PVLL-NAS that differ in the settings of algorithm 1 alone, each with the same probe, or none."""
    base = get_method("pvll", get_space(space))
    methods: dict[str, Method] = {name: replace(base, update=update) for name, update in settings.items()}
    scale = _scale(request, space)
    return studied(request, methods, scale=scale, space=space, probe=PROBES[request.size] if probed else None)


def _scale(request: FigureRequest, space: str) -> Scale:
    """The request's own, with as many visits as the paper, of fewer images; alpha's learning rate is the paper's."""
    scale = scale_of(request)
    return replace(
        scale,
        space=space,
        epochs=None,
        images=None if scale.images is None else min(scale.images, IMAGES),
        cells=None if scale.cells is None else CELLS[CELL_SPACE if space == CELL_SPACE else "darts"],
        architecture_rate=1.0,
    )


def _described(request: FigureRequest, space: str) -> str:
    return described_scale(request, _scale(request, space))


def _cells_caption(request: FigureRequest, benchmark: Benchmark) -> str:
    return (
        f"{_described(request, CELL_SPACE)} {PAPER.warm_up + PAPER.steps} evaluations a search. Error of the derived "
        "cell, which without the sampler is the evaluated one of smallest validation loss, in "
        f"{described_table(benchmark)}. Points: seeds; bar: 95 % interval."
    )


def _sized(name: str) -> str:
    """A space with the number of its paths, e.g. "1.9e+25 paths (darts-8)"."""
    operations = [len(names) for cell in topology_of(get_space(name)).cells for names in cell.operations]
    return f"{math.prod(operations):.1e} paths ({name})"


def _drawn_errors(values: pl.DataFrame, title: str, caption: str) -> Figure:
    return draw_rows(values, quantity="error, %", title=title, caption=caption, bounds=SHARE, scale=100.0)


def _curves(rows: pl.DataFrame, splits: Mapping[str, str]) -> pl.DataFrame:
    """Columns of the probes over evaluations, each with the name of what it was measured on."""
    parts = [
        over_seeds(
            rows, ["setting", "evaluations"], column, bounds=CORRELATION if column == "tau" else POSITIVE
        ).select(
            curve="setting",
            split=pl.lit(split),
            quantity=pl.lit(column),
            **{name: name for name in ("evaluations", "mean", *SPREAD)},
        )
        for column, split in splits.items()
    ]
    return pl.concat(parts)


def _populations(ends: pl.DataFrame) -> pl.DataFrame:
    """The table of table 3."""
    return ends.unpivot(["relative_loss", "tau"], index=["setting", "seed", "evaluations"], variable_name="quantity")


def _at_end(rows: pl.DataFrame) -> pl.DataFrame:
    """The last row of each search."""
    return rows.sort("epoch").group_by("setting", "seed", maintain_order=True).last()


def _last(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return _at_end(rows).select("setting", "seed", value=column)


def _uniform_less_gradient(rows: pl.DataFrame) -> pl.DataFrame:
    """Whether gradient sampling has the smaller loss, at every number of evaluations, paired by seed."""
    on = ["seed", "evaluations"]
    gradient, uniform = (rows.filter(pl.col("setting") == f"{name} sampling") for name in ("gradient", "uniform"))
    both = uniform.join(gradient, on=on).select(*on, value=pl.col("relative_loss") - pl.col("relative_loss_right"))
    named = both.sort(on).select(setting=pl.format("uniform - gradient, {} evaluations", "evaluations"), value="value")
    settings = named["setting"].unique(maintain_order=True).to_list()
    return beside(named, "difference of relative losses", dict.fromkeys(settings, "> 0"), column="claim")


def _alike(ends: pl.DataFrame, settings: Iterable[str]) -> pl.DataFrame:
    """The claim of figure 3b, whose verdict is of all spaces together."""
    said = dict.fromkeys(settings, "alike in all spaces")
    rows = beside(ends, "relative loss at the end", said, column="claim", bounds=POSITIVE)
    return rows.with_columns(verdict=pl.lit(alike(rows)))
