from __future__ import annotations

from predictornas.architectures.notations import NOTATIONS, notations_of
from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.chains.stages import ChainStage
from predictornas.spaces.registry import SPACES, get_space


def test_a_space_has_each_notation_once_and_genes_and_key_always() -> None:
    for name in SPACES:
        names = [notation.name for notation in notations_of(get_space(name))]
        assert len(set(names)) == len(names)
        assert {"genes", "key"} <= set(names)


def test_every_notation_is_of_some_space_and_says_what_it_is() -> None:
    used = {id(notation) for name in SPACES for notation in notations_of(get_space(name))}
    assert used == {id(notation) for notation in NOTATIONS}
    assert all(notation.help and notation.name.isalnum() for notation in NOTATIONS)


def test_a_space_of_ones_own_is_written_in_its_own_words() -> None:
    class Mobile(ChainSpace):
        name = "mobile"
        stages = (ChainStage({"kernel": (3, 5)}, depth=(1, 2)),) * 2

    space = Mobile()
    row = space.enumerate()[7]
    string, genes, key = notations_of(space)
    assert [notation.name for notation in (string, genes, key)] == ["string", "genes", "key"]
    for notation in (string, key):
        read = notation.read(space, notation.write(space, row), None)
        assert read is not None
        assert read.tolist() == row.tolist()
