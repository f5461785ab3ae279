from __future__ import annotations

import torch

from predictornas.live.trainable_network import NetworkShape
from predictornas.papers.supernet.collapse_scores import OperationScores, PerturbedCells, _terms
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import nasbench201_topology


def test_items_are_snapshots() -> None:
    topology = nasbench201_topology()
    assert PerturbedCells(((0, 1), (12, 5))).items(topology) == [
        {"epoch": 0, "interval": 1},
        {"epoch": 12, "interval": 5},
    ]
    assert OperationScores((0, 3)).items(topology) == [{"epoch": 0}, {"epoch": 3}]


def test_both_terms_by_hand() -> None:
    """L = 3 p^2 + p q + q at p = 1/2, q = 2: slopes 5 and 3/2, second derivatives 6 and 0."""
    leaf = torch.tensor([[0.5, 2.0]], requires_grad=True)
    p, q = leaf[0]
    slopes = torch.autograd.grad(3 * p**2 + p * q + q, [leaf], create_graph=True)
    (first,), (second,) = _terms([leaf], slopes)
    torch.testing.assert_close(first, torch.tensor([[-2.5, -3.0]]))
    torch.testing.assert_close(second, torch.tensor([[0.75, 0.0]]))


def test_both_terms_of_a_network_are_those_of_differences() -> None:
    """In double precision at a step of 1e-5; one of 1e-3 crosses kinks of ReLUs and is off by per cents."""
    generator = torch.Generator().manual_seed(0)
    network = SuperNetwork(nasbench201_topology(), NetworkShape(channels=4, cells=1, classes=10), generator=generator)
    network.double().train()
    images = torch.randn(8, 3, 8, 8, generator=generator).double()
    labels = torch.randint(10, (8,), generator=generator)
    factors, step = torch.rand(6, 5, generator=generator).double(), 1e-5

    def loss(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(network(images, Mixture({"cell": values})), labels)

    leaf = factors.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(loss(leaf), [leaf], create_graph=True)
    (first,), (second,) = _terms([leaf], (slopes,))
    for place in [(edge, edge % 5) for edge in range(6)]:
        ends = []
        for sign in (-1, 1):
            moved = factors.clone()
            moved[place] += sign * step
            with torch.no_grad():
                ends.append(loss(moved).item())
        with torch.no_grad():
            middle = loss(factors).item()
        factor = factors[place].item()
        assert abs(first[place].item() + factor * (ends[1] - ends[0]) / (2 * step)) < 1e-8
        assert abs(second[place].item() - factor**2 * (ends[0] + ends[1] - 2 * middle) / step**2 / 2) < 1e-4
    assert first.abs().max() > 1e-2
    assert second.abs().max() > 1e-2
