from __future__ import annotations

from predictornas.supernet.network.topology import darts_topology, nasbench201_topology
from predictornas.supernet.network.waves import waves_of

NAMES = ("none", "avg_pool_3x3", "skip_connect", "sep_conv_3x3")


def test_a_darts_cell_is_computed_in_four_waves() -> None:
    normal = waves_of(darts_topology(NAMES).cell("normal"))
    assert [wave.sources for wave in normal] == [(0, 1), (2,), (3,), (4,)]
    assert [wave.targets for wave in normal] == [(2, 3, 4, 5), (3, 4, 5), (4, 5), (5,)]
    assert list(normal[0].edges.values()) == [(0, 2), (0, 3), (0, 4), (0, 5), (1, 2), (1, 3), (1, 4), (1, 5)]
    assert list(normal[0].edges) == [0, 2, 5, 9, 1, 3, 6, 10]  # numbers in the order of the released code
    assert [wave.stride for wave in normal] == [1, 1, 1, 1]


def test_nasbench201_is_computed_source_by_source() -> None:
    waves = waves_of(nasbench201_topology().cells[0])
    assert [list(wave.edges.values()) for wave in waves] == [[(0, 1), (0, 2), (0, 3)], [(1, 2), (1, 3)], [(2, 3)]]


def test_a_skip_has_weights_where_it_halves_the_image() -> None:
    topology = darts_topology(NAMES)
    normal, reduction = (waves_of(topology.cell(name)) for name in ("normal", "reduction"))
    assert [wave.stride for wave in reduction] == [2, 1, 1, 1]
    assert set(normal[0].lanes) == set(reduction[1].lanes) == {"sep_conv_3x3"}
    assert set(reduction[0].lanes) == {"sep_conv_3x3", "skip_connect"}
    assert set(reduction[0].shared) == {"avg_pool_3x3"}
    assert set(normal[0].shared) == {"avg_pool_3x3", "skip_connect"}


def test_lanes_are_the_places_where_an_operation_stands() -> None:
    """On edges (0, 3) = 2 and (2, 3) = 4 the separable convolution comes first and alone."""
    edges = tuple(("sep_conv_3x3",) if edge in (2, 4) else ("avg_pool_3x3", "none") for edge in range(14))
    first, second, *_ = waves_of(darts_topology(NAMES, edges).cell("normal"))
    assert first.lanes == {"sep_conv_3x3": ((2, 0),)}
    assert second.lanes == {"sep_conv_3x3": ((4, 0),)}
    assert len(first.shared["avg_pool_3x3"]) == 7
    assert first.shared_sources("avg_pool_3x3") == (0, 1)
