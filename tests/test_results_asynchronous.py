"""What the document of asynchronous searches says follows from the trainings beside it."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.test_results import RESULTS, script

FOLDER = RESULTS / "asynchronous"


@pytest.mark.slow
def test_its_tables_follow_from_what_was_measured() -> None:
    tables = script("asynchronous_tables")
    trainings, searched = (pl.read_parquet(FOLDER / f"{name}.parquet") for name in ("trainings", "transfer"))
    learned = trainings.filter(pl.col("method") != "random")
    again = {
        "utilisation": tables.utilisations(trainings),
        "pairs": pl.DataFrame([*tables.pairs(learned), *tables.against_one(learned)], infer_schema_length=None),
        "transfer": pl.DataFrame(list(tables.transfers(searched)), infer_schema_length=None),
    }
    for name, table in again.items():
        kept = pl.read_csv(FOLDER / f"{name}.csv", infer_schema_length=None)
        assert_frame_equal(kept, table, check_dtypes=False, rel_tol=1e-6)


def test_pairs_and_savings_of_searches_worked_out_by_hand() -> None:
    """Asynchronous: errors .4 at 1 s and .1 at 4 s; in batches .4 at 1 s and .2 at 8 s. Goal of one evaluation: .3."""
    tables = script("asynchronous_tables")
    rows = [
        ("a", 2, way, seed, order, ended, error)
        for seed in (0, 1)
        for way, run in ((False, ((1.0, 0.4), (4.0, 0.1))), (True, ((1.0, 0.4), (8.0, 0.2))))
        for order, (ended, error) in enumerate(run)
    ]
    names = ["table", "workers", "synchronous", "seed", "order", "ended", "error"]
    found = {
        (row["quantity"], row["at"]): row["difference"]
        for row in tables.pairs(pl.DataFrame(rows, schema=names, orient="row"))
    }
    assert found["equal wall-clock", 0.5] == 0
    assert found["equal wall-clock", 1.0] == pytest.approx(0.1 - 0.4)
    assert found["equal evaluations", 1.0] == pytest.approx(0.1 - 0.2)
    assert found["time", 1.0] == 2
    searches = [("none", 0.0, [0.5] * 29 + [0.3] * 31), ("other", 0.3, [0.5] * 9 + [0.3] * 51)]
    rows = [
        ("t", *facts, seed, order, error)
        for seed in (0, 1)
        for *facts, run in searches
        for order, error in enumerate(run)
    ]
    frame = pl.DataFrame(rows, schema=["table", "source", "share", "seed", "order", "error"], orient="row")
    savings = {row["at"]: row for row in tables.transfers(frame) if row["quantity"] == "saved"}
    assert (savings[30]["difference"], savings[30]["unreached"]) == (20, 0)


def test_workers_that_never_wait_are_busy() -> None:
    """The bar is 95 %; batches do not reach it, and no interval of an anytime error at equal wall-clock is above 0."""
    busy = pl.read_csv(FOLDER / "utilisation.csv")
    assert busy.filter(~pl.col("synchronous"))["low"].min() > 0.95  # type: ignore[operator]
    assert busy.filter(pl.col("synchronous"))["high"].max() < 0.95  # type: ignore[operator]
    pairs = pl.read_csv(FOLDER / "pairs.csv", infer_schema_length=None)
    assert pairs.filter(quantity="anytime, wall-clock")["low"].max() < 0  # type: ignore[operator]
    assert set(pairs["workers"]) == {4, 16}
