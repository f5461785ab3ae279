"""How large a network is: parameters and multiply-adds, counted as the papers count them."""

from __future__ import annotations

import torch

from predictornas.live.operations import FactorizedReduce
from predictornas.live.trainable_network import CellNetwork


def count_parameters(network: CellNetwork) -> int:
    """Trainable parameters without the auxiliary head, which is not part of the network that is used (Liu et al. 2019).

    Args:
        network: with or without weights (`weightless_network`).
    """
    auxiliary = 0 if network.auxiliary_head is None else _parameters(network.auxiliary_head)
    return _parameters(network) - auxiliary


def count_multiply_adds(network: CellNetwork, in_channels: int, size: int | tuple[int, int]) -> int:
    """Multiply-adds of convolutions and linear layers for one image, without the auxiliary head.

    Nothing is computed: the network's shapes alone are followed, and it is left as it was. Batch normalisation,
    activations and pools do not count (see `count_other_operations`), nor do operations that are not computed.

    Args:
        network: with or without weights (`weightless_network`).
        in_channels: channels of the image.
        size: height and width of the image, or one number for both.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        _follow(network, in_channels, size)
    return int(counter.get_total_flops()) // 2  # torch counts a multiply-add as two


def count_other_operations(network: CellNetwork, in_channels: int, size: int | tuple[int, int]) -> int:
    """Two for each value of a batch normalisation, and one for each value that enters an activation or a pool.

    Together with `count_multiply_adds` this is what the counter gives that code of the DARTS space comes with: 557M,
    586M and 597M, as published, for the released cells of P-DARTS and PC-DARTS.

    Args:
        network: with or without weights (`weightless_network`).
        in_channels: channels of the image.
        size: height and width of the image, or one number for both.
    """
    others = 0

    def count(module: torch.nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        nonlocal others
        others += 2 * out.numel() if isinstance(module, torch.nn.BatchNorm2d) else given[0].numel()

    def count_average(_: torch.nn.Module, __: object, out: tuple[torch.Tensor, object]) -> None:
        nonlocal others
        others += out[0].numel()  # the average over all places before the classifier

    hooks = [module.register_forward_hook(count) for module in network.modules() if isinstance(module, _COUNTED)]
    hooks.append(network.body.register_forward_hook(count_average))
    try:
        _follow(network, in_channels, size)
    finally:
        for hook in hooks:
            hook.remove()
    return others


_COUNTED = (torch.nn.BatchNorm2d, torch.nn.ReLU, torch.nn.MaxPool2d, torch.nn.AvgPool2d, FactorizedReduce)
"""What counts beside convolutions; a factorised reduction begins with an activation."""


def _follow(network: CellNetwork, in_channels: int, size: int | tuple[int, int]) -> None:
    """Sends the shape of an image through a network, on torch's meta device."""
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shapes = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    height, width = (size, size) if isinstance(size, int) else size
    image = torch.empty(1, in_channels, height, width, device="meta")
    training, generator = network.training, network.path_generator
    network.eval()
    network.path_generator = None
    try:
        with torch.no_grad():
            torch.func.functional_call(network, shapes, (image,))
    finally:
        network.train(training)
        network.path_generator = generator


def _parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
