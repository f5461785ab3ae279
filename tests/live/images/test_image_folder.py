from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from predictornas.errors import DataError
from predictornas.live.images.image_folder import is_image_folder, read_image_folder
from predictornas.live.images.partition import partition


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


def test_val_judges_without_test_and_validates_with_it(folder: Path):
    """ImageNet comes as train and val; other sets have all three."""
    (folder / "test").rename(folder / "val")
    data = read_image_folder(folder)
    assert (data.test.labels.tolist(), data.validation) == ([1], None)
    place(folder, "test/cat/t.png", 9)
    data = read_image_folder(folder)
    assert (data.test.pixels[0, 0, 0, 0].item(), data.validation.labels.tolist()) == (9, [1])
    parts = partition(data, 0.1, 0)
    assert (len(parts.train), parts.validation.pixels[0, 0, 0, 0].item(), len(parts.test)) == (3, 4, 1)
    assert len(partition(data, 0, 0).validation) == 0


def test_folders_of_classes_alone_are_split_with_a_fixed_seed(tmp_path: Path):
    for number in range(20):
        place(tmp_path / "pets", f"{('cat', 'dog')[number % 2]}/{number:02}.png", number)
    assert is_image_folder(tmp_path / "pets")
    said: list[str] = []
    first, again = (read_image_folder(tmp_path / "pets", told=said.append) for _ in range(2))
    assert (len(first.train), len(first.test)) == (16, 4)
    assert first.test.labels.bincount().tolist() == [2, 2]
    assert (first.test.pixels == again.test.pixels).all()
    seen = {image[0, 0, 0].item() for part in (first.train, first.test) for image in part.pixels}
    assert seen == set(range(20))
    assert said[0].endswith("4 of 20 images, drawn with a fixed seed, only judge.")


def test_nested_folders_and_tiff_are_read_and_what_is_left_out_is_told(folder: Path):
    place(folder, "train/cat/night/deep/z.tif", 8)
    (folder / "train/cat/notes.txt").write_text("no image")
    (folder / "train/cat/raw").mkdir()
    (folder / "train/cat/raw/x.cr2").write_bytes(b"raw")
    (folder / "train/empty").mkdir()
    said: list[str] = []
    data = read_image_folder(folder, told=said.append)
    assert data.class_names == ("cat", "dog")
    assert data.train.pixels[:, 0, 0, 0].tolist() == [1, 2, 8, 3]
    assert said == [
        f"{folder / 'train'}: 1 folder without images left out, no class is made of it: empty.",
        f"{folder / 'train'}: 2 files left out that are no images of a known ending (1 with .txt, 1 with .cr2).",
    ]


def test_more_images_than_memory_are_refused_before_they_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("predictornas.live.images.image_decoding.available_memory", lambda: 17)
    with pytest.raises(DataError, match=r"3 images of 2 x 3 pixels take 0\.0 GB"):
        read_image_folder(folder)
    monkeypatch.setattr("predictornas.live.images.image_decoding.available_memory", lambda: 18)
    assert len(read_image_folder(folder).train) == 3


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
    (folder / "test").rmdir()
    with pytest.raises(DataError, match="has train but no test"):
        read_image_folder(folder)


def test_values_are_kept_per_file(folder: Path, rng: np.random.Generator):
    pixels = rng.integers(0, 256, (2, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "train/cat/c.png")
    assert np.array_equal(read_image_folder(folder).train.pixels[2, 0].numpy(), pixels)
