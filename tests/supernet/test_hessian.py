from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.hessian import (
    Hessian,
    dense,
    dominant_eigenvalue,
    hessian_of,
    validation_hessian,
)
from predictornas.supernet.network.mixture import Mixture
from tests.supernet.examples import batch, tiny_search

VALID = batch(2)


def truth() -> Tensor:
    """The dense Hessian of the tiny network's validation loss in alpha, by torch.func."""
    state = tiny_search()

    def loss(alpha: Tensor) -> Tensor:
        return state.loss_of(VALID, Mixture({"cell": torch.softmax(alpha, dim=1)}))

    alpha = state.parameters.alpha["cell"].detach()
    return torch.func.hessian(loss)(alpha).reshape(alpha.numel(), alpha.numel()).detach()


def matrix(values: Tensor) -> Hessian:
    return Hessian(len(values), lambda vector: values @ vector, values[0, 0])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.slow
def test_the_hessian_of_the_validation_loss_is_the_dense_one() -> None:
    exact = truth()
    found = validation_hessian(tiny_search(), VALID)
    assert found.size == 12
    torch.testing.assert_close(dense(found), exact)
    assert float(exact.norm()) > 0.1  # there is something to find
    eigenvalues = torch.linalg.eigvalsh(exact)
    largest = float(eigenvalues[eigenvalues.abs().argmax()])
    assert dominant_eigenvalue(found, generator()).value == pytest.approx(largest, rel=1e-4)


def test_the_dominant_eigenvalue_keeps_its_sign() -> None:
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=generator(), dtype=torch.float64)).Q
    values = rotation @ torch.diag(torch.tensor([-5.0, 2.0, 1.0, 0.0], dtype=torch.float64)) @ rotation.T
    found = dominant_eigenvalue(matrix(values), generator())
    assert found.value == pytest.approx(-5, rel=1e-6)
    assert found.residual < 5e-4


def test_the_residual_bounds_the_error_where_the_iteration_has_not_converged() -> None:
    values = torch.diag(torch.tensor([1.0, 0.999, 0.998, -0.5]))
    found = dominant_eigenvalue(matrix(values), generator(), iterations=3)
    nearest = min(abs(found.value - known) for known in (1.0, 0.999, 0.998, -0.5))
    assert found.residual > 1e-4
    assert nearest <= found.residual


def test_two_tensors_and_the_terms_between_them() -> None:
    """L = x1^2 y + 3 x2 y: H over (x1, x2, y) at (2, 5, 7) is [[2y, 0, 2x1], [0, 0, 3], [2x1, 3, 0]]."""
    x, y = torch.tensor([2.0, 5.0], requires_grad=True), torch.tensor([7.0], requires_grad=True)
    found = hessian_of(x[0] ** 2 * y[0] + 3 * x[1] * y[0], [x, y])
    np.testing.assert_allclose(dense(found).numpy(), [[14, 0, 4], [0, 0, 3], [4, 3, 0]])


def test_a_linear_loss_has_no_curvature() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    found = hessian_of(3 * x.sum(), [x])
    assert dominant_eigenvalue(found, generator()) == (0.0, 0.0)
    assert not dense(found).any()


def test_numbers_out_of_range_are_refused() -> None:
    identity = matrix(torch.eye(2))
    with pytest.raises(ConfigurationError, match="at least one iteration"):
        dominant_eigenvalue(identity, generator(), iterations=0)
