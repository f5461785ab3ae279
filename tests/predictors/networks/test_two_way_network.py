"""The network against the same vertex by vertex, with torch's own layer normalisation."""

import numpy as np
import pytest
import torch

from predictornas.predictors.engine.dense import DenseBatch, dense_batch
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.engine.message_passing import MessagePassing, Propagation, readout_shares
from predictornas.predictors.networks import two_way_network as module
from predictornas.predictors.networks.two_way_network import TwoWayNetwork

SOURCES = [[], [0], [0, 1], [], [3]]
"""Inputs of each vertex: three of the first graph, two of the second."""
CODES = [2, 0, 3, 2, 3]


def batch(padding: int = 0) -> DenseBatch:
    """Two graphs: 0 -> 1 -> 2 with 0 -> 2, and 0 -> 1 with a padded vertex."""
    size = 3 + padding
    edges, labels, real = torch.zeros(2, size, size), torch.zeros(2, size, 4), torch.zeros(2, size)
    edges[0, 1, 0] = edges[0, 2, 1] = edges[0, 2, 0] = edges[1, 1, 0] = 1  # rows receive
    for graph, codes in enumerate((CODES[:3], CODES[3:])):
        for vertex, code in enumerate(codes):
            labels[graph, vertex, code] = real[graph, vertex] = 1
    return DenseBatch([edges, edges.transpose(1, 2)], labels, None, real / real.sum(1, keepdim=True))


def known() -> torch.Tensor:
    return torch.tensor([[0.3, -1.0], [2.0, 0.5]])


def network(dropout: float = 0.0, layers: int = 2) -> TwoWayNetwork:
    generator = torch.Generator().manual_seed(0)
    made = TwoWayNetwork(4, 2, layers=layers, width=5, hidden=3, dropout=dropout, generator=generator)
    with torch.no_grad():
        for parameter in (made.biases, made.gates, made.scales, made.shifts, made.hidden_bias, made.bias):
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) / 3)
    return made


def reference(made: TwoWayNetwork) -> torch.Tensor:
    features = made.start[CODES]
    for layer, weights in enumerate(made.weights):
        own, inputs, outputs = weights.split(5, 1)
        updates = []
        for v in range(5):
            received = features[v] @ own + made.biases[layer]
            for u in SOURCES[v]:
                received = received + features[u] @ inputs
            for u in range(5):
                if v in SOURCES[u]:
                    received = received + features[u] @ outputs
            updates.append(torch.relu(received) * torch.sigmoid(made.gates[layer, CODES[v]]))
        norm = torch.nn.LayerNorm(5)
        with torch.no_grad():
            norm.weight.copy_(made.scales[layer])
            norm.bias.copy_(made.shifts[layer])
        features = norm(features + torch.stack(updates))
    read = torch.stack(
        [
            torch.cat([features[rows].mean(0), features[rows].amax(0), also])
            for rows, also in zip((slice(3), slice(3, 5)), known(), strict=True)
        ]
    )
    return torch.relu(read @ made.hidden + made.hidden_bias) @ made.output + made.bias


@pytest.mark.parametrize("padding", [0, 2])
def test_scores_are_those_of_the_layers_written_out(padding: int) -> None:
    made = network().eval()
    torch.testing.assert_close(made(batch(padding), known()), reference(made))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_an_index_gives_the_same_scores(layers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty random graphs of up to five vertices, in blocks of seven."""
    monkeypatch.setattr(module, "_AT_ONCE", 7)
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 6, size=40)
    real = np.arange(5) < sizes[:, None]
    edges = np.triu(rng.random((40, 5, 5)) < 0.5, 1) & real[:, :, None] & real[:, None, :]
    codes = np.where(real, rng.integers(0, 4, size=(40, 5)), -1).astype(np.int8)
    ways = edges.transpose(0, 2, 1).astype(np.uint8), edges.astype(np.uint8)
    weights = np.array([0, 1], np.float32)
    messages = MessagePassing(
        tuple(Propagation(way, weights) for way in ways), codes, 4, readout_shares(real, "mean"), codes, 4
    )
    made, also = network(layers=layers).eval(), torch.from_numpy(rng.normal(size=(40, 2)).astype(np.float32))
    heard = torch.from_numpy(np.stack(ways, axis=3).reshape(40, 5, 10))
    with torch.inference_mode():
        scores = made.indexed(IndexTables.of(build_index(messages, 1)), heard, also)
        torch.testing.assert_close(scores, made(dense_batch(messages, slice(None)), also))
        assert len(made.indexed(IndexTables.of(build_index(messages, 1)), heard[:0], also[:0])) == 0


def test_dropout_is_of_training_alone_and_of_its_own_generator() -> None:
    made = network(dropout=0.5)
    state = torch.get_rng_state()
    assert not torch.equal(made(batch(), known()), made(batch(), known()))
    assert torch.equal(torch.get_rng_state(), state)
    made.eval()
    assert torch.equal(made(batch(), known()), made(batch(), known()))


def test_slopes_reach_every_weight() -> None:
    made = network()
    made(batch(), known()).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in made.parameters())
