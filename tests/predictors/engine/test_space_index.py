import numpy as np
import pytest

from predictornas.predictors.engine import space_index
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.spaces.registry import get_space

PREDICTORS = [GCN(width=8, training_epochs=2), GCN(width=8, training_epochs=2, bidirectional=True), Flow(width=8)]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path))
    monkeypatch.setattr(space_index, "_HELD", space_index.OrderedDict())
    return tmp_path


def untrained(predictor, space):
    return predictor.fit(space, space.enumerate()[:1], np.zeros(1), rng=np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parametrize("predictor", PREDICTORS, ids=["gcn", "both-ways", "flow"])
def test_a_whole_space_scores_as_any_batch_does(predictor, graph_space, monkeypatch):
    monkeypatch.setattr(type(predictor), "index_block", 64)
    untrained(predictor, graph_space)
    whole = predictor.predict(graph_space.enumerate())
    np.testing.assert_allclose(whole, predictor.predict(graph_space.enumerate().copy()), atol=1e-6)


@pytest.mark.parametrize("predictor", PREDICTORS, ids=["gcn", "both-ways", "flow"])
def test_an_index_is_built_once_and_read_from_the_cache(predictor, graph_space, monkeypatch):
    untrained(predictor, graph_space)
    first = predictor.predict(graph_space.enumerate())
    asked = graph_space.asked
    monkeypatch.setattr(space_index, "build_index", None)  # whoever builds it again fails
    np.testing.assert_array_equal(predictor.predict(graph_space.enumerate()), first)
    assert graph_space.asked == asked
    monkeypatch.setattr(space_index, "_HELD", space_index.OrderedDict())  # as in another process
    np.testing.assert_array_equal(predictor.predict(graph_space.enumerate()), first)


def test_spaces_of_other_architectures_have_indexes_of_their_own():
    space = get_space("nasbench201")
    part = space.restricted_to(space.enumerated_keys()[::40])
    predictor = GCN(width=8, training_epochs=0)
    whole_scores = untrained(predictor, space).predict(space.enumerate())
    np.testing.assert_allclose(untrained(predictor, part).predict(part.enumerate()), whole_scores[::40], atol=1e-6)


def test_few_indexes_stay_in_memory(graph_space):
    for layers in range(1, 7):
        predictor = untrained(GCN(width=4, layers=layers), graph_space)
        predictor.predict(graph_space.enumerate())
    assert len(space_index._HELD) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("predictor", "distinct"),
    [(GCN(), [156, 20_461, 216_003]), (Flow(), [34, 3_930, 109_013, 355_828, 457_804])],
    ids=["gcn", "flow"],
)
def test_the_distinct_vertices_of_all_of_nasbench101(predictor, distinct):
    # Flow's numbers were counted by others on the same space; the GCN's are below 232 / 23,972 / 219,140, which tell a
    # vertex from a successor of the same label although both enter the sum with the same weight.
    space = get_space("nasbench101")
    index = build_index(predictor.message_passing(space.graphs(space.enumerate())), predictor.depth)
    assert [len(layer.parts[0]) for layer in index.layers] == distinct
