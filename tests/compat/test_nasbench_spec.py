from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.compat.nasbench_spec import ModelSpec, ModelSpecError
from predictornas.errors import PredictorNASError

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "official_file.py")))

NAMES = ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]


def matrix_of(adjacency: str) -> list[list[int]]:
    n = int(len(adjacency) ** 0.5)
    return [[int(bit) for bit in adjacency[row * n : row * n + n]] for row in range(n)]


def test_a_vertex_that_leads_nowhere_and_one_that_nothing_leads_to_are_pruned() -> None:
    matrix = [[0, 1, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    ops = ["input", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu", "output"]
    spec = ModelSpec(matrix, ops)
    assert spec.valid_spec
    assert spec.matrix is not None
    assert spec.matrix.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert spec.ops == ["input", "maxpool3x3", "output"]
    assert spec.original_matrix.tolist() == matrix
    assert spec.original_ops == ops


def test_what_is_given_is_copied() -> None:
    matrix, ops = np.array([[0, 1], [0, 0]]), ["input", "output"]
    spec = ModelSpec(matrix, ops)
    matrix[0, 1], ops[0] = 0, "changed"
    assert spec.original_matrix[0, 1] == 1
    assert (spec.original_ops, spec.ops) == (["input", "output"], ["input", "output"])


@pytest.mark.parametrize("matrix", [[[0, 0], [0, 0]], [[0]], [[0, 1, 0], [0, 0, 0], [0, 0, 0]]])
def test_a_cell_whose_ends_are_not_connected_is_invalid_but_not_an_error(matrix: list[list[int]]) -> None:
    spec = ModelSpec(matrix, ["input", "maxpool3x3", "output"][-len(matrix) :])
    assert (spec.valid_spec, spec.matrix, spec.ops) == (False, None, None)
    with pytest.raises(ModelSpecError, match="not connected"):
        spec.hash_spec(NAMES)


@pytest.mark.parametrize(
    ("matrix", "ops", "reason"),
    [
        ([[0, 1]], ["input"], "square"),
        ([0, 1], ["input", "output"], "square"),
        ([[0, 1], [0, 0]], ["input"], "1 operations for 2 vertices"),
        ([[0, 1], [1, 0]], ["input", "output"], "an edge 1 -> 0"),
        ([[1, 1], [0, 0]], ["input", "output"], "an edge 0 -> 0"),
    ],
)
def test_what_is_no_cell_is_a_value_error_as_in_the_original(
    matrix: list[list[int]], ops: list[str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        ModelSpec(matrix, ops)
    assert isinstance(raised.value, PredictorNASError)


def test_an_unknown_operation_has_no_hash() -> None:
    with pytest.raises(ModelSpecError, match="Unknown operation 'conv5x5'"):
        ModelSpec([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv5x5", "output"]).hash_spec(NAMES)


@pytest.mark.parametrize("cell", official.CELLS)
def test_hashes_are_the_official_ones(cell: tuple[str | None, str, str]) -> None:
    spec = ModelSpec(matrix_of(cell[1]), cell[2].split(","))
    assert spec.hash_spec(NAMES) == official.hash_of(*cell[1:])


def test_the_published_hash() -> None:
    published, adjacency, operations = official.CELLS[0]
    assert ModelSpec(matrix_of(adjacency), operations.split(",")).hash_spec(NAMES) == published


@pytest.mark.slow
@given(bits=st.integers(0, 2**28 - 1), operations=st.lists(st.sampled_from(NAMES), min_size=6, max_size=6))
def test_pruned_cells_of_any_size_hash_like_what_is_left_of_them(bits: int, operations: list[str]) -> None:
    matrix = np.zeros((8, 8), int)
    matrix[np.triu_indices(8, 1)] = [bits >> place & 1 for place in range(28)]
    spec = ModelSpec(matrix, ["input", *operations, "output"])
    walks = sum(np.linalg.matrix_power(matrix, steps) for steps in range(8))  # number of paths between vertices
    on_path = (walks[0] > 0) & (walks[:, -1] > 0)
    assert spec.valid_spec == bool(walks[0, -1])
    if spec.valid_spec:
        assert spec.matrix is not None
        assert spec.ops is not None
        np.testing.assert_array_equal(spec.matrix, matrix[on_path][:, on_path])
        adjacency = "".join(str(bit) for bit in spec.matrix.ravel())
        assert spec.hash_spec(NAMES) == official.hash_of(adjacency, ",".join(spec.ops))
