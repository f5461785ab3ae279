import pickle
from pathlib import Path

import numpy as np
import pytest

from predictornas.errors import DataError
from predictornas.live.images.cifar import cifar_folder, read_cifar
from predictornas.live.images.image_sets import ImageData


def write(path: Path, number: int, *, key: str = "labels", classes: int = 10, first: int = 0) -> dict:
    """A batch with the keys of the original files, which are bytes; image i has the label first + i."""
    path.parent.mkdir(exist_ok=True)
    data = np.random.default_rng(first).integers(0, 256, (number, 3072), dtype=np.uint8)
    labels = [(first + index) % classes for index in range(number)]
    batch = {b"data": data, key.encode(): labels, b"filenames": [b"x.png"] * number, b"batch_label": b"batch"}
    path.write_bytes(pickle.dumps(batch, 2))
    return batch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(5):
        write(tmp_path / f"data_batch_{index + 1}", 3, first=index)
    write(tmp_path / "test_batch", 4, first=7)
    return tmp_path


def read(folder: Path) -> ImageData:
    found = cifar_folder(folder)
    assert found is not None
    return read_cifar(found)


def test_batches_follow_each_other_and_pixels_lie_by_channel_and_row(tmp_path: Path):
    batches = [write(tmp_path / f"data_batch_{index + 1}", 3, first=index) for index in range(5)]
    tests = write(tmp_path / "test_batch", 4, first=7)
    data = read(tmp_path)
    assert (data.name, data.classes) == ("cifar10", 10)
    assert data.train.labels.tolist() == [0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6]
    assert data.test.labels.tolist() == [7, 8, 9, 0]
    # red first, then green, then blue; each row by row
    assert data.train.pixels[4, 0, 0, :5].tolist() == batches[1][b"data"][1, :5].tolist()
    assert data.train.pixels[14, 2, 3, 7].item() == batches[4][b"data"][2, 2 * 1024 + 3 * 32 + 7]
    assert data.test.pixels[3, 1, 31, 31].item() == tests[b"data"][3, 2047]


def test_cifar_100_has_fine_labels_and_lies_in_its_archives_folder(tmp_path: Path):
    inside = tmp_path / "cifar-100-python"
    write(inside / "train", 120, key="fine_labels", classes=100)
    write(inside / "test", 2, key="fine_labels", classes=100, first=98)
    data = read(tmp_path)
    assert (data.name, data.classes) == ("cifar100", 100)
    assert data.train.labels.tolist() == [*range(100), *range(20)]
    assert data.test.labels.tolist() == [98, 99]


def test_batches_pickled_anew_by_python_3_with_arrays_of_labels(folder: Path):
    batch = pickle.loads((folder / "data_batch_2").read_bytes(), encoding="bytes")
    before = read(folder)
    again = {"data": batch[b"data"], "labels": np.array(batch[b"labels"])}
    (folder / "data_batch_2").write_bytes(pickle.dumps(again))
    after = read(folder)
    assert after.train.labels.tolist() == before.train.labels.tolist()
    assert (after.train.pixels == before.train.pixels).all()


def test_folders_without_batches_are_none(tmp_path: Path):
    (tmp_path / "train").mkdir()
    assert cifar_folder(tmp_path) is None


def test_a_missing_batch_is_named(folder: Path):
    (folder / "data_batch_3").unlink()
    (folder / "data_batch_5").unlink()
    with pytest.raises(DataError, match=r"no data_batch_3, data_batch_5\. Unpack cifar-10-python\.tar\.gz"):
        read(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({b"labels": [0, 1, 10]}, "label 10 is not one of 0 .. 9"),
        ({b"labels": [0, -1, 2]}, "label -1 is not one of"),
        ({b"labels": [0, 1, "cat"]}, "no whole number but str"),
        ({b"labels": [0, 1.0, 2]}, "no whole number but float"),
        ({b"labels": [0, 1]}, "not one label for each of the 3 images"),
        ({b"labels": b"012"}, "not one label for each"),
        ({b"data": np.zeros((3, 3071), np.uint8)}, "no table of 3072 bytes"),
        ({b"data": np.zeros((3, 3072), np.int64)}, "no table of 3072 bytes"),
        ({b"data": np.zeros(3072, np.uint8)}, "no table of 3072 bytes"),
        ({b"data": [1, 2, 3]}, "no table of 3072 bytes"),
    ],
)
def test_batches_of_another_form_are_refused(folder: Path, change: dict, message: str):
    batch = pickle.loads((folder / "test_batch").read_bytes(), encoding="bytes")
    (folder / "data_batch_4").write_bytes(
        pickle.dumps({**batch, b"data": batch[b"data"][:3], b"labels": [0, 1, 2], **change})
    )
    with pytest.raises(DataError, match=f"data_batch_4: .*{message}"):
        read(folder)


def test_files_that_are_no_batches_are_refused(folder: Path):
    whole = (folder / "test_batch").read_bytes()
    for content, message in (
        (whole[:-100], "no complete pickle"),
        (b"", "no complete pickle"),
        (pickle.dumps([1, 2]), "has no 'data': it is no python batch"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8)}), "has no 'labels'"),
    ):
        (folder / "test_batch").write_bytes(content)
        with pytest.raises(DataError, match=f"test_batch.*{message}"):
            read(folder)
