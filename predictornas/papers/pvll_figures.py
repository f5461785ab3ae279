"""Figures 3a and 3b, tables 3 and 5 of Li, Dong et al. 2020, with a table in the place of the super-network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from predictornas.analysis.statistics import CORRELATION, POSITIVE, SHARE, over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.counting import counted
from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.papers.claims import alike, beside, steps, together
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

SETTINGS = (("", PVLLSearch()), (AS_PRINTED, PVLLSearch.published()))
"""What follows the name of a row, and the settings that it stands for."""

ABLATION = tuple(
    (name + suffix, replace(search, **changes), mean, deviation)
    for suffix, search in SETTINGS
    for name, changes, mean, deviation in _PARTS
)
"""Rows of table 5: parts, method, and the paper's test error in % with its deviation (CIFAR-10, super-network)."""

ENDS = ("derived", "incumbent", "minimum", "late")
"""What a run comes to, by four rules; see `estimator_rows`."""

SHARES = ("clamp_rate", "effective_share", "descent_share", "warm_up_share")
"""What the weights do, whether the sampler descends, and what the warm-up takes; see `estimator_rows`."""

MARKS = (25, 50, 100)
"""Evaluations after which the two samplings of figure 3a are compared (ours)."""

_ALL, _SAMPLER, _NONE = "sampler, warm-up, weighted loss", "sampler, weighted loss", "none"

COMPARED = (
    (_ALL, _NONE),
    (_ALL, "warm-up"),
    (_SAMPLER, _NONE),
    (_ALL, _SAMPLER),
    ("sampler, warm-up", "sampler"),
    (_ALL, "sampler, warm-up"),
    (_SAMPLER, "sampler"),
)
"""Rows of table 5 whose difference says whether a part helps: all of them, the sampler, the warm-up, the weights."""

_UNITS = (
    "Loss: mean squared error of the estimated loss, where 0 is the table's best accuracy and 1 its 20 % quantile, on "
    "architectures above that quantile that were never proposed, the same for all runs"
)


def learning_curves_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 3a: the estimator's loss with gradient-sampled and with uniform training architectures."""
    curves = {
        f"{name} sampling{suffix}": replace(search, warm_up=0, gradient=gradient)
        for suffix, search in SETTINGS
        for name, gradient in (("gradient", True), ("uniform", False))
    }
    runs = [
        (name, EstimatorRun(_benchmark(request), search, SAMPLES, seed, test_size=SAMPLES, curve=True))
        for name, search in curves.items()
        for seed in range(_seeds(request))
    ]
    measured = _measured(request, runs)
    table = _curve_table(measured, {"test": ("test_loss", *_OF_CURVES), "training": ("training_loss",)})
    caption = (
        f"{_setting(request)} {_UNITS} (solid) and on the remembered ones (dashed), which the estimator was trained on "
        "one at a time. Mean and 95 % interval over seeds."
    )
    losses = table.filter(pl.col("quantity").str.ends_with("_loss"))
    return Made(
        table,
        draw_curves(losses, quantity="mean squared error of normalised losses", title=title, caption=caption),
        _facts(request, runs),
        paper_samplings(measured),
    )


def paper_samplings(measured: pl.DataFrame) -> pl.DataFrame:
    """Whether uniform sampling has the larger test loss, paired by seed after some evaluations, as the paper claims."""
    parts = []
    for suffix, _ in SETTINGS:
        for mark in MARKS:
            at = measured.filter(pl.col("evaluations") == mark)
            uniform, gradient = (at.filter(pl.col("setting") == f"{name} sampling{suffix}") for name in _SAMPLINGS)
            both = uniform.join(gradient, on="seed")
            name = f"uniform - gradient{suffix}, {mark} evaluations"
            for quantity, of in (("test_loss", "test loss"), ("tau", "Kendall's tau")):
                values = both.select(setting=pl.lit(name), value=pl.col(quantity) - pl.col(f"{quantity}_right"))
                claim = {name: "> 0" if quantity == "test_loss" else "< 0"}
                parts.append(beside(values.drop_nulls(), f"{of}, difference", claim, column="claim"))
    return pl.concat(parts)


_SAMPLINGS = ("uniform", "gradient")

_OF_CURVES = ("tau", "clamp_rate", "effective_share", "descent_share")


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
    names = {name: f"{len(part_of(space, choices)):,} ({name})" for name, choices in SPACES.items()}
    searches = {suffix: replace(search, warm_up=0) for suffix, search in SETTINGS}
    runs = [
        (
            names[name] + suffix,
            EstimatorRun(_benchmark(request), search, SAMPLES, seed, curve=True, choices=choices),
        )
        for suffix, search in searches.items()
        for name, choices in SPACES.items()
        for seed in range(_seeds(request))
    ]
    measured = _measured(request, runs)
    table = _curve_table(measured, {"test": ("relative_loss", "tau")})
    caption = (
        f"{_setting(request)} Gradient sampling, without a warm-up. {_UNITS}, over the variance of their accuracies: 1 "
        "is no better than calling all equal. Mean and 95 % interval over seeds; the settings as printed are in the "
        "table beside it."
    )
    drawn = table.filter((pl.col("quantity") == "relative_loss") & ~pl.col("curve").str.ends_with(AS_PRINTED))
    return Made(
        table,
        draw_curves(drawn, quantity="loss / variance of the test set", title=title, caption=caption),
        _facts(request, runs),
        paper_sizes(_last(measured, ("relative_loss", "tau")), list(names.values())),
    )


def paper_sizes(ends: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Whether estimators of all sizes of a space may be equally good in the end, as the paper claims."""
    parts = []
    for quantity, bounds in (("relative_loss", POSITIVE), ("tau", CORRELATION)):
        for suffix, _ in SETTINGS:
            values = ends.filter(pl.col("quantity") == quantity).drop_nulls("value")
            said = {name + suffix: "alike in all spaces" for name in names}
            rows = beside(values, f"{quantity.replace('_', ' ')} at the end", said, column="claim", bounds=bounds)
            parts.append(rows.with_columns(verdict=pl.lit(alike(rows))))
    return pl.concat(parts)


def populations_figure(request: FigureRequest, *, title: str) -> Made:
    """Table 3: the estimator's loss after warm-up on populations of four sizes."""
    runs = [
        (
            f"{size} architectures{suffix}",
            EstimatorRun(_benchmark(request), replace(search, warm_up=size, memory=size), size, seed),
        )
        for suffix, search in SETTINGS
        for size in POPULATIONS
        for seed in range(_seeds(request))
    ]
    table = _last(_measured(request, runs), ("test_loss", "relative_loss", "tau", "clamp_rate", "effective_share"))
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
        pl.concat([paper_populations(values, POPULATIONS, suffix) for suffix, _ in SETTINGS]),
    )


def paper_populations(values: pl.DataFrame, losses: Mapping[int, float], suffix: str = "") -> pl.DataFrame:
    """The paper's loss for each size of population and their order beside ours, settings as "50 architectures"."""
    stated = {f"{size} architectures{suffix}": loss for size, loss in losses.items()}
    said = beside(values, "estimation loss", stated, bounds=POSITIVE)
    return together(said, steps(values, "estimation loss", stated, bounds=POSITIVE))


def paper_ablation(values: pl.DataFrame, quantity: str) -> pl.DataFrame:
    """The errors of table 5 beside ours, and the first row less the last."""
    stated = _stated(values)
    said = beside(values, quantity, stated, bounds=SHARE)
    return together(said, *(steps(values, quantity, pair, bounds=SHARE) for pair in _pairs(stated, COMPARED[:1])))


def _stated(values: pl.DataFrame) -> dict[str, float]:
    known = set(values["setting"])
    return {name: mean / 100 for name, _, mean, _ in ABLATION if name in known}


def _pairs(stated: Mapping[str, float], compared: Sequence[tuple[str, str]]) -> list[dict[str, float]]:
    """What the paper states of two rows of table 5 that are compared, with each of the settings."""
    named = [[name + suffix for name in pair] for suffix, _ in SETTINGS for pair in compared]
    return [{name: stated[name] for name in pair} for pair in named if set(pair) <= set(stated)]


def _parts_by_ends(table: pl.DataFrame) -> pl.DataFrame:
    """The paper's errors beside those of what is derived, and what each part changes, by all four rules."""
    parts = []
    for end, quantity in _SAID_OF_ENDS.items():
        values = table.filter(pl.col("quantity") == end)
        stated = _stated(values)
        said = [beside(values, quantity, stated, bounds=SHARE)] if end == "derived" else []
        parts += [*said, *(steps(values, quantity, pair, bounds=SHARE) for pair in _pairs(stated, COMPARED))]
    return together(*parts)


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
    table = _last(_with_derived(_measured(request, runs)), (*ENDS, "tau", *SHARES))
    caption = (
        f"{_setting(request)} {2 * SAMPLES} evaluations a run. Error of the derived architecture, the argmax of A "
        "(without the sampler: the best of all evaluated, by the signal). Points: seeds; bar: 95 % interval."
    )
    values = table.filter(pl.col("quantity") == "derived")
    return Made(
        table,
        draw_rows(values, quantity="error, %", title=title, caption=caption, bounds=SHARE, scale=100.0),
        _facts(request, runs) | {"paper_deviation": {name: deviation for name, _, _, deviation in ABLATION}},
        _parts_by_ends(table),
    )


_SAID_OF_ENDS = {
    "derived": "test error of the architecture derived (paper: CIFAR-10, retrained)",
    "incumbent": "error of the best evaluated, by the signal",
    "minimum": "error of the minimum of the estimator",
    "late": "median error of the last proposals",
}


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
            **dict.fromkeys(SHARES),
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
        *SHARES,
        *ENDS,
    )
    overrides = dict.fromkeys(floats, pl.Float64)
    return pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None)


def _curve_table(measured: pl.DataFrame, splits: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Mean and interval of the columns of each split after each evaluation."""
    parts = [
        over_seeds(measured.drop_nulls(column), ["setting", "evaluations"], column, bounds=_BOUNDS[column]).select(
            curve="setting", split=pl.lit(split), quantity=pl.lit(column), **{name: name for name in _SUMMARY}
        )
        for split, columns in splits.items()
        for column in columns
    ]
    return pl.concat(parts)


_BOUNDS = dict.fromkeys(("test_loss", "training_loss", "relative_loss"), POSITIVE) | {"tau": CORRELATION}
_BOUNDS |= dict.fromkeys(SHARES, SHARE)

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
