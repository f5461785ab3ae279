from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.live.images.image_sets import ImageSet
from predictornas.live.images.partition import Partition, in_halves, most_in_halves, partition
from tests.live.training_examples import data


def rows(part: ImageSet) -> set[bytes]:
    return {image.numpy().tobytes() for image in part.pixels}


@pytest.mark.parametrize("validation", [12, 0.25])
def test_parts_are_disjoint_and_stratified(validation: int | float) -> None:
    parts = partition(data(), validation, seed=3)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (36, 12, 30)
    assert parts.validation.labels.bincount().tolist() == [4, 4, 4]
    assert rows(parts.train) | rows(parts.validation) == rows(data().train)
    assert not rows(parts.train) & rows(parts.validation)
    assert torch.equal(parts.test.pixels, data().test.pixels)


def test_images_of_one_source_stay_together() -> None:
    sources = torch.arange(48) // 6 * 3 + torch.arange(48) % 3  # pairs of one label
    whole = replace(data(), train=replace(data().train, sources=sources))
    parts = partition(whole, 11, seed=0)
    assert (len(parts.train), len(parts.validation)) == (36, 11)
    assert not set(parts.train.sources.tolist()) & set(parts.validation.sources.tolist())


@pytest.mark.parametrize("nothing", [0, 0.0])
def test_all_images_can_be_trained_on(nothing: int | float) -> None:
    parts = partition(data(), nothing, seed=3)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (48, 0, 30)
    assert torch.equal(parts.train.pixels, data().train.pixels)
    assert parts.digest != partition(data(), 1, seed=3).digest


@pytest.mark.parametrize("validation", [-1, 47, 60, -0.1, 1.0])
def test_nothing_left(validation: int | float) -> None:
    with pytest.raises(ConfigurationError, match="from 1 to 46"):
        partition(data(), validation, seed=0)


def test_the_digest_is_that_of_all_bytes() -> None:
    one = ImageSet(torch.tensor([[[[7]]]], dtype=torch.uint8), torch.tensor([1]))
    parts = Partition("tiny", one, one, one, 2, (0.5,), (0.25,))
    image = b"(1, 1, 1, 1)" + bytes([7]) + np.array([1], dtype="<i8").tobytes()
    assert parts.digest == hashlib.sha256(b"(2, (0.5,), (0.25,))" + 3 * image).hexdigest()
    assert replace(parts, name="other").digest == parts.digest
    other = ImageSet(one.pixels + 1, one.labels)
    assert len({parts.digest, replace(parts, test=other).digest, replace(parts, train=other).digest}) == 3
    assert parts.to("meta").train.pixels.device.type == "meta"


def test_halves_of_one_part_and_of_two() -> None:
    """Of 48 images 21 leave 11 and 10; with 30 images to validate with, the same 10 are some of these."""
    assert most_in_halves(data()) == 48
    parts = partition(in_halves(data(), 21, seed=1), 0.5, seed=1)
    assert (len(parts.train), len(parts.validation)) == (11, 10)
    assert torch.equal(in_halves(data(), 48, seed=1).train.pixels, data().train.pixels)
    own = replace(data(), validation=data().test)
    assert most_in_halves(own) == 60
    parts = partition(in_halves(own, 21, seed=1), 0.5, seed=1)
    assert (len(parts.train), len(parts.validation)) == (11, 10)
    assert rows(parts.train) <= rows(data().train)
    assert rows(parts.validation) <= rows(data().test)
    assert max(parts.validation.labels.bincount()) <= 4
    with pytest.raises(ConfigurationError):
        in_halves(data(), 49, seed=1)
