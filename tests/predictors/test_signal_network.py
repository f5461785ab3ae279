import dataclasses

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.base import Predictor
from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.process.graph_views import raw_views
from predictornas.predictors.process.identities import wired
from predictornas.predictors.signal_network import SignalNetwork, _messages
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench101")


@pytest.mark.slow
@pytest.mark.parametrize("space", ["nasbench101", "nasbench201"])
def test_it_learns_to_rank(space: str) -> None:
    rng, own = np.random.default_rng(0), get_space(space)
    genes, new = own.sample(100, rng), own.sample(300, rng)

    def quality(rows: np.ndarray) -> np.ndarray:  # more of one operation, and more edges, are better
        graphs = own.graphs(rows)
        return np.asarray((graphs.operations == 0).sum(axis=1) + 0.3 * graphs.adjacency.sum(axis=(1, 2)))

    fitted = SignalNetwork(width=32, most_updates=300).fit(own, genes, quality(genes), rng=rng)
    assert np.corrcoef(fitted.predict(new), quality(new))[0, 1] > 0.9


def test_a_fit_is_a_function_of_the_generator_and_changes_no_configuration() -> None:
    genes = SPACE.sample(12, np.random.default_rng(0))
    values = np.linspace(0.8, 0.95, 12)
    small = SignalNetwork(width=4, hidden=3, passes=2)
    first, again, other = (
        SignalNetwork(width=4, hidden=3, passes=2)
        .fit(SPACE, genes, values, rng=np.random.default_rng(seed))
        .predict(genes)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert isinstance(small, Predictor)
    assert not hasattr(small, "network_")


def test_passes_end_where_updates_do() -> None:
    genes = SPACE.sample(12, np.random.default_rng(0))

    def scores(**settings: int) -> np.ndarray:
        small = SignalNetwork(width=4, hidden=3, batch_size=4, **settings)
        return np.asarray(small.fit(SPACE, genes, np.arange(12.0), rng=np.random.default_rng(1)).predict(genes))

    # three updates in a pass; the schedule of the learning rate ends with them
    np.testing.assert_array_equal(scores(passes=9, most_updates=6), scores(passes=2))
    assert not np.array_equal(scores(passes=9, most_updates=6), scores(passes=3))


def test_scores_do_not_depend_on_what_is_scored_beside() -> None:
    rng = np.random.default_rng(0)
    genes = SPACE.sample(263, rng)
    fitted = SignalNetwork(width=4, hidden=3, passes=1).fit(SPACE, genes[:20], np.arange(20.0), rng=rng)
    together = fitted.predict(genes)
    np.testing.assert_allclose(together[:7], fitted.predict(genes[:7]), atol=1e-5)
    np.testing.assert_allclose(together[-7:], fitted.predict(genes[-7:]), atol=1e-5)


@pytest.mark.parametrize("name", ["nasbench101", pytest.param("nasbench201", marks=pytest.mark.slow)])
@pytest.mark.parametrize("layers", [1, 3])
def test_scores_from_distinct_surroundings_are_those_of_dense_graphs(name: str, layers: int) -> None:
    """Of some architectures, and of all of a space that is small."""
    space, rng = get_space(name), np.random.default_rng(0)
    trained = space.sample(20, rng)
    fitted = SignalNetwork(layers=layers, width=5, hidden=3, passes=9).fit(space, trained, np.arange(20.0), rng=rng)
    genes = space.enumerate() if name == "nasbench201" else space.sample(300, rng)
    rows = np.arange(0, len(genes), 50) if name == "nasbench201" else np.arange(len(genes))
    batch = dense_batch(_messages(wired(space, space.graphs(genes[rows]))), slice(None))
    counts = raw_views(space, genes[rows], width=2, signals=True).structure
    with torch.inference_mode():
        expected = fitted.network_(batch, fitted._known(counts)).numpy()
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(fitted.predict(genes)[rows], expected, atol=1e-5)


def test_the_head_reads_counts_and_signals_scaled_by_the_training_set() -> None:
    rng = np.random.default_rng(0)
    genes = SPACE.sample(40, rng)
    fitted = SignalNetwork(width=4, hidden=3, passes=1).fit(SPACE, genes, np.arange(40.0), rng=rng)
    plain, counts = (raw_views(SPACE, genes, width=64, signals=signals).structure for signals in (False, True))
    known = fitted._known(counts).numpy()
    assert known.shape[1] > plain.shape[1] / 2
    assert known.shape[1] - (plain.std(axis=0) > 1e-6).sum() == counts.shape[1] - plain.shape[1]  # all signals
    np.testing.assert_allclose(known.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(known.std(axis=0), 1, atol=1e-4)


def test_a_vertex_hears_its_inputs_one_way_its_outputs_the_other_and_never_itself() -> None:
    graphs = SPACE.graphs(SPACE.sample(5, np.random.default_rng(0)))
    along, against = (messages.dense(slice(None)) for messages in _messages(graphs).propagations)
    np.testing.assert_array_equal(against, graphs.adjacency)
    np.testing.assert_array_equal(along, graphs.adjacency.transpose(0, 2, 1))
    assert (np.diagonal(along, axis1=1, axis2=2) == 0).all()


def test_cells_that_differ_in_where_a_skip_connection_stands_send_the_same_messages() -> None:
    space = get_space("nasbench201")
    genes = space.enumerate()
    _, rows = np.unique(space.graph_keys(genes), return_inverse=True)  # type: ignore[attr-defined]
    same = np.flatnonzero(rows == np.bincount(rows).argmax())
    assert len(same) > 5
    rng = np.random.default_rng(0)
    fitted = SignalNetwork(width=4, hidden=3, passes=2).fit(space, space.sample(20, rng), np.arange(20.0), rng=rng)
    fitted._standard = dataclasses.replace(
        fitted._standard, std=np.full_like(fitted._standard.std, 1e9)
    )  # counts apart
    scores = fitted.predict(genes[same])
    np.testing.assert_allclose(scores, scores[0], atol=1e-5)
    assert np.ptp(fitted.predict(space.sample(20, rng))) > 1e-3


def test_equal_values_one_architecture_and_none() -> None:
    genes = SPACE.sample(5, np.random.default_rng(0))
    for count in (5, 1, 0):
        fitted = SignalNetwork(width=4, passes=2).fit(
            SPACE, genes[:count], np.full(count, 0.9), rng=np.random.default_rng(0)
        )
        assert np.isfinite(fitted.predict(genes)).all()


@pytest.mark.parametrize("options", [{"layers": 0}, {"batch_size": 0}, {"dropout": 1.0}])
def test_settings_out_of_range_are_refused(options: dict[str, float]) -> None:
    genes = SPACE.sample(3, np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="SignalNetwork needs"):
        SignalNetwork(**options).fit(SPACE, genes, np.arange(3.0), rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_what_is_not_finite_is_refused() -> None:
    genes = SPACE.sample(2, np.random.default_rng(0))
    with pytest.raises(DataError, match="finite"):
        SignalNetwork().fit(SPACE, genes, np.array([0.9, np.inf]), rng=np.random.default_rng(0))
