from __future__ import annotations

import pytest

from predictornas.architectures.any_space import GENES, KEY, STRING, has_own_words, tight
from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.chains.stages import ChainStage
from predictornas.spaces.registry import SPACES, get_space

SIZES = get_space("natsbench-size")
ROW = SIZES.enumerate()[671]


def test_words_genes_and_key_go_both_ways() -> None:
    assert [notation.write(SIZES, ROW) for notation in (STRING, GENES, KEY)] == [
        "8:16:24:32:64",
        "0,1,2,3,7",
        str(SIZES.keys(ROW[None])[0]),
    ]
    for notation, value in (
        (STRING, "8 : 16:24:32:64"),
        (GENES, [[0, 1, 2, 3, 7]]),
        (KEY, int(SIZES.keys(ROW[None])[0])),
    ):
        found = notation.read(SIZES, value, None)
        assert found is not None
        assert found.tolist() == ROW.tolist()


def test_other_forms_are_none_of_theirs() -> None:
    assert [notation.read(SIZES, "none", None) for notation in (STRING, GENES, KEY)] == [None] * 3
    with pytest.raises(ConfigurationError, match="leave out the numbering"):
        GENES.read(SIZES, [0, 1, 2, 3, 7], ["a"])
    with pytest.raises(InvalidArchitectureError, match="too large"):
        KEY.read(get_space("darts"), "5", None)


def test_a_space_of_ones_own_reads_its_words_as_they_stand() -> None:
    class Own(ChainSpace):
        name = "own"
        stages = (ChainStage({"op": ("conv + bn", "conv")}),)

    assert has_own_words(Own())
    assert not any(has_own_words(get_space(name)) for name in SPACES)
    read = STRING.read(Own(), "conv + bn", None)
    assert read is not None
    assert read.tolist() == [0]
    with pytest.raises(InvalidArchitectureError, match="' conv' is no op"):
        STRING.read(Own(), " conv", None)
    one = GENES.read(Own(), 1, None)
    assert one is not None
    assert one.tolist() == [1]


def test_space_around_separators() -> None:
    assert tight(" a b ,\tc| : d+  + e ") == " a b,c|:d++e "
