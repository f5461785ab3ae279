"""What a reader should know before believing a study of searches: each a sentence with its numbers and a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.report.facts import StudyFacts

FEW_SEEDS = 10
"""Below so many runs an interval is wide and leans on its assumptions."""

MOSTLY = 0.5
"""Share of uniform draws above which a pool says more of them than of its sampler."""


def cautions(
    facts: StudyFacts, summary: pl.DataFrame, curves: pl.DataFrame, gain: pl.DataFrame, targets: Mapping[str, float]
) -> list[str]:
    """Everything of the kind that holds for a study.

    Args:
        facts: of the study.
        summary: one row a method, with `runs` and perhaps `pool_filled`.
        curves: from `predictornas.analysis.regret.incumbent_curves`.
        gain: from `predictornas.analysis.gain.gain_table`; empty where the study counts epochs.
        targets: error of each target with a name.
    """
    found = [*_missing(facts), *_few_seeds(curves), *_unresolved(gain, targets)]
    return [*found, *_stuck(curves, facts), *_filled(summary), *_noise(facts)]


def stuck_runs(curves: pl.DataFrame, best: float | None = None) -> dict[str, tuple[int, int]]:
    """For each method how many runs found nothing better by the signal in the last half of their evaluations, of all.

    Args:
        curves: from `predictornas.analysis.regret.incumbent_curves`.
        best: the lowest error of the table; a run that reached it is not stuck, it has ended.
    """
    ordered = curves.sort("evaluations")
    half = pl.col("evaluations").max() / 2
    runs = ordered.group_by("method", "run_id", maintain_order=True).agg(
        before=pl.col("searched").filter(pl.col("evaluations") <= half).last(),
        after=pl.col("searched").last(),
        length=pl.len(),
    )
    is_stuck = (pl.col("before") <= pl.col("after")) & (pl.col("length") > 1)
    if best is not None:
        is_stuck &= pl.col("after") > best
    counts = runs.group_by("method").agg(stuck=is_stuck.sum(), runs=pl.len()).sort("method")
    return {method: (stuck, runs) for method, stuck, runs in counts.select("method", "stuck", "runs").iter_rows()}


def _missing(facts: StudyFacts) -> list[str]:
    if not facts.missing:
        return []
    return [
        f"{counted(facts.missing, 'run')} of other commands had not ended when this page was written. "
        "The same command writes it again once they have."
    ]


def _few_seeds(curves: pl.DataFrame) -> list[str]:
    runs = curves.group_by("method").agg(runs=pl.col("run_id").n_unique()).filter(pl.col("runs") < FEW_SEEDS)
    few = dict(runs.sort("method").iter_rows())
    if not few:
        return []
    listed = _named({method: counted(count, "run") for method, count in few.items()})
    return [
        f"Fewer than {FEW_SEEDS} seeds: {listed}. Intervals over so few runs are wide, and there is none over one. "
        "More seeds extend this folder: --seeds 20."
    ]


def _unresolved(gain: pl.DataFrame, targets: Mapping[str, float]) -> list[str]:
    if gain.is_empty():
        return []
    pooled = gain.filter((pl.col("estimator") == "pooled") & pl.col("gain_db").is_not_null() & ~pl.col("resolved"))
    found = []
    for name, error in targets.items():
        methods = pooled.filter(pl.col("target_error") == error)["method"].to_list()
        if methods:
            listed = _labels(methods)
            found.append(
                f"No proposal of {listed} reached the {name.replace('top', 'best')} of the table. The gain there is an "
                "upper bound (hollow in the chart); more evaluations or seeds resolve it."
            )
    return found


def _stuck(curves: pl.DataFrame, facts: StudyFacts) -> list[str]:
    best = None if facts.oracles is None else facts.oracles.signal_on_signal
    counts = {method: counts for method, counts in stuck_runs(curves, best).items() if counts[0]}
    if not set(counts) - {"random"}:
        return []
    listed = _named({method: f"{stuck} of {counted(runs, 'run')}" for method, (stuck, runs) in counts.items()})
    return [
        f"Runs that found nothing better by the signal in the last half of their evaluations: {listed}. Random search "
        "does so in about half of its runs; a method that does so more often may be stuck."
    ]


def _filled(summary: pl.DataFrame) -> list[str]:
    if "pool_filled" not in summary.columns:
        return []
    mostly = summary.filter(pl.col("pool_filled") > MOSTLY)
    if mostly.is_empty():
        return []
    listed = _named({row["method"]: f"{row['pool_filled']:.0%}" for row in mostly.to_dicts()})
    return [
        f"Pools that were mostly drawn uniformly, for want of others: {listed}. Such a result says more about uniform "
        "pools than about the sampler. Ask for smaller pools."
    ]


def _noise(facts: StudyFacts) -> list[str]:
    if not facts.shares_noise:
        return []
    return [shared_noise(facts.study["signal"], facts.study["evaluation"])]


def shared_noise(signal: str, evaluation: str) -> str:
    """What is said where the judge errs together with the signal."""
    if signal == evaluation:
        return (
            f"One measurement an architecture: {signal} drives the searches and judges them, so what they chose looks "
            "better than it is. Where the table has an independent column, name it with --evaluation."
        )
    return (
        f"Signal {signal} and evaluation {evaluation} come from the same training run, so what the searches chose "
        "looks better than it is. Choose another column with --evaluation."
    )


def _named(values: Mapping[str, str]) -> str:
    return ", ".join(f"{style.label} ({values[name]})" for name, style in styles_of(values).items())


def _labels(methods: Sequence[str]) -> str:
    return ", ".join(style.label for style in styles_of(methods).values())
