from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.network.mixture import Decisions, Mixture
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import CellTopology, Topology, darts_topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import Dirichlet
from predictornas.supernet.parts.stages import Stage, entered, kept_columns
from predictornas.supernet.state import SearchState
from tests.supernet.examples import tiny_search

NAMES = ("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3")
TOPOLOGY = darts_topology(NAMES)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def search(partial: int, *, edge_weights: bool = False) -> SearchState:
    """A search on a small super-network whose momenta and Adam moments are multiples of what they belong to."""
    shape = NetworkShape(channels=8, cells=3, classes=3)
    network = SuperNetwork(TOPOLOGY, shape, partial=partial, generator=generator())
    parameters = ArchitectureParameters.initial(TOPOLOGY, generator(), 1.0, edge_weights=edge_weights)
    sgd = torch.optim.SGD(network.parameters(), lr=0.07, momentum=0.8, weight_decay=0.01, nesterov=True)
    for weight in network.parameters():
        sgd.state[weight]["momentum_buffer"] = 2 * weight.detach()
    adam = torch.optim.Adam(parameters.tensors(), lr=6e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    for alpha in parameters.tensors():
        adam.state[alpha] = {
            "step": torch.tensor(17.0),
            "exp_avg": 3 * alpha.detach(),
            "exp_avg_sq": alpha.detach() ** 2,
        }
    return tiny_search(
        network, parameters, relaxation=Dirichlet(), weight_optimiser=sgd, architecture_optimiser=adam, progress=0.5
    )


def test_kept_columns_by_hand() -> None:
    cell = CellTopology("normal", ((0, 2), (1, 2)), (NAMES, NAMES[:2]), 2)
    topology = Topology("darts", (cell,), NAMES, 2)
    importance = {"normal": torch.tensor([[0.1, 0.4, 0.4, 0.1], [0.2, 0.8, 0.0, 0.0]])}
    assert kept_columns(topology, importance, 1) == {"normal": ((1,), (1,))}
    assert kept_columns(topology, importance, 3) == {"normal": ((0, 1, 2), (0, 1))}


def test_what_is_kept_goes_on_with_its_parameters_and_what_adam_knows_of_them() -> None:
    before = search(2, edge_weights=True)
    after = entered(before, Stage(25, 2, 2), generator())
    for name in ("normal", "reduction"):
        old, new = before.parameters.alpha[name].detach(), after.parameters.alpha[name].detach()
        top = old.topk(2, dim=1)
        torch.testing.assert_close(new.sort(dim=1, descending=True).values, top.values)
        cell = after.parameters.topology.cell(name)
        for edge, names in enumerate(cell.operations):
            assert set(names) == {NAMES[column] for column in top.indices[edge].tolist()}
            for column, operation in enumerate(names):
                assert new[edge, column] == old[edge, NAMES.index(operation)]
    assert after.parameters.beta is not None
    assert before.parameters.beta is not None
    assert torch.equal(after.parameters.beta["normal"], before.parameters.beta["normal"])
    for parameter in after.parameters.tensors():
        assert parameter.requires_grad
        assert parameter.is_leaf
        kept = after.architecture_optimiser.state[parameter]
        assert torch.equal(kept["exp_avg"], 3 * parameter.detach())
        assert torch.equal(kept["exp_avg_sq"], parameter.detach() ** 2)
        assert float(kept["step"]) == 17
    assert after.architecture_optimiser.param_groups[0]["betas"] == (0.5, 0.999)


@pytest.mark.parametrize("partial", [1, 2])
def test_the_kept_operations_have_their_weights_and_momentum(partial: int) -> None:
    before = search(2)
    after = entered(before, Stage(25, 2, partial), generator())
    weights = list(after.network.parameters())
    for weight in weights:
        assert torch.equal(after.weight_optimiser.state[weight]["momentum_buffer"], 2 * weight.detach())
    (group,) = after.weight_optimiser.param_groups
    assert [id(weight) for weight in group["params"]] == [id(weight) for weight in weights]
    assert {name: group[name] for name in ("lr", "momentum", "weight_decay", "nesterov")} == {
        "lr": 0.07,
        "momentum": 0.8,
        "weight_decay": 0.01,
        "nesterov": True,
    }
    assert (after.progress, after.generator) == (before.progress, before.generator)


def test_with_the_same_channels_the_network_computes_what_it_did_without_the_removed_operations() -> None:
    before = search(2)
    after = entered(before, Stage(25, 2, 2), generator())
    shares = after.relaxation.importance(after.parameters)
    wide = {}
    for name, kept in shares.items():
        wide[name] = torch.zeros(14, len(NAMES))
        for edge, names in enumerate(after.parameters.topology.cell(name).operations):
            for column, operation in enumerate(names):
                wide[name][edge, NAMES.index(operation)] = kept[edge, column]
    images = torch.randn(4, 3, 8, 8, generator=generator())
    torch.testing.assert_close(after.network(images, Mixture(shares)), before.network(images, Mixture(wide)))


def test_a_search_takes_steps_in_its_second_stage() -> None:
    after = entered(search(2), Stage(25, 2, 1), generator())
    images = torch.randn(4, 3, 8, 8, generator=generator())
    before = [parameter.detach().clone() for parameter in after.parameters.tensors()]
    loss = torch.nn.functional.cross_entropy(after.network(images, after.mixture()), torch.tensor([0, 1, 2, 0]))
    loss.backward()
    after.weight_optimiser.step()
    after.move_parameters()
    moved: list[Tensor] = after.parameters.tensors()
    assert all(not torch.equal(old, new) for old, new in zip(before, moved, strict=True))


def test_a_stage_after_decisions_or_without_a_super_network_is_refused() -> None:
    state = replace(search(2), decisions=Decisions().with_edge("normal", 0, 1))
    with pytest.raises(ConfigurationError, match="decided already"):
        entered(state, Stage(25, 2, 1), generator())
    with pytest.raises(ConfigurationError, match="TinyNetwork"):
        entered(tiny_search(), Stage(25, 2, 1), generator())


def test_numbers_out_of_range_are_refused() -> None:
    settings: dict[str, Any]
    for settings in ({"epochs": 0}, {"operations": 0}, {"partial": 0}, {"warm_up": -1}):
        with pytest.raises(ConfigurationError, match="A stage needs"):
            Stage(**{"epochs": 25, "operations": 4, "partial": 4, **settings})
