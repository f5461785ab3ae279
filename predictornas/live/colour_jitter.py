"""Random changes of brightness, contrast, saturation and hue, of each image its own, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Jitter:
    """How far colours are changed at most; the changes come in an order that is random for each image.

    Attributes:
        brightness: all values are multiplied with a factor from `1 - brightness .. 1 + brightness`.
        contrast: likewise the distance of all values from the mean brightness of the image.
        saturation: likewise their distance from the brightness of their pixel.
        hue: turns the circle of colours by a share of it from `-hue .. hue`.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0


Amounts = Float[Tensor, "n 1 1 1"]


def jittered(images: Float[Tensor, "n c h w"], jitter: Jitter, generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """New images, each changed as its own random numbers say, and cut off at 0 and 1 after every change.

    Images of one channel have neither saturation nor hue to change.

    Args:
        images: values 0 .. 1, of one channel or of red, green and blue; on any device.
        jitter: what to do.
        generator: the only source of randomness.
    """
    number, channels = images.shape[:2]
    uniform, keys = torch.rand((2, 4, number), generator=generator, device=generator.device, dtype=torch.float64).cpu()
    amounts = (2 * uniform - 1) * torch.tensor(astuple(jitter), dtype=torch.float64)[:, None]
    order = keys.argsort(stable=True, dim=0)
    images = images.clone()
    changes = _CHANGES if channels == 3 else _CHANGES[:2]
    for turn in order:
        for which, change in enumerate(changes):
            rows = (turn == which).nonzero()[:, 0]
            there = rows.to(images.device)
            by = amounts[which, rows].to(images.device, images.dtype).view(-1, 1, 1, 1)
            images[there] = change(images[there], by)
    return images


def _brightness(images: Float[Tensor, "n c h w"], by: Amounts) -> Float[Tensor, "n c h w"]:
    return (images * (1 + by)).clamp(0, 1)


def _contrast(images: Float[Tensor, "n c h w"], by: Amounts) -> Float[Tensor, "n c h w"]:
    return _away_from(_grey(images).mean((1, 2, 3), keepdim=True), images, by)


def _saturation(images: Float[Tensor, "n c h w"], by: Amounts) -> Float[Tensor, "n c h w"]:
    return _away_from(_grey(images), images, by)


def _hue(images: Float[Tensor, "n 3 h w"], by: Amounts) -> Float[Tensor, "n 3 h w"]:
    """In the hexagon of HSV: largest value and chroma stay, the place on the circle moves."""
    red, green, blue = images.unbind(1)
    largest, which = images.max(1)
    chroma = largest - images.amin(1)
    safe = torch.where(chroma > 0, chroma, 1)
    sixth = torch.stack([(green - blue) / safe, (blue - red) / safe + 2, (red - green) / safe + 4], dim=1)
    place = sixth.gather(1, which[:, None])[:, 0] + 6 * by[:, 0]
    turned = (place[:, None] + images.new_tensor([5, 3, 1]).view(1, 3, 1, 1)) % 6
    return largest[:, None] - chroma[:, None] * torch.minimum(turned, 4 - turned).clamp(0, 1)


def _grey(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 h w"]:
    """Brightness as television weighs it (ITU-R BT.601), which Pillow and the papers' code take."""
    if images.shape[1] == 1:
        return images
    return 0.299 * images[:, :1] + 0.587 * images[:, 1:2] + 0.114 * images[:, 2:]


def _away_from(
    middle: Float[Tensor, "n 1 ..."], images: Float[Tensor, "n c h w"], by: Amounts
) -> Float[Tensor, "n c h w"]:
    return (middle + (1 + by) * (images - middle)).clamp(0, 1)


_CHANGES: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (_brightness, _contrast, _saturation, _hue)
