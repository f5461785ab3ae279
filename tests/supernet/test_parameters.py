from __future__ import annotations

import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.topology import darts_topology, nasbench201_topology
from predictornas.supernet.parameters import ArchitectureParameters

DARTS = darts_topology(("none", "skip_connect", "sep_conv_3x3"))


def parameters_of(seed: int, *, edge_weights: bool = False, scale: float = 1e-3) -> ArchitectureParameters:
    return ArchitectureParameters.initial(DARTS, torch.Generator().manual_seed(seed), scale, edge_weights=edge_weights)


def test_parameters_are_small_normal_leaves_of_the_cells() -> None:
    parameters = parameters_of(0, edge_weights=True)
    assert [tuple(values.shape) for values in parameters.tensors()] == [(14, 3), (14, 3), (14,), (14,)]
    assert all(values.is_leaf and values.requires_grad for values in parameters.tensors())
    together = torch.cat([values.detach().flatten() for values in parameters.tensors()])
    assert 0.0008 < together.std() < 0.0012  # 112 numbers: three standard errors
    assert parameters_of(0).beta is None


def test_the_generator_is_the_only_source() -> None:
    assert parameters_of(0).alpha["normal"].equal(parameters_of(0).alpha["normal"])
    assert not parameters_of(0).alpha["normal"].equal(parameters_of(1).alpha["normal"])


def test_a_state_is_restored_in_place() -> None:
    first, second = parameters_of(0, edge_weights=True), parameters_of(1, edge_weights=True)
    leaves = second.tensors()
    state = {name: values.clone() for name, values in first.state_dict().items()}
    assert list(state) == ["alpha.normal", "alpha.reduction", "beta.normal", "beta.reduction"]
    second.load_state_dict(state)
    for leaf, own, other in zip(leaves, second.tensors(), first.tensors(), strict=True):
        assert own is leaf
        assert own.equal(other)
        assert own.requires_grad


def test_a_state_of_other_cells_is_refused() -> None:
    other = ArchitectureParameters.initial(nasbench201_topology(), torch.Generator())
    with pytest.raises(ConfigurationError, match="same space and method"):
        parameters_of(0).load_state_dict(other.state_dict())
    with pytest.raises(ConfigurationError, match="same space and method"):
        parameters_of(0).load_state_dict(parameters_of(0, edge_weights=True).state_dict())
