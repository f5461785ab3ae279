"""How images and weights lie in memory: with the channels last, as convolutions want them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from predictornas.live.passes import MEMORY_FORMAT


def laid_out(values: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """The same images, or weights of a convolution, with the channels last."""
    return values.contiguous(memory_format=MEMORY_FORMAT)


def lay_out_weights(network: nn.Module) -> None:
    """Lays out the weights of convolutions; those of lanes, which have five dimensions, stay as they are."""
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = laid_out(weight.data)
