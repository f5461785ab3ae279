from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import PRUNED, Decisions
from predictornas.supernet.network.topology import Topology, darts_topology, nasbench201_topology
from predictornas.supernet.parts.greedy import EdgeHistory, Greedy, certainty, operation_probabilities
from predictornas.supernet.parts.perturbation import Batches
from predictornas.supernet.state import SearchState
from tests.supernet.examples import Planted, fan, parameters_of, planted_batches, tiny_search

NAMES = ("none", "skip_connect", "sep_conv_3x3")
HALF = 0.1887218755408672
"""1 - entropy of (3/4, 1/4) in bits."""

SHARES = torch.tensor([[0.1, 0.675, 0.225], [0.2, 0.6, 0.2], [0.9, 0.05, 0.05], [0.5, 0.5, 0.0]], dtype=torch.float64)
"""Importance .9 .8 .1 .5, probabilities (3/4, 1/4) twice, (1/2, 1/2), (1, 0)."""

CANDIDATES = torch.tensor([[False, True, True]] * 4)


def no_batches() -> list[object]:
    raise AssertionError("Nothing is measured here.")


def unmeasured() -> Batches:
    return no_batches  # type: ignore[return-value]


def probabilities(*rows: list[float]) -> Tensor:
    return torch.tensor([[0.0, *row] for row in rows], dtype=torch.float64)


def search(
    topology: Topology, shares: dict[str, Tensor], epoch: int, decisions: Decisions | None = None
) -> SearchState:
    """A search whose softmax gives these shares."""
    alpha = {name: values.log() for name, values in shares.items()}
    return tiny_search(Planted([1.0]), parameters_of(topology, alpha), epoch=epoch, decisions=decisions or Decisions())


def test_probabilities_and_certainty_by_hand() -> None:
    found = operation_probabilities(SHARES, CANDIDATES)
    torch.testing.assert_close(found, probabilities([0.75, 0.25], [0.75, 0.25], [0.5, 0.5], [1, 0]))
    expected = torch.tensor([HALF, HALF, 0, 1], dtype=torch.float64)
    torch.testing.assert_close(certainty(found, CANDIDATES), expected)


def test_criterion_1_by_hand() -> None:
    """Importance rescales to 1, .875, 0, .5; certainty already has a 0 and a 1."""
    expected = torch.tensor([HALF, 0.875 * HALF, 0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(Greedy(1).scores(SHARES, CANDIDATES, []), expected)


def test_criterion_2_by_hand() -> None:
    """Overlaps of two earlier epochs: (1 + 1)/2, (.5 + .75)/2, (1 + 1)/2, (0 + .5)/2; rescaled 1, .5, 1, 0."""
    earlier = [
        probabilities([0.75, 0.25], [0.25, 0.75], [0.5, 0.5], [0, 1]),
        probabilities([0.75, 0.25], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]),
    ]
    expected = torch.tensor([HALF, 0.875 * HALF * 0.5, 0, 0], dtype=torch.float64)
    torch.testing.assert_close(Greedy(2).scores(SHARES, CANDIDATES, earlier), expected)


@pytest.mark.parametrize(("criterion", "edge", "operation"), [(1, 3, 1), (2, 0, 1)])
def test_the_highest_score_is_decided_to_its_most_probable_operation(criterion: int, edge: int, operation: int) -> None:
    past = EdgeHistory({"normal": (probabilities([0.75, 0.25], [0.25, 0.75], [0.5, 0.5], [0, 1]),)})
    state = search(fan(4, NAMES), {"normal": SHARES}, epoch=9)
    decisions, history = Greedy(criterion).decide(state, past, unmeasured())
    assert decisions == Decisions({"normal": {edge: operation}})
    assert len(history.of("normal")) == 2


def test_a_factor_that_is_the_same_everywhere_is_left_out() -> None:
    """Without `none` all importances are 1: certainty decides alone, where the released code would have only zeros."""
    shares = torch.tensor([[0.5, 0.5], [0.75, 0.25], [0.1, 0.9]], dtype=torch.float64)
    candidates = torch.ones(3, 2, dtype=torch.bool)
    top = 1 + (0.1 * math.log(0.1) + 0.9 * math.log(0.9)) / math.log(2)
    expected = torch.tensor([0, HALF / top, 1], dtype=torch.float64)
    torch.testing.assert_close(Greedy(1).scores(shares, candidates, []), expected)


def test_the_best_edge_that_is_decided_already_is_passed_over_and_the_rest_of_a_full_node_is_pruned() -> None:
    topology = fan(4, NAMES)
    first = search(topology, {"normal": SHARES}, 14, Decisions().with_edge("normal", 3, 1))
    decisions, _ = Greedy(1).decide(first, EdgeHistory(), unmeasured())
    assert decisions == Decisions({"normal": {3: 1, 0: 1, 1: PRUNED, 2: PRUNED}})


def drift(topology: Topology, seed: int) -> list[dict[str, Tensor]]:
    """Shares of 50 epochs of a search that grows more and more sure."""
    generator = torch.Generator().manual_seed(seed)
    start = {cell.name: torch.randn(len(cell.edges), cell.width, generator=generator) for cell in topology.cells}
    moving = {name: torch.randn(values.shape, generator=generator) for name, values in start.items()}
    return [
        {name: torch.softmax(start[name] + epoch / 20 * moving[name], dim=1) for name in start} for epoch in range(50)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("criterion", [1, 2])
@pytest.mark.parametrize("seed", [0])
def test_a_whole_search_decides_each_edge_once_and_keeps_two_inputs_a_node(criterion: int, seed: int) -> None:
    topology = darts_topology(("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3"))
    greedy, decisions, history = Greedy(criterion), Decisions(), EdgeHistory()
    kept_by_epoch: dict[int, int] = {}
    for epoch, shares in enumerate(drift(topology, seed)):
        state = search(topology, shares, epoch, decisions)
        before = decisions
        decisions, history = greedy.decide(state, history, unmeasured())
        assert len(history.of("normal")) == min(epoch + 1, 4)
        for cell in topology.cells:
            assert before.of(cell.name).items() <= decisions.of(cell.name).items()  # nothing is taken back
            new = set(decisions.of(cell.name)) - set(before.of(cell.name))
            kept = [edge for edge in new if decisions.of(cell.name)[edge] is not PRUNED]
            assert len(kept) == (1 if epoch in range(9, 45, 5) else 0)
            kept_by_epoch[epoch] = kept_by_epoch.get(epoch, 0) + len(kept)
    assert sum(kept_by_epoch.values()) == 16
    for cell in topology.cells:
        decided = decisions.of(cell.name)
        assert set(decided) == set(range(14))
        assert 0 not in decided.values()  # never `none`
        for node in cell.nodes:
            assert sum(decided[edge] is not PRUNED for edge in cell.edges_into(node)) == 2


def test_a_cell_that_keeps_all_edges_has_none_pruned() -> None:
    topology = nasbench201_topology()
    decisions, history = Decisions(), EdgeHistory()
    greedy = Greedy(warm_up=0, interval=1)
    for epoch, shares in zip(range(8), drift(topology, 0), strict=False):
        decisions, history = greedy.decide(search(topology, shares, epoch, decisions), history, unmeasured())
        assert len(decisions.of("cell")) == min(epoch + 1, 6)
    assert PRUNED not in decisions.of("cell").values()


def test_decisions_by_perturbation_keep_the_greedy_edge_but_not_its_operation() -> None:
    """Edge 3 is decided by criterion 1 as before; it is its least probable operation that carries the signal."""
    state = search(fan(4, NAMES), {"normal": torch.where(SHARES == 0, 1e-3, SHARES)}, epoch=9)
    state = replace(state, network=Planted([1.0, 1.0, 1.0, 1.0], useful=2))
    decisions, _ = Greedy(1, by_perturbation=True).decide(state, EdgeHistory(), planted_batches(4, images=8000))
    assert decisions == Decisions({"normal": {3: 2}})


def test_the_history_goes_through_a_checkpoint() -> None:
    history = EdgeHistory({"normal": (probabilities([0.5, 0.5]), probabilities([0.25, 0.75])), "reduction": ()})
    back = EdgeHistory.from_state_dict(history.state_dict())
    assert [row.tolist() for row in back.of("normal")] == [row.tolist() for row in history.of("normal")]
    assert len(back.of("reduction")) == 0


def test_settings_out_of_range_are_refused() -> None:
    for settings in ({"criterion": 3}, {"interval": 0}, {"history": 0}, {"warm_up": -1}, {"batch_increase": -8}):
        with pytest.raises(ConfigurationError, match="Greedy decisions need"):
            Greedy(**settings)
