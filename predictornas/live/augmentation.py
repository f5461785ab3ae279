"""Random crops, flips, colours and cutout, of each image its own, for a whole batch at once on its device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.live.colour_jitter import Jitter, jittered
from predictornas.live.resized_crop import random_boxes, resized_parts

SEEN = 7 / 8
"""Share of the height and width of images that a network sees where they are cropped and resized: 224 of 256."""


@dataclass(frozen=True)
class Augmentation:
    """What is done to each training image, in this order.

    Attributes:
        crop_padding: pixels added on each side before a crop of the old size is cut out at a random place (CIFAR: 4).
        flip: whether every second image, at random, is mirrored left to right.
        cutout: side of the square that is set to zero about a random pixel; what reaches over the edge is lost
            (DeVries and Taylor 2017; CIFAR: 16). 0 for none.
        resized_crop: smallest share of the area of the random part that is brought to 7/8 of the image's height and
            width (ImageNet: 0.08); images that judge are cut to as much about their centre. None for none.
        jitter: random changes of colours; None for none. It and the resized crop come before all else.
    """

    crop_padding: int = 0
    flip: bool = False
    cutout: int = 0
    resized_crop: float | None = None
    jitter: Jitter | None = None

    def seen(self, side: int) -> int:
        """Pixels along an edge that a network sees, of images that have so many."""
        return side if self.resized_crop is None else round(SEEN * side)

    def held(self, seen: int | None) -> int | None:
        """Pixels along an edge of the images that a network sees so many of; None for as they are."""
        return seen if seen is None or self.resized_crop is None else round(seen / SEEN)

    def check(self) -> None:
        """Says what could not work.

        Raises:
            ConfigurationError: a negative length, or a share or amount out of its range.
        """
        if self.crop_padding < 0 or self.cutout < 0:
            raise ConfigurationError(f"{self} has a negative length. Give 0 to leave a step out.")
        if self.resized_crop is not None and not 0 < self.resized_crop <= 1:
            raise ConfigurationError(f"{self}: resized_crop is a share of the area, above 0 and at most 1.")
        factors = () if self.jitter is None else (self.jitter.brightness, self.jitter.contrast, self.jitter.saturation)
        if not all(0 <= amount <= 1 for amount in factors) or (self.jitter and not 0 <= self.jitter.hue <= 0.5):
            raise ConfigurationError(f"{self}: colours are changed by 0 to 1, hue by 0 to 0.5.")


def training_images(
    pixels: UInt8[Tensor, "n c h w"],
    augmentation: Augmentation,
    generator: torch.Generator,
    mean: Sequence[float],
    std: Sequence[float],
) -> Float[Tensor, "n c y x"]:
    """What a network learns from: images changed at random and normalised, padded with black as the papers' code does.

    Args:
        pixels: as they are held.
        augmentation: what to do.
        generator: as in `augmented`.
        mean: of each channel, as in `ImageData`.
        std: of each channel, as in `ImageData`.

    Raises:
        ConfigurationError: as in `Augmentation.check`.
    """
    augmentation.check()
    images = pixels.float() / 255
    if augmentation.resized_crop is not None:
        number, _, height, width = images.shape
        boxes = random_boxes(number, height, width, augmentation.resized_crop, generator)
        images = resized_parts(images, boxes, augmentation.seen(height), augmentation.seen(width))
    if augmentation.jitter is not None:
        images = jittered(images, augmentation.jitter, generator)
    return augmented(_standardised(images, mean, std), augmentation, generator, black(mean, std))


def evaluation_images(
    pixels: UInt8[Tensor, "n c h w"], augmentation: Augmentation, mean: Sequence[float], std: Sequence[float]
) -> Float[Tensor, "n c y x"]:
    """What a network is judged by: normalised, and cut to what it sees about the centre.

    Args:
        pixels: as they are held.
        augmentation: that of the training.
        mean: of each channel, as in `ImageData`.
        std: of each channel, as in `ImageData`.
    """
    top, left = ((side - augmentation.seen(side)) // 2 for side in pixels.shape[2:])
    height, width = map(augmentation.seen, pixels.shape[2:])
    return normalised(pixels[:, :, top : top + height, left : left + width], mean, std)


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
    return _standardised(pixels.float() / 255, mean, std)


def _standardised(
    images: Float[Tensor, "n c h w"], mean: Sequence[float], std: Sequence[float]
) -> Float[Tensor, "n c h w"]:
    centre, deviation = (images.new_tensor(values).view(-1, 1, 1) for values in (mean, _deviations(std)))
    return (images - centre) / deviation


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
    """New images, each cropped, flipped and cut out as its own random numbers say: what follows on normalising.

    Args:
        images: normalised images, on any device.
        augmentation: what to do.
        generator: the only source of randomness. Where it lives on the CPU and the images on a GPU, the outcome is the
            same as on the CPU.
        padding: the value of each channel that a crop is padded with; None for zeros, the mean colour. The papers' code
            pads before it normalises: for that give `black(mean, std)`.

    Raises:
        ConfigurationError: as in `Augmentation.check`.
    """
    augmentation.check()
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
