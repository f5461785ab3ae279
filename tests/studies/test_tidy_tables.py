from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from predictornas.analysis.gain import gain_table
from predictornas.errors import StoreError
from predictornas.studies.gain.study_targets import study_targets
from predictornas.studies.tidy_tables import read_table, write_table
from tests.full_disk import file_size_limit

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    table = pl.DataFrame({"method": ["a", "b"], "gain_db": [1.25, None]})
    for name, read in (("t.parquet", pl.read_parquet), ("t.csv", pl.read_csv)):
        write_table(tmp_path / name, table)
        assert_frame_equal(read(tmp_path / name), table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "t.parquet"]


TABLE = pl.DataFrame(
    {"method": ["a", None, "ä"], "genes": [[1, 2], [], None], "x": [0.5, float("nan"), None], "key": [2**64 - 1, 0, 1]},
    schema={"method": pl.String, "genes": pl.List(pl.Int8), "x": pl.Float64, "key": pl.UInt64},
)


def test_a_parquet_table_is_read_with_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, TABLE)
    assert_frame_equal(read_table(path, {"x": pl.Float64}, remedy="Again."), TABLE)
    with pytest.raises(StoreError, match=r"no column 'x' of type String. Again."):
        read_table(path, {"x": pl.String}, remedy="Again.")
    with pytest.raises(StoreError, match=r"cannot be read: No such file.* Again."):
        read_table(tmp_path / "gone.parquet", {}, remedy="Again.")


@pytest.mark.parametrize(
    "altered",
    [
        TABLE.with_columns(x=pl.Series([0.5, None, None])),
        TABLE.with_columns(method=pl.Series(["a", "", "ä"])),
        TABLE.with_columns(genes=pl.Series([[1], [2], None], dtype=pl.List(pl.Int8))),
        TABLE.with_columns(genes=pl.Series([[1, 2], None, []], dtype=pl.List(pl.Int8))),
        TABLE.rename({"x": "y"}),
        TABLE.with_columns(pl.col("key").cast(pl.Float64)),
        TABLE.head(2),
        TABLE.reverse(),
    ],
)
def test_every_difference_changes_the_checksum(tmp_path: Path, altered: pl.DataFrame) -> None:
    write_table(tmp_path / "t.parquet", TABLE)
    written = pl.read_parquet_metadata(tmp_path / "t.parquet")["predictornas.sha256"]
    altered.write_parquet(tmp_path / "t.parquet", metadata={"predictornas.sha256": written})
    with pytest.raises(StoreError, match="was altered: its checksum does not match"):
        read_table(tmp_path / "t.parquet", {}, remedy="")


def test_numbers_read_back_bit_for_bit(tmp_path: Path) -> None:
    """A float64 that six digits round, one beyond fixed notation, a float32 that is not a short decimal."""
    table = pl.DataFrame(
        {"x": [0.1 + 0.2, 1e-300, -2 / 3, None], "y": pl.Series([0.1, 2.5, 1 / 3, None], dtype=pl.Float32)}
    )
    write_table(tmp_path / "t.csv", table)
    assert_frame_equal(pl.read_csv(tmp_path / "t.csv"), table.cast({"y": pl.Float64}), check_exact=True)


@pytest.mark.slow
def test_targets_that_were_written_still_have_their_hits(tmp_path: Path, test_tables: Path) -> None:
    """Errors of real cells are float32: rounded to six digits, one leaves out some of the cells it was taken from."""
    column = pl.read_parquet(test_tables / "nasbench101_test108.parquet", columns=["test_accuracy_run0"])
    errors = np.sort(1 - column["test_accuracy_run0"].to_numpy())
    cells = np.random.default_rng(0).choice(len(errors), 40, replace=False)
    history = pl.DataFrame(
        {
            "run_id": "random/0",
            "method": "random",
            "seed": 0,
            "iteration": np.arange(40),
            "order": np.arange(40),
            "key": cells.astype(np.uint64),
            "epochs": 108,
            "value": 1 - errors[cells].astype(np.float64),
        }
    )
    write_table(tmp_path / "gain.csv", gain_table(history, errors, study_targets(errors), rng=np.random.default_rng(0)))
    table = pl.read_csv(tmp_path / "gain.csv")
    hits = np.searchsorted(errors.astype(np.float64), table["target_error"].to_numpy(), side="right")
    assert table["table_hits"].to_list() == hits.tolist()
    assert len(table) > 80
    rounded = np.searchsorted(errors.astype(np.float64), table["target_error"].round(6).to_numpy(), side="right")
    assert (rounded != hits).any()  # the fault that this test is for


@pytest.mark.parametrize("study", ["search", "efficient-sampling"])
def test_committed_gains_have_the_hits_that_they_state(study: str, test_tables: Path) -> None:
    column = pl.read_parquet(test_tables / "nasbench101_test108.parquet", columns=["test_accuracy_run0"])
    errors = np.sort((1 - column["test_accuracy_run0"].to_numpy()).astype(np.float64))
    table = pl.read_csv(RESULTS / study / "nasbench101" / "gain.csv", infer_schema_length=None)
    hits = np.searchsorted(errors, table["target_error"].to_numpy(), side="right")
    assert table["table_hits"].to_list() == hits.tolist()


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_a_full_disk_is_an_error_of_the_store(tmp_path: Path, name: str) -> None:
    table = pl.DataFrame({"value": [0.123456789 * number for number in range(1000)]})
    with file_size_limit(100), pytest.raises(StoreError, match=rf"Could not write .*{name}: .*File too large"):
        write_table(tmp_path / name, table)
    assert list(tmp_path.iterdir()) == []
