"""Genes and vertices of a chain that is small enough to write everything down."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.spaces.chains.stages import ChainLayout, ChainStage

KERNELS = ChainStage({"kernel": (3, 5), "wide": ("no", "yes")}, depth=(0, 1, 2))
ALIKE = ChainStage({"kernel": (3, 5)}, depth=(1, 3), alike=True)
LAYOUT = ChainLayout((KERNELS, ALIKE, ChainStage({}, depth=(1, 2))))


def test_settings_are_counted_by_depth() -> None:
    assert (KERNELS.settings, KERNELS.size) == ((1, 4, 16), 21)
    assert (ALIKE.settings, ALIKE.size) == ((2, 2), 4)
    assert ChainStage({}, depth=(0, 5)).settings == (1, 1)
    assert ChainStage({"width": range(8, 65, 8)}).settings == (8,)


def test_genes_are_depth_and_choices_stage_by_stage() -> None:
    assert LAYOUT.num_choices == (3, 2, 2, 2, 2, 2, 2, 2)
    assert LAYOUT.columns == (slice(0, 5), slice(5, 7), slice(7, 8))
    assert LAYOUT.depth_genes == (0, 5, 7)


def test_genes_of_layers_that_are_not_there_say_nothing() -> None:
    genes = np.array([[0, 1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0, 0, 1]], np.int8)
    assert LAYOUT.depths(genes).tolist() == [[0, 3, 1], [1, 1, 2]]
    assert LAYOUT.active(genes).astype(int).tolist() == [[1, 0, 0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 1, 1, 1]]


def test_labels_of_stages_differ_and_those_of_the_layers_of_one_stage_do_not() -> None:
    # entry 0, kernel 1 and 2, wide 3 and 4; then kernel 5 and 6 in three layers; then two layers without a choice, 7
    genes = np.array([[0, 0, 0, 0, 0, 1, 1, 0], [2, 1, 0, 0, 1, 0, 0, 1]], np.int8)
    assert LAYOUT.codes(genes).tolist() == [[0, -1, -1, -1, -1, 6, 6, 6, 7, -1], [0, 2, 3, 1, 4, 5, -1, -1, 7, 7]]
    assert LAYOUT.num_codes == 8 + 2


def test_equal_choices_share_labels_where_there_are_too_few() -> None:
    many = ChainLayout((ChainStage({"width": tuple(range(60))}),) * 3)
    assert many.codes(np.array([[3, 3, 59]], np.int8)).tolist() == [[3, 3, 59]]
    assert many.num_codes == 62
    assert ChainLayout((ChainStage({"width": tuple(range(62))}),) * 2).num_codes == 126  # 124 labels, all different
    different = ChainLayout(tuple(ChainStage({f"width{i}": tuple(range(60))}) for i in range(3)))
    with pytest.raises(ConfigurationError, match="180 different values, and graphs have up to 125 labels"):
        _ = different.num_codes


@pytest.mark.parametrize(
    ("choices", "depth", "message"),
    [
        ({"k": (3, 3)}, (1,), "'k' needs 1 to 127 different values"),
        ({"k": (3, "3")}, (1,), "'k' needs 1 to 127 different values"),
        ({"k": ()}, (1,), "'k' needs 1 to 127 different values"),
        ({"k": ("a/b",)}, (1,), "none may be empty or hold one of these"),
        ({"k": (3, "")}, (1,), "none may be empty"),
        ({"k": (3,)}, (2, 1), "numbers of layers, ascending"),
        ({"k": (3,)}, (), "numbers of layers, ascending"),
        ({"k": (3,)}, (-1, 1), "numbers of layers, ascending"),
    ],
)
def test_a_stage_that_cannot_be_is_refused(choices: dict, depth: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ChainStage(choices, depth=depth)


def test_a_chain_without_a_choice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a stage with a choice"):
        _ = ChainLayout((ChainStage({}, depth=(3,)),)).num_choices
