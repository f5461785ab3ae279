import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.predictors.networks.flow_network import FlowNetwork


def network(layers=4, width=16, dropout=0.0):
    return FlowNetwork(5, layers=layers, width=width, dropout=dropout, generator=torch.Generator().manual_seed(0))


def test_a_deep_network_equals_numpy(make_graphs):
    messages = Flow().message_passing(make_graphs(12))
    net = network(layers=3)
    value = {name: parameter.detach().numpy() for name, parameter in net.named_parameters()}
    real = messages.labels >= 0
    features = np.where(real[:, :, None], value["start"][messages.labels], 0)
    operations = np.where(real[:, :, None], value["operations"][messages.gates], 0)
    for layer in range(3):
        gate = 1 / (1 + np.exp(-(operations @ value[f"gates.{layer}"] + value["gate_biases"][layer])))
        features = gate * (messages.propagations[0].dense(slice(None)) @ features @ value[f"flows.{layer}"])
        features = np.maximum(0, features) if layer < 2 else features
    read_out = (features * messages.shares[:, :, None]).sum(1)
    expected = np.maximum(0, read_out @ value["hidden"] + value["hidden_bias"]) @ value["output"] + value["bias"]
    with torch.no_grad():
        np.testing.assert_allclose(net(dense_batch(messages, slice(None))), expected, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_gradients_over_an_index_are_the_dense_ones(layers, make_graphs):
    messages = Flow().message_passing(make_graphs(50))
    net = network(layers)
    torch.nn.init.normal_(net.gate_biases, generator=torch.Generator().manual_seed(2))
    seed = torch.randn(50, generator=torch.Generator().manual_seed(1))
    dense = torch.autograd.grad(net(dense_batch(messages, slice(None))), list(net.parameters()), seed)
    tables = IndexTables.of(build_index(messages, layers))
    indexed = torch.autograd.grad(net.indexed(tables), list(net.parameters()), seed)
    for ours, theirs in zip(indexed, dense, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1.0, theirs.abs().max().item()))


@pytest.mark.slow
def test_dropout_leaves_out_features_and_means_to_change_nothing(make_graphs):
    batch = dense_batch(Flow().message_passing(make_graphs(6)), slice(None))
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        linear = network(layers=1, dropout=0.3)  # one layer: only what the head hides is left out
        draws = torch.stack([linear.in_training(batch, generator) for _ in range(4000)])
        np.testing.assert_allclose(draws.mean(0), linear(batch), atol=6 * float(draws.std(0).max()) / 4000**0.5)
        assert (draws.std(0) > 0.01).all()
        whole = network(dropout=0.0)
        np.testing.assert_allclose(whole.in_training(batch, generator), whole(batch), atol=1e-5)
        deep = network(dropout=0.3)
        first, again = (deep.in_training(batch, torch.Generator().manual_seed(5)) for _ in range(2))
        assert torch.equal(first, again)
        assert not torch.allclose(first, deep(batch))


def test_a_batch_without_gates_is_refused(make_graphs):
    batch = dense_batch(GCN().message_passing(make_graphs(2)), slice(None))
    for way in (network().forward, lambda part: network(dropout=0.5).in_training(part, torch.Generator())):
        with pytest.raises(ConfigurationError, match="gate"):
            way(batch)
