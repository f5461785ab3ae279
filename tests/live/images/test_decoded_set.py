from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from predictornas.errors import DataError
from predictornas.live.images import decoded_set
from predictornas.live.images.decoded_set import DecodedSet, survey, usual_decoders
from predictornas.live.images.image_files import ImageFiles
from predictornas.live.images.image_folder import read_image_folder
from predictornas.live.images.image_sets import ImageData, ImageSet
from predictornas.live.images.partition import partition
from predictornas.live.training import train
from tests.live.images.folders import picture_folder
from tests.live.test_training import same
from tests.live.training_examples import job


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return picture_folder(tmp_path / "pictures")


def both(folder: Path, decoders: int = 0) -> tuple[ImageData, ImageData]:
    return read_image_folder(folder), read_image_folder(folder, on_the_fly=True, decoders=decoders)


def equal(one: ImageSet, other: ImageSet) -> bool:
    return torch.equal(one.pixels, other.pixels) and torch.equal(one.labels, other.labels)


def shuffled(number: int) -> list[torch.Tensor]:
    return list(torch.split(torch.randperm(number, generator=torch.Generator().manual_seed(1)), 7))


@pytest.mark.parametrize("decoders", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_batches_are_those_from_memory(folder: Path, decoders: int) -> None:
    held, decoded = both(folder, decoders)
    assert (decoded.name, decoded.classes, decoded.class_names) == (held.name, held.classes, held.class_names)
    assert (decoded.mean, decoded.std) == (held.mean, held.std)
    before = torch.get_rng_state()
    for one, other in ((held.train, decoded.train), (held.test, decoded.test)):
        assert isinstance(other, DecodedSet)
        assert (len(other), other.image_shape, other.device.type) == (len(one), one.image_shape, "cpu")
        batches = shuffled(len(one))
        pairs = list(zip(one.batches(batches), other.batches(batches), strict=True))
        assert all(equal(*pair) for pair in pairs)
        assert [len(batch) for _, batch in pairs] == list(map(len, batches))
        assert equal(other.in_memory(), one)
    assert torch.equal(torch.get_rng_state(), before)
    assert list(decoded.train.batches([])) == []


def test_parts_are_those_from_memory_and_nothing_is_decoded_for_them(folder: Path) -> None:
    held, decoded = (partition(data, 6, seed=3) for data in both(folder))
    for part in ("train", "validation", "test"):
        assert equal(getattr(held, part), getattr(decoded, part).in_memory())
    for path in (folder / "train").rglob("*.png"):
        path.write_bytes(b"torn")
    assert len(decoded.train.rows(torch.tensor([4, 1]))) == 2
    assert pickle.loads(pickle.dumps(decoded.train)).files.names.tolist() == decoded.train.files.names.tolist()


@pytest.mark.parametrize("decoders", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_file_that_breaks_is_named(folder: Path, decoders: int) -> None:
    _, decoded = both(folder, decoders)
    (folder / "train/class1/04.png").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"class1/04\.png is no readable image") as raised:
        list(decoded.train.batches(shuffled(24)))
    assert "Traceback" not in str(raised.value)
    with pytest.raises(DataError, match=r"class1/04\.png is no readable image"):
        both(folder, decoders)
    (folder / "train/class1/04.png").unlink()
    with pytest.raises(DataError, match=r"class1/04\.png cannot be read"):
        list(decoded.train.batches(shuffled(24)))


@pytest.mark.slow
def test_a_process_that_dies_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, decoded = both(folder)
    work = decoded_set._Work(decoded.train.files, _dies)
    with pytest.raises(DataError, match="A process that decodes images died"):
        list(decoded_set._in_order(work, shuffled(24), 2))


def _dies(_: ImageFiles) -> None:
    os._exit(9)


@pytest.mark.slow
@pytest.mark.parametrize("decoders", [0, 2])
def test_a_training_is_that_from_memory_and_goes_on_after_an_end_in_the_midst_of_an_epoch(
    folder: Path, tmp_path: Path, decoders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, decoded = (partition(data, 6, seed=0) for data in both(folder, decoders))
    asked = job()
    asked = replace(
        asked, shape=replace(asked.shape, in_channels=3), recipe=replace(asked.recipe, epochs=2, batch_size=5)
    )
    asked = replace(asked, evaluate_at=(2,))
    whole = train(asked, held)
    place = tmp_path / "training"
    train(asked, decoded, until=1, folder=place)
    wanted = DecodedSet.batches

    def cut_off(self: DecodedSet, places: list[torch.Tensor]):
        for number, batch in enumerate(wanted(self, places)):
            if number == 2:
                raise KeyboardInterrupt
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(DecodedSet, "batches", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train(asked, decoded, folder=place)
    assert same(train(asked, decoded, folder=place), whole)


def test_the_digest_tells_files_that_differ(folder: Path) -> None:
    def digest() -> str:
        return partition(both(folder)[1], 6, seed=0).digest

    first = digest()
    assert digest() == first
    os.utime(folder / "test/class0/00.png", ns=(1, 1))
    assert digest() == first  # a copy of the folder is the same
    Image.new("RGB", (10, 10)).save(folder / "test/class0/00.png")
    assert digest() != first


def test_a_survey_counts_every_value_once_and_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted((folder / "train").rglob("*.png"))
    files = ImageFiles.below(folder, paths)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(decoded_set, "_BLOCK", 10)
    found = survey(files, None, 0, lambda *progress: told.append(progress))
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])
    assert found.shape == (3, 10, 10)
    assert found.counts.tolist() == [np.bincount(pixels[..., c].ravel(), minlength=256).tolist() for c in range(3)]
    assert told == [(10, 24), (20, 24), (24, 24)]
    again = survey(files, None, 0, lambda *progress: told.append(progress))
    assert len(told) == 3
    assert (again.shape, again.counts.tolist()) == (found.shape, found.counts.tolist())
    os.utime(paths[0], ns=(1, 1))
    survey(files, None, 0, lambda *progress: told.append(progress))
    assert len(told) == 6


def test_grey_and_colour_images_and_sizes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded_set, "_BLOCK", 4)
    for number in range(20):
        Image.new("L", (10, 10), number).save(folder / f"train/class0/grey{number:02}.png")
    held, decoded = both(folder)
    assert equal(decoded.train.in_memory(), held.train)
    assert (decoded.mean, decoded.std) == (held.mean, held.std)
    Image.new("RGB", (10, 8)).save(folder / "train/class2/low.png")
    with pytest.raises(DataError, match=r"low\.png has 8 x 10 pixels"):
        both(folder)[1]
    with pytest.raises(DataError, match=r"has 8 x 10 pixels.* Give a size to bring all to"):
        read_image_folder(folder, on_the_fly=True, decoders=0)
    at_size = read_image_folder(folder, size=6), read_image_folder(folder, size=6, on_the_fly=True, decoders=0)
    assert equal(at_size[1].train.in_memory(), at_size[0].train)


def test_a_picture_that_turned_coloured_is_refused(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        Image.new("L", (10, 10), 7).save(path)
    _, decoded = both(folder)
    assert decoded.train.image_shape == (1, 10, 10)
    Image.new("RGB", (10, 10)).save(folder / "train/class0/00.png")
    with pytest.raises(DataError, match="has colour by now"):
        list(decoded.train.batches(shuffled(24)))


def test_labels_and_batches_move_to_the_device(folder: Path) -> None:
    moved = both(folder)[1].to("meta").train
    assert (moved.device.type, moved.labels.device.type) == ("meta", "meta")
    (batch,) = moved.batches([torch.arange(3)])
    assert (batch.pixels.device.type, batch.labels.device.type) == ("meta", "meta")


def test_workers_decode_by_themselves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, decoded = both(folder, decoders=0)
    many = replace(decoded.train, decoders=2)
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    assert equal(next(many.batches([torch.arange(24)])), decoded.train.in_memory())


def test_one_core_is_left_to_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, decoders in ((1, 0), (4, 3), (100, 16)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert usual_decoders() == decoders


def test_the_checksum_is_of_names_lengths_labels_and_shape(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"123")
    images = DecodedSet(ImageFiles.below(tmp_path, [tmp_path / "a.png"]), torch.tensor([4]), None, (1, 2, 3), 0)
    state, expected = hashlib.sha256(), hashlib.sha256(b"(1, (1, 2, 3))a.png")
    images.hashed_into(state)
    expected.update(np.array([3, 4], dtype="<i8").tobytes())
    assert state.hexdigest() == expected.hexdigest()
