from __future__ import annotations

import torch

from predictornas.papers.supernet.collapse_scores import OperationScores, PerturbedCells, _terms
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
