"""What the studies of DARTS-PT (Wang et al. 2021) share: searches of first-order DARTS, and the paper beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from predictornas.analysis.statistics import over_seeds
from predictornas.experiments.figure import FigureRequest
from predictornas.experiments.supernet.study import Probe, Scale, StudiedSearch, scale_of, studied
from predictornas.spaces.registry import get_space
from predictornas.supernet.methods import get_method

METHOD = "darts-1"
"""First-order DARTS, whose super-networks are looked at (Wang et al. 2021, chapter 2)."""

PER_SEED = "Mean and 95 % t interval over seeds"


def darts_searches(
    request: FigureRequest, *, space: str | None = None, scale: Scale | None = None, probe: Probe | None = None
) -> list[StudiedSearch]:
    """First-order DARTS on every seed; in the scale's own space under the name that other figures share.

    Args:
        request: size, data, seeds.
        space: instead of the scale's own.
        scale: instead of the request's own; only together with a space of its own.
        probe: what is measured on the way.
    """
    own = scale_of(request).space
    chosen = space or own
    setting = METHOD if chosen == own else f"{METHOD} {chosen}"
    methods = {setting: get_method(METHOD, get_space(chosen))}
    return studied(request, methods, scale=scale, space=chosen, probe=probe)


def beside(values: pl.DataFrame, quantity: str, said: Mapping[str, Any]) -> pl.DataFrame:
    """What the paper says of each setting, a claim or a number, beside the mean of ours.

    Args:
        values: columns `setting` and `value`, one row a seed.
        quantity: what is compared.
        said: by setting.
    """
    ours = over_seeds(values, ["setting"], "value").rename({"mean": "ours"})
    rows = pl.DataFrame({"setting": list(said), "paper": list(said.values())})
    rows = rows.join(ours, on="setting", how="left", maintain_order="left")
    return rows.select(pl.lit(quantity).alias("quantity"), "setting", "paper", "ours", "std", "low", "high", "runs")
