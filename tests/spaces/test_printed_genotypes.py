from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.printed_genotypes import genotype_of, is_printed, parse_genotype, printed_part

DARTS_V2 = str(NAMED_GENOTYPES["DARTS-V2"])


def test_lists_and_spaces_are_read_too() -> None:
    text = DARTS_V2.replace("range(2, 6)", "[2, 3, 4, 5]").replace(", (", ",\n    (")
    assert parse_genotype(f"  {text}\n") == NAMED_GENOTYPES["DARTS-V2"]


def test_of_a_log_the_last_one_is_meant() -> None:
    first, last = NAMED_GENOTYPES["DARTS-V1"], NAMED_GENOTYPES["DARTS-V2"]
    log = f"epoch 0 genotype = {first}\nepoch 1 (99.1%) genotype = {last}\ntest_acc 97.2 (done"
    assert parse_genotype(log) == last
    assert printed_part(log) == str(last)
    with pytest.raises(InvalidArchitectureError, match="the last of 2 is cut off"):
        parse_genotype(log[: log.rindex(", reduce_concat")])


def test_another_class_that_ends_alike_is_none() -> None:
    assert not is_printed(DARTS_V2.replace("Genotype", "MyGenotype"))
    assert is_printed(DARTS_V2.replace("Genotype(", "genotypes.Genotype ("))


def test_fields_may_lack_what_has_one_meaning() -> None:
    genotype = NAMED_GENOTYPES["DARTS-V2"]
    assert genotype_of({"normal": genotype.normal, "reduce": genotype.reduce}) == genotype


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Genotype(", "Other(", "no Genotype"),
        ("Genotype(", "__import__('os').system(", "no value"),
        ("reduce=", "reduction=", "the fields are normal, normal_concat, reduce, reduce_concat"),
        ("Genotype(", "Genotype([], ", "given twice"),
        ("normal_concat=range(2, 6)", "normal_concat=range(3, 6)", "must be 2, 3, 4 and 5"),
        ("normal_concat=range(2, 6)", "normal_concat=range(2, 10**9)", "BinOp"),
        ("normal_concat=range(2, 6)", "normal_concat=range(2, 1000000000000)", "more than 4,096"),
        ("('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ", "", "8 pairs, not of 4"),
        ("('sep_conv_3x3', 0)", "('sep_conv_3x3', 2)", "pair 0"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', -1)", "pair 7"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 2, 1, 0)", "pair 7"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 2, 'x')", "pair 7"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', True)", "pair 7"),
        ("('dil_conv_3x3', 2)", "(open('x'), 2)", "pair 7"),
        ("('dil_conv_3x3', 2)", "(open, 2)", "'open' is neither a number, a text nor a list"),
        ("reduce_concat=range(2, 6))", "reduce_concat=range(2, 6)", "never closed"),
    ],
)
def test_other_texts_are_refused_with_the_reason(old: str, new: str, reason: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=reason.replace("(", r"\(")):
        parse_genotype(DARTS_V2.replace(old, new))


@given(st.text(alphabet="Genotype(normal=[('a',0)]range, 26)", max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(InvalidArchitectureError):
        parse_genotype(text)
