"""What the papers claim of DARTS's collapse beside what was found: differences paired by seed, with verdicts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.statistics import CORRELATION, SHARE, Bounds
from predictornas.papers.claims import DIFFERENCE, beside
from predictornas.papers.supernet.collapse_design import COMPARED, LONGER, PERTURBED_AT_THE_END
from predictornas.papers.supernet.trained_out import ANOTHER_ORDER, AT_PRESENT, ONE_STEP

SCORES = ("importance", "masking", "quadratic_form", "curvature")
"""What ranks the operations of an edge without any training; strength is what they should tell."""

ACCURACY, SKIPS, SEARCHED = "accuracy of the cell", "share of skip connections", "validation accuracy"
AGREEMENT = "Kendall's tau with strength"
DIRECTION = "cosine of slopes of alpha with those at weights trained out"
LENGTH = "relative error of slopes of alpha against those at weights trained out"
"""Quantities of the tidy table."""

FORESIGHT = "rank correlation (Kendall) of validation accuracy and accuracy of the cell, over epochs"
"""Whether the accuracy that a search sees says how good its cell is (He et al. 2020, section 3.1)."""


BASE = "darts-1"
"""What the other methods are compared with, and whose super-networks are looked at in other ways."""

TAU_DIFFERENCE: Bounds = (-2.0, 2.0)
"""Bounds of the difference of two correlations."""


class _Said(NamedTuple):
    """A claim, and the values of the seeds that judge it: columns `seed` and `value`."""

    quantity: str
    setting: str
    claim: str
    values: pl.DataFrame
    bounds: Bounds


def claims(rows: pl.DataFrame) -> pl.DataFrame:
    """The claims with intervals and verdicts.

    Args:
        rows: tidy, with `quantity`, `setting`, `seed`, `epoch`, `selection` and `value`.
    """
    said = [
        *_along_the_search(rows),
        *_by_selection(rows),
        *_between_methods(rows),
        *_foreseen(rows),
        *_ranked(rows),
        *_trained_out(rows),
    ]
    return pl.concat(
        beside(
            one.values.select(pl.lit(one.setting).alias("setting"), "value"),
            one.quantity,
            {one.setting: one.claim},
            column="claim",
            bounds=one.bounds,
        )
        for one in said
    )


def _along_the_search(rows: pl.DataFrame) -> list[_Said]:
    """The collapse itself."""
    found = []
    for name in (BASE, LONGER):
        searched = _searched(rows, name)
        if not searched:
            continue
        first, last = searched[0], searched[-1]
        accuracies, skips = (
            {epoch: _values(rows, quantity, name, "magnitude", epoch) for epoch in (first, last)}
            for quantity in (ACCURACY, SKIPS)
        )
        fall, growth = (_paired(values[last], values[first]) for values in (accuracies, skips))
        found += [
            _Said(f"{ACCURACY}, last - first epoch", name, "< 0", fall, DIFFERENCE),
            _Said(f"{SKIPS}, last epoch", name, "> 0.5 (half of the edges)", skips[last], SHARE),
            _Said(f"{SKIPS}, last - first epoch", name, "> 0", growth, DIFFERENCE),
        ]
    return found


def _by_selection(rows: pl.DataFrame) -> list[_Said]:
    """Other ways to select a cell from the same super-networks."""
    looked_at = rows.filter(quantity=ACCURACY, selection="perturbation")["epoch"].unique().sort().to_list()
    found = []
    for selection in ("perturbation", *SCORES[1:]):
        for when, epochs in (("last epoch", _searched(rows)[-1:]), ("mean over epochs", [e for e in looked_at if e])):
            one, other = (_values(rows, ACCURACY, BASE, way, *epochs) for way in (selection, "magnitude"))
            quantity = f"{ACCURACY}, difference to magnitude, {when}"
            found.append(_Said(quantity, f"{BASE}, {selection}", "> 0", _paired(one, other), DIFFERENCE))
    last = _searched(rows)[-1]
    for name in PERTURBED_AT_THE_END:
        one, other = (_values(rows, ACCURACY, name, way, last) for way in ("perturbation", "magnitude"))
        quantity = f"{ACCURACY}, difference to magnitude, last epoch"
        claim = "> 0" if name == "sdarts-rs" else "none (ours)"
        found.append(_Said(quantity, f"{name}, perturbation", claim, _paired(one, other), DIFFERENCE))
    return found


def _between_methods(rows: pl.DataFrame) -> list[_Said]:
    """Other methods from the same weights."""
    searched = _searched(rows)
    compared = [
        (ACCURACY, "> 0", "last epoch", searched[-1:]),
        (ACCURACY, "> 0", "mean over epochs", searched),
        (SKIPS, "< 0", "last epoch", searched[-1:]),
    ]
    found = []
    for quantity, claim, when, epochs in compared:
        for name in COMPARED[1:]:
            one, other = (_values(rows, quantity, method, "magnitude", *epochs) for method in (name, BASE))
            what = f"{quantity}, difference, {when}"
            found.append(_Said(what, f"{name} - {BASE}", claim, _paired(one, other), DIFFERENCE))
    return found


def _foreseen(rows: pl.DataFrame) -> list[_Said]:
    return [_Said(FORESIGHT, name, "> 0", foresight(rows, name), CORRELATION) for name in COMPARED]


def _ranked(rows: pl.DataFrame) -> list[_Said]:
    """How well scores rank the operations of an edge by strength."""
    last = _searched(rows)[-1]
    importance, *others = (_values(rows, AGREEMENT, BASE, name, last) for name in SCORES)
    differences = [
        _Said(f"{AGREEMENT}, difference", f"{name} - importance", "> 0", _paired(other, importance), TAU_DIFFERENCE)
        for name, other in zip(SCORES[1:], others, strict=True)
    ]
    return [_Said(AGREEMENT, f"{BASE}, importance", "far below 1", importance, CORRELATION), *differences]


def _trained_out(rows: pl.DataFrame) -> list[_Said]:
    """How far the slopes of alpha at one-step weights are from those at trained ones (He et al. 2020, section 2.2)."""
    epochs = rows.filter(quantity=DIRECTION)["epoch"].unique().sort().to_list()
    step, present, chance = (
        _values(rows, DIRECTION, BASE, where, *epochs) for where in (ONE_STEP, AT_PRESENT, ANOTHER_ORDER)
    )
    when = "mean over epochs"
    return [
        _Said(f"{DIRECTION}, {when}", f"{BASE}, {ONE_STEP}", "far below 1", step, CORRELATION),
        _Said(f"{DIRECTION}, {when}", f"{BASE}, {ANOTHER_ORDER}", "above one step's", chance, CORRELATION),
        _Said(
            f"{DIRECTION}, difference, {when}",
            f"{ANOTHER_ORDER} - {ONE_STEP}",
            "> 0",
            _paired(chance, step),
            TAU_DIFFERENCE,
        ),
        _Said(
            f"{DIRECTION}, difference, {when}",
            f"{ONE_STEP} - {AT_PRESENT}",
            "> 0 (second order nearer)",
            _paired(step, present),
            TAU_DIFFERENCE,
        ),
    ]


def foresight(rows: pl.DataFrame, setting: str) -> pl.DataFrame:
    """`seed` and `value`, `FORESIGHT` of each search of a setting whose cell and validation accuracy change at all."""
    own = rows.filter(setting=setting).drop_nulls("value")
    seen = own.filter(quantity=SEARCHED).select("seed", "epoch", seen="value")
    judged = own.filter(quantity=ACCURACY, selection="magnitude").select("seed", "epoch", judged="value")
    both = seen.join(judged, on=["seed", "epoch"], maintain_order="left")
    parts = []
    for (seed,), search in both.group_by("seed", maintain_order=True):
        tau = float(kendalltau(search["seen"], search["judged"]).statistic)
        if np.isfinite(tau):
            parts.append({"seed": seed, "value": tau})
    return pl.DataFrame(parts, schema={"seed": pl.Int64, "value": pl.Float64})


def _searched(rows: pl.DataFrame, setting: str = BASE) -> list[int]:
    """The epochs after which alpha's cell was judged in searches of a setting, ascending."""
    own = rows.filter(quantity=ACCURACY, selection="magnitude", setting=setting)
    epochs: list[int] = own["epoch"].unique().sort().to_list()
    return epochs


def _values(rows: pl.DataFrame, quantity: str, setting: str, selection: str, *epochs: int) -> pl.DataFrame:
    """`seed` and `value` of one selection after an epoch, or the mean over epochs; seeds that have all of them."""
    own = rows.filter(pl.col("epoch").is_in(epochs), quantity=quantity, setting=setting, selection=selection)
    own = own.drop_nulls("value").group_by("seed", maintain_order=True).agg(pl.col("value").mean(), pl.len())
    return own.filter(len=len(epochs)).select("seed", "value")


def _paired(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    both = one.join(other, on="seed", maintain_order="left")
    return both.select("seed", value=pl.col("value") - pl.col("value_right"))
