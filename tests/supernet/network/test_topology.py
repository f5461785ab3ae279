from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.spaces.registry import get_space
from predictornas.supernet.network.topology import darts_topology, topology_of


def test_the_fourteen_edges_of_darts_stand_in_the_order_of_the_released_code() -> None:
    topology = topology_of(get_space("darts"))
    assert topology.cell_types == ("normal", "reduction")
    assert topology.inputs_kept == 2
    for cell in topology.cells:
        assert cell.edges[:5] == ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
        assert len(cell.edges) == 14
        assert cell.nodes == (2, 3, 4, 5)
        assert cell.edges_into(4) == (5, 6, 7, 8)
        assert cell.width == 7
        assert "none" not in cell.operations[0]


def test_nasbench201_has_the_edges_of_its_genes() -> None:
    topology = topology_of(get_space("nasbench201"))
    assert topology.cells[0].edges == ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert topology.inputs_kept is None
    assert topology.cells[0].present().all()


def test_edges_with_fewer_operations_are_padded() -> None:
    topology = darts_topology(("none", "skip_connect", "noise"), (("none",), *((("skip_connect", "noise"),) * 13)))
    present = topology.cell("normal").present()
    np.testing.assert_array_equal(present[:2], [[True, False], [True, True]])
    assert topology.cell("reduction").present().shape == (14, 3)


@pytest.mark.parametrize("name", ["darts-s1", "darts-s2", "darts-s3", "darts-s4"])
def test_restricted_spaces_hold_their_own_operations_on_each_edge(name: str) -> None:
    space = get_space(name)
    topology = topology_of(space)
    assert topology.names == space.operations
    for cell in topology.cells:
        assert cell.operations == space.edge_operations(cell.name)
        assert cell.width == (3 if name == "darts-s3" else 2)


def test_a_space_without_operations_on_edges_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no super-network for space 'nasbench101'"):
        topology_of(get_space("nasbench101"))
