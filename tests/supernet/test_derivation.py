from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.errors import InvalidArchitectureError, UnknownNameError
from predictornas.spaces.nasbench201 import to_string
from predictornas.spaces.registry import get_space
from predictornas.supernet.derivation import genes_of, is_member, spelled, strongest
from predictornas.supernet.network.topology import topology_of

DARTS = get_space("darts-8")
TOPOLOGY = topology_of(DARTS)
NONE, SKIP, SEPARABLE, DILATED = 0, 3, 4, 6


def importance_of(strong: dict[tuple[int, int], dict[int, float]]) -> dict[str, torch.Tensor]:
    """Importance 0.1 everywhere but at (from, to): {operation: value} of the normal cell."""
    cell = TOPOLOGY.cell("normal")
    values = torch.full((14, 8), 0.1)
    for ends, operations in strong.items():
        for operation, value in operations.items():
            values[cell.edges.index(ends), operation] = value
    return {"normal": values, "reduction": torch.full((14, 8), 0.1)}


HAND = importance_of(
    {
        (0, 3): {NONE: 0.9},  # `none` is never chosen, and does not make its edge strong
        (1, 3): {SEPARABLE: 0.5},
        (2, 3): {SKIP: 0.4},
        (2, 4): {DILATED: 0.6, SKIP: 0.7},
        (3, 4): {SEPARABLE: 0.3},
        (0, 5): {SKIP: 0.2},
        (4, 5): {DILATED: 0.2},
    }
)


def test_the_darts_rule_by_hand() -> None:
    genes = genes_of(TOPOLOGY, strongest(TOPOLOGY, HAND))
    normal = genes[:16].tolist()
    assert normal[:4] == [0, 1, 1, 1]  # all equal: both inputs, the first operation that is not `none`
    assert normal[4:8] == [1, SEPARABLE, 2, SKIP]
    assert normal[8:12] == [2, SKIP, 3, SEPARABLE]
    assert normal[12:] == [0, SKIP, 4, DILATED]
    assert genes[16:].tolist() == [0, 1, 1, 1] * 4
    assert DARTS.valid(genes[None])[0]


def test_the_gdas_rule_may_keep_two_operations_of_one_edge_and_that_is_no_member() -> None:
    choices = strongest(TOPOLOGY, HAND, "gdas")
    edges = TOPOLOGY.cell("normal").edges
    into_four = [(edges[edge], column) for edge, column in choices["normal"] if edges[edge][1] == 4]
    assert into_four == [((2, 4), SKIP), ((2, 4), DILATED)]
    with pytest.raises(InvalidArchitectureError, match=r"two operations on one edge.*dil_conv_3x3 on \(2, 4\)"):
        genes_of(TOPOLOGY, choices)
    assert not is_member(TOPOLOGY, choices)
    assert is_member(TOPOLOGY, strongest(TOPOLOGY, HAND))
    assert spelled(TOPOLOGY, choices)["normal"][4:6] == ["skip_connect on (2, 4)", "dil_conv_3x3 on (2, 4)"]


def test_both_rules_agree_where_each_edge_has_one_strong_operation() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.zeros(14, 8)
    values[torch.arange(14), torch.randint(1, 8, (14,), generator=generator)] = torch.rand(14, generator=generator) + 1
    importance = {"normal": values, "reduction": values}
    assert strongest(TOPOLOGY, importance, "gdas") == strongest(TOPOLOGY, importance, "darts")


@settings(max_examples=30)
@given(st.integers(0, 2**31 - 1), st.sampled_from(["darts", "darts-8", "darts-s1", "darts-s2", "darts-s3", "darts-s4"]))
def test_any_importance_gives_a_member_of_the_space(seed: int, name: str) -> None:
    space = get_space(name)
    topology = topology_of(space)
    generator = torch.Generator().manual_seed(seed)
    importance = {cell.name: torch.rand(14, cell.width, generator=generator) for cell in topology.cells}
    assert space.valid(genes_of(topology, strongest(topology, importance))[None])[0]


def test_nasbench201_keeps_the_best_operation_of_each_edge_none_included() -> None:
    topology = topology_of(get_space("nasbench201"))
    values = torch.eye(5)[[3, 0, 1, 2, 4, 3]]
    for rule in ("darts", "gdas"):
        genes = genes_of(topology, strongest(topology, {"cell": values}, rule))
        assert to_string(genes) == (
            "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|"
        )


def test_choices_become_genes_and_pruned_edges_of_nasbench201_carry_none() -> None:
    topology = topology_of(get_space("nasbench201"))
    choices = {"cell": ((0, 3), (1, 1), (3, 4), (4, 2))}
    assert genes_of(topology, choices).tolist() == [3, 1, 0, 4, 2, 0]


def test_a_node_that_keeps_another_number_of_edges_is_refused() -> None:
    choices = strongest(TOPOLOGY, HAND)
    choices["normal"] = choices["normal"][:-1]
    with pytest.raises(InvalidArchitectureError, match=r"Node 5 of the normal cell keeps 1 edges.*Keep 2"):
        genes_of(TOPOLOGY, choices)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'darts'"):
        strongest(TOPOLOGY, HAND, "dart")
