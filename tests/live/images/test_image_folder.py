from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from predictornas.errors import DataError
from predictornas.live.images.image_folder import is_image_folder, read_image_folder


def place(folder: Path, name: str, value: int, mode: str = "L") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (3, 2), value if mode == "L" else (value, 0, 0)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in (("train/cat/b.png", 2), ("train/cat/a.png", 1), ("train/dog/x.BMP", 3), ("test/dog/y.png", 4)):
        place(tmp_path / "pets", name, value)
    return tmp_path / "pets"


def test_classes_are_the_folders_in_alphabetic_order(folder: Path):
    (folder / "train/cat/notes.txt").write_text("no image")
    (folder / "train/.hidden").mkdir()
    assert is_image_folder(folder)
    data = read_image_folder(folder)
    assert (data.name, data.classes) == ("pets", 2)
    assert data.train.labels.tolist() == [0, 0, 1]
    assert data.train.pixels[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert data.train.pixels.shape == (3, 1, 2, 3)
    assert (data.test.labels.tolist(), data.test.pixels[0, 0, 0, 0].item()) == ([1], 4)


def test_grey_and_colour_parts_agree_in_channels(folder: Path):
    place(folder, "test/cat/red.png", 7, "RGB")
    data = read_image_folder(folder, size=2)
    assert (data.train.pixels.shape, data.test.pixels.shape) == ((3, 3, 2, 2), (2, 3, 2, 2))
    assert data.test.pixels[0, :, 0, 0].tolist() == [7, 0, 0]
    assert len(data.mean) == 3


def test_what_is_missing_or_wrong_is_named(folder: Path, tmp_path: Path):
    assert not is_image_folder(tmp_path)
    place(folder, "test/bird/z.png", 1)
    with pytest.raises(DataError, match=r"test has the class 'bird', which .*train has not"):
        read_image_folder(folder)
    (folder / "test/bird/z.png").rename(folder / "test/dog/z.png")
    (folder / "test/bird").rmdir()
    (folder / "test/dog/z.png").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"dog/z\.png is no readable image"):
        read_image_folder(folder)
    for path in (folder / "test/dog").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="test has no images"):
        read_image_folder(folder)
    (folder / "test/dog").rmdir()
    with pytest.raises(DataError, match="test has no folder for any class"):
        read_image_folder(folder)


def test_values_are_kept_per_file(folder: Path, rng: np.random.Generator):
    pixels = rng.integers(0, 256, (2, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "train/cat/c.png")
    assert np.array_equal(read_image_folder(folder).train.pixels[2, 0].numpy(), pixels)
