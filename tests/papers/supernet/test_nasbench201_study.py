from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import nasbench201_study as study
from predictornas.papers.supernet import searches as supernet_study
from predictornas.papers.supernet.searches import Scale
from predictornas.spaces.nasbench201 import from_strings
from predictornas.supernet.published import METHODS, method_names

TINY = Scale("darts", images=60, pixels=8, batch_size=15, epochs=2, cells=1, channels=2, seeds=1)


@pytest.fixture
def tiny(store, tmp_path, monkeypatch) -> FigureRequest:
    """A request whose searches have two epochs of two steps; its tables are built from the package."""
    monkeypatch.setitem(supernet_study.SCALES, "small", TINY)
    monkeypatch.setattr(study, "SETTINGS", ("darts-1", "milenas"))
    monkeypatch.setattr(study, "PERTURBED", ("darts-1+pt",))
    return FigureRequest(tmp_path / "figures", data="digits")


def test_every_method_is_studied_and_four_with_perturbation():
    assert list(study.SETTINGS) == list(METHODS)
    assert len(study.SETTINGS) == 16
    assert study.PERTURBED == ("darts-1+pt", "sdarts-rs+pt", "sgas-1+pt", "drnas+pt")
    assert set(study.SETTINGS + study.PERTURBED) <= set(method_names())
    assert set(study.LEFT_OUT["small"]) < set(study.SETTINGS + study.PERTURBED)


@pytest.mark.thorough
def test_accuracies_are_those_of_the_tables_and_skips_are_counted(tiny):
    made = study.trajectories_figure(tiny, title="Title")
    table = made.table
    epochs = table.group_by("setting", maintain_order=True).agg(pl.col("epoch").max())
    # the space is NAS-Bench-201 whatever the scale says; perturbation has 6 rounds of one epoch
    assert epochs.rows() == [("darts-1", 2), ("milenas", 2), ("darts-1+pt", 8)]
    for name in ("nasbench201-cifar10", "nasbench201-cifar100", "nasbench201-imagenet16-120"):
        benchmark = open_benchmark(name)
        values = benchmark.lookup(from_strings(table["cell"].to_list()), "valid_accuracy_200_rest")
        known = table[name].to_numpy()
        np.testing.assert_allclose(known, values)
    skips = [text.count("skip_connect") / 6 for text in table["cell"]]
    assert table["skip_share"].to_list() == pytest.approx(skips)
    selected = table.filter(pl.col("is_selected"))
    assert len(selected) == 3
    for (setting, seed), run in table.group_by("setting", "seed"):
        end = selected.filter((pl.col("setting") == setting) & (pl.col("seed") == seed))["epoch"].item()
        log = tiny.folder / "supernet-small-digits" / "nasbench201" / f"{setting}-seed-{seed}" / "epochs.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        best = max(lines, key=lambda line: line["validation_accuracy"]) if setting == "milenas" else lines[-1]
        assert run.filter(pl.col("epoch") == end)["cell"].item() == run.filter(epoch=best["epoch"])["cell"].item()
    assert made.facts["tables"] == {name: f"{name}, valid_accuracy_200_rest" for name in study.STATED}
    assert made.paper is not None
    stated = made.paper.filter(pl.col("claim").is_not_null())
    assert stated.select("quantity", "table").n_unique() == 6


def test_summaries_by_hand():
    nine = {"phase": "search", "cell": "", "seconds": 2.0}
    rows = [
        {"setting": "drnas", "seed": 0, "epoch": 1, "is_selected": False, "skip_share": 0.0, "a": 0.9, **nine},
        {"setting": "drnas", "seed": 0, "epoch": 2, "is_selected": True, "skip_share": 0.5, "a": 0.7, **nine},
        {"setting": "drnas", "seed": 1, "epoch": 1, "is_selected": False, "skip_share": 0.0, "a": 0.5, **nine},
        {"setting": "drnas", "seed": 1, "epoch": 2, "is_selected": True, "skip_share": 0.0, "a": 0.6, **nine},
        {"setting": "drnas+pt", "seed": 1, "epoch": 2, "is_selected": True, "skip_share": 1.0, "a": 0.8, **nine},
    ]
    found = study.summarised(pl.DataFrame(rows), ["a"])

    def mean(quantity: str, setting: str) -> float:
        return found.filter((pl.col("quantity") == quantity) & (pl.col("setting") == setting))["mean"].item()

    assert mean("skip share", "drnas") == pytest.approx(0.25)
    assert mean("seconds", "drnas") == pytest.approx(4.0)
    assert mean("accuracy", "drnas") == pytest.approx(0.65)
    assert mean("accuracy since half-way", "drnas") == pytest.approx((0.7 - 0.9 + 0.6 - 0.5) / 2)
    # only seed 1 has both
    assert mean("accuracy, difference", "drnas+pt - drnas") == pytest.approx(0.2)


def test_numbers_of_the_papers_stand_beside_drnas():
    summary = pl.DataFrame(
        {
            "quantity": ["accuracy", "skip share", "accuracy"],
            "table": ["nasbench201-cifar100", None, "nasbench201-cifar10"],
            "setting": ["drnas", "drnas", "gdas"],
            "mean": [0.7, 0.1, 0.9],
            "std": [0.0] * 3,
            "low": [0.0] * 3,
            "high": [0.0] * 3,
            "runs": [2] * 3,
        }
    )
    rows = study._beside(summary)
    assert rows.select("setting", "paper", "ours").rows() == [
        ("drnas", 0.7351, 0.7),
        ("drnas", None, 0.1),
        ("gdas", None, 0.9),
    ]


def test_the_accuracies_that_drnas_states():
    """Chen et al. 2021: test accuracies in NAS-Bench-201, in %."""
    assert {name: round(100 * value, 2) for name, value in study.STATED.items()} == {
        "nasbench201-cifar10": 94.36,
        "nasbench201-cifar100": 73.51,
        "nasbench201-imagenet16-120": 46.34,
    }


def test_half_way_is_counted_without_the_fine_tuning_and_rounded_up():
    """Five epochs of search have their middle at 3, four at 2; two of fine-tuning move neither."""
    rows = [
        {"setting": setting, "seed": 0, "epoch": epoch, "phase": "search" if epoch <= searched else "fine-tuning"}
        for setting, searched, epochs in (("a", 5, 5), ("b", 4, 6))
        for epoch in range(1, epochs + 1)
    ]
    middle = pl.DataFrame(rows).filter(pl.col("epoch") == study._half_way())
    assert middle.select("setting", "epoch").rows() == [("a", 3), ("b", 2)]


def test_ends_stand_below_the_method_that_they_select_for():
    rows = pl.DataFrame(
        {
            "setting": ["drnas", "drnas", "drnas+pt"],
            "is_selected": [False, True, True],
            "accuracy": [0.1, 0.2, 0.3],
            "skip_share": [0.0, 0.5, 1.0],
        }
    )
    assert study._ends(rows).rows() == [("drnas", "own", 0.2, 0.5), ("drnas", "perturbation", 0.3, 1.0)]
