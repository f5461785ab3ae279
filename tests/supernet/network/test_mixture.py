from __future__ import annotations

import torch

from predictornas.supernet.network.mixture import PRUNED, Decisions, Mixture

WEIGHTS = torch.tensor([[0.0, 0.25, 0.75], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])


def test_without_a_gradient_zeros_are_not_computed() -> None:
    assert Mixture({"cell": WEIGHTS}).computed("cell").equal(WEIGHTS != 0)


def test_with_a_gradient_all_are_computed_unless_the_mixture_is_sparse_or_the_edge_decided() -> None:
    weights = WEIGHTS.clone().requires_grad_()
    assert Mixture({"cell": weights}).computed("cell").all()
    assert Mixture({"cell": weights}, sparse=True).computed("cell").equal(WEIGHTS != 0)
    decided = Mixture({"cell": weights}, decisions=Decisions().with_edge("cell", 2, 2)).computed("cell")
    assert decided.tolist() == [[True] * 3, [True] * 3, [False, False, True]]


def test_the_factor_of_an_operation_includes_that_of_its_edge() -> None:
    edges = torch.tensor([2.0, 0.5, 0.0])
    mixture = Mixture({"cell": WEIGHTS}, {"cell": edges})
    assert mixture.factors("cell").tolist() == [[0, 0.5, 1.5], [0.25, 0.25, 0], [0, 0, 0]]
    assert mixture.edge_factors("cell").tolist() == [2, 0.5, 0]
    assert Mixture({"cell": WEIGHTS}).edge_factors("cell").tolist() == [1, 1, 1]


def test_a_pruned_edge_has_no_factor_as_a_whole() -> None:
    decisions = Decisions().with_edge("cell", 1, PRUNED).with_edge("cell", 0, 2).with_edge("other", 2, PRUNED)
    assert Mixture({"cell": WEIGHTS}, decisions=decisions).edge_factors("cell").tolist() == [1, 0, 1]


def test_masking_an_operation_does_not_renormalise_and_leaves_the_mixture_alone() -> None:
    weights = WEIGHTS.clone().requires_grad_()
    mixture = Mixture({"cell": weights, "other": WEIGHTS})
    masked = mixture.without_operation("cell", 0, 2)
    assert masked.weights["cell"].tolist() == [[0, 0.25, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert masked.weights["other"].equal(WEIGHTS)
    assert not masked.weights["cell"].requires_grad
    assert mixture.weights["cell"].equal(WEIGHTS)


def test_removing_an_edge_removes_its_operations_and_its_bypass() -> None:
    mixture = Mixture({"cell": WEIGHTS}, {"cell": torch.tensor([2.0, 3.0, 4.0])}).without_edge("cell", 1)
    assert mixture.weights["cell"][1].tolist() == [0, 0, 0]
    assert mixture.edge_factors("cell").tolist() == [2, 0, 4]


def test_detached_factors_carry_no_gradient() -> None:
    mixture = Mixture({"cell": WEIGHTS.clone().requires_grad_()}, {"cell": torch.ones(3, requires_grad=True)}, True)
    detached = mixture.detached()
    assert not detached.factors("cell").requires_grad
    assert detached.sparse
    assert Mixture({"cell": WEIGHTS}).detached().edge_weights is None


def test_decisions_grow_without_changing_the_earlier_ones() -> None:
    first = Decisions().with_edge("cell", 0, 2)
    second = first.with_edge("cell", 1, PRUNED).with_edge("cell", 0, 1)
    assert first.of("cell") == {0: 2}
    assert second.of("cell") == {0: 1, 1: PRUNED}
    assert second.of("other") == {}
