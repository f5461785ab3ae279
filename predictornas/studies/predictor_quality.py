"""What is measured of each fit of a predictor study, what random scores have on average, and both over the draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.rank_quality import FIVE, HALF, LEVEL, ONE, calibration, random_quality, rank_quality
from predictornas.analysis.statistics import CORRELATION, POSITIVE, SHARE, Bounds, over_seeds
from predictornas.predictors.base import Predictor, UncertainPredictor
from predictornas.predictors.contract import scores_of, spread_of
from predictornas.quantity import ERROR, Quantity
from predictornas.spaces.base import Genes

QUANTITIES: Mapping[str, Bounds] = {
    "tau": CORRELATION,
    "hits_half": SHARE,
    "hits": SHARE,
    "hits_five": SHARE,
    "best_of_ten": (1.0, np.inf),
    "regret": SHARE,
    "coverage": SHARE,
    "sharpness": POSITIVE,
    "fit_seconds": POSITIVE,
    "predict_seconds": POSITIVE,
}
"""What is measured of each fit, with its bounds: see `analysis.rank_quality`, and the seconds of fitting and of scoring
all others. Fits of earlier versions have five of them."""

CALIBRATED_ON = 5000
"""Judged architectures, drawn at random where there are more, whose uncertainty is asked for: its cost is that of
scoring them, and a share of so many is known to half a percent."""

JUDGED = "judged"
"""The number of judged architectures, from which follows most of what random scores have."""


def measured_quality(scores: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> dict[str, float]:
    """How well scores rank, and what random ones would have: columns of a fit.

    Args:
        scores: `(n,)` of the judged architectures.
        values: `(n,)` what they are worth.
    """
    by_chance = random_quality(values)
    return {
        **asdict(rank_quality(scores, values)),
        JUDGED: len(values),
        "random_best_of_ten": by_chance.best_of_ten,
        "random_regret": by_chance.regret,
    }


def measured_calibration(
    predictor: Predictor, genes: Genes, values: Float[np.ndarray, " n"], rng: np.random.Generator
) -> dict[str, float]:
    """Coverage and sharpness of a predictor that knows how unsure it is; nothing of any other.

    Args:
        predictor: fitted.
        genes: `(n, g)` of the judged architectures.
        values: `(n,)` what they are worth.
        rng: draws `CALIBRATED_ON` of them.
    """
    if not isinstance(predictor, UncertainPredictor):
        return {}
    rows = np.sort(rng.permutation(len(values))[:CALIBRATED_ON])
    scores, spread = scores_of(predictor, genes[rows]), spread_of(predictor, genes[rows])
    return asdict(calibration(scores.astype(np.float64), spread.astype(np.float64), values[rows]))


def summarised(rows: pl.DataFrame, judge: Quantity = ERROR) -> pl.DataFrame:
    """Mean and interval over the draws of every quantity of every predictor at every size.

    Args:
        rows: one a fit; quantities that no fit has are left out.
        judge: of the column that ranks are compared with; only the regret of a fraction is at most 1.

    Returns:
        `predictor`, `size`, `quantity`, `mean`, `std`, `low`, `high`, `runs`, and `random`: the mean over the same
        draws of what random scores have, null for seconds; without this column where the fits do not say.
    """
    bounds = QUANTITIES if judge.percent else {**QUANTITIES, "regret": POSITIVE}
    known = [name for name in QUANTITIES if name in rows.columns and rows[name].null_count() < len(rows)]
    keys = ["predictor", "size", "quantity"]
    parts = []
    for quantity in known:
        kept = rows.filter(pl.col(quantity).is_not_null()).with_columns(quantity=pl.lit(quantity))
        part = over_seeds(kept, keys, quantity, bounds=bounds[quantity])
        if JUDGED in rows.columns:
            chance = kept.with_columns(random=_by_chance(kept, quantity)).group_by(keys).agg(pl.col("random").mean())
            part = part.join(chance, on=keys, how="left", maintain_order="left")
        parts.append(part)
    return pl.concat(parts)


def _by_chance(fits: pl.DataFrame, quantity: str) -> pl.Series:
    """What random scores have on average: `analysis.rank_quality.random_quality`, and 90 % and 1 of `calibration`."""
    if f"random_{quantity}" in fits.columns:
        return fits[f"random_{quantity}"]
    judged = fits[JUDGED].to_numpy().astype(np.float64)
    constant = {"tau": 0.0, "coverage": LEVEL, "sharpness": 1.0}.get(quantity, np.nan)
    share = {"hits_half": HALF, "hits": ONE, "hits_five": FIVE}.get(quantity)
    values = np.full(len(fits), constant) if share is None else np.maximum(1, np.round(judged * share)) / judged
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)


def numbers(measured: Mapping[str, Any]) -> dict[str, Any]:
    """A kept fit with NaN where a quantity is not defined, as before it was written."""
    return {name: np.nan if value is None else value for name, value in measured.items()}
