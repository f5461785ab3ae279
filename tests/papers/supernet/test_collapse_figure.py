from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.collapse_design import LONGER
from predictornas.papers.supernet.collapse_figure import (
    agreement_rows,
    chosen_by,
    collapse_figure,
)
from predictornas.papers.supernet.searches import kept_at
from predictornas.spaces.nasbench201 import OPERATIONS
from predictornas.supernet.driver import CHECKPOINT


def test_the_largest_score_of_each_edge_makes_a_cell() -> None:
    rows = [
        {"edge": edge, "operation": name, "score": float(place == (edge % 5))}
        for edge in range(6)
        for place, name in enumerate(OPERATIONS)
    ]
    assert chosen_by(pl.DataFrame(rows), "score") == (0, 1, 2, 3, 4, 0)


def test_agreement_with_strength() -> None:
    place = {"setting": "darts-1", "seed": 0, "epoch": 12, "edge": 0}
    strengths = [{**place, "operation": name, "strength": float(number)} for number, name in enumerate("abc")]
    scores = [
        {
            **place,
            "operation": name,
            "importance": -value,
            "masking": value,
            "quadratic_form": 1.0,
            "curvature": swapped,
        }
        for name, value, swapped in (("a", 0.1, 0.0), ("b", 0.2, 2.0), ("c", 0.3, 1.0))
    ]
    found = agreement_rows(pl.DataFrame(scores), pl.DataFrame(strengths))
    assert dict(found.select("selection", "value").rows()) == {
        "importance": -1.0,
        "masking": 1.0,
        "quadratic_form": None,  # all operations of the edge alike
        "curvature": pytest.approx(1 / 3),
    }


@pytest.mark.thorough
def test_the_smoke_size_runs_keeps_its_networks_and_is_not_run_again(tmp_path: Path) -> None:
    request = FigureRequest(tmp_path, size="smoke", data="digits")
    made = collapse_figure(request, title="smoke")
    folder = tmp_path / "darts-collapse-smoke" / "darts-1-seed-0"
    assert (kept_at(folder, 2) / CHECKPOINT).exists()
    assert {"magnitude", "perturbation", "masking", "quadratic_form", "curvature"} <= set(made.table["selection"])
    assert set(made.table.filter(setting="darts-1")["epoch"]) == {0, 1, 2}
    assert set(made.table.filter(setting=LONGER)["epoch"]) == set(range(1, 7))
    assert made.paper is not None
    assert made.paper["runs"].to_list()[:4] == [1, 1, 1, 1]
    written = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    again = collapse_figure(request, title="smoke")
    assert again.table.equals(made.table)
    assert {path: path.read_bytes() for path in folder.rglob("*.jsonl")} == written
