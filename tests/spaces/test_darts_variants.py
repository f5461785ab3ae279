from __future__ import annotations

import math

import numpy as np
import pytest

from predictornas.spaces.darts import DARTS
from predictornas.spaces.darts_variants import DARTS_SPACES
from predictornas.spaces.genotypes import NAMED_GENOTYPES, Genotype
from predictornas.testing.spaces import check_batches, check_variation
from predictornas.testing.views import check_description, check_graphs, check_relaxation, check_sequences

INPUTS_OF_A_CELL = math.comb(2, 2) * math.comb(3, 2) * math.comb(4, 2) * math.comb(5, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "choices"),
    [("darts", 7), ("darts-8", 8), ("darts-s1", 2), ("darts-s2", 2), ("darts-s3", 3), ("darts-s4", 2)],
)
def test_every_space_keeps_the_rules_and_knows_its_size(name: str, choices: int, rng: np.random.Generator) -> None:
    space = DARTS_SPACES[name]()
    assert space.name == name
    assert len(space) == (INPUTS_OF_A_CELL * choices**8) ** 2
    genes = space.sample(200, rng)
    assert space.valid(genes).all()
    check_batches(space, genes, rng)
    check_variation(space, genes, rng)
    check_graphs(space, genes)
    check_sequences(space, genes)
    check_relaxation(space, genes)
    check_description(space, genes)


def test_operations_by_name() -> None:
    assert DARTS_SPACES["darts"]().operations == DARTS_SPACES["darts-8"]().operations[1:]
    assert DARTS_SPACES["darts-8"]().operations[0] == "none"
    assert DARTS_SPACES["darts-s2"]().operations == ("skip_connect", "sep_conv_3x3")
    assert DARTS_SPACES["darts-s3"]().operations == ("none", "skip_connect", "sep_conv_3x3")
    assert DARTS_SPACES["darts-s4"]().operations == ("noise", "sep_conv_3x3")


def test_s1_has_two_operations_of_its_own_on_each_edge() -> None:
    space = DARTS_SPACES["darts-s1"]()
    normal, reduction = (space.edge_operations(cell) for cell in ("normal", "reduction"))
    assert {len(names) for names in normal + reduction} == {2}
    assert len(normal) == len(reduction) == 14
    assert (normal[5], reduction[7]) == (("max_pool_3x3", "skip_connect"), ("skip_connect", "dil_conv_3x3"))
    assert "sep_conv_5x5" not in space.operations


def test_cells_that_others_found_in_s1_are_members() -> None:
    """Released by Chen and Hsieh 2020 (SDARTS-RS on CIFAR-10, S1): independent of the table of edges."""
    normal = [("dil_conv_5x5", 1), ("dil_conv_3x3", 0), ("sep_conv_3x3", 1), ("skip_connect", 2)]
    normal += [("dil_conv_3x3", 3), ("sep_conv_3x3", 2), ("sep_conv_3x3", 0), ("dil_conv_3x3", 2)]
    reduction = [("max_pool_3x3", 0), ("dil_conv_3x3", 1), ("dil_conv_5x5", 2), ("max_pool_3x3", 1)]
    reduction += [("dil_conv_5x5", 3), ("sep_conv_3x3", 1), ("dil_conv_5x5", 2), ("dil_conv_5x5", 3)]
    space = DARTS_SPACES["darts-s1"]()
    row = space.genes_of(Genotype(normal, range(2, 6), reduction, range(2, 6)))
    assert space.valid(row[None]).all()


def test_released_cells_are_members_of_the_seven_operations() -> None:
    space = DARTS_SPACES["darts"]()
    assert all(isinstance(space.genes_of(genotype), np.ndarray) for genotype in NAMED_GENOTYPES.values())
    assert isinstance(space, DARTS)
