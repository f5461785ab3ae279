"""Curvature of the validation loss in the architecture parameters: dominant eigenvalue and trace of the Hessian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.state import Batch, SearchState


class Hessian(NamedTuple):
    """A symmetric matrix that is only known by its products with vectors.

    Attributes:
        size: p, its rows and columns.
        product: a vector `(p,)` to the matrix times the vector, `(p,)`.
        like: a scalar of the type and device of the vectors.
    """

    size: int
    product: Callable[[Tensor], Tensor]
    like: Tensor


class Eigenvalue(NamedTuple):
    """An eigenvalue found by iteration.

    Attributes:
        value: the estimate, with its sign.
        residual: |Hv - value v| for the unit vector found: the matrix has an eigenvalue that near to `value`.
    """

    value: float
    residual: float


def hessian_of(loss: Float[Tensor, ""], tensors: Sequence[Tensor]) -> Hessian:
    """The Hessian of a loss with respect to tensors, flattened one after the other; products by double backward.

    The graph of the loss is kept for as long as the Hessian is.

    Args:
        loss: a scalar computed from the tensors.
        tensors: leaf tensors that require gradients.
    """
    slopes = torch.autograd.grad(loss, list(tensors), create_graph=True, materialize_grads=True)
    slope = torch.cat([part.flatten() for part in slopes])

    def product(vector: Tensor) -> Tensor:
        if not slope.requires_grad:  # a loss that is linear in all tensors
            return torch.zeros_like(vector)
        parts = torch.autograd.grad(slope, list(tensors), vector, retain_graph=True, materialize_grads=True)
        return torch.cat([part.flatten() for part in parts])

    return Hessian(slope.numel(), product, slope.detach().sum())


def validation_hessian(state: SearchState, valid: Batch) -> Hessian:
    """The Hessian of L_val with respect to alpha (and beta) at the current weights.

    That is what Zela et al. 2020 follow on one batch through a DARTS search. Padding places of alpha give rows of
    zeros. A relaxation that samples is looked at in one sample. On a GPU it belongs inside `state.exact()`, with its
    products: the second derivative of a loss in bfloat16 is too coarse for an eigenvalue to be found by iteration.
    """
    return hessian_of(state.loss_of(valid, state.mixture()), state.parameters.tensors())


def dominant_eigenvalue(
    hessian: Hessian, generator: torch.Generator, *, iterations: int = 100, tolerance: float = 1e-4
) -> Eigenvalue:
    """The eigenvalue of largest modulus by power iteration from a random vector.

    Args:
        hessian: the matrix.
        generator: source of the first vector.
        iterations: most products with the matrix, >= 1.
        tolerance: ends once the residual is below this share of the modulus of the eigenvalue.

    Raises:
        ConfigurationError: no iterations.
    """
    if iterations < 1:
        raise ConfigurationError(f"Power iteration needs at least one iteration, not {iterations}.")
    vector = _random_vector(hessian, generator)
    vector = vector / torch.linalg.vector_norm(vector)
    for _ in range(iterations):
        image = hessian.product(vector)
        # Rayleigh's quotient has the sign that the length of the image lacks; with a second eigenvalue of equal modulus
        # and the other sign the iteration does not settle, which the residual tells
        value = float(vector @ image)
        residual = float(torch.linalg.vector_norm(image - value * vector))
        length = torch.linalg.vector_norm(image)
        if residual <= tolerance * abs(value) or not length > 0:
            break
        vector = image / length
    return Eigenvalue(value, residual)


def dense(hessian: Hessian) -> Float[Tensor, "p p"]:
    """The whole matrix, column by column; symmetric up to rounding."""
    identity = torch.eye(hessian.size, dtype=hessian.like.dtype, device=hessian.like.device)
    return torch.stack([hessian.product(row) for row in identity])


def _random_vector(hessian: Hessian, generator: torch.Generator) -> Float[Tensor, " p"]:
    drawn = torch.randn(hessian.size, generator=generator, device=generator.device, dtype=hessian.like.dtype)
    return drawn.to(hessian.like.device)
