"""Figures 2 to 10 of Mauch et al. 2020: four views of the runs of a few search methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from predictornas.analysis.comparability import SAME
from predictornas.analysis.distribution import distribution_table
from predictornas.analysis.gain import gain_table
from predictornas.analysis.regret import convergence_table, incumbent_curves
from predictornas.analysis.split import split_table
from predictornas.errors import ConfigurationError
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.figure_runs import FigureRuns, figure_runs
from predictornas.plots.convergence import draw_convergence
from predictornas.plots.distribution import draw_distribution
from predictornas.plots.gain import draw_gain, draw_split
from predictornas.seeding import rng_for
from predictornas.studies.gain.report import HEADLINE
from predictornas.studies.gain.study_targets import study_targets

UNIFORM = ("random", "exhaustive", "uniform-10000", "uniform-1000", "uniform-100")
"""Figures 2 to 5: the predictor ranks N' = |S|, 10000, 1000, 100 architectures drawn uniformly."""

CHOSEN = ("random", "exhaustive", "likelihood-1000", "likelihood-100", "evolutionary-1000", "evolutionary-100")
"""Figures 6, 7, 9 and 10: the pools are chosen by the two other samplers; the whole space as a reference."""

EVOLUTIONARY = ("evolutionary-1000", "evolutionary-100")
"""Figure 8."""

STATED_UNIFORM = {"exhaustive": 50.0, "uniform-100": 25.0}
"""About so many dB at J < 0.05, says the text on figure 3."""

STATED_CHOSEN = {
    "exhaustive": 50.0,
    "likelihood-1000": 30.0,
    "likelihood-100": 30.0,
    "evolutionary-1000": 50.0,
    "evolutionary-100": 50.0,
}
"""About so many dB at J < 0.05, says the text on figure 7."""

STATED_CONVERGED = {"evolutionary-1000": 1.0, "evolutionary-100": 1.0}
"""Share of the runs at the validation oracle after about 1400 evaluations, says the text on figures 9 and 10."""

_LOW_ERROR = 0.05
_BEYOND_THE_CAP = (
    "No method can gain more than the cap 10 log10((n + 1) / (K + 1)), 24.8 dB for the 423,624 cells of NAS-Bench-101 "
    "and K = 1396 proposals, so the paper's values do not follow from its eq. 10-15 as printed. Three readings give "
    "such heights, and none explains all: caps at K = 4 and at K = 1396, the natural logarithm, and 20 log10 of the "
    "gain of single runs (predictornas.analysis.readings). None is used here."
)


def proposals_figure(request: FigureRequest, *, methods: Sequence[str], title: str) -> Made:
    """The distribution of the error, by the signal, of what each method proposed (figures 2 and 6)."""
    runs = figure_runs(request, methods)
    table = distribution_table(runs.history, runs.errors)
    return Made(table, draw_distribution(table, title=title, note=runs.setting), runs.facts)


def gain_figure(
    request: FigureRequest, *, methods: Sequence[str], title: str, stated: Mapping[str, float] | None = None
) -> Made:
    """The gain over random search at every target (figures 3 and 7).

    Args:
        request: how it is to be made.
        methods: the methods shown.
        title: first part of the figure's title.
        stated: the gain in dB that the paper states at J < 0.05, by method.
    """
    runs = figure_runs(request, methods)
    errors = runs.errors
    table = gain_table(runs.history, errors, study_targets(errors), rng=rng_for(0, 0, "null"))
    return Made(
        table,
        draw_gain(table, estimator=HEADLINE, title=title, note=runs.setting),
        {**runs.facts, "note": _BEYOND_THE_CAP},
        _gains_beside(table, stated or {}),
    )


def convergence_figure(
    request: FigureRequest,
    *,
    methods: Sequence[str],
    trace: Literal["searched", "chosen"],
    title: str,
    stated: Mapping[str, float] | None = None,
) -> Made:
    """The error of the incumbent against evaluations, with both oracles (figures 4, 5, 9 and 10).

    Args:
        request: how it is to be made.
        methods: the methods shown.
        trace: "searched", the paper's validation error, or "chosen", its test error of the same architecture.
        title: first part of the figure's title.
        stated: the share of runs that reach the validation oracle according to the paper, by method.
    """
    runs = figure_runs(request, methods)
    curves = incumbent_curves(runs.history)
    table = convergence_table(curves, runs.oracles).filter(pl.col("trace") == trace)
    return Made(
        table,
        draw_convergence(table, runs.oracles, band="std", title=title, note=runs.setting),
        runs.facts,
        _converged_beside(curves, runs, stated or {}),
    )


def split_figure(request: FigureRequest, *, methods: Sequence[str], title: str) -> Made:
    """The gain split into that of the sampler and that of the predictor (figure 8).

    Raises:
        ConfigurationError: no method has pools to split the gain with.
    """
    runs = figure_runs(request, methods)
    if runs.pools.is_empty():
        raise ConfigurationError(f"None of {', '.join(methods)} ranks a pool: there is no gain of a sampler to split.")
    table = split_table(runs.history, runs.pools, runs.errors, rng=rng_for(0, 0, "null"))
    return Made(table, draw_split(table, estimator=HEADLINE, title=title, note=runs.setting), runs.facts)


def _gains_beside(table: pl.DataFrame, stated: Mapping[str, float]) -> pl.DataFrame | None:
    """The highest resolved gain of each method that the paper states a value for: below J = 0.05 and anywhere."""
    if not stated:
        return None
    resolved = table.filter((pl.col("estimator") == HEADLINE) & pl.col("resolved")).sort("gain_db", descending=True)
    low = resolved.filter(pl.col("target_error") < _LOW_ERROR)
    rows = []
    for quantity, found in ((f"highest gain at J < {_LOW_ERROR}, dB", low), ("highest gain at any J, dB", resolved)):
        for method, value in stated.items():
            best = found.filter(pl.col("method") == method).head(1).to_dicts()
            ours = best[0] if best else dict.fromkeys(("gain_db", "low", "high", "cap_db"))
            rows.append(
                {
                    "quantity": quantity,
                    "method": method,
                    "paper": value if found is low else None,
                    "ours": ours["gain_db"],
                    "low": ours["low"],
                    "high": ours["high"],
                    "cap": ours["cap_db"],
                }
            )
    numbers = dict.fromkeys(("paper", "ours", "low", "high", "cap"), pl.Float64)
    return pl.DataFrame(rows, schema={"quantity": pl.String, "method": pl.String, **numbers})


def _converged_beside(curves: pl.DataFrame, runs: FigureRuns, stated: Mapping[str, float]) -> pl.DataFrame | None:
    """The share of runs whose incumbent is as good as the validation oracle at the end."""
    if not stated:
        return None
    last = curves.group_by("method", "run_id").agg(pl.col("searched").sort_by("evaluations").last())
    reached = last.group_by("method").agg(
        ours=(pl.col("searched") <= runs.oracles.signal_on_signal + SAME).mean(), runs=pl.len()
    )
    paper = pl.DataFrame({"method": list(stated), "paper": list(stated.values())})
    quantity = pl.lit(f"share of runs at the signal oracle after {runs.study.budget} evaluations (paper: about 1400)")
    rows = paper.join(reached, on="method", how="inner", maintain_order="left")
    return rows.select(quantity.alias("quantity"), "method", "paper", "ours", "runs")
