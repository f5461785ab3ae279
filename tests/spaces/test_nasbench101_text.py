from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_text import laid_out, on_paths, read_cells, written

SPACE = NASBench101()
CHAIN = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
NAMES = ["input", "conv1x1-bn-relu", "output"]


@pytest.mark.parametrize(
    ("matrix", "operations"),
    [
        (CHAIN, NAMES),
        ([0, 1, 0, 0, 0, 1, 0, 0, 0], NAMES),
        ("010001000", "input,conv1x1-bn-relu,output"),
        ("010/001/000", "input, conv1x1, output"),
        ("[[0, 1, 0], [0, 0, 1], [0, 0, 0]]", "['input', 'conv1x1-bn-relu', 'output']"),
        (CHAIN, ["conv1x1"]),
        (CHAIN, [1]),
        (CHAIN, [-1, 1, -2]),
        (CHAIN, [3, 1, 4]),
        (CHAIN, "-1,1,-2"),
        ([[0.0, 1.0, 0], [0, 0, True], [0, 0, 0]], NAMES),
    ],
)
def test_many_ways_to_write_one_cell(matrix: object, operations: object) -> None:
    adjacency, codes = laid_out(matrix, operations)
    assert written(adjacency[0], codes[0]) == (CHAIN, NAMES)


def test_other_numbers_of_operations() -> None:
    """0 the input, 1 a convolution of 1 x 1, as in code that lists the ends among the operations."""
    listed = ["input", "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3", "output"]
    assert laid_out(CHAIN, [0, 3, 4], listed)[1][0].tolist() == [3, 2, 4, -1, -1, -1, -1]
    assert laid_out(CHAIN, [0], ["maxpool3x3", "conv1x1", "conv3x3"])[1][0, 1] == 2


def test_vertices_on_no_path_are_left_out_even_of_a_cell_too_large() -> None:
    matrix = np.zeros((9, 9), int)
    matrix[0, 1] = matrix[1, 8] = matrix[0, 2] = matrix[3, 8] = 1  # 2 feeds nothing, nothing feeds 3, 4 to 7 are alone
    operations = ["input", "maxpool3x3", *["conv3x3"] * 6, "output"]
    assert on_paths(matrix.tolist()) == [0, 1, 8]
    genes = SPACE.from_matrices(*laid_out(matrix.tolist(), operations))
    assert SPACE.describe(genes[0]) == "010/001/000 input,maxpool3x3,output"


@pytest.mark.parametrize(
    ("matrix", "operations", "reason"),
    [
        ([[0, 1], [0]], NAMES, "square"),
        ([0, 1, 0], NAMES, "3 entries"),
        ([[0]], ["input"], "2 to 64 rows"),
        ([[0] * 65] * 65, NAMES, "2 to 64 rows"),
        ([[0, 2], [0, 0]], ["input", "output"], "holds 2"),
        ([[0, "1"], [0, 0]], ["input", "output"], "holds '1'"),
        ([[0, 1], [1, 0]], ["input", "output"], "edge 1 -> 0"),
        ("01x", NAMES, "no matrix"),
        (CHAIN, NAMES[:2], "2 operations for 3"),
        (CHAIN, None, "0 operations"),
        (CHAIN, ["input", "conv5x5", "output"], "'conv5x5'"),
        (CHAIN, ["input", 7, "output"], "number 7"),
        (CHAIN, ["input", None, "output"], "None"),
        (CHAIN, ["output", "conv1x1", "input"], "begin with input"),
        (CHAIN, ["input", "input", "output"], "begin with input"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], NAMES, "not connected"),
        (np.eye(9, k=1, dtype=int).tolist(), ["conv1x1"] * 7, "at most 7 vertices, not 9"),
    ],
)
def test_what_is_no_cell(matrix: object, operations: object, reason: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=reason):
        laid_out(matrix, operations)


def test_the_space_reads_what_it_writes(rng: np.random.Generator) -> None:
    genes = SPACE.sample(40, rng)
    assert (SPACE.from_strings([SPACE.describe(row) for row in genes]) == genes).all()
    assert SPACE.from_strings([]).shape == (len(read_cells([])[0]), 26)


def test_the_entry_that_is_wrong_is_named() -> None:
    good = "01/00 input,output"
    with pytest.raises(InvalidArchitectureError, match="Entry 1, '01/0'"):
        SPACE.from_strings([good, "01/0"])
    many = "/".join("0" * (x + 1) + "1" * (6 - x) for x in range(7))
    with pytest.raises(InvalidArchitectureError, match=r"Entry 1.*more than 9 edges"):
        SPACE.from_strings([good, f"{many} input,{'conv1x1,' * 5}output"])
