import io

import numpy as np
import pytest
import torch
from PIL import Image

from predictornas.errors import ConfigurationError, DataError
from predictornas.live.images.image_decoding import decode_images, resized, same_channels


def encoded(pixels: np.ndarray, mode: str | None = None, suffix: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(stream, suffix)
    return stream.getvalue()


def decoded(*contents: bytes, size: int | None = None, progress=None) -> np.ndarray:
    named = ((f"image {index}", content) for index, content in enumerate(contents))
    return decode_images(named, len(contents), size=size, progress=progress)


@pytest.mark.parametrize("suffix", ["PNG", "BMP", "PPM"])
def test_pixels_of_lossless_formats_come_back(rng: np.random.Generator, suffix: str):
    colour = rng.integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    assert np.array_equal(decoded(*(encoded(image, suffix=suffix) for image in colour)), colour.transpose(0, 3, 1, 2))
    grey = rng.integers(0, 256, (2, 4, 5), dtype=np.uint8)
    assert np.array_equal(decoded(*(encoded(image, suffix=suffix) for image in grey)), grey[:, None])


def test_other_modes_become_grey_or_rgb(rng: np.random.Generator):
    colour, grey = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), rng.integers(0, 2, (4, 4), dtype=np.uint8) * 255
    assert np.array_equal(decoded(encoded(colour, "RGBA"))[0], colour.transpose(2, 0, 1))
    assert np.array_equal(decoded(encoded(grey, "1"))[0, 0], grey)
    assert np.array_equal(decoded(encoded(grey, "LA"))[0, 0], grey)
    few = np.where(grey[..., None] > 0, (200, 10, 30), (0, 90, 60)).astype(np.uint8)
    assert np.array_equal(
        decoded(encoded(few, "P"))[0], np.array(Image.fromarray(few).convert("P").convert("RGB")).transpose(2, 0, 1)
    )


def test_one_colour_image_makes_all_of_them_rgb(rng: np.random.Generator):
    grey = rng.integers(0, 256, (4, 5), dtype=np.uint8)
    colour = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    pixels = decoded(encoded(grey), encoded(colour), encoded(grey))
    assert pixels.shape == (3, 3, 4, 5)
    assert np.array_equal(pixels[1], colour.transpose(2, 0, 1))
    for channel in range(3):
        assert np.array_equal(pixels[0, channel], grey)
        assert np.array_equal(pixels[2, channel], grey)


def test_both_parts_get_the_channels_of_the_one_that_has_more(rng: np.random.Generator):
    grey, colour = (rng.integers(0, 256, (2, channels, 3, 3), dtype=np.uint8) for channels in (1, 3))
    for first, second in (same_channels(grey, colour), same_channels(colour, grey)[::-1]):
        assert np.array_equal(first, np.concatenate([grey] * 3, axis=1))
        assert np.array_equal(second, colour)
    assert same_channels(grey, grey)[0].shape[1] == 1


def test_a_size_cuts_the_middle_square():
    image = np.zeros((4, 10), np.uint8)
    image[:, 3:7] = np.arange(1, 17).reshape(4, 4)
    assert np.array_equal(decoded(encoded(image), size=4)[0, 0], image[:, 3:7])
    assert np.array_equal(resized(torch.from_numpy(image)[None, None], 4)[0, 0].numpy(), image[:, 3:7])


def test_resizing_keeps_what_has_no_detail():
    halves = np.zeros((2, 3, 8, 8), np.uint8)
    halves[:, :, :, 4:] = 200
    for size in (4, 16):
        small = resized(torch.from_numpy(halves), size).numpy()
        assert small.shape == (2, 3, size, size)
        assert (small[..., 0] == 0).all()
        assert (small[..., -1] == 200).all()
        assert abs(small.mean() - 100) < 1


def test_progress_is_told_after_each_image():
    told: list[tuple[int, int]] = []
    image = encoded(np.zeros((2, 2), np.uint8))
    decoded(image, image, image, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_different_sizes_need_one_to_be_brought_to():
    first, second = encoded(np.zeros((2, 3), np.uint8)), encoded(np.zeros((4, 3), np.uint8))
    with pytest.raises(DataError, match=r"image 1 has 4 x 3 pixels, those before it 2 x 3\. Give a size"):
        decoded(first, second)
    assert decoded(first, second, size=2).shape == (2, 1, 2, 2)


def test_broken_bytes_are_named(rng: np.random.Generator):
    whole = encoded(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    for content in (b"", b"no image", whole[:40], whole[: len(whole) // 2], whole[:100] + b"\xff" * 50 + whole[150:]):
        with pytest.raises(DataError, match="image 0 is no readable image"):
            decoded(content)
    with pytest.raises(DataError, match="no readable image"):
        decoded(encoded(np.zeros((4, 4, 3), np.uint8), suffix="GIF"))  # a format that is not opened
    with pytest.raises(DataError, match="more than 8 bits"):
        decoded(encoded(np.zeros((4, 4), np.uint16)))
    with pytest.raises(DataError, match="no images"):
        decoded()
    with pytest.raises(ConfigurationError, match="size 0"):
        decoded(whole, size=0)


def test_an_image_far_larger_than_its_file_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "BMP")
    content = bytearray(buffer.getvalue())
    content[18:26] = (11_000).to_bytes(4, "little") * 2  # width and height
    with pytest.raises(DataError, match=r"one is no readable image .*decompression bomb"):
        decode_images([("one", bytes(content))], 1, size=8)
