import networkx
import numpy as np
import pytest
import torch

from predictornas.errors import DataError
from predictornas.predictors.base import Predictor
from predictornas.predictors.pyg import PyGPredictor, data_list


class MeanOfOperations(torch.nn.Module):
    """A linear score of the mean one-hot operation of each graph, with dropout to make randomness show."""

    def __init__(self, codes: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(codes, 1)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        from torch_geometric.nn import global_mean_pool

        features = torch.nn.functional.dropout(batch.x, 0.1, training=self.training)
        return self.linear(global_mean_pool(features, batch.batch))


@pytest.mark.slow
def test_data_holds_the_same_graphs(graph_space):
    genes = graph_space.enumerate()[:40]
    graphs = graph_space.graphs(genes)
    for row, data in enumerate(data_list(graph_space, genes)):
        size = int((graphs.operations[row] >= 0).sum())
        assert data.num_nodes == size
        assert data.x.argmax(1).tolist() == graphs.operations[row, :size].tolist()
        assert data.x.sum().item() == size
        expected = networkx.from_numpy_array(graphs.adjacency[row, :size, :size], create_using=networkx.DiGraph)
        assert [tuple(edge) for edge in data.edge_index.T.tolist()] == sorted(expected.edges)


@pytest.mark.slow
def test_any_module_becomes_a_predictor(graph_space):
    operations = graph_space.all.operations
    values = ((operations == 0).sum(1) / (operations >= 0).sum(1)).astype(np.float64)
    genes = graph_space.enumerate()
    predictor = PyGPredictor(MeanOfOperations, training_epochs=200, batch_size=17)
    assert isinstance(predictor, Predictor)
    predictor.fit(graph_space, genes[:100], values[:100], rng=np.random.default_rng(0))
    scores = predictor.predict(genes)
    assert scores.dtype == np.float32
    assert np.corrcoef(scores, values)[0, 1] > 0.9


def test_the_generator_is_the_only_randomness_and_torch_is_left_alone(graph_space):
    genes = graph_space.enumerate()
    values = np.random.default_rng(0).random(20)
    scores = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        predictor = PyGPredictor(MeanOfOperations, training_epochs=5)
        predictor.fit(graph_space, genes[:20], values, rng=np.random.default_rng(3))
        assert torch.equal(torch.get_rng_state(), before)
        scores.append(predictor.predict(genes))
    np.testing.assert_array_equal(*scores)


def test_values_must_be_finite(graph_space):
    with pytest.raises(DataError, match="nan"):
        PyGPredictor(MeanOfOperations).fit(
            graph_space, graph_space.enumerate()[:1], np.array([np.nan]), rng=np.random.default_rng(0)
        )


def test_where_lengths_of_training_differ_each_architecture_is_learned_once(graph_space):
    """As the order of what was trained alike says, and not as raw values of several lengths."""
    genes = graph_space.enumerate()[:3]
    seen = []

    class Recording(MeanOfOperations):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            seen.append(batch.num_graphs)
            return super().forward(batch)

    predictor = PyGPredictor(Recording, training_epochs=2)
    rows, epochs = [0, 1, 2, 0], np.array([1, 1, 1, 9])
    predictor.fit(graph_space, genes[rows], np.array([0.5, 0.4, 0.2, 0.9]), epochs=epochs, rng=np.random.default_rng(0))
    assert seen == [3, 3]


def test_what_asks_for_no_gradient_stays_and_lazy_layers_get_their_weights(graph_space):
    class Pretrained(MeanOfOperations):
        def __init__(self, codes: int) -> None:
            super().__init__(codes)
            self.linear = torch.nn.LazyLinear(4)
            self.frozen, self.last = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)
            self.frozen.requires_grad_(False)
            torch.nn.init.eye_(self.frozen.weight)

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return self.last(self.frozen(super().forward(batch)))

    genes, values = graph_space.enumerate()[:30], np.linspace(0, 1, 30)
    predictor = PyGPredictor(Pretrained, training_epochs=5).fit(
        graph_space, genes, values, rng=np.random.default_rng(0)
    )
    assert torch.equal(predictor.module_.frozen.weight, torch.eye(4))
    assert np.isfinite(predictor.predict(genes)).all()

    def nothing_to_learn(codes: int) -> torch.nn.Module:
        return MeanOfOperations(codes).requires_grad_(False)

    fixed = PyGPredictor(nothing_to_learn, training_epochs=5)
    fixed.fit(graph_space, genes, values, rng=np.random.default_rng(0))
    assert np.isfinite(fixed.predict(genes)).all()
