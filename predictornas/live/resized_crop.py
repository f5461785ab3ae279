"""Random parts of images, of each image its own, brought to one size: how networks for ImageNet are trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

TRIES = 10
"""Parts that are drawn for an image until one lies within it; the largest central one is taken after that."""

LONGEST = 4 / 3
"""How much wider than high a part may be, or higher than wide."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """One rectangle of whole pixels in each image, on the CPU.

    Attributes:
        top: first row.
        left: first column.
        height: number of rows.
        width: number of columns.
    """

    top: Int64[Tensor, " n"]
    left: Int64[Tensor, " n"]
    height: Int64[Tensor, " n"]
    width: Int64[Tensor, " n"]


def random_boxes(number: int, height: int, width: int, least: float, generator: torch.Generator) -> Boxes:
    """Parts whose share of the area is uniform in `least .. 1`, the logarithm of their ratio in that of 3/4 .. 4/3.

    Their places are uniform among those that lie within the image (Szegedy et al. 2015; the released code of DARTS).

    Args:
        number: of images.
        height: of all images.
        width: of all images.
        least: smallest share of the area, in (0, 1].
        generator: of random numbers.
    """
    share, ratio, place = (
        torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64).cpu()
        for shape in ((TRIES, number), (TRIES, number), (2, number))
    )
    area = height * width * (least + (1 - least) * share)
    ratio = torch.exp(math.log(LONGEST) * (2 * ratio - 1))
    high, wide = torch.sqrt(area / ratio).round().long(), torch.sqrt(area * ratio).round().long()
    fits = (high > 0) & (high <= height) & (wide > 0) & (wide <= width)
    first = fits.int().argmax(0, keepdim=True)
    found = fits.any(0)
    high = torch.where(found, high.gather(0, first)[0], min(height, round(width * LONGEST)))
    wide = torch.where(found, wide.gather(0, first)[0], min(width, round(height * LONGEST)))
    spare = torch.stack([height - high, width - wide])
    top, left = torch.where(found, (place * (spare + 1)).long(), spare // 2)
    return Boxes(top, left, high, wide)


def resized_parts(images: Float[Tensor, "n c h w"], boxes: Boxes, height: int, width: int) -> Float[Tensor, "n c y x"]:
    """A part of each image at a new size: bilinear, and antialiased where it shrinks, as Pillow resizes.

    A pixel of the result is a mean of the part's pixels with weights that fall linearly to zero over one pixel of the
    larger of both grids. Means over rows and over columns are products of matrices.

    Args:
        images: on any device.
        boxes: the parts.
        height: of the result.
        width: of the result.
    """
    rows = _weights(boxes.top, boxes.height, images.shape[2], height).to(images.device, images.dtype)
    columns = _weights(boxes.left, boxes.width, images.shape[3], width).to(images.device, images.dtype)
    return rows[:, None] @ images @ columns[:, None].transpose(2, 3)


def _weights(start: Int64[Tensor, " n"], length: Int64[Tensor, " n"], before: int, after: int) -> Tensor:
    """Of each of the `before` pixels along an edge in each of the `after` ones, `(n, after, before)`."""
    first, long = start.double()[:, None, None], length.double()[:, None, None]
    scale = long / after
    centre = first + (torch.arange(after)[:, None] + 0.5) * scale
    pixel = torch.arange(before) + 0.5
    weights = (1 - (pixel - centre).abs() / scale.clamp(min=1)).clamp(min=0)
    weights = weights * ((pixel > first) & (pixel < first + long))
    return weights / weights.sum(2, keepdim=True)
