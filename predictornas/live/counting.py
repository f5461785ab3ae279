"""How large a network is: parameters and multiply-adds, counted as the papers count them."""

from __future__ import annotations

import torch

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
    activations and pools, which some published counts include, do not count, nor do operations that are not computed.

    Args:
        network: with or without weights (`weightless_network`).
        in_channels: channels of the image.
        size: height and width of the image, or one number for both.
    """
    from torch.utils.flop_counter import FlopCounterMode

    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shapes = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    height, width = (size, size) if isinstance(size, int) else size
    image = torch.empty(1, in_channels, height, width, device="meta")
    training, generator = network.training, network.path_generator
    network.eval()
    network.path_generator = None
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            torch.func.functional_call(network, shapes, (image,))
    finally:
        network.train(training)
        network.path_generator = generator
    return int(counter.get_total_flops()) // 2  # torch counts a multiply-add as two


def _parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
