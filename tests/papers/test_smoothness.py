from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.papers.figure import FigureRequest
from predictornas.papers.named_figures import find_figures
from predictornas.papers.smoothness import ANCHORS, smoothness_figure


@pytest.mark.slow
def test_neighbours_of_one_table_stand_beside_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTORNAS_DATA", str(tmp_path))
    monkeypatch.setitem(ANCHORS, "small", 40)
    (figure,) = find_figures(["mauch-smoothness"])
    made = figure.made(FigureRequest(tmp_path, "nasbench101-digits"))
    assert set(made.table["benchmark"]) == {"nasbench101-digits"}
    assert made.paper is not None
    (claim,) = made.paper.to_dicts()
    assert claim["verdict"] == "yes"
    assert claim["low"] < claim["ours"] < claim["high"] < claim["again"]
    assert made.facts["anchors"] == 40


def test_a_table_that_is_found_is_drawn_and_judged_without_measuring(tmp_path: Path) -> None:
    rows = {"rank correlation": [0.8, 0.3], "share of the best 1 %": [1.0, 0.5]}
    found = pl.DataFrame(
        [
            {"benchmark": "any", "quantity": quantity, "of": of, "distance": distance, "value": value}
            for quantity, values in rows.items()
            for of, distance, value in (("trained again", None, values[0]), ("distance", 1, values[1]))
        ]
    ).with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))
    made = smoothness_figure(FigureRequest(tmp_path, "nasbench101-digits", found=found), title="Alike")
    assert made.table is found
    assert made.paper is not None
    (claim,) = made.paper.to_dicts()
    assert (claim["ours"], claim["low"], claim["high"], claim["again"], claim["verdict"]) == (0.3, 0.3, 0.3, 0.8, "yes")
