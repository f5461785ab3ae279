from __future__ import annotations

import polars as pl
import pytest

from predictornas.papers.supernet.collapse_claims import (
    ACCURACY,
    AGREEMENT,
    DIRECTION,
    SEARCHED,
    SKIPS,
    claims,
    foresight,
)
from predictornas.papers.supernet.collapse_design import LONGER
from predictornas.papers.supernet.trained_out import ANOTHER_ORDER, AT_PRESENT, ONE_STEP


def test_claims_are_paired_by_seed() -> None:
    """The accuracy of darts-1 falls by 0.1, 0.11 and 0.12, and drnas ends 0.2 above it, each by the same seed."""
    rows = []
    for seed in range(3):
        base = 0.9 - 0.05 * seed
        ends = {"darts-1": base - 0.1 - 0.01 * seed, "drnas": base + 0.1 - 0.01 * seed}
        start = {"quantity": ACCURACY, "seed": seed, "epoch": 1, "selection": "magnitude", "cell": "", "value": base}
        rows.append({**start, "setting": "darts-1"})
        rows += [{**start, "setting": name, "epoch": 12, "value": value} for name, value in ends.items()]
        rows.append({**start, "setting": "darts-1", "epoch": 12, "quantity": SKIPS, "value": 0.8 + 0.05 * seed})
    found = claims(pl.DataFrame(rows))
    fall = found.row(by_predicate=pl.col("quantity") == f"{ACCURACY}, last - first epoch", named=True)
    assert fall["ours"] == pytest.approx(-0.11)
    assert (fall["runs"], fall["verdict"]) == (3, "yes")
    (lead,) = found.filter(quantity=f"{ACCURACY}, difference, last epoch", setting="drnas - darts-1").to_dicts()
    assert lead["ours"] == pytest.approx(0.2)
    assert found.filter(quantity=f"{AGREEMENT}, difference")["ours"].to_list() == [None] * 3
    assert LONGER not in found["setting"].to_list()


def test_the_longer_search_is_judged_by_its_own_epochs() -> None:
    place = {"quantity": ACCURACY, "selection": "magnitude", "cell": ""}
    rows = [
        {**place, "setting": name, "seed": seed, "epoch": epoch, "value": value + 0.01 * seed}
        for seed in range(3)
        for name, epochs in (("darts-1", {1: 0.9, 12: 0.8}), (LONGER, {1: 0.9, 12: 0.5, 36: 0.6}))
        for epoch, value in epochs.items()
    ]
    found = claims(pl.DataFrame(rows)).filter(quantity=f"{ACCURACY}, last - first epoch")
    assert [(row["setting"], round(row["ours"], 9)) for row in found.to_dicts()] == [("darts-1", -0.1), (LONGER, -0.3)]


def test_selections_are_compared_with_magnitude_on_the_same_super_networks() -> None:
    """Perturbation gains 0.1 after epoch 3 and 0.3 after epoch 12, on seed 1 each 0.1 more; seed 2 lacks an epoch."""
    rows = []
    for seed in range(3):
        for epoch, gain in ((0, 0.5), (3, 0.1), (12, 0.3)):
            place = {"quantity": ACCURACY, "setting": "darts-1", "seed": seed, "epoch": epoch, "cell": ""}
            if epoch > 0 and (seed, epoch) != (2, 3):
                rows.append({**place, "selection": "magnitude", "value": 0.5})
            rows.append({**place, "selection": "perturbation", "value": 0.5 + gain + 0.1 * seed})
        for name, gain in (("sdarts-rs", 0.1), ("drnas", -0.1)):
            place = {"quantity": ACCURACY, "setting": name, "seed": seed, "epoch": 12, "cell": ""}
            rows.append({**place, "selection": "magnitude", "value": 0.6})
            rows.append({**place, "selection": "perturbation", "value": 0.6 + gain + 0.01 * seed})
    said = claims(pl.DataFrame(rows))
    others = said.filter(pl.col("setting").is_in(["sdarts-rs, perturbation", "drnas, perturbation"]))
    assert others.select("claim", pl.col("ours").round(9), "runs", "verdict").rows() == [
        ("> 0", 0.11, 3, "yes"),
        ("none (ours)", -0.09, 3, None),
    ]
    found = said.filter(setting="darts-1, perturbation")
    assert [(row["quantity"].split(", ")[-1], row["runs"], round(row["ours"], 9)) for row in found.to_dicts()] == [
        ("last epoch", 3, 0.4),
        ("mean over epochs", 2, 0.25),
    ]


def test_foresight_is_a_rank_correlation_over_the_epochs_of_a_search() -> None:
    """Seed 0: three of three pairs agree; seed 1: one of three; the cell of seed 2 never changes."""
    rows = []
    for seed, judged in enumerate(([0.1, 0.2, 0.3], [0.3, 0.1, 0.2], [0.5, 0.5, 0.5])):
        for epoch, (value, seen) in enumerate(zip(judged, [0.4, 0.5, 0.6], strict=True), start=1):
            place = {"setting": "drnas", "seed": seed, "epoch": epoch, "cell": ""}
            rows.append({**place, "quantity": ACCURACY, "selection": "magnitude", "value": value})
            rows.append({**place, "quantity": SEARCHED, "selection": None, "value": seen})
    found = foresight(pl.DataFrame(rows), "drnas")
    assert found["seed"].to_list() == [0, 1]
    assert found["value"].to_list() == pytest.approx([1.0, -1 / 3])
    assert foresight(pl.DataFrame(rows), "darts-1").is_empty()


def test_slopes_after_one_step_are_compared_with_another_order_of_batches() -> None:
    """Cosines of 0.5 and 0.6 at present, 0.1 more after a step, 0.9 by another order; means over two epochs."""
    rows = [
        {
            "quantity": DIRECTION,
            "setting": "darts-1",
            "seed": seed,
            "epoch": epoch,
            "selection": where,
            "cell": "",
            "value": value,
        }
        for seed in range(2)
        for epoch in (3, 12)
        for where, value in (
            (AT_PRESENT, 0.5 + 0.1 * seed),
            (ONE_STEP, 0.6 + 0.1 * seed + (0.02 if epoch == 3 else -0.02)),
            (ANOTHER_ORDER, 0.9),
        )
    ]
    rows += [
        {**rows[0], "quantity": ACCURACY, "epoch": epoch, "selection": "magnitude", "value": 0.9} for epoch in (1, 12)
    ]
    found = claims(pl.DataFrame(rows)).filter(pl.col("quantity").str.starts_with(DIRECTION))
    values = dict(zip(found["setting"], found["ours"], strict=True))
    assert values == pytest.approx(
        {
            f"darts-1, {ONE_STEP}": 0.65,
            f"darts-1, {ANOTHER_ORDER}": 0.9,
            f"{ANOTHER_ORDER} - {ONE_STEP}": 0.25,
            f"{ONE_STEP} - {AT_PRESENT}": 0.1,
        }
    )
