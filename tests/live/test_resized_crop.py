import math

import numpy as np
import pytest
import torch
from PIL import Image

from predictornas.live.resized_crop import TRIES, Boxes, random_boxes, resized_parts


def corners(boxes: Boxes) -> list[list[int]]:
    return torch.stack([boxes.top, boxes.left, boxes.height, boxes.width], dim=1).tolist()


def first_that_fits(height: int, width: int, least: float, draws: list[tuple[float, float]], y: float, x: float):
    """The rule for one image, step by step: share of the area, ratio, and a central part where none fits."""
    for share, ratio in draws:
        area = height * width * (least + (1 - least) * share)
        aspect = (3 / 4) ** (1 - 2 * ratio)
        wide, high = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < wide <= width and 0 < high <= height:
            return [int(y * (height - high + 1)), int(x * (width - wide + 1)), high, wide]
    wide, high = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    return [(height - high) // 2, (width - wide) // 2, high, wide]


@pytest.mark.parametrize(("height", "width", "least"), [(32, 32, 0.08), (20, 31, 0.5), (40, 6, 0.3), (5, 60, 0.9)])
def test_a_box_is_the_first_of_ten_that_lies_within_the_image(height: int, width: int, least: float):
    number = 200
    found = random_boxes(number, height, width, least, torch.Generator().manual_seed(3))
    again = torch.Generator().manual_seed(3)
    shapes = ((TRIES, number), (TRIES, number), (2, number))
    share, ratio, place = (torch.rand(shape, generator=again, dtype=torch.float64).tolist() for shape in shapes)
    for image, box in enumerate(corners(found)):
        draws = [(share[turn][image], ratio[turn][image]) for turn in range(TRIES)]
        assert box == first_that_fits(height, width, least, draws, place[0][image], place[1][image])


def test_areas_ratios_and_places_are_spread_as_they_should_be():
    boxes = random_boxes(4000, 256, 256, 0.08, torch.Generator().manual_seed(0))
    top, left, height, width = np.array(corners(boxes)).T
    share, ratio = height * width / 256**2, width / height
    assert 0.07 < share.min() < 0.1
    assert share.max() > 0.98
    # uniform up to 3/4; of the larger ones the long do not fit and are drawn again
    counts = np.histogram(share, [0.08, 0.3, 0.52, 0.74])[0]
    assert counts / counts.mean() == pytest.approx([1, 1, 1], rel=0.1)
    assert abs(np.log(ratio).mean()) < 0.015
    assert (ratio > 0.73).all()
    assert (ratio < 1.37).all()
    inner = (height < 256) & (width < 256)
    places = np.stack([top / (256 - height.clip(max=255)), left / (256 - width.clip(max=255))])[:, inner]
    assert places.mean(axis=1) == pytest.approx([0.5, 0.5], abs=0.03)
    assert abs(np.corrcoef(places)[0, 1]) < 0.06


def slowly(image: np.ndarray, box: list[int], height: int, width: int) -> np.ndarray:
    """Every pixel of the result as a weighted mean over the part, in four loops."""
    top, left, high, wide = box
    part = image[:, top : top + high, left : left + wide]
    result = np.zeros((len(image), height, width))
    for y, x in np.ndindex(height, width):
        total = 0.0
        for row, column in np.ndindex(high, wide):
            down = abs(row + 0.5 - (y + 0.5) * high / height) / max(1, high / height)
            across = abs(column + 0.5 - (x + 0.5) * wide / width) / max(1, wide / width)
            weight = max(0, 1 - down) * max(0, 1 - across)
            result[:, y, x] += weight * part[:, row, column]
            total += weight
        result[:, y, x] /= total
    return result


def test_resizing_is_the_weighted_mean_written_out(rng: np.random.Generator):
    images = rng.random((4, 2, 9, 7), dtype=np.float32)
    boxes = [[0, 0, 9, 7], [2, 1, 3, 5], [8, 6, 1, 1], [1, 0, 8, 2]]
    found = resized_parts(torch.from_numpy(images), Boxes(*torch.tensor(boxes).T), 5, 4)
    for image, box, new in zip(images, boxes, found.numpy(), strict=True):
        np.testing.assert_allclose(new, slowly(image, box, 5, 4), atol=1e-6)
    whole = resized_parts(torch.from_numpy(images[:1]), Boxes(*torch.tensor(boxes[:1]).T), 9, 7)
    np.testing.assert_allclose(whole.numpy(), images[:1], atol=1e-6)


def test_resizing_is_that_of_pillow_but_for_its_rounding(rng: np.random.Generator):
    image = rng.integers(0, 256, (40, 52, 3), dtype=np.uint8)
    boxes = random_boxes(20, 40, 52, 0.08, torch.Generator().manual_seed(1))
    pixels = torch.from_numpy(image).permute(2, 0, 1).float().expand(20, 3, 40, 52)
    for (top, left, high, wide), new in zip(corners(boxes), resized_parts(pixels, boxes, 24, 28), strict=True):
        part = Image.fromarray(image).crop((left, top, left + wide, top + high))
        expected = np.asarray(part.resize((28, 24), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
        assert np.abs(new.numpy() - expected).max() < 1.01
