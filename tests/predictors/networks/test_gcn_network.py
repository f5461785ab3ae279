import numpy as np
import torch

from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.gcn import GCN
from predictornas.predictors.networks.gcn_network import GCNNetwork


def network(layers=3, width=64, propagations=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return GCNNetwork(5, layers=layers, width=width, propagations=propagations, generator=generator)


def test_initial_weights_follow_the_documented_law():
    weights = network(width=256).convolutions
    assert [tuple(matrix.shape) for matrix in weights] == [(5, 256), (256, 256), (256, 256)]
    bound = np.sqrt(6 / 256)
    assert 0.98 * bound < weights[1].abs().max() <= bound
    assert abs(weights[1].std().item() - bound / np.sqrt(3)) < 0.01 * bound
    assert network().output.abs().max() <= 1 / 8
    assert network().bias == 0


def test_equal_seeds_give_equal_weights():
    for a, b in zip(network(seed=4).parameters(), network(seed=4).parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(network(seed=4).output, network(seed=5).output)


def test_a_deep_network_equals_numpy(make_graphs):
    messages = GCN(bidirectional=True).message_passing(make_graphs(12))
    net = network(propagations=2, width=8)
    weights = [matrix.detach().numpy() for matrix in net.convolutions]
    features = (messages.labels[:, :, None] == np.arange(5)).astype(float)
    for layer in range(3):
        ways = zip(messages.propagations, weights[2 * layer : 2 * layer + 2], strict=True)
        features = sum(np.maximum(0, p.dense(slice(None)) @ features @ w) for p, w in ways) / 2
    expected = (features @ net.output.detach().numpy() * messages.shares).sum(1)
    with torch.no_grad():
        np.testing.assert_allclose(net(dense_batch(messages, slice(None))), expected, atol=1e-5)


def test_gradients_over_an_index_are_the_dense_ones(make_graphs):
    messages = GCN().message_passing(make_graphs(50))
    net = network(width=16)
    seed = torch.randn(50, generator=torch.Generator().manual_seed(1))
    dense = torch.autograd.grad(net(dense_batch(messages, slice(None))), list(net.parameters()), seed)
    tables = IndexTables.of(build_index(messages, 3))
    indexed = torch.autograd.grad(net.indexed(tables), list(net.parameters()), seed)
    for ours, theirs in zip(indexed, dense, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1.0, theirs.abs().max().item()))
