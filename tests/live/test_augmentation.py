import numpy as np
import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.live.augmentation import (
    Augmentation,
    augmented,
    black,
    evaluation_images,
    normalised,
    training_images,
)
from predictornas.live.colour_jitter import Jitter, jittered
from predictornas.live.resized_crop import random_boxes, resized_parts

MEAN, STD = (0.2, 0.4, 0.6), (0.1, 0.2, 0.3)


def images(number: int = 64, height: int = 6, width: int = 5) -> Tensor:
    """Every pixel of every image has a value of its own, from 1 on."""
    return torch.arange(1, number * 2 * height * width + 1, dtype=torch.float32).view(number, 2, height, width)


def crops(image: Tensor, border: int, colour: tuple[float, ...]) -> dict[tuple[int, int], Tensor]:
    """All crops of one image, one after the other."""
    _, height, width = image.shape
    canvas = torch.stack([torch.full((height + 2 * border, width + 2 * border), value) for value in colour])
    canvas[:, border : border + height, border : border + width] = image
    places = [(top, left) for top in range(2 * border + 1) for left in range(2 * border + 1)]
    return {(top, left): canvas[:, top : top + height, left : left + width] for top, left in places}


@pytest.mark.parametrize("padding", [None, (-1.5, -2.5)])
def test_a_crop_is_one_of_all_crops_and_each_image_has_its_own(padding: tuple[float, ...] | None):
    batch = images(100)
    result = augmented(batch, Augmentation(crop_padding=2), torch.Generator().manual_seed(0), padding)
    places = []
    for image, new in zip(batch, result, strict=True):
        matches = [place for place, crop in crops(image, 2, padding or (0.0, 0.0)).items() if torch.equal(crop, new)]
        assert len(matches) == 1
        places.extend(matches)
    assert len(set(places)) > 20  # of 25; chance leaves out 0.4
    assert abs(np.mean(places, axis=0) - 2).max() < 0.5


def test_a_flip_mirrors_half_of_the_images():
    batch = images(400)
    result = augmented(batch, Augmentation(flip=True), torch.Generator().manual_seed(0))
    kept = [torch.equal(new, image) for image, new in zip(batch, result, strict=True)]
    mirrored = [torch.equal(new, image[:, :, [4, 3, 2, 1, 0]]) for image, new in zip(batch, result, strict=True)]
    assert all(a != b for a, b in zip(kept, mirrored, strict=True))
    assert 150 < sum(mirrored) < 250


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_cutout_zeroes_one_square_about_any_pixel(side: int):
    batch = images(600)
    result = augmented(batch, Augmentation(cutout=side), torch.Generator().manual_seed(0))
    squares = {}
    for y, x in np.ndindex(6, 5):
        square = np.zeros((6, 5), bool)
        square[max(0, y - side // 2) : y - side // 2 + side, max(0, x - side // 2) : x - side // 2 + side] = True
        squares.setdefault(square.tobytes(), 0)
    for image, new in zip(batch, result, strict=True):
        zero = (new == 0).numpy()
        assert (zero[0] == zero[1]).all()
        assert torch.equal(new[new != 0], image[new != 0])
        squares[zero[0].tobytes()] += 1
    assert min(squares.values()) > 0


def test_steps_follow_each_other_crop_flip_cutout():
    # the squares cut out stay black: cutout comes last, and a padded border inside it is not told from it
    batch = images(60)
    together = augmented(batch, Augmentation(1, True, 2), torch.Generator().manual_seed(1), (7e5, 7e5))
    generator = torch.Generator().manual_seed(1)
    moved = augmented(batch, Augmentation(1, True), generator, (7e5, 7e5))
    assert torch.equal(together, augmented(moved, Augmentation(cutout=2), generator))
    for image, new in zip(batch, moved, strict=True):
        plain = list(crops(image, 1, (7e5, 7e5)).values())
        assert sum(torch.equal(new, crop) or torch.equal(new, crop.flip(2)) for crop in plain) == 1


def test_the_generator_is_the_only_source_of_randomness_and_the_input_stays():
    batch = images()
    before = batch.clone()
    chosen = Augmentation(2, True, 3)
    first, again, other = (augmented(batch, chosen, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(batch, before)
    assert augmented(batch, Augmentation(), torch.Generator()) is batch


@pytest.mark.slow
def test_everything_happens_on_the_device_of_the_images():
    result = augmented(images().to("meta"), Augmentation(2, True, 3), torch.Generator(), (0.5, 0.5))
    assert (result.device.type, result.shape) == ("meta", (64, 2, 6, 5))
    everything = Augmentation(1, True, 2, 0.08, Jitter(0.4, 0.4, 0.4, 0.2))
    pixels = torch.zeros(2, 3, 8, 8, dtype=torch.uint8, device="meta")
    result = training_images(pixels, everything, torch.Generator(), MEAN, STD)
    assert (result.device.type, result.shape) == ("meta", (2, 3, 7, 7))
    assert normalised(torch.zeros(2, 1, 3, 3, dtype=torch.uint8, device="meta"), (0.5,), (0.5,)).device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_generator_on_the_cpu_gives_a_gpu_the_same_images():
    first, second = (
        augmented(images().to(device), Augmentation(2, True, 3), torch.Generator().manual_seed(0), (0.5, -1.0)).cpu()
        for device in ("cpu", "cuda")
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Augmentation(crop_padding=-1), "negative length"),
        (Augmentation(cutout=-2), "negative length"),
        (Augmentation(resized_crop=0.0), "share of the area"),
        (Augmentation(resized_crop=1.1), "share of the area"),
        (Augmentation(jitter=Jitter(contrast=1.1)), "0 to 1"),
        (Augmentation(jitter=Jitter(hue=0.6)), r"hue by 0 to 0\.5"),
    ],
)
def test_what_is_out_of_range_is_refused(wrong: Augmentation, message: str):
    with pytest.raises(ConfigurationError, match=message):
        augmented(images(), wrong, torch.Generator())


def test_without_resized_crops_and_jitter_nothing_more_is_drawn(rng: np.random.Generator):
    pixels = torch.from_numpy(rng.integers(0, 256, (9, 3, 8, 8), dtype=np.uint8))
    chosen = Augmentation(2, True, 3)
    expected = augmented(normalised(pixels, MEAN, STD), chosen, torch.Generator().manual_seed(4), black(MEAN, STD))
    assert torch.equal(training_images(pixels, chosen, torch.Generator().manual_seed(4), MEAN, STD), expected)
    assert torch.equal(evaluation_images(pixels, chosen, MEAN, STD), normalised(pixels, MEAN, STD))


def test_a_training_image_is_cropped_coloured_normalised_and_then_changed_as_before(rng: np.random.Generator):
    pixels = torch.from_numpy(rng.integers(0, 256, (9, 3, 16, 24), dtype=np.uint8))
    colours = Jitter(0.4, 0.4, 0.4, 0.2)
    chosen = Augmentation(flip=True, cutout=3, resized_crop=0.08, jitter=colours)
    found = training_images(pixels, chosen, torch.Generator().manual_seed(4), MEAN, STD)
    generator = torch.Generator().manual_seed(4)
    parts = resized_parts(pixels / 255, random_boxes(9, 16, 24, 0.08, generator), 14, 21)
    coloured = jittered(parts, colours, generator)
    standard = (coloured - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    expected = augmented(standard, Augmentation(flip=True, cutout=3), generator)
    assert torch.equal(found, expected)


def test_images_that_judge_are_cut_about_the_centre():
    """Resized to 256 and cut to 224, as papers judge: 16 pixels are left out on each side."""
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 256).expand(1, 1, 256, 256)
    seen = evaluation_images(pixels, Augmentation(resized_crop=0.08), (0.0,), (1.0,))
    assert seen.shape == (1, 1, 224, 224)
    assert (255 * seen[0, 0, 0, [0, -1]]).tolist() == pytest.approx([16, 239])
    assert (255 * seen[0, 0, 0]).round().tolist() == list(range(16, 240))


def test_what_is_held_is_eight_sevenths_of_what_is_seen():
    cropped = Augmentation(resized_crop=0.08)
    assert (cropped.held(224), cropped.seen(256), cropped.held(None)) == (256, 224, None)
    assert all(cropped.seen(cropped.held(side)) == side for side in range(1, 500))
    assert (Augmentation().held(224), Augmentation().seen(224)) == (224, 224)


def test_normalised_pixels_by_hand():
    pixels = torch.tensor([0, 51, 255, 102], dtype=torch.uint8).view(1, 2, 1, 2)
    result = normalised(pixels, (0.2, 0.4), (0.1, 0.0))
    # (0 - 0.2) / 0.1, (0.2 - 0.2) / 0.1, and 1 - 0.4, 0.4 - 0.4 where the deviation is 0
    assert result.flatten().tolist() == pytest.approx([-2, 0, 0.6, 0], abs=1e-6)
    assert result.dtype == torch.float32
    assert black((0.2, 0.4), (0.1, 0.0)) == pytest.approx((-2, -0.4))


def test_normalised_training_pixels_have_mean_0_and_deviation_1(rng: np.random.Generator):
    pixels = torch.from_numpy(rng.integers(0, 256, (50, 3, 4, 4), dtype=np.uint8))
    scaled = pixels.double() / 255
    result = normalised(pixels, scaled.mean((0, 2, 3)).tolist(), scaled.std((0, 2, 3), correction=0).tolist())
    assert result.mean((0, 2, 3)).tolist() == pytest.approx([0] * 3, abs=1e-5)
    assert result.std((0, 2, 3), correction=0).tolist() == pytest.approx([1] * 3, abs=1e-5)
