from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.collapse_figure import (
    ACCURACY,
    AGREEMENT,
    SEARCHED,
    SKIPS,
    agreement_rows,
    chosen_by,
    claims,
    collapse_figure,
    foresight,
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


def test_selections_are_compared_with_magnitude_on_the_same_super_networks() -> None:
    """Perturbation gains 0.1 after epoch 3 and 0.3 after epoch 12, on seed 1 each 0.1 more; seed 2 lacks an epoch."""
    rows = []
    for seed in range(3):
        for epoch, gain in ((0, 0.5), (3, 0.1), (12, 0.3)):
            place = {"quantity": ACCURACY, "setting": "darts-1", "seed": seed, "epoch": epoch, "cell": ""}
            if epoch > 0 and (seed, epoch) != (2, 3):
                rows.append({**place, "selection": "magnitude", "value": 0.5})
            rows.append({**place, "selection": "perturbation", "value": 0.5 + gain + 0.1 * seed})
    found = claims(pl.DataFrame(rows)).filter(setting="darts-1, perturbation")
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


@pytest.mark.thorough
def test_the_smoke_size_runs_keeps_its_networks_and_is_not_run_again(tmp_path: Path) -> None:
    request = FigureRequest(tmp_path, size="smoke", data="digits")
    made = collapse_figure(request, title="smoke")
    folder = tmp_path / "darts-collapse-smoke" / "darts-1-seed-0"
    assert (kept_at(folder, 2) / CHECKPOINT).exists()
    assert {"magnitude", "perturbation", "masking", "quadratic_form", "curvature"} <= set(made.table["selection"])
    assert set(made.table["epoch"]) == {0, 1, 2}
    assert made.paper is not None
    assert made.paper["runs"].to_list()[:4] == [1, 1, 1, 1]
    written = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    again = collapse_figure(request, title="smoke")
    assert again.table.equals(made.table)
    assert {path: path.read_bytes() for path in folder.rglob("*.jsonl")} == written
