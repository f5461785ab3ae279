import subprocess
import sys
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import MeanSquaredError
from predictornas.predictors.optimisers import Adam
from predictornas.spaces.registry import get_space


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5], []])
@pytest.mark.parametrize("engine", ["indexed", "dense"])
def test_without_an_order_to_learn_scores_are_those_of_the_untrained_network(values, engine, graph_space):
    genes = graph_space.enumerate()
    predictor = GCN(width=8, engine=engine)
    predictor.fit(graph_space, genes[: len(values)], np.array(values), rng=np.random.default_rng(0))
    scores = predictor.predict(genes)
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 50


def test_values_must_be_finite(graph_space):
    with pytest.raises(DataError, match="Value 0 of 2"):
        GCN().fit(graph_space, graph_space.enumerate()[:2], np.array([np.inf, 0.5]), rng=np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["indexed", "dense"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_scores_do_not_depend_on_what_else_is_scored(engine, bidirectional, monkeypatch):
    space = get_space("nasbench201")
    genes = space.sample(300, np.random.default_rng(0))
    predictor = GCN(width=8, training_epochs=3, engine=engine, bidirectional=bidirectional)
    predictor.fit(space, genes[:20], np.arange(20.0), rng=np.random.default_rng(0))
    together = predictor.predict(genes)
    monkeypatch.setattr("predictornas.predictors.graph_predictor.DENSE_BLOCK", 7)
    monkeypatch.setattr(GCN, "index_block", 7)
    np.testing.assert_allclose(predictor.predict(genes), together, atol=1e-6)
    assert predictor.predict(genes[:0]).shape == (0,)
    assert together.dtype == np.float32


@pytest.mark.slow
def test_importing_predictors_does_not_import_torch():
    code = (
        "import sys, predictornas.predictors.gcn, predictornas.predictors.flow, predictornas.predictors.pyg\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_warm_start_begins_with_the_weights_of_the_other_and_leaves_it_alone(graph_space):
    genes, values = graph_space.enumerate()[:20], np.arange(20.0)
    cold = GCN(width=8, training_epochs=20).fit(graph_space, genes, values, rng=np.random.default_rng(0))
    before = cold.predict(genes)
    unchanged = GCN(width=8, training_epochs=0).starting_from(cold)
    np.testing.assert_array_equal(
        unchanged.fit(graph_space, genes, values, rng=np.random.default_rng(1)).predict(genes), before
    )
    trained = GCN(width=8, training_epochs=20).starting_from(cold)
    trained.fit(graph_space, genes, values, rng=np.random.default_rng(1))
    assert not np.array_equal(trained.predict(genes), before)
    np.testing.assert_array_equal(cold.predict(genes), before)


PLAIN_FLOW = Flow(width=8, layers=2, dropout=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("predictor", [GCN(width=8), GCN(width=8, bidirectional=True), PLAIN_FLOW])
def test_a_batch_of_everything_is_the_full_batch_whatever_the_engine(predictor, graph_space):
    genes, values = graph_space.enumerate(), np.random.default_rng(0).random(30)
    scores = [
        replace(predictor, training_epochs=15, engine=engine, batch_size=size)
        .fit(graph_space, genes[:30], values, rng=np.random.default_rng(1))
        .predict(genes)
        for engine, size in [("dense", None), ("dense", 30), ("indexed", 999)]
    ]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-4)
    np.testing.assert_allclose(scores[2], scores[0], atol=1e-4)
    assert np.ptp(scores[0]) > 0.01


@pytest.mark.slow
def test_batches_teach_the_order_and_are_a_function_of_the_seed(graph_space):
    genes, graphs = graph_space.enumerate(), graph_space.all
    values = graphs.adjacency.sum((1, 2)) / (graphs.operations >= 0).sum(1)

    def scores(seed):
        predictor = Flow(width=16, layers=2, training_epochs=120, batch_size=16, optimiser=Adam(0.01))
        predictor.fit(graph_space, genes[:100], values[:100], rng=np.random.default_rng(seed))
        return predictor.predict(genes[100:])

    first = scores(0)
    assert kendalltau(first, values[100:]).statistic > 0.6
    np.testing.assert_array_equal(scores(0), first)
    assert not np.array_equal(scores(1), first)


def test_the_training_budget_counts_updates(graph_space):
    predictor = GCN(width=8, batch_size=4, training_epochs=7)
    drawn = []
    original = torch.randperm

    def counting(count, **options):
        drawn.append(count)
        return original(count, **options)

    with mock.patch("torch.randperm", counting):
        predictor.fit(graph_space, graph_space.enumerate()[:9], np.arange(9.0), rng=np.random.default_rng(0))
    assert drawn == [9] * 4  # 7 updates at 2 batches an order


def test_a_warm_start_in_batches_begins_with_the_weights_of_the_other(graph_space):
    genes, values = graph_space.enumerate(), np.arange(20.0)
    cold = Flow(width=8, training_epochs=5, batch_size=4).fit(
        graph_space, genes[:20], values, rng=np.random.default_rng(0)
    )
    unchanged = replace(cold, training_epochs=0).starting_from(cold)
    unchanged.fit(graph_space, genes[:20], values, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(unchanged.predict(genes), cold.predict(genes))


def test_a_batch_without_pairs_and_a_loss_without_batches_are_refused(graph_space):
    genes = graph_space.enumerate()[:3]
    for predictor in (GCN(batch_size=1), GCN(batch_size=2, loss=MeanSquaredError())):
        with pytest.raises(ConfigurationError, match="batch"):
            predictor.fit(graph_space, genes, np.arange(3.0), rng=np.random.default_rng(0))


def test_a_warm_start_needs_a_fitted_predictor_of_its_own_kind():
    with pytest.raises(ConfigurationError, match="can only start from a fitted one"):
        GCN().starting_from(GCN())


@pytest.mark.parametrize("predictor", [GCN(width=8), GCN(width=8, bidirectional=True), Flow(width=8)])
def test_scores_are_computed_where_the_network_and_its_tables_are(predictor, graph_space):
    # the meta device refuses to mix its tensors with any other device's, so a stray tensor on the CPU shows here
    graphs = graph_space.graphs(graph_space.enumerate())
    messages = predictor.message_passing(graphs)
    network = predictor.new_network(graphs.num_codes, torch.Generator().manual_seed(0)).to("meta")
    with torch.enable_grad():
        indexed = network.indexed(IndexTables.of(build_index(messages, predictor.depth), "meta"))
        dense = network(dense_batch(messages, slice(None), "meta"))
    assert indexed.device.type == dense.device.type == "meta"
    assert indexed.shape == dense.shape == (len(graphs),)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("predictor", [GCN(width=8), GCN(width=8, bidirectional=True), Flow(width=8)])
@pytest.mark.parametrize("engine", ["indexed", "dense"])
def test_a_gpu_gives_the_same_predictor(predictor, engine, graph_space):
    genes, values = graph_space.enumerate(), np.arange(40.0)
    scores = [
        replace(predictor, engine=engine, training_epochs=20, device=device)
        .fit(graph_space, genes[:40], values, rng=np.random.default_rng(0))
        .predict(genes)
        for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-3)


def test_a_device_that_is_not_there_is_refused(graph_space):
    with pytest.raises(ConfigurationError, match="cannot compute on 'nowhere' here"):
        GCN(device="nowhere").fit(
            graph_space, graph_space.enumerate()[:2], np.arange(2.0), rng=np.random.default_rng(0)
        )


@pytest.mark.parametrize("settings", [{"layers": 0}, {"width": 0}, {"training_epochs": -1}])
@pytest.mark.parametrize("predictor", [GCN, Flow])
def test_settings_that_cannot_be_are_named(predictor: type[GCN] | type[Flow], settings: dict[str, int]) -> None:
    space = get_space("nasbench201")
    (name,) = settings
    with pytest.raises(ConfigurationError, match=f"needs {name} >= "):
        predictor(**settings).fit(space, space.enumerate()[:4], np.arange(4.0), rng=np.random.default_rng(0))
