from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.papers import near_pools
from predictornas.papers.figure import FigureRequest
from predictornas.papers.near_pools import POOLS, TRAININGS, near_pools_figure, searches
from predictornas.predictors.gcn import GCN


def test_pools_of_one_training_share_the_predictor_and_nothing_else_differs() -> None:
    for training, (predictor, pools) in TRAININGS.items():
        made = searches(training)
        assert [one.name for one in made] == [f"{pool}; {training}" for pool in pools]
        assert {(one.strategy.initial, one.strategy.batch) for one in made} == {(10, 10)}
        assert all(one.strategy.predictor is predictor for one in made)


@pytest.mark.slow
def test_every_pool_is_searched_and_compared_with_the_whole_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"short": (GCN(width=8, training_epochs=2), tuple(POOLS))}
    monkeypatch.setattr(near_pools, "TRAININGS", small)
    made = near_pools_figure(FigureRequest(tmp_path, "nasbench101-digits", budget=30, seeds=2), title="Pools")
    assert made.table["pool"].unique(maintain_order=True).to_list() == list(POOLS)
    assert set(made.table["training"]) == {"short"}
    near = made.table.filter((pl.col("pool") == "within 2 edits") & (pl.col("quantity") == "share of proposals"))
    assert near["at"].max() <= 2  # type: ignore[operator]
    assert made.paper is not None
    assert len(made.paper) == 9  # two near pools and the two of them, three quantities
    assert set(made.paper["runs"]) == {2}
