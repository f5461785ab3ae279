import numpy as np
import pytest
import torch

from predictornas.predictors.engine import gather as module
from predictornas.predictors.engine.gather import Gather
from predictornas.predictors.engine.graph_index import SparseRows


@pytest.fixture
def matrix():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(11, 7)) * (rng.random((11, 7)) < 0.4)
    dense[3] = 0  # an empty row
    dense[:, 5] = 0  # a column that nobody gathers
    return dense.astype(np.float32)


def sparse(dense):
    rows, columns = np.nonzero(dense)
    offsets = np.searchsorted(rows, np.arange(len(dense) + 1))
    return SparseRows(columns.astype(np.int32), dense[rows, columns], offsets.astype(np.int32))


def test_gathers_forwards_and_backwards_like_a_matrix_product(matrix):
    generator = torch.Generator().manual_seed(1)
    table = torch.randn(7, 4, generator=generator, requires_grad=True)
    seed = torch.randn(11, 4, generator=generator)
    sums = Gather(sparse(matrix), 7)(table)
    np.testing.assert_allclose(sums.detach(), matrix @ table.detach().numpy(), atol=1e-6)
    (gradient,) = torch.autograd.grad(sums, table, seed)
    np.testing.assert_allclose(gradient, matrix.T @ seed.numpy(), atol=1e-6)


@pytest.mark.parametrize("block", [1, 4, 11, 2048])
def test_rectified_dot_equals_its_parts_in_any_blocks(matrix, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", block)
    generator = torch.Generator().manual_seed(2)
    table = torch.randn(7, 4, generator=generator, requires_grad=True)
    vector = torch.randn(4, generator=generator, requires_grad=True)
    seed = torch.randn(11, generator=generator)
    gather = Gather(sparse(matrix), 7)
    expected = torch.relu(torch.from_numpy(matrix) @ table) @ vector
    with torch.inference_mode():
        np.testing.assert_allclose(gather.rectified_dot(table, vector), expected.detach(), atol=1e-6)
    actual = gather.rectified_dot(table, vector)
    np.testing.assert_allclose(actual.detach(), expected.detach(), atol=1e-6)
    for ours, theirs in zip(
        torch.autograd.grad(actual, (table, vector), seed),
        torch.autograd.grad(expected, (table, vector), seed),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
