import numpy as np
import torch

from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.gcn import GCN
from predictornas.predictors.networks.neural_predictor_network import NeuralPredictorNetwork

VIEW = GCN(bidirectional=True, normalisation="symmetric")


def network(*, dropout=0.0, layers=2):
    generator = torch.Generator().manual_seed(3)
    net = NeuralPredictorNetwork(5, layers=layers, width=8, hidden=6, dropout=dropout, generator=generator)
    torch.nn.init.normal_(net.hidden_bias, generator=generator)
    torch.nn.init.normal_(net.bias, generator=generator)
    return net


def test_scores_without_dropout_equal_numpy(make_graphs):
    messages = VIEW.message_passing(make_graphs(20))
    net = network()
    weights = {name: parameter.detach().numpy() for name, parameter in net.named_parameters()}
    along, against = (p.dense(slice(None)) for p in messages.propagations)
    features = (messages.labels[:, :, None] == np.arange(5)).astype(float)
    for layer in range(2):
        ahead = np.maximum(0, along @ features @ weights[f"convolutions.{2 * layer}"])
        back = np.maximum(0, against @ features @ weights[f"convolutions.{2 * layer + 1}"])
        features = (ahead + back) / 2
    real = messages.labels >= 0
    pooled = np.stack([rows[there].mean(axis=0) for rows, there in zip(features, real, strict=True)])
    expected = (pooled @ weights["hidden"] + weights["hidden_bias"]) @ weights["output"] + weights["bias"]
    with torch.no_grad():
        np.testing.assert_allclose(net(dense_batch(messages, slice(None))), expected, atol=1e-5)


def test_the_folded_network_scores_alike_from_dense_tensors_and_from_an_index(make_graphs):
    messages = VIEW.message_passing(make_graphs(40))
    net = network(layers=3)
    batch = dense_batch(messages, slice(None))
    folded = net.folded()
    with torch.no_grad():
        expected = net(batch)
        np.testing.assert_allclose(folded(batch), expected, atol=1e-5)
        np.testing.assert_allclose(folded.indexed(IndexTables.of(build_index(messages, 3))), expected, atol=1e-5)
    assert expected.max() - expected.min() > 0.01
    assert not any(parameter.requires_grad for parameter in folded.parameters())


def test_every_pass_drops_others_and_a_folded_network_drops_nothing(make_graphs):
    batch = dense_batch(VIEW.message_passing(make_graphs(10)), slice(None))
    net = network(dropout=0.5)
    with torch.no_grad():
        assert not torch.equal(net(batch), net(batch))
        net._dropout = 0.0
        np.testing.assert_allclose(net.folded()(batch), net(batch), atol=1e-5)
