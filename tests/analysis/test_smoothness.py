from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr

from predictornas.analysis import smoothness
from predictornas.analysis.smoothness import AGAIN, DISTANCE, RANDOM, smoothness_table
from predictornas.spaces.nasbench201 import NASBench201


class Small(NASBench201):
    """Four of its six edges; nobody asks for their graphs."""

    name = "small"
    num_choices = (5,) * 4


SPACE = Small()
GENES = SPACE.enumerate()
SIGNAL = np.random.default_rng(3).normal(GENES.sum(axis=1), 2.0)
NEW = np.random.default_rng(4).normal(SIGNAL, 1.0)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return smoothness_table(SPACE, GENES, SIGNAL, NEW, rng=np.random.default_rng(0))


def of(table: pl.DataFrame, quantity: str, of: str, distance: int | None = None) -> dict[str, float]:
    found = table.filter(
        (pl.col("quantity") == quantity) & (pl.col("of") == of) & pl.col("distance").eq_missing(pl.lit(distance))
    )
    return found.row(0, named=True)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_correlations_are_those_of_all_pairs_at_a_distance(table: pl.DataFrame, distance: int) -> None:
    edits = (GENES[:, None] != GENES[None]).sum(axis=2)
    first, second = np.nonzero(edits == distance)
    pearson = of(table, "correlation", DISTANCE, distance)
    assert pearson["pairs"] == len(first)
    assert pearson["value"] == pytest.approx(pearsonr(SIGNAL[first], SIGNAL[second]).statistic)
    # every row is in as many pairs, so that ranks stay evenly spread
    ranks = of(table, "rank correlation", DISTANCE, distance)
    assert ranks["value"] == pytest.approx(spearmanr(SIGNAL[first], SIGNAL[second]).statistic, abs=1e-3)
    assert (ranks["low"], ranks["high"]) == (None, None)


def test_the_order_of_a_table_does_not_matter(table: pl.DataFrame) -> None:
    order = np.random.default_rng(6).permutation(len(GENES))
    turned = smoothness_table(SPACE, GENES[order], SIGNAL[order], NEW[order], rng=np.random.default_rng(0))
    mine, exact = (of(one, "correlation", DISTANCE, 1) for one in (turned, table))
    assert mine["value"] == pytest.approx(exact["value"])
    assert mine["low"] is None


def test_the_same_again_and_random_pairs_are_the_two_ends(table: pl.DataFrame) -> None:
    again = of(table, "rank correlation", AGAIN)["value"]
    assert again == pytest.approx(spearmanr(SIGNAL, NEW).statistic)
    assert abs(of(table, "correlation", RANDOM)["value"]) < 0.1
    assert again > of(table, "rank correlation", DISTANCE, 1)["value"] > 0.3


def test_neighbours_of_the_best_are_counted(table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothness, "FEWEST_PAIRS", 1)
    rows = smoothness_table(SPACE, GENES, SIGNAL, NEW, rng=np.random.default_rng(0))
    best, good = int(SIGNAL.argmax()), set(np.argsort(-SIGNAL)[:6].tolist())  # 0.1 % and 1 % of 625
    near = np.flatnonzero((GENES[best] != GENES).sum(axis=1) == 2).tolist()
    found = of(rows, "share of the best 1 %", DISTANCE, 2)
    assert found["pairs"] == len(near)
    assert found["value"] == pytest.approx(len(good & set(near)) / len(near))
    assert of(rows, "share of the best 1 %", RANDOM)["value"] == pytest.approx(6 / 625)
    assert "share of the best 1 %" in set(table["quantity"])


@pytest.mark.slow
def test_a_sample_of_other_tables_has_intervals_around_the_exact_values(table: pl.DataFrame) -> None:
    order = np.random.default_rng(5).permutation(len(GENES))[1:]  # one is missing
    sampled = smoothness_table(
        SPACE, GENES[order], SIGNAL[order], NEW[order], anchors=200, rng=np.random.default_rng(1)
    )
    for distance in (1, 2, 3):
        mine, exact = (of(one, "correlation", DISTANCE, distance) for one in (sampled, table))
        assert mine["low"] < exact["value"] < mine["high"]
        assert 0 < mine["high"] - mine["low"] < 0.25
        assert mine["anchors"] == 200
