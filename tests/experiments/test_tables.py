from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from predictornas.experiments.tables import write_table


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    table = pl.DataFrame({"method": ["a", "b"], "gain_db": [1.25, None]})
    for name, read in (("t.parquet", pl.read_parquet), ("t.csv", pl.read_csv)):
        write_table(tmp_path / name, table)
        assert_frame_equal(read(tmp_path / name), table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "t.parquet"]
