"""Small networks without a search space: layers one after the other (VGG), or residual blocks (ResNet)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

STAGES = 3
"""Parts of a network between which images are halved."""

Kind = Literal["vgg", "resnet"]

Orders = Sequence[Sequence[int]]
"""For each stage the indices of its layers in the order in which they are computed."""


class PlainNetwork(nn.Module):
    """Three stages of equal layers, so that the layers of a stage can be computed in any order.

    A layer of `vgg` is a convolution (Simonyan and Zisserman 2015, with batch normalisation), one of `resnet` a block
    of two convolutions with a shortcut (He et al. 2016). Both have the same stem and the same convolutions of stride 2
    between stages, which are no layers here.

    Args:
        kind: "vgg" or "resnet".
        channels: of the first stage; each later one has twice as many.
        layers: of each stage.
        classes: number of classes.
        in_channels: of the images.
        generator: the only source of the initial weights.

    Attributes:
        stages: the layers of each stage.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        channels: int,
        layers: int,
        classes: int,
        in_channels: int = 3,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        layer = _convolution if kind == "vgg" else _ResidualBlock
        widths = [channels << stage for stage in range(STAGES)]
        self.entrances = nn.ModuleList(
            _convolution(before, width, stride=1 if stage == 0 else 2)
            for stage, (before, width) in enumerate(zip([in_channels, *widths], widths, strict=False))
        )
        self.stages = nn.ModuleList(nn.ModuleList(layer(width, width) for _ in range(layers)) for width in widths)
        self.classifier = nn.Linear(widths[-1], classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Float[Tensor, "n c h w"], orders: Orders | None = None) -> Float[Tensor, "n classes"]:
        """Logits of normalised images; the layers of each stage in another order where `orders` says so."""
        features: Tensor = images
        for stage, (entrance, layers) in enumerate(zip(self.entrances, self.stages, strict=True)):
            features = entrance(features)
            own = list(layers.children())
            for place in range(len(own)) if orders is None else orders[stage]:
                features = own[place](features)
        logits: Tensor = self.classifier(features.mean((2, 3)))
        return logits


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())


class _ResidualBlock(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(before, after), nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        )

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        features: Tensor = self.body(images)
        return (images + features).relu()
