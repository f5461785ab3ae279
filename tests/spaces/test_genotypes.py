from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.darts import DARTS
from predictornas.spaces.genotypes import CONCAT, NAMED_GENOTYPES, Genotype, parse_genotype

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


def test_lists_and_spaces_are_read_too() -> None:
    text = DARTS_V2.replace("range(2, 6)", "[2, 3, 4, 5]").replace(", (", ",\n    (")
    assert parse_genotype(f"  {text}\n") == NAMED_GENOTYPES["DARTS-V2"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Genotype(", "Other(", "no Genotype"),
        ("Genotype(", "__import__('os').system(", "no Genotype"),
        ("reduce=", "reduction=", "the fields are normal, normal_concat, reduce, reduce_concat"),
        ("normal_concat=range(2, 6)", "normal_concat=range(3, 6)", "must be 2, 3, 4 and 5"),
        ("('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ", "", "8 pairs"),
        ("('sep_conv_3x3', 0)", "('sep_conv_3x3', 2)", "pair 0"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', -1)", "pair 7"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 2, 1)", "too many values"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', True)", "pair 7"),
        ("('dil_conv_3x3', 2)", "(open('x'), 2)", "malformed"),
        ("reduce_concat=range(2, 6))", "reduce_concat=range(2, 6)", "never closed"),
    ],
)
def test_other_texts_are_refused_with_the_reason(old: str, new: str, reason: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=reason):
        parse_genotype(DARTS_V2.replace(old, new))


@given(st.text(alphabet="Genotype(normal=[('a',0)]range, 26)", max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(InvalidArchitectureError):
        parse_genotype(text)


def test_a_genotype_is_a_tuple() -> None:
    normal, concat, reduction, _ = parse_genotype(DARTS_V2)
    assert Genotype(normal, concat, reduction, CONCAT) == NAMED_GENOTYPES["DARTS-V2"]
