from __future__ import annotations

import pytest
import torch

from predictornas.spaces.registry import get_space
from predictornas.supernet.network.cell import MixedCell, MixedWave
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.plans import plans_of
from predictornas.supernet.network.topology import darts_topology, nasbench201_topology, topology_of
from tests.supernet.straightforward import LANE_PARTS, Cell

SKIP = 1  # of none, skip_connect


def test_identities_add_up_along_all_paths() -> None:
    """With x at node 0 and factors a..f: node 1 = ax, node 2 = (b + ac) x, node 3 = (d + ae + (b + ac) f) x."""
    cell = nasbench201_topology().cells[0]
    weights = torch.zeros(6, 5)
    weights[:, SKIP] = torch.tensor([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])
    images = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    mixed = MixedCell(cell, 4, partial=1, normalised_pools=False)
    nodes = mixed([images], plans_of(cell, Mixture({"cell": weights})))
    for node, factor in zip(nodes, (2, 13, 7 + 22 + 169), strict=True):
        torch.testing.assert_close(node, factor * images)


def test_partial_channels_are_mixed_bypass_and_shuffle_by_hand() -> None:
    """k = 2, channels 1, 2 | 3, 4: those in front are tripled, then shuffled to 3, 3, 6, 4."""
    topology = darts_topology(("none", "skip_connect"))
    weights = torch.zeros(14, 2)
    weights[0, SKIP] = 3  # from node 0 to node 2
    edges = torch.zeros(14)
    edges[0] = 1
    images = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1).expand(1, 4, 2, 2)
    mixture = Mixture({"normal": weights}, {"normal": edges})
    cell = MixedCell(topology.cell("normal"), 4, partial=2, normalised_pools=True)
    nodes = cell([images, 100 * images], plans_of(topology.cell("normal"), mixture))
    assert nodes[0][0, :, 0, 0].tolist() == [3, 3, 6, 4]
    assert not nodes[1].any()


def test_the_bypass_of_a_reduction_is_a_max_pool() -> None:
    topology = darts_topology(("none", "skip_connect"))
    mixture = Mixture({"reduction": torch.zeros(14, 2)}, {"reduction": torch.ones(14)})
    rows = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 4, 4, 4)
    cell = MixedCell(topology.cell("reduction"), 4, partial=4, normalised_pools=True)
    node, *_ = cell([rows, 0 * rows], plans_of(topology.cell("reduction"), mixture))
    assert node[0, 1].tolist() == [[5, 7], [13, 15]]
    assert not node[0, 0].any()  # the channel that is mixed, with no operation


def copied(mixed: MixedCell, reference: Cell) -> None:
    """Gives the straightforward cell, one module an edge and operation, the weights of all lanes."""
    for wave in mixed.waves:
        assert isinstance(wave, MixedWave)
        for name, places in wave.wave.lanes.items():
            for parameter, part in zip(wave.lanes[name].parameters(), LANE_PARTS.get(name, ()), strict=True):
                for lane, (edge, column) in enumerate(places):
                    target = reference.get_parameter(f"edges.{edge}.operations.{column}.{part}.weight")
                    target.data.copy_(parameter[lane])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "name", "partial"),
    [("nasbench201", "cell", 1), ("nasbench201", "cell", 2), ("darts-s1", "normal", 1), ("darts", "reduction", 2)],
)
def test_a_cell_is_the_sum_of_its_edges_and_operations(space: str, name: str, partial: int) -> None:
    """Against a cell that computes edge by edge and operation by operation; two edges from one node share nothing."""
    topology = topology_of(get_space(space))
    cell, generator = topology.cell(name), torch.Generator().manual_seed(0)
    mixed = MixedCell(cell, 8, partial=partial, normalised_pools=topology.family == "darts")
    with torch.no_grad():
        for parameter in mixed.parameters():
            parameter.normal_(generator=generator)
    reference = Cell(cell, 8, partial, topology.family)
    copied(mixed, reference)
    given = [torch.randn(3, 8, 6, 6, generator=generator) for _ in range(1 if space == "nasbench201" else 2)]
    weights = torch.rand(cell.present().shape, generator=generator) * cell.present()
    mixture = Mixture({name: weights})
    for node, expected in zip(mixed(given, plans_of(cell, mixture)), reference(given, mixture), strict=True):
        torch.testing.assert_close(node, expected, rtol=1e-3, atol=1e-3)
