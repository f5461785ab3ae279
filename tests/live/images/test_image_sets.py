import numpy as np
import pytest
import torch

from predictornas.live.images.image_sets import ImageSet, image_data, image_set


def test_mean_and_deviation_of_each_channel(rng: np.random.Generator):
    pixels = rng.integers(0, 256, (7, 3, 5, 4), dtype=np.uint8)
    labels = np.arange(7)
    data = image_data("some", image_set(pixels, labels), image_set(255 - pixels[:2], labels[:2]), 7)
    assert data.mean == pytest.approx((pixels / 255).mean((0, 2, 3)), rel=1e-12)
    assert data.std == pytest.approx((pixels / 255).std((0, 2, 3)), rel=1e-12)


def test_a_constant_channel_has_no_deviation():
    images = image_set(np.full((3, 1, 2, 2), 51, np.uint8), np.zeros(3, np.int64))
    data = image_data("flat", images, images, 1)
    assert (data.mean, data.std) == ((0.2,), (0.0,))


def test_rows_keep_pixels_labels_and_sources_together():
    images = ImageSet(torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1), torch.arange(4), torch.tensor([9, 9, 8, 7]))
    chosen = images.rows(torch.tensor([3, 1]))
    assert chosen.pixels.flatten().tolist() == chosen.labels.tolist() == [3, 1]
    assert chosen.sources is not None
    assert chosen.sources.tolist() == [7, 9]
    assert len(chosen) == 2


def test_batches_are_rows():
    images = ImageSet(torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1), torch.arange(4))
    batches = list(images.batches([torch.tensor([3, 1]), torch.tensor([0])]))
    assert [batch.pixels.flatten().tolist() for batch in batches] == [[3, 1], [0]]
    assert images.in_memory() is images
    assert (images.image_shape, images.device.type) == ((1, 1, 1), "cpu")


def test_everything_moves_to_the_device():
    images = ImageSet(torch.zeros(2, 1, 3, 3, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), torch.arange(2))
    moved = image_data("some", images, images, 1).to("meta")
    for part in (moved.train, moved.test):
        assert part.sources is not None
        assert {part.pixels.device.type, part.labels.device.type, part.sources.device.type} == {"meta"}
    assert images.rows(torch.tensor([0])).to("meta").labels.device.type == "meta"
