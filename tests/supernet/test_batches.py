from __future__ import annotations

import torch

from predictornas.live.augmentation import Augmentation, normalised
from predictornas.live.images.image_sets import ImageSet
from predictornas.live.images.partition import Partition
from predictornas.supernet.batches import paired_batches, steps_of, validation_batches
from predictornas.supernet.state import Batch


def numbered(train: int, valid: int) -> Partition:
    """Images whose only pixel value is their number; those of the validation half begin at 100."""

    def part(numbers: range) -> ImageSet:
        values = torch.tensor(list(numbers), dtype=torch.uint8)
        return ImageSet(values[:, None, None, None].expand(-1, 1, 8, 8).contiguous(), torch.zeros(len(values)).long())

    return Partition("numbers", part(range(train)), part(range(100, 100 + valid)), part(range(2)), 2, (0.0,), (1.0,))


def numbers(batch: Batch) -> list[int]:
    return [round(value * 255) for value in batch.images[:, 0, 0, 0].tolist()]


def test_every_training_image_once_and_the_validation_half_over_and_over() -> None:
    pairs = list(paired_batches(numbered(12, 7), Augmentation(), size=3, seed=1, epoch=0))
    trained = [number for train, _ in pairs for number in numbers(train)]
    assert sorted(trained) == list(range(12))
    assert trained != sorted(trained)
    valid = [numbers(batch) for _, batch in pairs]
    # of 7 images there are two batches of three; the seventh, alone, is left out
    assert len({*valid[0], *valid[1]}) == 6
    assert valid[2:] == valid[:2]


def test_orders_are_of_their_seed_and_epoch_and_of_their_half() -> None:
    def orders(seed: int, epoch: int) -> list[list[int]]:
        pairs = paired_batches(numbered(30, 30), Augmentation(), size=30, seed=seed, epoch=epoch)
        return [numbers(batch) for batch in next(iter(pairs))]

    train, valid = orders(1, 0)
    assert [train, valid] == orders(1, 0)
    assert train not in (orders(2, 0)[0], orders(1, 1)[0])
    assert train != [number - 100 for number in valid]


def test_steps() -> None:
    images = numbered(12, 7).train
    assert [steps_of(images, size) for size in (3, 5, 11, 12, 20)] == [4, 3, 1, 1, 1]
    for size in (3, 5, 11, 12, 20):
        assert len(list(paired_batches(numbered(12, 7), Augmentation(), size=size, seed=0, epoch=0))) == steps_of(
            images, size
        )


def test_both_halves_are_augmented() -> None:
    images = numbered(4, 4)
    train, valid = next(iter(paired_batches(images, Augmentation(cutout=3), size=4, seed=0, epoch=0)))
    for batch in (train, valid):
        assert (batch.images == 0).flatten(1).any(dim=1).all()


def test_measured_images_are_as_they_are_and_the_same_at_every_call() -> None:
    images = numbered(4, 7)
    batches = validation_batches(images, 3)  # one is left over, too few for a batch of its own
    first, second = list(batches()), list(batches())
    assert [numbers(batch) for batch in first] == [[100, 101, 102], [103, 104, 105, 106]]
    assert all(torch.equal(a.images, b.images) for a, b in zip(first, second, strict=True))
    torch.testing.assert_close(first[0].images, normalised(images.validation.pixels[:3], (0.0,), (1.0,)))
