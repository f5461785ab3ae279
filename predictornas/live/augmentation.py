"""Random crops, flips and cutout, of each image its own, for a whole batch at once on its device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from predictornas.errors import ConfigurationError


@dataclass(frozen=True)
class Augmentation:
    """What is done to each training image, in this order.

    Attributes:
        crop_padding: pixels added on each side before a crop of the old size is cut out at a random place (CIFAR: 4).
        flip: whether every second image, at random, is mirrored left to right.
        cutout: side of the square that is set to zero about a random pixel; what reaches over the edge is lost
            (DeVries and Taylor 2017; CIFAR: 16). 0 for none.
    """

    crop_padding: int = 0
    flip: bool = False
    cutout: int = 0


def normalised(
    pixels: UInt8[Tensor, "n c h w"], mean: Sequence[float], std: Sequence[float]
) -> Float[Tensor, "n c h w"]:
    """Pixels / 255 less the mean of their channel, in standard deviations; a deviation of 0 counts as 1.

    Args:
        pixels: `uint8 (n, c, h, w)`.
        mean: of each channel, as in `ImageData`.
        std: of each channel, as in `ImageData`.

    Returns:
        `float32 (n, c, h, w)`.
    """
    centre, deviation = (
        pixels.new_tensor(values, dtype=torch.float32).view(-1, 1, 1) for values in (mean, _deviations(std))
    )
    return (pixels.float() / 255 - centre) / deviation


def black(mean: Sequence[float], std: Sequence[float]) -> tuple[float, ...]:
    """What `normalised` makes of a black pixel, one value a channel."""
    return tuple(-centre / deviation for centre, deviation in zip(mean, _deviations(std), strict=True))


def _deviations(std: Sequence[float]) -> list[float]:
    return [value or 1.0 for value in std]


def augmented(
    images: Float[Tensor, "n c h w"],
    augmentation: Augmentation,
    generator: torch.Generator,
    padding: Sequence[float] | None = None,
) -> Float[Tensor, "n c h w"]:
    """New images, each cropped, flipped and cut out as its own random numbers say.

    Args:
        images: normalised images, on any device.
        augmentation: what to do.
        generator: the only source of randomness. Where it lives on the CPU and the images on a GPU, the outcome is the
            same as on the CPU.
        padding: the value of each channel that a crop is padded with; None for zeros, the mean colour. The papers' code
            pads before it normalises: for that give `black(mean, std)`.

    Raises:
        ConfigurationError: a negative padding or side.
    """
    if augmentation.crop_padding < 0 or augmentation.cutout < 0:
        raise ConfigurationError(f"{augmentation} has a negative length. Give 0 to leave a step out.")
    if augmentation.crop_padding or augmentation.flip:
        images = _cropped_and_flipped(images, augmentation, generator, padding)
    if augmentation.cutout:
        images = images * _kept(images, augmentation.cutout, generator)
    return images


def _cropped_and_flipped(
    images: Float[Tensor, "n c h w"],
    augmentation: Augmentation,
    generator: torch.Generator,
    padding: Sequence[float] | None,
) -> Float[Tensor, "n c h w"]:
    """Both steps are one look-up of pixels: row by row of the crop, columns backwards where an image is flipped."""
    number, channels, height, width = images.shape
    border = augmentation.crop_padding
    rows, columns = (torch.arange(side, device=images.device).expand(number, side) for side in (height, width))
    if border:
        images = _padded(images, border, padding)
        top, left = _below(2 * border + 1, (2, number, 1), generator, images.device)
        rows, columns = rows + top, columns + left
    if augmentation.flip:
        flips = _below(2, (number, 1), generator, images.device) == 1
        columns = torch.where(flips, columns.flip(1), columns)
    image = torch.arange(number, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return images[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _padded(
    images: Float[Tensor, "n c h w"], border: int, padding: Sequence[float] | None
) -> Float[Tensor, "n c h+2*{border} w+2*{border}"]:
    if padding is None:
        return torch.nn.functional.pad(images, (border,) * 4)
    number, channels, height, width = images.shape
    colour = images.new_tensor(padding).view(1, channels, 1, 1)
    canvas = colour.repeat(number, 1, height + 2 * border, width + 2 * border)
    canvas[:, :, border:-border, border:-border] = images
    return canvas


def _kept(images: Float[Tensor, "n c h w"], side: int, generator: torch.Generator) -> Bool[Tensor, "n 1 h w"]:
    """False in a square of `side` about a random pixel of each image."""
    number, _, height, width = images.shape
    inside = []
    for length in (height, width):
        start = _below(length, (number, 1), generator, images.device) - side // 2
        places = torch.arange(length, device=images.device)
        inside.append((places >= start) & (places < start + side))
    rows, columns = inside
    return ~(rows[:, None, :, None] & columns[:, None, None, :])


def _below(
    bound: int, shape: tuple[int, ...], generator: torch.Generator, device: torch.device
) -> Int64[Tensor, "..."]:
    drawn = torch.randint(bound, shape, generator=generator, device=generator.device)
    return drawn.to(device, non_blocking=True)
