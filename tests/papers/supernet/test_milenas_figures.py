from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.papers.claims import UNDECIDED
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import milenas_figures
from predictornas.papers.supernet import searches as supernet_study
from predictornas.papers.supernet.searches import Scale, SearchTrace, StudiedSearch, studied, traces
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space
from predictornas.supernet.parts.updates import Mixed
from predictornas.supernet.published import get_method
from predictornas.supernet.records import EpochRecord
from predictornas.supernet.state import SearchState

TINY = Scale("nasbench201", images=40, pixels=8, batch_size=10, epochs=2, cells=1, channels=2, seeds=1)

GENES = (3, 2, 1, 0, 4, 1)
"""Two convolutions, whatever else."""


@pytest.fixture
def tiny(store, tmp_path, monkeypatch) -> FigureRequest:
    """A request whose searches have two epochs of two steps; its table is built from the package."""
    monkeypatch.setitem(supernet_study.SCALES, "small", TINY)
    return FigureRequest(tmp_path / "figures", data="digits")


@pytest.fixture
def invented(tiny, monkeypatch):
    """Takes epochs by setting and seed for those of searches; what was asked for is kept in the list it gives."""
    asked: list[StudiedSearch] = []

    def invent(epochs_of):
        def followed(_, searches, folder=None):
            asked.extend(searches)
            return [trace(search, epochs_of(search.setting, search.seed)) for search in searches]

        monkeypatch.setattr(milenas_figures, "traces", followed)
        return asked

    return invent


def trace(search: StudiedSearch, epochs: list[dict]) -> SearchTrace:
    """A search as if it had gone through these epochs."""
    usual = {"train_accuracy": 0.5, "validation_accuracy": 0.5, "seconds": 1.0, "genes": GENES}
    unseen = {"phase": "search", "learning_rate": 0.1, "train_loss": 1.0, "validation_loss": 1.0}
    records = tuple(
        EpochRecord(epoch=number, alpha={}, importance={}, decided={}, **unseen, **(usual | epoch))
        for number, epoch in enumerate(epochs, start=1)
    )
    return SearchTrace(search, records, (), records[-1].genes, Path())


def row(table: pl.DataFrame, quantity: str, setting: str, **where: int) -> dict:
    found = table.filter(pl.col("quantity") == quantity, pl.col("setting") == setting, **where)
    assert len(found) == 1
    return found.row(0, named=True)


def two_seeds(request: FigureRequest, **changes: str) -> FigureRequest:
    return FigureRequest(request.folder, data="digits", seeds=2, **changes)


def test_final_gaps_are_compared_seed_by_seed(tiny, invented):
    gaps = {"single-level": (0.5, 0.3), "mixed-0.1": (0.2, 0.2), "mixed-1": (0.1, 0.2)}

    def epochs(setting, seed):
        gap = gaps.get(setting, (0.0, 0.0))[seed]
        return [
            {"train_accuracy": 0.3 + share * gap, "validation_accuracy": 0.3} for share in (0.2, 0.3, 0.4, 0.9, 1.1)
        ]

    invented(epochs)
    made = milenas_figures.gap_figure(two_seeds(tiny), title="Title")
    assert row(made.table, "gap", "single-level", epoch=1)["mean"] == pytest.approx(0.2 * 0.4)
    # the last quarter of five epochs is two of them, and 0.9 and 1.1 have the mean 1
    assert row(made.table, "final gap", "single-level")["mean"] == pytest.approx(0.4)
    # differences 0.3 and 0.1; t interval of two values, 12.7062 deviations of their mean, on the log odds of [-2, 2]
    difference = row(made.table, "final gap, difference", "single-level - mixed-0.1")
    assert difference["mean"] == pytest.approx(0.2)
    odds = 2.2 / 1.8 * math.exp(12.7062 * 0.1 / (4 * 0.55 * 0.45))
    assert difference["high"] == pytest.approx(-2 + 4 * odds / (1 + odds), rel=1e-5)
    assert made.paper is not None
    assert made.paper.select("setting", "claim", "runs").rows() == [
        ("single-level - mixed-0.1", "> 0", 2),
        ("mixed-0.1 - mixed-1", "> 0", 2),
        ("mixed-1 - mixed-999", "> 0", 2),
        ("mixed-999 - darts-2", "about 0", 2),
        ("single-level - darts-2", "> 0", 2),
    ]
    assert made.paper["ours"].to_list() == pytest.approx([0.2, 0.05, 0.15, 0.0, 0.4])
    assert set(made.paper["verdict"]) == {UNDECIDED}
    assert made.facts["settings"]["mixed-999"]["update"] == {"type": "Mixed", "weight": 999.0}
    assert made.facts["data"] == "digits"


def test_costs_are_ratios_of_the_median_epochs_of_a_seed(tiny, invented):
    seconds = {"single-level": 2.0, "mixed-1": 3.0, "darts-2": 6.0, "bilevel-to-mixed": 5.0}
    accuracies = {"single-level": 0.2, "darts-2": 0.4, "bilevel-to-mixed": 0.5}

    def epochs(setting, seed):
        usual = seconds.get(setting, 4.0) * (1 + seed)
        accuracy = accuracies.get(setting, 0.45)
        return [{"seconds": usual * factor, "validation_accuracy": accuracy} for factor in (0.9, 1.0, 50.0)]

    invented(epochs)
    made = milenas_figures.validation_figure(two_seeds(tiny), title="Title")
    assert row(made.table, "seconds an epoch", "mixed-1")["mean"] == pytest.approx(4.5)
    ratio = row(made.table, "seconds an epoch, ratio", "darts-2 / mixed-1")
    assert (ratio["mean"], ratio["low"], ratio["high"]) == (pytest.approx(2.0), None, None)  # no spread, no interval
    assert made.table.filter(pl.col("quantity") == "seconds an epoch")["setting"].to_list() == [*milenas_figures.LEVELS]
    difference = row(made.table, "final validation accuracy, difference", "bilevel-to-mixed - darts-2")
    assert difference["mean"] == pytest.approx(0.1)
    assert made.paper is not None
    assert made.paper["claim"].to_list() == ["< 0", "> 0", "> 0", "about 0", "> 0", "> 3"]
    assert made.paper["ours"].to_list() == pytest.approx([-0.2, 0.05, 0.05, 0.05, 0.1, 2.0])
    rows = made.figure.axes[1]
    assert [text.get_text() for text in rows.texts] == ["3.00", "2.00", "1.50", "2.00"]


@pytest.mark.slow
def test_the_stated_losses_a_step_are_those_that_are_computed(tiny, monkeypatch):
    counted: list[int] = []
    loss_of = SearchState.loss_of
    monkeypatch.setattr(SearchState, "loss_of", lambda *given: counted.append(1) or loss_of(*given))
    methods = milenas_figures._methods("nasbench201", ("single-level", "mixed-1", "darts-2"))
    counts = {}
    for search in studied(tiny, methods, scale=replace(TINY, images=20, epochs=1)):
        counted.clear()
        traces(tiny, [search])
        # one step in all; that of the weights has one more loss
        counts[search.setting] = len(counted) + 1
    stated = milenas_figures.LOSSES_A_STEP
    assert counts == {setting: stated[setting] for setting in methods}


@pytest.mark.slow
def test_cells_of_both_samplers_are_looked_up_in_the_table(tiny):
    made = milenas_figures.sampling_figure(tiny, title="Title")
    benchmark, space = open_benchmark("nasbench201-cifar10"), get_space("nasbench201")
    ours = []
    for setting in ("gdas", "milenas-gumbel"):
        path = tiny.folder / "supernet-small-digits" / f"{setting}-seed-0" / "epochs.jsonl"
        first, last = (json.loads(line) for line in path.read_text().splitlines())
        # GDAS ends with its last cell, MiLeNAS with that of its best epoch, of equals the first
        earlier = setting != "gdas" and first["validation_accuracy"] >= last["validation_accuracy"]
        genes = np.array([(first if earlier else last)["genes"]], dtype=np.int8)
        place = np.flatnonzero(benchmark.keys == space.keys(genes)[0])
        ours.append(float(benchmark.values(benchmark.evaluation)[place][0]))
        assert row(made.table, "final validation accuracy", setting)["mean"] == last["validation_accuracy"]
        assert row(made.table, milenas_figures.CELL_ACCURACY, setting)["mean"] == ours[-1]
    assert made.paper is not None
    assert made.paper["paper"].to_list() == [*(pytest.approx(n) for n in (0.6579, 0.6956, 0.9718, 0.9743)), None, None]
    assert made.paper["ours"].to_list()[2:4] == ours
    assert made.paper.row(5, named=True)["ours"] == pytest.approx(ours[1] - ours[0])
    assert made.paper["claim"].to_list() == [None] * 4 + ["> 0"] * 2
    settings = made.facts["settings"]
    assert settings["gdas-mixed"] == settings["gdas"] | {"update": {"type": "Mixed", "weight": 1.0}}
    assert [axes.get_xlabel() for axes in made.figure.axes] == ["epoch", "accuracy of the derived cell, %"]


def test_architectures_without_a_table_have_curves_only(tiny, invented, monkeypatch):
    monkeypatch.setitem(supernet_study.SCALES, "full", Scale("darts", None, None, None, None, None, None, seeds=1))
    invented(lambda setting, seed: [{"genes": (0, 1, 1, 1) * 8}] * 2)
    made = milenas_figures.sampling_figure(FigureRequest(tiny.folder, size="full"), title="Title")
    assert len(made.figure.axes) == 1
    assert made.table.filter(pl.col("quantity") == milenas_figures.CELL_ACCURACY).is_empty()
    assert made.paper is not None
    assert made.paper["ours"].to_list() == [0.5, 0.5, None, None, 0.0, None]


@pytest.mark.slow
def test_the_best_epoch_of_every_number_of_convolutions_counts(tiny, invented):
    three, two, none = (3, 3, 2, 0, 0, 0), (2, 3, 1, 1, 1, 1), (4, 4, 4, 4, 4, 4)
    runs = {
        ("mixed-1", 0): [(0.3, three), (0.5, two), (0.5, GENES), (0.4, three)],
        ("mixed-1", 1): [(0.6, three)],
        ("darts-2", 0): [(0.1, three), (0.2, none)],
        ("darts-2", 1): [(0.3, three)],
    }
    invented(lambda *run: [{"validation_accuracy": value, "genes": genes} for value, genes in runs[run]])
    made = milenas_figures.sizes_figure(two_seeds(tiny), title="Title")
    best = made.table.filter(pl.col("quantity") == "best validation accuracy")
    assert best.select("setting", "convolutions", "mean", "runs").rows() == [
        ("mixed-1", 2, 0.5, 1),
        ("mixed-1", 3, 0.5, 2),
        ("darts-2", 0, 0.2, 1),
        ("darts-2", 3, 0.2, 2),
    ]
    benchmark = open_benchmark("nasbench201-cifar10")
    # of two cells that are as good the first one
    stated = benchmark.lookup(np.array([two], dtype=np.int8), benchmark.evaluation)[0]
    assert row(made.table, milenas_figures.CELL_ACCURACY, "mixed-1", convolutions=2)["mean"] == stated
    assert made.paper is not None
    assert made.paper.select("setting", "convolutions", "claim", "runs").rows() == [("mixed-1 - darts-2", 3, "> 0", 2)]
    assert made.paper["ours"].to_list() == pytest.approx([0.3])


@pytest.mark.slow
def test_the_best_cells_of_the_whole_table_stand_beside(tiny, invented):
    invented(lambda setting, seed: [{}])
    made = milenas_figures.sizes_figure(tiny, title="Title")
    whole = made.table.filter(pl.col("setting") == "whole table")
    # n of 6 edges with one of two convolutions, the others with one of three operations
    assert dict(whole.select("convolutions", "runs").rows()) == {
        0: 729, 1: 2916, 2: 4860, 3: 4320, 4: 2160, 5: 576, 6: 64
    }  # fmt: skip
    benchmark = open_benchmark("nasbench201-cifar10")
    assert whole["mean"].max() == np.nanmax(benchmark.values(benchmark.evaluation))


@pytest.mark.slow
def test_figure_6_has_longer_searches_where_the_scale_has_the_papers_lengths(tiny, invented, monkeypatch):
    scale = Scale("nasbench201", None, None, None, epochs=None, cells=None, channels=None, seeds=1)
    monkeypatch.setitem(supernet_study.SCALES, "full", scale)
    asked = invented(lambda setting, seed: [{}])
    request = FigureRequest(tiny.folder, size="full")
    made = milenas_figures.sizes_figure(request, title="Title")
    assert [(search.setting, search.method.epochs) for search in asked] == [
        ("mixed-1, 200 epochs", 200),
        ("darts-2, 200 epochs", 200),
    ]
    assert row(made.table, "best validation accuracy", "darts-2")["convolutions"] == 2
    milenas_figures.gap_figure(request, title="Title")
    assert {search.method.epochs for search in asked[2:]} == {50}


@pytest.mark.slow
def test_figures_share_their_searches(tiny, invented):
    asked = invented(lambda setting, seed: [{}])
    for make in (
        milenas_figures.gap_figure,
        milenas_figures.validation_figure,
        milenas_figures.sampling_figure,
        milenas_figures.sizes_figure,
    ):
        make(tiny, title="Title")
    assert len(asked) == 5 + 6 + 3 + 2
    by_folder: dict[str, list[StudiedSearch]] = {}
    for search in asked:
        by_folder.setdefault(search.label, []).append(search)
    assert len(by_folder) == 9
    assert all(search == same[0] for same in by_folder.values() for search in same)
    assert len(by_folder["darts-2-seed-0"]) == len(by_folder["mixed-1-seed-0"]) == 3


def test_the_last_quarter_of_the_epochs_is_rounded_up():
    rows = [{"setting": "a", "seed": 0, "epoch": epoch, "gap": float(epoch)} for epoch in (5, 1, 4, 2, 3)]
    rows += [{"setting": "b", "seed": 0, "epoch": epoch, "gap": float(epoch)} for epoch in range(1, 9)]
    finals = milenas_figures.final_values(pl.DataFrame(rows), "gap")
    assert finals.rows() == [("a", 0, 4.5), ("b", 0, 7.5)]


def test_convolutions_of_both_darts_cells_are_counted():
    space = get_space("darts")
    names = NAMED_GENOTYPES["DARTS-V2"]
    found = milenas_figures.convolutions(space, space.genes_of(names))
    # the names as they are printed: all of them stand in the normal cell
    assert (found, repr(names).count("sep_conv"), repr(names).count("dil_conv")) == (6, 5, 1)


def test_only_lambda_changes_between_mixed_settings():
    methods = milenas_figures._methods("nasbench201", ("mixed-0.1", "mixed-1"))
    assert methods["mixed-1"] == get_method("milenas", get_space("nasbench201"))
    assert methods["mixed-0.1"].update == Mixed(weight=0.1)


def test_size_medium_has_the_papers_epochs_and_a_folder_of_its_own(tiny, monkeypatch):
    places: list[Path | None] = []
    asked: list[StudiedSearch] = []

    def followed(_, searches, folder=None):
        asked.extend(searches)
        places.append(folder)
        return [trace(search, [{}, {}]) for search in searches]

    monkeypatch.setattr(milenas_figures, "traces", followed)
    milenas_figures.validation_figure(replace(tiny, size="medium", seeds=1), title="Title")
    assert places == [tiny.folder / "milenas-medium"]
    by_setting = {search.setting: search for search in asked}
    assert by_setting["bilevel-to-mixed"].method.update.epoch == 35
    assert {(search.method.epochs, search.method.warm_up, search.seed) for search in asked} == {(50, 0, 0)}
    with pytest.raises(UnknownNameError, match="medium"):
        milenas_figures.sampling_figure(replace(tiny, size="medium"), title="Title")


def test_options_that_make_no_sense_are_refused(tiny):
    with pytest.raises(ConfigurationError, match="has searches of its own"):
        milenas_figures.gap_figure(FigureRequest(tiny.folder, budget=5), title="Title")
    with pytest.raises(UnknownNameError, match="benchmark"):
        milenas_figures.sampling_figure(FigureRequest(tiny.folder, benchmark="nasbench"), title="Title")
