import subprocess
import sys

import numpy as np
import pytest

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.gcn import GCN
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


def test_a_warm_start_needs_a_fitted_predictor_of_its_own_kind():
    with pytest.raises(ConfigurationError, match="can only start from a fitted one"):
        GCN().starting_from(GCN())
