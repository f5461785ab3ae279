"""The tables of super-networks: intervals of bounded quantities stay in their bounds, verdicts follow from them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.papers.claims import UNDECIDED, verdict

FOLDER = Path(__file__).parents[1] / "docs" / "results" / "supernet"
TABLES = sorted(FOLDER.glob("*-paper.csv"))
ENDS = {
    "correlation": (-1, 1),
    "rank correlation": (-1, 1),
    "Kendall": (-1, 1),
    "Kendall's tau with strength, difference": (-2, 2),
    "share of": (0, 1),
    "share of skip connections, last - first epoch": (-1, 1),
    "share of skip connections, difference": (-1, 1),
    "skip share": (0, 1),
    "error of the cell": (-1, 1),
    "test accuracy before": (0, 1),
    "test accuracy after": (0, 1),
    "test accuracy lost": (-2, 2),
    "accuracy": (-1, 1),
    "final validation accuracy": (-1, 1),
    "edges of 14": (0, 14),
}


@pytest.mark.parametrize("path", TABLES, ids=[path.stem for path in TABLES])
def test_a_verdict_follows_from_its_interval(path: Path) -> None:
    for row in pl.read_csv(path, infer_schema_length=None).iter_rows(named=True):
        said = row.get("paper") if row.get("claim") is None else row["claim"]
        said = str(said) if isinstance(said, int) else said
        if str(said).startswith("alike"):
            assert row["verdict"] in (UNDECIDED, "no")
        else:
            assert row["verdict"] == verdict(said, row["low"], row["high"])
        known = [start for start in ENDS if row["quantity"].startswith(start)]
        if row["low"] is not None and known:
            lowest, highest = ENDS[max(known, key=len)]
            assert lowest <= row["low"] <= row["ours"] <= row["high"] <= highest, row


def test_every_figure_has_what_the_paper_says_beside_it() -> None:
    assert [path.stem.removesuffix("-paper") for path in TABLES] == sorted(path.stem for path in FOLDER.glob("*.json"))
