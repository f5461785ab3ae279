"""Figures 3a and 3b, tables 3 and 5 of Li, Dong et al. 2020, with a table in the place of the super-network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from predictornas.analysis.statistics import POSITIVE, SHARE, over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.counting import counted
from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.papers.claims import beside, steps, together
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.pvll_runs import EstimatorRun, estimator_rows, part_of
from predictornas.plots.estimator import draw_curves, draw_rows
from predictornas.search.pvll import PVLLSearch
from predictornas.studies.gain.study import data_fingerprint

DEFAULT_BENCHMARK = "nasbench201-cifar10"
"""Offline, and the paper's table of operations on edges."""

SAMPLES = 100
"""Training and test architectures of figure 3a (paper)."""

POPULATIONS = {50: 0.0023, 100: 0.0009, 200: 0.0005, 500: 0.0007}
"""Population sizes of table 3, and the estimation loss that the paper states for each (its own normalisation)."""

SPACES = {
    "3 operations on 6 edges": ((1, 2, 3),) * 6,
    "5 operations on 5 edges": ((0, 1, 2, 3, 4),) * 5 + ((3,),),
    "4 operations on 6 edges": ((1, 2, 3, 4),) * 6,
    "5 operations on 6 edges": ((0, 1, 2, 3, 4),) * 6,
}
"""Parts of NAS-Bench-201 with 729, 3,125, 4,096 and 15,625 cells (ours: the legend of figure 3b is lost)."""

AS_PRINTED = ", as printed"
"""After the name of a row: with the paper's rates and normalisation; see `PVLLSearch.published`."""

_PARTS: tuple[tuple[str, dict[str, Any], float, float], ...] = (
    ("sampler, warm-up, weighted loss", {}, 2.72, 0.02),
    ("sampler, warm-up", {"weighted": False}, 2.81, 0.08),
    ("sampler, weighted loss", {"warm_up": 0}, 3.10, 0.22),
    ("sampler", {"warm_up": 0, "weighted": False}, 3.03, 0.30),
    ("warm-up", {"gradient": False}, 3.08, 0.24),
    ("none", {"gradient": False, "warm_up": 0}, 3.20, 0.32),
)

ABLATION = tuple(
    (name + suffix, replace(search, **changes), mean, deviation)
    for suffix, search in (("", PVLLSearch()), (AS_PRINTED, PVLLSearch.published()))
    for name, changes, mean, deviation in _PARTS
)
"""Rows of table 5: parts, method, and the paper's test error in % with its deviation (CIFAR-10, super-network)."""

ENDS = ("derived", "incumbent", "minimum", "late")
"""What a run comes to, by four rules; see `estimator_rows`."""

_UNITS = (
    "Loss: mean squared error of the estimated loss, where 0 is the table's best accuracy and 1 its 20 % quantile, on "
    "architectures above that quantile that were never proposed, the same for all runs"
)


def learning_curves_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 3a: the estimator's loss with gradient-sampled and with uniform training architectures."""
    curves = {
        f"{name} sampling{suffix}": replace(search, warm_up=0, gradient=gradient)
        for suffix, search in (("", PVLLSearch()), (AS_PRINTED, PVLLSearch.published()))
        for name, gradient in (("gradient", True), ("uniform", False))
    }
    runs = [
        (name, EstimatorRun(_benchmark(request), search, SAMPLES, seed, test_size=SAMPLES, curve=True))
        for name, search in curves.items()
        for seed in range(_seeds(request))
    ]
    table = _curve_table(_measured(request, runs), {"test": "test_loss", "training": "training_loss"})
    caption = (
        f"{_setting(request)} {_UNITS} (solid) and on the remembered ones (dashed), which the estimator was trained on "
        "one at a time. Mean and 95 % interval over seeds."
    )
    return Made(
        table,
        draw_curves(table, quantity="mean squared error of normalised losses", title=title, caption=caption),
        _facts(request, runs),
    )


def space_sizes_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 3b: the same curve in spaces of four sizes, relative to how much accuracies differ in each.

    Raises:
        ConfigurationError: a table of another space than NAS-Bench-201.
    """
    space = open_benchmark(_benchmark(request)).space
    if space.name != "nasbench201":
        raise ConfigurationError(
            f"The four sizes of this figure are parts of NAS-Bench-201, not of {space.name!r}. "
            f"Use --benchmark {DEFAULT_BENCHMARK}."
        )
    runs = [
        (
            f"{len(part_of(space, choices)):,} ({name})",
            EstimatorRun(_benchmark(request), PVLLSearch(warm_up=0), SAMPLES, seed, curve=True, choices=choices),
        )
        for name, choices in SPACES.items()
        for seed in range(_seeds(request))
    ]
    table = _curve_table(_measured(request, runs), {"test": "relative_loss"})
    caption = (
        f"{_setting(request)} Gradient sampling. {_UNITS}, over the variance of their accuracies: 1 is no better than "
        "calling all equal. Mean and 95 % interval over seeds."
    )
    return Made(
        table,
        draw_curves(table, quantity="loss / variance of the test set", title=title, caption=caption),
        _facts(request, runs),
    )


def populations_figure(request: FigureRequest, *, title: str) -> Made:
    """Table 3: the estimator's loss after warm-up on populations of four sizes."""
    runs = [
        (f"{size} architectures", EstimatorRun(_benchmark(request), PVLLSearch(warm_up=size, memory=size), size, seed))
        for size in POPULATIONS
        for seed in range(_seeds(request))
    ]
    table = _last(_measured(request, runs), ("test_loss", "relative_loss", "tau"))
    caption = (
        f"{_setting(request)} {_UNITS}. Points: seeds; bar: 95 % interval. The paper's values are of losses normalised "
        "in a way it does not say: compare the order, not the numbers."
    )
    values = table.filter(pl.col("quantity") == "test_loss")
    return Made(
        table,
        draw_rows(
            values, quantity="mean squared error of normalised losses", title=title, caption=caption, bounds=POSITIVE
        ),
        _facts(request, runs),
        paper_populations(values, POPULATIONS),
    )


def paper_populations(values: pl.DataFrame, losses: Mapping[int, float]) -> pl.DataFrame:
    """The paper's loss for each size of population and their order beside ours, settings as "50 architectures"."""
    stated = {f"{size} architectures": loss for size, loss in losses.items()}
    said = beside(values, "estimation loss", stated, bounds=POSITIVE)
    return together(said, steps(values, "estimation loss", stated, bounds=POSITIVE))


def paper_ablation(values: pl.DataFrame, quantity: str) -> pl.DataFrame:
    """The errors of table 5 beside ours, and the first row less the last."""
    known = set(values["setting"])
    stated = {name: mean / 100 for name, _, mean, _ in ABLATION if name in known}
    groups = [[name for name in stated if name.endswith(AS_PRINTED) == printed] for printed in (False, True)]
    ends = [{name: stated[name] for name in (group[0], group[-1])} for group in groups if group]
    said = beside(values, quantity, stated, bounds=SHARE)
    return together(said, *(steps(values, quantity, both, bounds=SHARE) for both in ends))


def ablation_figure(request: FigureRequest, *, title: str) -> Made:
    """Table 5: the error of the architecture derived with and without sampler, warm-up and weighted loss.

    That is the argmax of A; without the sampler, where A never moves, the best by the signal. Also the best by the
    signal everywhere (`incumbent`), the minimum of the estimator over the space (`minimum`) and the median of the last
    proposals (`late`). A search without a warm-up has as many evaluations in all.
    """
    runs = [
        (name, EstimatorRun(_benchmark(request), search, 2 * SAMPLES, seed))
        for name, search, _, _ in ABLATION
        for seed in range(_seeds(request))
    ]
    table = _last(_with_derived(_measured(request, runs)), ENDS)
    caption = (
        f"{_setting(request)} {2 * SAMPLES} evaluations a run. Error of the derived architecture, the argmax of A "
        "(without the sampler: the best of all evaluated, by the signal). Points: seeds; bar: 95 % interval."
    )
    values = table.filter(pl.col("quantity") == "derived")
    return Made(
        table,
        draw_rows(values, quantity="error, %", title=title, caption=caption, bounds=SHARE, scale=100.0),
        _facts(request, runs) | {"paper_deviation": {name: deviation for name, _, _, deviation in ABLATION}},
        paper_ablation(values, "test error of the architecture derived (paper: CIFAR-10, retrained)"),
    )


def _benchmark(request: FigureRequest) -> str:
    if request.study is not None:
        raise ConfigurationError("This figure has runs of its own and draws from no study. Leave out --study.")
    return request.benchmark or DEFAULT_BENCHMARK


def _seeds(request: FigureRequest) -> int:
    return request.scale().seeds


def _setting(request: FigureRequest) -> str:
    benchmark = open_benchmark(_benchmark(request))
    seeds = counted(_seeds(request), "seed")
    return f"{benchmark.name}, {seeds}, signal {benchmark.signal}, evaluation {benchmark.evaluation}."


def _measured(request: FigureRequest, runs: Sequence[tuple[str, EstimatorRun]]) -> pl.DataFrame:
    """All rows of all runs with their `setting` and `seed`; `last` marks the end of each run."""
    folder = request.folder / f"pvll-{_benchmark(request)}"
    measured = estimator_rows([run for _, run in runs], folder, request.execution)
    rows = [
        {
            **dict.fromkeys(ENDS),
            "warm_up_share": None,
            "setting": setting,
            "seed": run.seed,
            "last": place == len(own) - 1,
        }
        | row
        for (setting, run), own in zip(runs, measured, strict=True)
        for place, row in enumerate(own)
    ]
    floats = (
        "test_loss",
        "training_loss",
        "relative_loss",
        "tau",
        "clamp_rate",
        "effective_share",
        "warm_up_share",
        *ENDS,
    )
    overrides = dict.fromkeys(floats, pl.Float64)
    return pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None)


def _curve_table(measured: pl.DataFrame, splits: Mapping[str, str]) -> pl.DataFrame:
    """Mean and interval of a column of each split after each evaluation."""
    parts = [
        over_seeds(measured, ["setting", "evaluations"], column, bounds=POSITIVE).select(
            curve="setting", split=pl.lit(split), quantity=pl.lit(column), **{name: name for name in _SUMMARY}
        )
        for split, column in splits.items()
    ]
    return pl.concat(parts)


_SUMMARY = ("evaluations", "mean", "low", "high", "std", "runs")


def _last(measured: pl.DataFrame, quantities: Sequence[str]) -> pl.DataFrame:
    """One row for each run and quantity at the end of the run."""
    ends = measured.filter(pl.col("last"))
    return ends.unpivot(list(quantities), index=["setting", "seed", "evaluations"], variable_name="quantity")


def _with_derived(measured: pl.DataFrame) -> pl.DataFrame:
    """Without the sampler A has no argmax of its own, and the best by the signal is what such a search derives."""
    unmoved = [name for name, search, _, _ in ABLATION if not search.gradient]
    rests = pl.col("setting").is_in(unmoved)
    return measured.with_columns(derived=pl.when(rests).then("incumbent").otherwise("derived"))


def _facts(request: FigureRequest, runs: Sequence[tuple[str, EstimatorRun]]) -> dict[str, Any]:
    benchmark = open_benchmark(_benchmark(request))
    return {
        "benchmark": benchmark.name,
        "data_sha256": data_fingerprint(benchmark),
        "signal": benchmark.signal,
        "evaluation": benchmark.evaluation,
        "settings": {setting: describe(run) for setting, run in runs if run.seed == 0},
        "seeds": _seeds(request),
    }
