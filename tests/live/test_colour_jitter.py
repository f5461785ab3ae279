import colorsys
import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from predictornas.live.colour_jitter import Jitter, jittered

LIKE_IMAGENET = Jitter(0.4, 0.4, 0.4, 0.2)


def brightness(pixel: tuple[float, ...]) -> float:
    return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]


def slowly(image: np.ndarray, which: int, by: float) -> np.ndarray:
    """One change of one image, pixel by pixel."""
    pixels = [tuple(map(float, pixel)) for pixel in image.reshape(3, -1).T]
    grey = [brightness(pixel) for pixel in pixels]
    middle = sum(grey) / len(grey)
    changed = []
    for pixel, light in zip(pixels, grey, strict=True):
        if which == 3:
            hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
            changed.append(colorsys.hsv_to_rgb((hue + by) % 1, saturation, value))
        else:
            other = (0.0, middle, light)[which]
            changed.append(tuple(min(1.0, max(0.0, (1 + by) * level - by * other)) for level in pixel))
    return np.array(changed).T.reshape(image.shape)


def numbers(seed: int, number: int, jitter: Jitter) -> tuple[np.ndarray, np.ndarray]:
    """Amounts and keys of the order, as they are drawn."""
    generator = torch.Generator().manual_seed(seed)
    uniform, keys = torch.rand((2, 4, number), generator=generator, dtype=torch.float64).numpy()
    limits = np.array([jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue])
    return (2 * uniform - 1) * limits[:, None], keys


def random_images(rng: np.random.Generator, number: int) -> Tensor:
    """With grey, black and white pixels, and two channels that are equal, among them."""
    images = rng.random((number, 3, 3, 4), dtype=np.float32)
    images[:, :, 0, 0], images[:, :, 0, 1], images[:, :, 0, 2] = 0.5, 0.0, 1.0
    images[:, 1, 1, 0] = images[:, 0, 1, 0]
    images[:, 2, 1, 1] = images[:, 1, 1, 1]
    return torch.from_numpy(images)


@pytest.mark.parametrize("which", range(4))
def test_each_change_is_the_formula_written_out(rng: np.random.Generator, which: int):
    images = random_images(rng, 12)
    jitter = Jitter(*(0.5 if place == which else 0.0 for place in range(4)))
    amounts, _ = numbers(7, 12, jitter)
    changed = jittered(images, jitter, torch.Generator().manual_seed(7))
    for image, by, new in zip(images.numpy(), amounts[which], changed.numpy(), strict=True):
        np.testing.assert_allclose(new, slowly(image, which, by), atol=2e-6)
    assert np.abs(changed.numpy() - images.numpy()).max() > 0.1


def test_all_four_come_in_an_order_of_each_images_own(rng: np.random.Generator):
    images = random_images(rng, 60)
    amounts, keys = numbers(1, 60, LIKE_IMAGENET)
    changed = jittered(images, LIKE_IMAGENET, torch.Generator().manual_seed(1))
    orders = keys.argsort(axis=0).T
    for place, order in enumerate(orders):
        expected = images[place].numpy()
        for which in order:
            expected = slowly(expected, which, amounts[which, place])
        np.testing.assert_allclose(changed[place].numpy(), expected, atol=5e-6)
    assert len(set(map(tuple, orders))) > 18  # of 24; chance leaves out 1.9
    assert set(map(tuple, orders)) <= set(itertools.permutations(range(4)))


def test_amounts_are_uniform_up_to_their_limits():
    grey = torch.full((3000, 3, 1, 1), 0.5)
    factors = jittered(grey, Jitter(brightness=0.4), torch.Generator().manual_seed(0))[:, 0, 0, 0] / 0.5
    assert factors.aminmax() == (pytest.approx(0.6, abs=0.01), pytest.approx(1.4, abs=0.01))
    assert torch.histc(factors, 4, 0.6, 1.4).tolist() == pytest.approx([750] * 4, rel=0.12)


def test_grey_images_have_no_colours_to_change(rng: np.random.Generator):
    images = torch.from_numpy(rng.random((8, 1, 3, 4), dtype=np.float32))
    assert torch.equal(jittered(images, Jitter(saturation=1.0, hue=0.5), torch.Generator()), images)
    one = jittered(images, LIKE_IMAGENET, torch.Generator().manual_seed(2))
    three = jittered(images.repeat(1, 3, 1, 1), LIKE_IMAGENET, torch.Generator().manual_seed(2))
    np.testing.assert_allclose(three.numpy(), one.repeat(1, 3, 1, 1).numpy(), atol=1e-6)


def test_the_input_stays_and_the_generator_decides(rng: np.random.Generator):
    images = random_images(rng, 5)
    before = images.clone()
    first, again, other = (jittered(images, LIKE_IMAGENET, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
