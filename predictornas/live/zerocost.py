"""Zero-cost proxies: what an untrained network tells of its accuracy after training, from one batch of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._python_dispatch import TorchDispatchMode

Proxy = Callable[[nn.Module, Tensor, Tensor, torch.Generator], float]
"""A score, higher is better, from a network, `(n, c, h, w)` images, `(n,)` labels and a source of random numbers.

The network maps images to `(n, classes)` logits. Its weights, gradients, buffers and modes are left as they were.
Batch normalisation takes the statistics of the batch, or none where a proxy says so, because an untrained network has
no others; dropout and drop path are off.
"""

_JACOBIAN_SHIFT = 1e-5
"""Added to the eigenvalues of the correlations (Mellor et al.)."""

_INTERVALS = 16
"""Parts of a segment at whose ends activations are looked at (ours)."""


def synflow(network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> float:
    """Synaptic flow: sum over the weights of w dR/dw, R the logits' sum on an image of ones with all weights at |w|.

    As in Tanaka et al. 2020 and, as a proxy, Abdelfattah et al. 2021: without batch normalisation, in float64 because
    the product over the layers is large. Looks at the shape of the images alone.
    """
    leaves = {name: leaf.detach().abs().double().requires_grad_() for name, leaf in network.named_parameters()}
    ones = torch.ones_like(images[:1], dtype=torch.float64)
    with _left_as_it_was(network), _without_batch_norm(network):
        slopes = _slopes(_logits(network, leaves, ones).sum(), leaves)
    return float(sum((leaves[name].detach() * slope).sum() for name, slope in slopes.items() if slope.ndim > 1))


def jacobian_covariance(network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> float:
    """How differently the network sees the images: - sum of ln(v + k) + 1 / (v + k) over the eigenvalues v.

    v are those of the correlations between images of d(sum of logits)/d(image), k = 1e-5 (Mellor et al. 2020, first
    version). Images that the logits do not depend on count as perfectly correlated with all others (ours).
    """
    pixels = images.detach().clone().requires_grad_()
    with _left_as_it_was(network, batch_statistics=True):
        logits = _logits(network, _detached(network), pixels)
        jacobian = _slopes(logits.sum(), {"pixels": pixels})["pixels"]
    rows = jacobian.flatten(1).double()
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True)
    correlations = (rows @ rows.T).nan_to_num(nan=1.0)
    shifted = torch.linalg.eigvalsh(correlations).clamp_min(0) + _JACOBIAN_SHIFT
    return -float((shifted.log() + 1 / shifted).sum())


def gradient_norm(network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> float:
    """Sum over the layers of the Euclidean norm of d(cross-entropy)/d(weights) (Abdelfattah et al. 2021)."""
    leaves = _leaves(network)
    with _left_as_it_was(network, batch_statistics=True):
        loss = nn.functional.cross_entropy(_logits(network, leaves, images), labels)
        slopes = _slopes(loss, leaves)
    return float(sum(slope.norm() for slope in slopes.values() if slope.ndim > 1))


def weight_norm(network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> float:
    """Sum over the layers of the Euclidean norm of the weights (`l2_norm` of Abdelfattah et al. 2021); no images."""
    return float(sum(leaf.detach().norm() for leaf in network.parameters() if leaf.ndim > 1))


def ntk_condition_number(network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> float:
    """Minus the condition number of the neural tangent kernel of the sum of logits (TE-NAS: Chen et al. 2021).

    The kernel is g_i . g_j with g_i the gradient of image i's logits with respect to the weights, those of batch
    normalisation among them, and to no bias, as in the released code. Memory is n times the network's. Negated because
    well-conditioned networks train better; -inf where the kernel is singular.
    """
    return _ntk_condition(network, images, lambda name: name.rpartition(".")[2] == "weight")


def ntk_condition_number_with_biases(
    network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """`ntk_condition_number` of the kernel of all parameters, which theory speaks of (ours)."""
    return _ntk_condition(network, images, lambda name: True)


def _ntk_condition(network: nn.Module, images: Tensor, counts: Callable[[str], bool]) -> float:
    """Of the gradients with respect to the parameters whose name counts."""
    leaves = _leaves(network)
    counted = {name: leaf for name, leaf in leaves.items() if counts(name)}
    with _left_as_it_was(network, batch_statistics=True):
        logits = _logits(network, leaves, images)
        rows = [_slopes(own.sum(), counted) for own in logits]
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    for name in counted:
        gradients = torch.stack([row[name].flatten() for row in rows]).double()
        kernel += gradients @ gradients.T
    eigenvalues = torch.linalg.eigvalsh(kernel)
    return -float(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 0 else -float("inf")


def linear_regions(network: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> float:
    """Mean number of linear regions on a segment between two images, batch normalisation with its running statistics.

    TE-NAS (Chen et al. 2021) counts distinct patterns of active ReLUs among sampled points, which for a network of
    usual size is the number of points. Counting where patterns change along segments does not saturate (ours, after
    Hanin and Rolnick 2019): a segment enters a new region where a ReLU switches, so it passes 1 + switches of them. A
    ReLU that switches twice within a sixteenth of a segment is missed, and ReLUs of equal inputs are counted once. The
    generator draws which images are joined.
    """
    order = torch.randperm(len(images), generator=generator, device=generator.device).to(images.device)
    start, end = images[order], images[order.roll(1)]
    changes: list[list[int]] = []
    inputs: list[list[tuple[float, float]]] = []
    with _left_as_it_was(network), torch.no_grad():
        for before, after in pairwise(_along_segments(network, start, end)):
            both = zip(before.patterns, after.patterns, strict=True)
            changes.append([int((one ^ other).sum()) for one, other in both])
            inputs.append(after.inputs)
    switches: list[int] = [sum(of_one_call) for of_one_call in zip(*changes, strict=True)]
    distinct = dict(zip(zip(*inputs, strict=True), switches, strict=True))
    return 1.0 + sum(distinct.values()) / len(images)


def _along_segments(network: nn.Module, start: Tensor, end: Tensor) -> Iterator[_ActiveReLUs]:
    """What the ReLUs do at evenly spaced points of all segments."""
    leaves = _detached(network)
    for share in torch.linspace(0, 1, _INTERVALS + 1).tolist():
        with _ActiveReLUs() as active:
            _logits(network, leaves, torch.lerp(start, end, share))
        yield active


class _ActiveReLUs(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watches every ReLU, module or function, while it is entered.

    Attributes:
        patterns: which are active, for each call in turn.
        inputs: sum and norm of each call's input, to know those again that are given the same.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.patterns: list[Bool[Tensor, "..."]] = []
        self.inputs: list[tuple[float, float]] = []

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if operation in (torch.ops.aten.relu.default, torch.ops.aten.relu_.default):
            self.patterns.append(args[0] > 0)
            self.inputs.append((float(args[0].sum()), float(args[0].norm())))
        return operation(*args, **(kwargs or {}))


def _leaves(network: nn.Module) -> dict[str, Tensor]:
    """The weights, to be differentiated without touching the network's own gradients."""
    return {name: leaf.requires_grad_() for name, leaf in _detached(network).items()}


def _detached(network: nn.Module) -> dict[str, Tensor]:
    return {name: leaf.detach() for name, leaf in network.named_parameters()}


def _logits(network: nn.Module, leaves: dict[str, Tensor], images: Tensor) -> Float[Tensor, "n classes"]:
    """The network's logits with these weights, and with buffers that nobody misses."""
    buffers = {
        name: buffer.to(images.dtype, copy=True) if buffer.is_floating_point() else buffer.clone()
        for name, buffer in network.named_buffers()
    }
    logits: Tensor = torch.func.functional_call(network, {**leaves, **buffers}, (images,))
    return logits


def _slopes(score: Tensor, leaves: dict[str, Tensor]) -> dict[str, Tensor]:
    """The derivative of a score with respect to each weight, 0 for those it does not depend on."""
    if not score.requires_grad:
        return {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
    slopes = torch.autograd.grad(
        score, list(leaves.values()), retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return dict(zip(leaves, slopes, strict=True))


@contextmanager
def _left_as_it_was(network: nn.Module, *, batch_statistics: bool = False) -> Iterator[None]:
    """Evaluation mode, but for batch normalisation where it takes the batch's statistics; then the modes of before."""
    modes = {module: module.training for module in network.modules()}
    try:
        for module in modes:
            module.training = batch_statistics and isinstance(module, _BatchNorm)
        with torch.enable_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def _without_batch_norm(network: nn.Module) -> Iterator[None]:
    """Batch normalisation hands on what it is given."""
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: inputs[0])
        for module in network.modules()
        if isinstance(module, _BatchNorm)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
