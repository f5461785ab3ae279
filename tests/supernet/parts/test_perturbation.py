from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import PRUNED, Decisions
from predictornas.supernet.network.topology import Topology, darts_topology, nasbench201_topology
from predictornas.supernet.parts.perturbation import (
    PerturbationSelection,
    accuracy,
    least_accuracy_without,
    masked_accuracies,
    selectable,
)
from predictornas.supernet.parts.relaxations import Dirichlet, EdgeWeighted, GumbelHard, Softmax
from predictornas.supernet.parts.selection import Magnitude
from predictornas.supernet.state import SearchState
from tests.supernet.examples import CountingNetwork, Planted, batch, fan, parameters_of, planted_batches, tiny_search

NAMES = ("none", "skip_connect", "sep_conv_3x3")
USEFUL = 2


def planted(topology: Topology, values: list[float], **fields: Any) -> SearchState:
    """A search whose alpha prefers the skip connection everywhere, although only the convolution helps."""
    alpha = {cell.name: torch.tensor([[0.0, 2.0, 1.0]]).expand(len(cell.edges), 3) for cell in topology.cells}
    return tiny_search(Planted(values, USEFUL), parameters_of(topology, alpha), **fields)


def test_accuracies_without_an_operation_by_hand() -> None:
    """Helps are softmax(0, 2, 1) = .0900, .6652, .2447 of the values 1 and 2; masked ones are not made up for."""
    state = planted(fan(2, NAMES), [1.0, 2.0])
    found = masked_accuracies(state, planted_batches(1.0, images=20_000), "normal", 0, [0, 1, 2])
    share = float(torch.softmax(torch.tensor([0.0, 2.0, 1.0]), 0)[2])
    assert found == pytest.approx([3 * share, 3 * share, 2 * share], abs=1e-4)


def rounds(selection: PerturbationSelection, state: SearchState, batches: Any, count: int) -> list[Decisions]:
    made = []
    for _ in range(count):
        state = replace(state, decisions=selection.decide(state, batches))
        made.append(state.decisions)
    return made


def test_the_planted_operation_is_found_where_magnitude_fails() -> None:
    values = [1.0, 3.0, 2.0, 4.0]
    state = planted(fan(4, NAMES), values)
    by_magnitude = Magnitude().choices(state)["normal"]
    assert {operation for _, operation in by_magnitude} == {1}
    made = rounds(PerturbationSelection(), state, planted_batches(10.0, images=2000), 6)
    assert [len(decisions.of("normal")) for decisions in made] == [1, 2, 3, 4, 4, 4]
    assert made[3] == Decisions({"normal": dict.fromkeys(range(4), USEFUL)})
    # then the topology: the edges of values 1 and 2 are the least harmful to lose
    assert made[4] == Decisions({"normal": {0: PRUNED, 1: USEFUL, 2: PRUNED, 3: USEFUL}})
    assert made[5] == made[4]
    chosen = Magnitude().choices(replace(state, decisions=made[5]))["normal"]
    assert chosen == ((1, USEFUL), (3, USEFUL))


class Redundant(Planted):
    """Edges 0 and 1 carry the same help: either may go, but not both; edge 2 carries a little of its own."""

    def forward(self, images: Tensor, mixture: Any) -> Tensor:
        shared = torch.maximum(mixture.weights["normal"][0, USEFUL], mixture.weights["normal"][1, USEFUL])
        brightness = images.flatten(1)[:, 0]
        help_given = 3 * shared + mixture.weights["normal"][2, USEFUL]
        return torch.stack([brightness, torch.zeros_like(brightness) + help_given], dim=1)


def test_inputs_are_measured_again_after_each_removal() -> None:
    """Both copies are harmless to lose at first; once one is gone the other is what counts most."""
    state = planted(fan(3, NAMES, kept=1), [0.0])
    state = replace(state, network=Redundant([0.0]), decisions=Decisions({"normal": dict.fromkeys(range(3), USEFUL)}))
    (made,) = rounds(PerturbationSelection(), state, planted_batches(4.0), 1)
    assert made == Decisions({"normal": {0: PRUNED, 1: USEFUL, 2: PRUNED}})


@pytest.mark.slow
def test_one_edge_of_each_cell_type_a_round_in_random_order() -> None:
    topology = darts_topology(NAMES)

    def order(seed: int) -> list[list[int]]:
        state = planted(topology, [1.0] * 14, generator=torch.Generator().manual_seed(seed))
        made = [Decisions(), *rounds(PerturbationSelection(), state, planted_batches(28.0, images=10), 14)]
        edges = []
        for before, after in pairwise(made):
            new = [set(after.of(name)) - set(before.of(name)) for name in ("normal", "reduction")]
            assert [len(names) for names in new] == [1, 1]
            edges.append([names.pop() for names in new])
        return edges

    first = order(0)
    assert order(0) == first
    assert order(1) != first
    assert sorted(edge for edge, _ in first) == list(range(14))
    assert [edge for edge, _ in first] != [edge for _, edge in first]


def schedule(selection: PerturbationSelection, topology: Topology) -> tuple[int, list[int]]:
    """How many epochs of fine-tuning there are, and before which of them a round comes."""
    epochs = selection.epochs(topology)
    return epochs, [epoch for epoch in range(epochs) if selection.decides_at(epoch, epochs)]


def test_fine_tuning_lasts_as_long_as_in_the_released_code() -> None:
    """There 14 edges and 3 nodes of DARTS, and 6 edges of NAS-Bench-201, are decided by the last epoch's beginning."""
    darts, bench = darts_topology(NAMES), nasbench201_topology()
    assert schedule(PerturbationSelection(), darts) == (81, list(range(0, 81, 5)))
    assert len(range(0, 81, 5)) == 14 + 3
    kept = PerturbationSelection(topology_step=False)
    assert schedule(kept, bench) == (25, [0, 5, 10, 15, 20, 24])
    assert schedule(replace(kept, interval=2), bench) == (10, [0, 2, 4, 6, 8, 9])


def test_with_an_epoch_a_round_no_edge_stays_open() -> None:
    assert schedule(PerturbationSelection(1), darts_topology(NAMES)) == (17, list(range(17)))
    assert schedule(PerturbationSelection(1, topology_step=False), nasbench201_topology()) == (6, list(range(6)))


def test_a_topology_step_where_all_edges_stay_is_refused() -> None:
    state = tiny_search()
    with pytest.raises(ConfigurationError, match="topology_step to False"):
        PerturbationSelection().epochs(nasbench201_topology())
    with pytest.raises(ConfigurationError, match="topology_step to False"):
        PerturbationSelection().decide(state, planted_batches(1.0))


def test_none_can_be_selected_only_where_an_architecture_can_hold_it() -> None:
    darts, bench = fan(2, NAMES), nasbench201_topology()
    assert selectable(darts, darts.cells[0], 0) == [1, 2]
    assert selectable(bench, bench.cells[0], 0) == [0, 1, 2, 3, 4]


def test_measurements_use_batch_statistics_and_leave_no_trace() -> None:
    network = CountingNetwork(torch.Generator().manual_seed(0)).eval()
    state = tiny_search(network)
    examples = batch(5)
    found = accuracy(state, lambda: [examples, examples], state.mixture().detached())
    logits = network(examples.images, state.mixture())
    assert found == pytest.approx(float((logits.argmax(1) == examples.labels).float().mean()))
    assert network.modes == [True, True, False]
    assert not network.training
    assert float(network.get_buffer("calls")) == 1  # that of this test


@pytest.mark.parametrize("relaxation", [Softmax(), Dirichlet(), GumbelHard(), EdgeWeighted(Softmax())])
def test_a_relaxation_that_samples_is_measured_at_its_importance(relaxation: Any) -> None:
    """Whatever the generator does next, the same accuracies come out; of decided edges one operation is left."""
    topology = fan(3, NAMES)
    parameters = parameters_of(topology)
    parameters.beta = {"normal": torch.zeros(3, dtype=torch.float64, requires_grad=True)}
    found = []
    for seed in (0, 1):
        state = tiny_search(
            Planted([1.0, 1.0, 1.0]),
            parameters,
            relaxation=relaxation,
            generator=torch.Generator().manual_seed(seed),
            decisions=Decisions({"normal": {1: USEFUL, 2: PRUNED}}),
        )
        found.append(masked_accuracies(state, planted_batches(2.0, images=20_000), "normal", 0, [1, 2]))
    assert found[0] == found[1]
    importance = relaxation.importance(parameters)["normal"][0]
    share = float(importance[USEFUL] / importance.sum())
    assert found[0] == pytest.approx([(1 + share) / 2, 1 / 2], abs=1e-4)


def test_the_first_of_equals_is_taken() -> None:
    state = planted(fan(2, NAMES), [0.0, 1.0])
    assert least_accuracy_without(state, planted_batches(1.0), "normal", 0, [1, 2]) == 1


def test_numbers_out_of_range_and_an_empty_half_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="interval"):
        PerturbationSelection(interval=0)
    with pytest.raises(ConfigurationError, match="rate_factor"):
        PerturbationSelection(rate_factor=0.0)
    assert PerturbationSelection(interval=1).interval == 1
    with pytest.raises(ConfigurationError, match="validation half"):
        PerturbationSelection().decide(planted(fan(2, NAMES), [0.0, 1.0]), list)


def test_without_a_topology_step_inputs_are_neither_counted_nor_dropped() -> None:
    """14 edges of DARTS alone: 5 (14 - 1) epochs, as 5 (6 - 1) of NAS-Bench-201; three nodes have over two inputs."""
    darts = darts_topology(NAMES)
    cell = darts.cell("normal")
    assert PerturbationSelection(topology_step=False).epochs(darts) == 65
    assert PerturbationSelection(topology_step=False)._nodes(darts, cell) == []
    assert PerturbationSelection()._nodes(darts, cell) == list(cell.nodes[1:])
