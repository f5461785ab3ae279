"""The network against the same with torch's own layers, vertex by vertex."""

import pytest
import torch

from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.networks.gin_network import GINNetwork


def batch() -> DenseBatch:
    """Two graphs: 0 -> 1 -> 2 with 0 -> 2, and 0 -> 1 with a padded vertex."""
    edges = torch.zeros(2, 3, 3)
    edges[0, 1, 0] = edges[0, 2, 1] = edges[0, 2, 0] = edges[1, 1, 0] = 1  # rows receive
    real = torch.tensor([[1.0, 1, 1], [1, 1, 0]])
    labels = torch.zeros(2, 3, 4)
    for graph, codes in enumerate(([2, 0, 3], [2, 3])):
        for vertex, code in enumerate(codes):
            labels[graph, vertex, code] = 1
    shares = real / real.sum(1, keepdim=True)
    return DenseBatch([edges + torch.diag_embed(real)], labels, None, shares)


def network(dropout: float = 0.0) -> GINNetwork:
    made = GINNetwork(4, layers=2, width=5, hidden=3, dropout=dropout, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in (*made.biases, made.scales, made.shifts):
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) / 3)
    return made


def reference(made: GINNetwork, norms: list[torch.nn.BatchNorm1d]) -> torch.Tensor:
    """With sums over neighbours by hand and `torch.nn.BatchNorm1d` over the five real vertices."""
    sources = [[], [0], [0, 1], [], [3]]  # inputs of each vertex: three of the first graph, two of the second
    features = torch.eye(4)[[2, 0, 3, 2, 3]]
    for layer, norm in enumerate(norms):
        with torch.no_grad():
            norm.weight.copy_(made.scales[layer])
            norm.bias.copy_(made.shifts[layer])
        received = torch.stack([features[v] + sum(features[u] for u in sources[v]) for v in range(5)])
        for place in (2 * layer, 2 * layer + 1):
            received = torch.relu(received @ made.weights[place] + made.biases[place])
        features = norm(received)
    pooled = torch.stack([features[:3].mean(0), features[3:].mean(0)])
    return (torch.relu(pooled @ made.weights[-2] + made.biases[-2]) @ made.weights[-1] + made.biases[-1])[:, 0]


def test_training_and_scoring_are_those_of_the_layers_written_out() -> None:
    made, norms = network(), [torch.nn.BatchNorm1d(5) for _ in range(2)]
    for _ in range(3):  # the running means follow
        torch.testing.assert_close(made(batch()), reference(made, norms))
    made.eval()
    torch.testing.assert_close(made(batch()), reference(made, [norm.eval() for norm in norms]))


def test_dropout_is_of_training_alone_and_of_its_own_generator() -> None:
    made = network(dropout=0.5)
    state = torch.get_rng_state()
    assert not torch.equal(made(batch()), made(batch()))
    assert torch.equal(torch.get_rng_state(), state)
    made.eval()
    assert torch.equal(made(batch()), made(batch()))


@pytest.mark.parametrize("count", [1, 4])
def test_slopes_reach_every_weight(count: int) -> None:
    made = network()
    for _ in range(count):
        made(batch()).sum().backward()
    assert all(parameter.grad is not None for parameter in made.parameters())
