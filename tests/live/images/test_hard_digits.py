import hashlib

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from predictornas.errors import ConfigurationError
from predictornas.live.images.hard_digits import Difficulty, hard_digits
from predictornas.live.images.image_sets import ImageSet
from predictornas.live.images.scikit_digits import digit_pixels

PLAIN = Difficulty(shift=0, pieces=0, noise=0, contrast=256)


def arrays(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    assert images.sources is not None
    return images.pixels[:, 0].numpy().astype(int), images.sources.numpy()


def test_the_bytes_are_the_same_on_every_machine():
    # a table of benchmark results rests on these images: another sum means other images
    data = hard_digits()
    sums = [hashlib.sha256(part.pixels.numpy().tobytes()).hexdigest() for part in (data.train, data.test)]
    assert sums == [
        "e9d44d041ed865dbeafe0dc0682408cb0b14bb82bcc32d3e2c9ac071fd15b32a",
        "0f7748966b312f112ca1dfe28d5bb0131c5d053921105df26b04e3d44cec3113",
    ]
    assert (data.train.pixels.shape, data.test.pixels.shape) == ((4000, 1, 12, 12), (2000, 1, 12, 12))
    assert data.classes == 10


def test_no_original_serves_two_purposes_and_all_are_used_alike():
    data = hard_digits(train=2000, test=700)
    labels = digit_pixels()[1]
    used = {}
    for name, part in (("train", data.train), ("test", data.test)):
        assert part.sources is not None
        assert np.array_equal(labels[part.sources.numpy()], part.labels.numpy())
        used[name], counts = np.unique(part.sources.numpy(), return_counts=True)
        assert counts.max() - counts.min() <= 1
    assert not np.intersect1d(used["train"], used["test"]).size
    # 1,797 digits in nines: three for the test, one for clutter, five to train with
    assert (len(used["test"]), len(used["train"])) == (600, 997)
    assert not np.isin(np.arange(3, 1797, 9), np.concatenate(list(used.values()))).any()


def test_without_difficulty_each_image_is_its_original_in_the_centre():
    pixels, sources = arrays(hard_digits(canvas=13, train=100, test=1, difficulty=PLAIN).train)
    originals = digit_pixels()[0][sources]
    assert (pixels[:, 2:10, 2:10] == originals).all()  # (13 - 8) // 2 = 2
    assert pixels.sum() == originals.sum(dtype=int)


def test_digits_move_over_the_whole_canvas_or_as_far_as_asked():
    for shift, places in ((None, range(0, 5)), (2, range(1, 4))):
        difficulty = Difficulty(shift=shift, pieces=0, noise=0, contrast=256)
        pixels, sources = arrays(hard_digits(train=300, test=1, difficulty=difficulty).train)
        windows = sliding_window_view(pixels, (8, 8), axis=(1, 2))
        whole = (windows == digit_pixels()[0][sources][:, None, None]).all((3, 4))
        found = whole & (windows.sum((3, 4)) == pixels.sum((1, 2))[:, None, None])
        assert found.any((1, 2)).all()
        alone = found.sum((1, 2)) == 1  # a digit with an empty border could lie at two places
        rows, columns = np.nonzero(found[alone])[1:]
        assert set(zip(rows, columns, strict=True)) == {(row, column) for row in places for column in places}


def test_noise_is_uniform_and_bounded():
    quiet, noisy = (
        arrays(hard_digits(train=200, test=1, difficulty=Difficulty(0, 0, noise, 256)).train)[0] for noise in (0, 20)
    )
    middle = (quiet >= 20) & (quiet <= 235)
    moved = (noisy - quiet)[middle]
    counts = np.bincount(moved + 20, minlength=41)
    assert len(counts) == 41
    expected = middle.sum() / 41
    assert (abs(counts - expected) < 5 * np.sqrt(expected)).all()


@pytest.mark.slow
def test_pieces_are_parts_of_digits_kept_for_clutter_and_never_hide_stronger_ink():
    plain, cluttered = (
        arrays(hard_digits(train=12, test=1, difficulty=Difficulty(0, pieces, 0, 256)).train)[0] for pieces in (0, 1)
    )
    assert (cluttered >= plain).all()
    digits = digit_pixels()[0].astype(int)[3::9]
    pieces = sliding_window_view(digits, (4, 4), axis=(1, 2)).reshape(-1, 16)
    for before, after in zip(plain, cluttered, strict=True):
        squares = sliding_window_view(after, (4, 4)).reshape(81, 1, 16)
        under = sliding_window_view(before, (4, 4)).reshape(81, 1, 16)
        rest = after.sum() - squares.sum(2) == before.sum() - under.sum(2)  # where nothing else has changed
        assert (rest & (squares == np.maximum(under, pieces)).all(2)).any()


def test_contrast_fades_each_digit_by_a_share_of_its_own():
    pixels, sources = arrays(hard_digits(canvas=8, train=400, test=1, difficulty=Difficulty(0, 0, 0, 128)).train)
    originals = digit_pixels()[0][sources].astype(int)
    shares = np.arange(128, 257)
    fits = ((originals[:, None] * shares[:, None, None] // 256) == pixels[:, None]).all((2, 3))
    assert fits.any(1).all()
    assert fits.sum(0).astype(bool).mean() > 0.8  # nearly all shares turn up


def test_seed_and_part_change_the_images():
    first, second = (hard_digits(train=30, test=30, seed=seed) for seed in (0, 1))
    assert not torch.equal(first.train.pixels, second.train.pixels)
    assert torch.equal(first.train.pixels, hard_digits(train=30, test=90).train.pixels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"canvas": 7}, "canvas = 7 is not between 8 and 1024"),
        ({"train": 0}, "train = 0"),
        ({"difficulty": Difficulty(shift=5)}, "shift = 5 is not between 0 and 4"),
        ({"difficulty": Difficulty(pieces=-1)}, "pieces = -1"),
        ({"difficulty": Difficulty(noise=256)}, "noise = 256"),
        ({"difficulty": Difficulty(contrast=0)}, "contrast = 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict, message: str):
    with pytest.raises(ConfigurationError, match=f"hard-digits: {message}"):
        hard_digits(**options)
