import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.predictors.dense import dense_batch
from predictornas.predictors.flow import Flow
from predictornas.predictors.flow_network import FlowNetwork
from predictornas.predictors.gcn import GCN
from predictornas.predictors.graph_index import build_index
from predictornas.predictors.index_tables import IndexTables


def network(layers=4, width=16):
    return FlowNetwork(5, layers=layers, width=width, generator=torch.Generator().manual_seed(0))


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
    expected = (features @ value["output"] * messages.shares).sum(1)
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


@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize("readout", ["mean", "output"])
def test_scores_and_gradients_in_training_are_those_of_autograd(layers, readout, make_graphs):
    batch = dense_batch(Flow(readout=readout).message_passing(make_graphs(50)), slice(None))
    net = network(layers)
    torch.nn.init.normal_(net.gate_biases, generator=torch.Generator().manual_seed(2))
    seed = torch.randn(50, generator=torch.Generator().manual_seed(1))
    plain, trained = net(batch), net.in_training(batch)
    np.testing.assert_allclose(trained.detach(), plain.detach(), atol=1e-5)
    expected = torch.autograd.grad(plain, list(net.parameters()), seed)
    for ours, theirs in zip(torch.autograd.grad(trained, list(net.parameters()), seed), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1.0, theirs.abs().max().item()))


def test_a_second_pass_through_one_training_graph_fails(make_graphs):
    scores = network().in_training(dense_batch(Flow().message_passing(make_graphs(5)), slice(None))).sum()
    scores.backward(retain_graph=True)
    with pytest.raises(TypeError):
        scores.backward()


@pytest.mark.parametrize("way", ["forward", "in_training"])
def test_a_batch_without_gates_is_refused(way, make_graphs):
    with pytest.raises(ConfigurationError, match="gate"):
        getattr(network(), way)(dense_batch(GCN().message_passing(make_graphs(2)), slice(None)))
