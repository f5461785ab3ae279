from __future__ import annotations

import torch

from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.plans import LaneChoice, SharedChoice, plans_of
from predictornas.supernet.network.topology import nasbench201_topology

CELL = nasbench201_topology().cells[0]  # none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3
NUMBERED = torch.arange(30.0).view(6, 5) + 1
"""The factor of operation o on edge e is 5e + o + 1."""


def test_a_full_mixture_is_laid_out_by_wave_and_operation() -> None:
    first, second, last = plans_of(CELL, Mixture({"cell": NUMBERED}))
    assert first.lanes == {"nor_conv_1x1": LaneChoice(None, (0, 1, 3)), "nor_conv_3x3": LaneChoice(None, (0, 1, 3))}
    assert first.factors["nor_conv_3x3"].tolist() == [4, 9, 19]
    assert list(first.shared) == ["skip_connect", "avg_pool_3x3"]
    assert first.targets == (1, 2, 3)
    assert first.coefficients.tolist() == [[2, 5], [7, 10], [17, 20]]
    assert second.coefficients.tolist() == [[12, 15], [22, 25]]
    assert last.factors["nor_conv_1x1"].tolist() == [28]


def test_a_sampled_path_selects_lanes_sources_and_targets() -> None:
    choice = torch.tensor([0, 3, 2, 3, 1, 4])
    first, second, last = plans_of(CELL, Mixture({"cell": NUMBERED * torch.eye(5)[choice]}))
    assert first.lanes == {"nor_conv_3x3": LaneChoice([1, 2], (1, 3))}
    assert first.factors["nor_conv_3x3"].tolist() == [9, 19]
    assert (first.shared, first.targets) == ({}, ())
    assert second.lanes == {"nor_conv_1x1": LaneChoice([0], (2,))}
    assert second.shared == {"skip_connect": SharedChoice(None, (1,))}
    assert (second.targets, second.coefficients.tolist()) == ((3,), [[22]])
    assert last.shared == {"avg_pool_3x3": SharedChoice(None, (2,))}


def test_edge_weights_scale_operations_and_are_the_bypass() -> None:
    edges = torch.tensor([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])
    first, second, last = plans_of(CELL, Mixture({"cell": NUMBERED}, {"cell": edges}))
    assert first.bypass.tolist() == [[2], [3], [7]]
    assert second.bypass.tolist() == [[5], [11]]
    assert last.bypass.tolist() == [[13]]
    assert last.factors["nor_conv_3x3"].tolist() == [13 * 29]


def test_a_plan_follows_the_factors_although_selections_are_remembered() -> None:
    plans_of(CELL, Mixture({"cell": NUMBERED}))
    plan = plans_of(CELL, Mixture({"cell": 2 * NUMBERED}))[0]
    assert plan.factors["nor_conv_3x3"].tolist() == [8, 18, 38]


def test_lanes_are_taken_apart_with_their_factors() -> None:
    """Lanes that follow one another are a slice."""
    factors = torch.arange(5.0)
    for choice in (LaneChoice(None, (3, 4, 6, 7, 8)), LaneChoice([0, 1, 2, 3, 4], (3, 4, 6, 7, 8))):
        (first, some), (second, others), (last, rest) = choice.parts(factors, 2)
        assert (first, some.tolist()) == (LaneChoice(slice(0, 2), (3, 4)), [0, 1])
        assert (second, others.tolist()) == (LaneChoice(slice(2, 4), (6, 7)), [2, 3])
        assert (last, rest.tolist()) == (LaneChoice(slice(4, 5), (8,)), [4])
        assert list(choice.parts(factors, None)) == list(choice.parts(factors, 5)) == [(choice, factors)]
    gapped = LaneChoice([0, 2, 5], (1, 2, 3))
    assert [part.lanes for part, _ in gapped.parts(factors[:3], 2)] == [[0, 2], slice(5, 6)]
