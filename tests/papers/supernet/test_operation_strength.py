from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
import torch

from predictornas.papers.supernet import operation_strength
from predictornas.papers.supernet.operation_strength import (
    DiscretisationAccuracy,
    agreements,
    chosen_operations_figure,
    discretised,
    strengths_figure,
    with_choices,
)
from predictornas.spaces.registry import get_space
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.topology import topology_of
from tests.papers.supernet.perturbation_examples import tiny_request, tiny_traces


def rows(*values: tuple[int, str, float, float, float]) -> pl.DataFrame:
    names = ("edge", "operation", "importance", "accuracy", "loss")
    columns = {name: list(column) for name, column in zip(names, zip(*values, strict=True), strict=True)}
    count = len(values)
    return pl.DataFrame({"setting": ["darts-1"] * count, "seed": [0] * count, "cell": ["cell"] * count, **columns})


@pytest.mark.slow
def test_an_edge_is_discretised_before_anything_is_tuned(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing = trace.trained()
    before = discretised(trace.trained(), "cell", 2, 3, epochs=0)
    weights = torch.softmax(ongoing.state.parameters.alpha["cell"].detach(), dim=1)
    weights[2] = torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0])
    network = ongoing.state.network.train()
    right, loss, total = 0, 0.0, 0
    with torch.no_grad():
        for batch in validation_batches(ongoing.images, 15)():
            logits = network(batch.images, Mixture({"cell": weights}))
            right += int((logits.argmax(1) == batch.labels).sum())
            loss += float(torch.nn.functional.cross_entropy(logits, batch.labels, reduction="sum"))
            total += len(batch.labels)
    assert total == 30
    assert before.accuracy == pytest.approx(right / total)
    assert before.loss == pytest.approx(loss / total, rel=1e-5)


@pytest.mark.slow
def test_the_rest_is_tuned_and_the_edge_stays(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing, untouched = trace.trained(), trace.trained()
    discretised(ongoing, "cell", 2, 3, epochs=1)
    tuned, old = (search.state.parameters.alpha["cell"] for search in (ongoing, untouched))
    moved = (tuned != old).any(dim=1)
    assert moved.tolist() == [True, True, False, True, True, True]
    weights = zip(ongoing.state.network.parameters(), untouched.state.network.parameters(), strict=True)
    assert any(not torch.equal(new, kept) for new, kept in weights)


def test_items_are_all_operations_of_edges_that_are_the_same_for_all():
    bench, darts = (topology_of(get_space(name)) for name in ("nasbench201", "darts-s3"))
    assert len(DiscretisationAccuracy(2).items(bench)) == 30
    three = DiscretisationAccuracy(2, edges=3)
    assert len({item["edge"] for item in three.items(bench)}) == 3
    assert three.items(bench) == three.items(bench)
    # S3 has none, which no genotype can hold, besides these two
    normal = DiscretisationAccuracy(2, cell="normal").items(darts)
    assert len(normal) == 28
    assert {item["operation"] for item in normal} == {"skip_connect", "sep_conv_3x3"}
    assert {item["cell"] for item in normal} == {"normal"}


def test_of_equal_accuracies_the_lower_loss_is_stronger():
    chosen = with_choices(rows((0, "a", 0.5, 0.7, 1.0), (0, "b", 0.2, 0.7, 0.9), (0, "c", 0.3, 0.6, 0.1)))
    assert chosen.select("operation", "most_important", "strongest").rows() == [
        ("a", True, False),
        ("b", False, True),
        ("c", False, False),
    ]


def test_agreement_is_the_mean_over_edges():
    table = rows(
        (0, "a", 0.5, 0.9, 1.0), (0, "b", 0.3, 0.8, 1.0), (0, "c", 0.2, 0.7, 1.0),  # the same order: tau = 1
        (1, "a", 0.5, 0.8, 1.0), (1, "b", 0.3, 0.9, 1.0), (1, "c", 0.2, 0.7, 1.0),  # one of three pairs: tau = 1/3
        (2, "a", 0.5, 0.8, 1.0), (2, "b", 0.3, 0.8, 1.0), (2, "c", 0.2, 0.8, 0.9),  # no order: left out
        (3, "a", 0.5, 0.7, 1.0), (3, "b", 0.3, 0.8, 1.0), (3, "c", 0.2, 0.9, 1.0),  # the other way round: tau = -1
    )  # fmt: skip
    row = agreements(table).row(0, named=True)
    assert row["tau"] == pytest.approx((1 + 1 / 3 - 1) / 3)
    assert row["same"] == pytest.approx(1 / 4)


@pytest.mark.slow
def test_a_row_has_the_importance_before_the_tuning(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    item = {"cell": "cell", "edge": 4, "operation": "nor_conv_1x1"}
    (row,) = DiscretisationAccuracy(1).rows(trace.trained(), item)
    assert row["ends"] == "1 → 3"
    assert row["importance"] == trace.records[-1].importance["cell"][4]["nor_conv_1x1"]
    tuned = discretised(trace.trained(), "cell", 4, 2, epochs=1)
    assert (row["accuracy"], row["loss"]) == (tuned.accuracy, tuned.loss)


def test_figure_2_1_states_agreement(tmp_path, monkeypatch):
    measured = []

    def made_up(request, found, measure):
        measured.append(measure)
        return rows(
            (0, "a", 0.6, 0.9, 1.0), (0, "b", 0.4, 0.8, 1.0), (1, "a", 0.6, 0.7, 1.0), (1, "b", 0.4, 0.8, 1.0)
        ).with_columns(ends=pl.format("0 → {}", "edge"))  # fmt: skip

    monkeypatch.setattr(operation_strength, "measurements", made_up)
    monkeypatch.setattr(operation_strength, "traces", lambda request, searches: [])
    made = strengths_figure(tiny_request(tmp_path, monkeypatch), title="Title")
    assert measured == [DiscretisationAccuracy(2, edges=3)]
    assert made.paper is not None
    assert made.paper["ours"].to_list() == [0.0, 0.5]
    assert "strongest one on 50 % of edges" in made.figure.get_supxlabel().replace("\n", " ")


def test_figure_2_2_counts_edges_where_the_skip_connection_is_chosen(tmp_path, monkeypatch):
    measured = []

    def made_up(request, found, measure):
        measured.append((request, found, measure))
        parts = []
        for edge in range(14):
            skip = 0.6 if edge < 5 else 0.4
            strong = 0.8 if edge % 7 else 0.2
            parts += [(edge, "skip_connect", skip, strong, 1.0), (edge, "sep_conv_3x3", 1 - skip, 0.5, 1.0)]
        return rows(*parts).with_columns(cell=pl.lit("normal"), ends=pl.format("0 → {}", "edge"))

    asked = []
    monkeypatch.setattr(operation_strength, "measurements", made_up)
    monkeypatch.setattr(operation_strength, "traces", lambda request, searches: asked.extend(searches))
    made = chosen_operations_figure(tiny_request(tmp_path, monkeypatch), title="Title")
    assert made.paper is not None
    assert made.paper["ours"].to_list() == [5.0, 2.0]
    assert made.paper.select("quantity", "paper").rows() == [
        ("edges of 14 with alpha_skip > alpha_conv", "12"),
        ("edges of 14 where sep_conv_3x3 is stronger", "7"),
    ]
    assert asked[0].space == "darts-s2"
    assert asked[0].scale == replace(asked[0].scale, cells=4)
    assert measured[0][2] == DiscretisationAccuracy(2, cell="normal")
    squares = made.figure.axes[0].patches
    assert len(squares) == 28


def test_settings_of_the_thesis_and_ours():
    """Wang et al. 2021: five epochs are enough (section 3.1.3.1), at a tenth of the rate."""
    assert operation_strength.TUNING_EPOCHS == {"small": 2, "full": 5}
    assert operation_strength.RATE_FACTOR == 0.1
    assert (operation_strength.SKIP_SPACE, operation_strength.SKIP_SPACE_CELLS) == ("darts-s2", 4)


@pytest.mark.slow
def test_every_epoch_is_tuned_at_a_tenth_of_the_rate_of_the_search(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing, seen = trace.trained(), []

    def tuned(state, method, pairs, rate, *, rests):
        seen.append((state.epoch, rate(0), state.weight_optimiser.param_groups[0]["lr"], len(list(pairs)), rests))

    monkeypatch.setattr(operation_strength, "train_at_mixtures", tuned)
    discretised(ongoing, "cell", 0, 1, epochs=3)
    rate = ongoing.job.method.weights.learning_rate / 10
    # after the two epochs of the search; two batches of fifteen
    assert seen == [(epoch, pytest.approx(rate), pytest.approx(rate), 2, False) for epoch in (2, 3, 4)]


def test_a_random_choice_is_right_on_one_in_so_many_edges():
    table = rows((0, "a", 0.5, 0.9, 1.0), (0, "b", 0.5, 0.8, 1.0), *((1, name, 0.25, 0.5, 1.0) for name in "abcd"))
    # 1/2 and 1/4
    assert operation_strength._chance(table) == "A random choice is the strongest one on 38 % of edges."
