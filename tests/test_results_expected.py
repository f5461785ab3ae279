"""What the document of expected gains says of committed searches follows from their histories."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from tests.test_results import RESULTS

FOLDER = RESULTS / "expected-gain"


@pytest.mark.slow
@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("method", ["rank-nosh-30", "rank-nosh-50", "rank-nosh-70"])
def test_who_survived_follows_from_the_history(method: str) -> None:
    table, trained = open_benchmark("nasbench101-digits"), {}
    judged = dict(zip(table.keys.tolist(), table.values(table.evaluation).tolist(), strict=True))
    history = pl.read_parquet(RESULTS / "nosh" / "digits" / "history.parquet").filter(method=method)
    for seed, key, epochs in history.select("seed", "key", "epochs").iter_rows():
        trained[seed, key] = max(epochs, trained.get((seed, key), 0))
    ends = []
    for seed in range(20):
        own = sorted((-judged[key], epochs) for (run, key), epochs in trained.items() if run == seed)
        ends += [epochs == 9 for _, epochs in own[:2]]
    rows = pl.read_csv(FOLDER / "chosen.csv", infer_schema_length=None)
    row = rows.filter(table="nasbench101-digits", method=method, judged="evaluation").row(0, named=True)
    assert row["measured"] == pytest.approx(np.mean(ends))
    assert row["candidates"] == round(len(trained) / 20)
    saved = pl.read_csv(RESULTS / "nosh" / "digits" / "savings.csv", infer_schema_length=None)
    at = saved.filter(method=method, reference="rank-full", trace="best", at=180).row(0, named=True)
    assert (row["saved"], row["saved_low"], row["saved_high"]) == pytest.approx((at["factor"], at["low"], at["high"]))
