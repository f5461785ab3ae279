from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import cell_accuracy, perturbation_figures
from predictornas.papers.supernet.perturbation_figures import (
    SelectedByPerturbation,
    gap_correlations,
    selections_figure,
    skip_gap_figure,
    skip_lead,
)
from predictornas.papers.supernet.perturbation_settings import darts_searches
from predictornas.papers.supernet.searches import SearchTrace, traces
from predictornas.spaces.registry import get_space
from predictornas.supernet.driver import search
from predictornas.supernet.parts.perturbation import PerturbationSelection
from predictornas.supernet.records import EpochRecord
from tests.papers.supernet.perturbation_examples import tiny_request


def test_snapshots_are_quarters_of_the_search():
    probe = SelectedByPerturbation(1)
    assert [epoch for epoch in range(1, 21) if probe.is_due(epoch, 20)] == [5, 10, 15, 20]
    assert [epoch for epoch in range(1, 3) if probe.is_due(epoch, 2)] == [1, 2]


@pytest.mark.thorough
def test_at_the_end_it_is_what_the_method_with_perturbation_selects(tmp_path, monkeypatch):
    request = tiny_request(tmp_path, monkeypatch)
    (trace,) = traces(request, darts_searches(request, probe=SelectedByPerturbation(1)))
    assert [row["epoch"] for row in trace.probed] == [1, 2]
    job, images = trace.search.prepared()
    selection = PerturbationSelection(1, topology_step=False, cosine=False)
    outcome = search(replace(job, method=replace(job.method, selection=selection)), images)
    assert len(outcome.records) == 2 + 6
    assert tuple(trace.probed[1]["genes"]) == outcome.genes
    assert trace.probed[1]["validation_accuracy"] == outcome.records[-1].validation_accuracy
    # what was measured after the first epoch has not touched the second one
    assert [record.alpha for record in trace.records] == [record.alpha for record in outcome.records[:2]]


def test_the_lead_is_over_the_mean_of_the_convolutions_on_edges_that_have_both():
    edges = [
        {"none": 0.1, "skip_connect": 0.5, "nor_conv_1x1": 0.1, "nor_conv_3x3": 0.2, "avg_pool_3x3": 0.1},
        {"skip_connect": 0.4, "sep_conv_3x3": 0.6},
        {"none": 0.5, "nor_conv_3x3": 0.5},
    ]
    record = EpochRecord(1, "search", 0.1, 1.0, 0.5, 1.0, 0.5, 1.0, (), {}, {"cell": edges}, {})
    assert skip_lead(record) == pytest.approx((0.35 - 0.2) / 2)


def test_correlations_of_levels_and_of_changes():
    # both grow, but one in the steps in which the other rests
    epochs = [(1, 0.0, 0.0), (2, 1.0, 0.0), (3, 1.0, 1.0), (4, 2.0, 1.0), (5, 2.0, 2.0)]
    still = [(1, 0.5, 0.1), (2, 0.5, 0.2)]
    table = pl.DataFrame(
        [
            {"setting": "darts-1", "seed": seed, "epoch": epoch, "lead": lead, "accuracy": accuracy}
            for seed, own in ((0, epochs), (1, still))
            for epoch, lead, accuracy in own
        ]
    )
    found = gap_correlations(table).rows()
    assert found[0][2] == pytest.approx(np.corrcoef([0, 1, 1, 2, 2], [0, 0, 1, 1, 2])[0, 1])
    assert found[0][3] == pytest.approx(-1)
    assert found[1][2:] == (None, None)


@pytest.mark.slow
def test_figure_2_3_follows_the_records(tmp_path, monkeypatch):
    request = tiny_request(tmp_path, monkeypatch, seeds=2)
    made = skip_gap_figure(request, title="Title")
    assert made.table.select("seed", "epoch").rows() == [(0, 1), (0, 2), (1, 1), (1, 2)]
    (first, second) = traces(request, darts_searches(request))
    assert made.table["accuracy"].to_list() == [
        record.validation_accuracy for trace in (first, second) for record in trace.records
    ]
    assert made.paper is not None
    ends = [skip_lead(trace.records[-1]) for trace in (first, second)]
    assert made.paper["ours"].to_list()[-1] == pytest.approx(sum(ends) / 2)


@pytest.mark.slow
def test_figure_3_1_looks_cells_up_and_pairs_them(store, tmp_path, monkeypatch):
    searched = []

    def made_up(request, searches):
        searched.extend(searches)
        genes = {0: [(3,) * 6, (1,) * 6], 1: [(2,) * 6, (4,) * 6]}
        return [
            SearchTrace(
                own,
                tuple(
                    EpochRecord(epoch, "search", 0.1, 1.0, 0.5, 1.0, 0.5, 1.0, row, {}, {}, {})
                    for epoch, row in enumerate(genes[own.seed], start=1)
                ),
                ({"epoch": 2, "genes": [3, 3, 3, 3, 3, 2], "validation_accuracy": 0.5},),
                genes[own.seed][-1],
                tmp_path,
            )
            for own in searches
        ]

    monkeypatch.setattr(perturbation_figures, "traces", made_up)
    made = selections_figure(tiny_request(tmp_path, monkeypatch, seeds=2), title="Title")
    benchmark = open_benchmark("nasbench201-cifar10")
    values = benchmark.values(benchmark.evaluation)
    skips, pools, found = (
        float(values[np.flatnonzero((benchmark.genes == row).all(axis=1))[0]])
        for row in ((1,) * 6, (4,) * 6, (3, 3, 3, 3, 3, 2))
    )
    assert made.table["table"].unique(maintain_order=True).to_list() == [
        "nasbench201-cifar10", "nasbench201-cifar100", "nasbench201-imagenet16-120",
    ]  # fmt: skip
    own = made.table.filter(table="nasbench201-cifar10")
    assert own.select("selection", "seed", "epoch").rows() == [
        ("magnitude", 0, 1), ("magnitude", 0, 2), ("perturbation", 0, 2),
        ("magnitude", 1, 1), ("magnitude", 1, 2), ("perturbation", 1, 2),
    ]  # fmt: skip
    assert own["cell"][0] == benchmark.space.describe(np.full(6, 3, np.int8))
    ends = own.filter(pl.col("epoch") == 2)["accuracy"].to_list()
    assert ends == pytest.approx([skips, found, pools, found])
    assert made.paper is not None
    assert made.paper.select("setting", "runs").rows()[0] == ("nasbench201-cifar10, epoch 2", 2)
    assert len(made.paper) == 3
    assert made.paper["ours"][0] == pytest.approx(found - (skips + pools) / 2)
    assert made.facts["tables"]["nasbench201-cifar10"] == f"nasbench201-cifar10, {benchmark.evaluation}"
    assert [search.label for search in searched] == [
        f"darts-1+perturbation-1-epochs-4-snapshots-seed-{seed}" for seed in (0, 1)
    ]


def test_tables_of_other_spaces_and_unknown_sizes_are_refused(tmp_path, monkeypatch):
    other = SimpleNamespace(name="other", space=get_space("nasbench101"))
    monkeypatch.setattr(cell_accuracy, "open_benchmark", lambda name: other)
    with pytest.raises(ConfigurationError, match="no accuracy in 'other'"):
        selections_figure(FigureRequest(tmp_path, benchmark="other"), title="Title")
    with pytest.raises(UnknownNameError, match="size"):
        selections_figure(FigureRequest(tmp_path, size="medium"), title="Title")


def test_the_interval_of_the_thesis_and_our_quarters():
    """Wang et al. 2021: five epochs of fine-tuning between rounds; at size small there is one."""
    assert perturbation_figures.INTERVALS == {"small": 1, "full": 5}
    assert SelectedByPerturbation(5) == SelectedByPerturbation(5, snapshots=4)


def test_two_epochs_have_a_correlation_and_one_has_none():
    two, other = np.array([0.0, 1.0]), np.array([3.0, 2.0])
    assert perturbation_figures._correlation(two, other) == pytest.approx(-1)
    assert perturbation_figures._correlation(two[:1], other[:1]) is None
    assert perturbation_figures._correlation(two, np.ones(2)) is None


def test_the_mean_correlation_leaves_out_what_is_not_known():
    values = pl.DataFrame({"levels": [0.25, None, 0.5], "changes": [None, None, None]})
    assert perturbation_figures._mean_of(values, "levels") == "+0.38"
    assert perturbation_figures._mean_of(values, "changes") == "unknown"
