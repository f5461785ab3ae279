from __future__ import annotations

import copy
import json
import pickle

import pytest

from predictornas.spaces.darts import DARTS
from predictornas.spaces.genotypes import CONCAT, NAMED_GENOTYPES, Genotype, Nodes
from predictornas.spaces.printed_genotypes import parse_genotype

DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
)
"""As the released code prints it."""


def test_the_printed_form_is_the_usual_one() -> None:
    assert str(NAMED_GENOTYPES["DARTS-V2"]) == DARTS_V2


@pytest.mark.parametrize("name", NAMED_GENOTYPES)
def test_released_genotypes_are_valid_and_print_and_parse(name: str) -> None:
    genotype = NAMED_GENOTYPES[name]
    assert parse_genotype(str(genotype)) == genotype
    space = DARTS()
    genes = space.genes_of(genotype)
    assert space.valid(genes[None]).all()
    ordered = space.genotype(genes)
    for cell, released in ((ordered.normal, genotype.normal), (ordered.reduce, genotype.reduce)):
        pairs = [released[start : start + 2] for start in range(0, 8, 2)]
        assert cell == [edge for pair in pairs for edge in sorted(pair, key=lambda edge: edge[1])]


def test_released_genotypes_differ() -> None:
    assert len({str(genotype) for genotype in NAMED_GENOTYPES.values()}) == len(NAMED_GENOTYPES)


def test_a_genotype_is_a_tuple() -> None:
    normal, concat, reduction, _ = NAMED_GENOTYPES["DARTS-V2"]
    for nodes in (CONCAT, concat, range(2, 6), [2, 3, 4, 5]):
        assert Genotype(normal, nodes, reduction, nodes) == NAMED_GENOTYPES["DARTS-V2"]


def test_json_writes_it_and_pickle_and_copies_keep_it() -> None:
    genotype = NAMED_GENOTYPES["P-DARTS"]
    written = json.loads(json.dumps(genotype))
    assert written == [[list(edge) for edge in genotype.normal], [2, 3, 4, 5],
                       [list(edge) for edge in genotype.reduce], [2, 3, 4, 5]]  # fmt: skip
    assert json.loads(json.dumps(genotype._asdict()))["reduce_concat"] == [2, 3, 4, 5]
    for again in (pickle.loads(pickle.dumps(genotype)), copy.deepcopy(genotype), genotype._replace()):
        assert (again, type(again), str(again)) == (genotype, Genotype, str(genotype))


@pytest.mark.parametrize(
    ("numbers", "printed"), [(range(2, 6), "range(2, 6)"), ([4], "range(4, 5)"), ([2, 4], "[2, 4]")]
)
def test_nodes_print_as_a_range_where_they_are_one(numbers: list[int], printed: str) -> None:
    assert repr(Nodes(numbers)) == printed
