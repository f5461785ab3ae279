from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet import pvll_ablations as figures
from predictornas.papers.supernet import searches as supernet_study
from predictornas.papers.supernet.estimator_probe import EstimatorProbe
from predictornas.papers.supernet.searches import Scale
from predictornas.spaces.nasbench201 import OPERATIONS
from predictornas.supernet.parts.loss_regression import LossSpaceRegression

TINY = Scale("nasbench201", images=1000, pixels=8, batch_size=30, epochs=20, cells=1, channels=2, seeds=1)


@pytest.fixture
def tiny(store, tmp_path, monkeypatch) -> FigureRequest:
    """A request whose searches visit a handful of paths of 60 images; its table is built from the package."""
    monkeypatch.setitem(supernet_study.SCALES, "small", TINY)
    monkeypatch.setattr(figures, "PAPER", LossSpaceRegression(warm_up=2, steps=2, hidden=4, warm_up_steps=5))
    monkeypatch.setattr(figures, "IMAGES", 60)
    monkeypatch.setattr(figures, "POPULATIONS", {2: 0.0023, 3: 0.0009})
    monkeypatch.setattr(figures, "SPACES", ("darts-s2", "darts-s3"))
    monkeypatch.setitem(figures.PROBES, "small", EstimatorProbe(paths=4, interval=2))
    return FigureRequest(tmp_path / "figures", data="digits")


PROBED = "+estimator-*"

CELLS = "digits, size small: nasbench201, 60 images, 8 x 8 pixels, 2 channels, cells a stage: 1, 1 seed."


def words(made: Made) -> str:
    """All that is written below and above a figure."""
    return " ".join(" ".join(text.get_text().split()) for text in made.figure.texts)


def error(genes: np.ndarray) -> float:
    benchmark = open_benchmark("nasbench201-cifar10")
    return 1 - float(benchmark.lookup(genes, benchmark.evaluation)[0])


def lines(request: FigureRequest, setting: str, seed: int, file: str, probe: str = "") -> list[dict]:
    folder = request.folder / "supernet-small-digits"
    (path,) = folder.glob(f"{setting.replace(' ', '-')}{probe}-seed-{seed}/{file}*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.thorough
def test_figure_3a_follows_both_samplings_from_the_first_evaluation(tiny):
    made = figures.sampling_curves_figure(replace(tiny, seeds=2), title="Title")
    assert f"{CELLS.replace('1 seed', '2 seeds')} Loss: mean squared error of psi against the validation" in words(made)
    assert words(made).endswith(
        "so that 1 is no better than their mean (solid), and against the memory, which psi was trained on (dashed). "
        "Mean and 95 % interval over seeds."
    )
    counts = made.table.group_by("curve", "quantity").len().sort("curve", "quantity")
    assert counts.rows() == [
        (f"{name} sampling", quantity, 2)
        for name in ("gradient", "uniform")
        for quantity in ("relative_loss", "relative_training_loss", "tau")
    ]
    losses = {
        setting: [lines(tiny, setting, seed, "estimator", PROBED)[-1]["rows"][0]["relative_loss"] for seed in (0, 1)]
        for setting in (figures.UNWARMED, figures.UNIFORM)
    }
    end = made.table.filter(curve="uniform sampling", quantity="relative_loss", evaluations=4)
    assert end["mean"].item() == pytest.approx(np.mean(losses["none"]))
    assert made.paper is not None
    assert made.paper["setting"].to_list() == [f"uniform - gradient, {n} evaluations" for n in (2, 4)]
    difference = np.mean(losses["none"]) - np.mean(losses[figures.UNWARMED])
    assert made.paper["ours"].to_list()[-1] == pytest.approx(difference)


@pytest.mark.slow
def test_figure_3b_names_the_number_of_paths_of_each_space(tiny):
    made = figures.space_sizes_figure(tiny, title="Title")
    # 2 and 3 operations on 28 edges
    assert made.table["curve"].unique(maintain_order=True).to_list() == [
        f"{2**28:.1e} paths (darts-s2)",
        f"{3**28:.1e} paths (darts-s3)",
    ]
    assert "60 images, 8 x 8 pixels, 2 channels, 3 cells, 1 seed. The spaces are those of DARTS with 2, 3, 7 and 8" in (
        words(made)
    )
    assert "a path has 28. Without a warm-up population. Loss: mean squared error of psi against" in words(made)
    assert figures._sized("darts-8") == "1.9e+25 paths (darts-8)"  # as in section 5.6 of the paper
    assert made.paper is not None
    assert made.paper["runs"].to_list() == [1, 1]


@pytest.mark.slow
def test_table_3_looks_at_psi_right_after_the_population(tiny):
    made = figures.populations_figure(tiny, title="Title")
    assert made.table.select("setting", "evaluations").unique(maintain_order=True).rows() == [
        ("2 architectures", 3),
        ("3 architectures", 4),
    ]
    assert made.paper is not None
    assert made.paper["paper"].to_list() == [0.0023, 0.0009, None]
    assert made.paper["claim"].to_list() == [None, None, "> 0"]
    assert f"{CELLS} Loss: mean squared error of psi against" in words(made)
    assert "the second time before it is evaluated; psi is trained once all are. Points: seeds; bar:" in words(made)
    measured = lines(tiny, "2 architectures", 0, "estimator", PROBED)[-1]["rows"][0]["relative_loss"]
    assert made.paper["ours"][0] == pytest.approx(measured)


@pytest.fixture
def tables(tiny, monkeypatch) -> tuple[FigureRequest, Made, Made]:
    """Tables 4 and 5, made in one folder."""
    monkeypatch.setitem(figures.PROBES, "small", EstimatorProbe(paths=2, interval=10))
    return tiny, figures.orders_figure(tiny, title="Title"), figures.supernet_ablation_figure(tiny, title="Title")


def value(made: Made, setting: str, quantity: str = "derived") -> float:
    return made.table.filter(pl.col("setting") == setting, pl.col("quantity") == quantity)["value"].item()


@pytest.mark.slow
def test_tables_4_and_5_read_errors_of_cells_and_share_searches(tables):
    request, orders, ablation = tables
    alpha = lines(request, figures.FULL, 0, "epochs")[-1]["alpha"]["cell"]
    genes = np.array([[OPERATIONS.index(max(edge, key=edge.get)) for edge in alpha]], dtype=np.int8)
    assert value(orders, "second order") == pytest.approx(error(genes))
    assert value(ablation, figures.FULL) == value(orders, "second order")
    assert ablation.paper is not None
    assert ablation.paper["setting"].to_list() == [*figures.ablation(), f"{figures.FULL} - none"]
    assert ablation.paper["paper"].to_list()[:6] == pytest.approx([0.0272, 0.0281, 0.031, 0.0303, 0.0308, 0.032])
    assert orders.paper is not None
    seconds = sum(line["seconds"] for line in lines(request, figures.FULL, 0, "epochs"))
    assert orders.paper.filter(pl.col("paper") == 0.20)["ours"].item() == pytest.approx(seconds)
    assert orders.paper.select("paper", "claim").rows() == [
        (0.0272, None), (0.0348, None), (None, "< 0"), (0.20, None), (0.10, None), (None, "> 0")
    ]  # fmt: skip
    assert words(orders) == words(ablation)
    assert f"{CELLS} 4 evaluations a search. Error of the derived cell" in words(orders)
    assert words(orders).endswith("nasbench201-cifar10, valid_accuracy_200_rest. Points: seeds; bar: 95 % interval.")
    # without the sampler parameters rest, and the path of smallest validation loss is derived
    first, *_, last = (line["alpha"] for line in lines(request, "none", 0, "epochs"))
    assert first == last
    (search,) = figures._searches(request, {"none": figures.ablation()["none"]})
    (trace,) = supernet_study.traces(request, [search])
    landscape = trace.trained().landscape
    assert landscape is not None
    entries = landscape.state_dict()
    measured = [line["validation_loss"] for line in lines(request, "none", 0, "epochs")]
    assert entries["losses"].tolist() == pytest.approx(measured)
    best = entries["sequences"][int(np.argmin(measured))].numpy().argmax(axis=1)
    assert value(ablation, "none") == pytest.approx(error(best.astype(np.int8)[None]))
    assert value(ablation, "none", "evaluated") == value(ablation, "none")


@pytest.mark.slow
def test_the_caption_of_cells_counts_evaluations_of_population_and_search(tiny, monkeypatch):
    monkeypatch.setattr(figures, "PAPER", LossSpaceRegression(warm_up=2, steps=5))
    caption = figures._cells_caption(tiny, open_benchmark("nasbench201-cifar10"))
    assert caption.startswith(
        f"{CELLS} 7 evaluations a search. Error of the derived cell, which without the sampler is"
    )


def test_the_constants_are_the_papers():
    """Algorithm 1 and table 4; 100 test paths of section 5.5 at full size, and the four spaces by number of paths."""
    assert (figures.PAPER.warm_up, figures.PAPER.memory, figures.PAPER.steps) == (100, 100, 100)
    assert figures.ORDERS == {"second order": (0.0272, 0.20), "first order": (0.0348, 0.10)}
    assert figures.PROBES["full"].paths == 100
    parts = {name: (s.warm_up, s.steps, s.weighted, s.gradient) for name, s in figures.ablation().items()}
    assert parts == {
        "sampler, warm-up, weighted loss": (100, 100, True, True),
        "sampler, warm-up": (100, 100, False, True),
        "sampler, weighted loss": (0, 200, True, True),
        "sampler": (0, 200, False, True),
        "warm-up": (100, 100, True, False),
        "none": (0, 200, True, False),
    }


def test_a_table_that_was_found_is_drawn_without_a_search(tiny):
    rows = [("gradient sampling", quantity, 50, 0.5) for quantity in ("relative_loss", "tau")]
    found = pl.DataFrame(rows, schema=["curve", "quantity", "evaluations", "mean"], orient="row").with_columns(
        split=pl.lit("test"), low=0.4, high=0.6
    )
    made = figures.sampling_curves_figure(replace(tiny, found=found), title="Title")
    assert made.table is found
    assert made.paper is None
    assert len(made.figure.axes[0].get_lines()) == 1  # tau is not drawn
    assert not tiny.folder.exists()


def test_the_scale_keeps_the_visits_of_the_paper(tiny):
    (search,) = figures._searches(tiny, {figures.FULL: figures.PAPER}, space="darts-s2")
    job, images = search.prepared()
    assert (job.epochs, len(images.train), job.shape.cells, job.space) == (6, 30, 3, "darts-s2")
    assert (
        figures._described(tiny, "darts")
        == "digits, size small: darts, 60 images, 8 x 8 pixels, 2 channels, 3 cells, 1 seed."
    )
