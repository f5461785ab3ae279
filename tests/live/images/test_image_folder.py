from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from predictornas.errors import ConfigurationError, DataError
from predictornas.live.images.decoded_set import DecodedSet
from predictornas.live.images.image_folder import is_image_folder, read_image_folder
from predictornas.live.images.image_sets import ImageSet
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
    place(folder, "train/lost.png", 9)
    said: list[str] = []
    data = read_image_folder(folder, told=said.append)
    assert data.class_names == ("cat", "dog")
    assert data.train.pixels[:, 0, 0, 0].tolist() == [1, 2, 8, 3]
    assert said == [
        f"{folder / 'train'}: left out as no classes, because they hold no images: 1 folder (empty).",
        f"{folder / 'train'}: left out because they lie beside the folders of the classes: 1 image.",
        f"{folder / 'train'}: left out because of their endings: 2 files (1 with .txt, 1 with .cr2).",
    ]


def test_more_images_than_memory_are_refused_before_they_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("predictornas.live.images.image_decoding.available_memory", lambda: 17)
    with pytest.raises(DataError, match=r"3 images of 2 x 3 pixels take 0\.0 GB"):
        read_image_folder(folder)
    monkeypatch.setattr("predictornas.live.images.image_decoding.available_memory", lambda: 18)
    assert len(read_image_folder(folder).train) == 3


def test_images_that_take_too_much_of_the_memory_are_decoded_on_the_fly(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Four images of 2 x 3 pixels take 24 bytes, a third of 72."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    said: list[str] = []
    for total, on_the_fly, decoded in ((72, None, False), (71, None, True), (72, True, True), (71, False, False)):
        monkeypatch.setattr("predictornas.live.images.image_folder.total_memory", lambda total=total: total)
        data = read_image_folder(folder, told=said.append, on_the_fly=on_the_fly, decoders=0)
        assert {type(data.train), type(data.test)} == {DecodedSet if decoded else ImageSet}
        assert data.train.in_memory().pixels[:, 0, 0, 0].tolist() == [1, 2, 3]
        assert len(said) == decoded
        said.clear()
    monkeypatch.setattr("predictornas.live.images.image_folder.total_memory", lambda: None)
    assert type(read_image_folder(folder).train) is ImageSet
    read_image_folder(folder, size=1000, told=said.append, on_the_fly=True, decoders=0)
    assert said[0].startswith("4 images of 1000 x 1000 pixels would take 0.0 GB of memory. They are decoded on the fly")
    with pytest.raises(ConfigurationError, match="decoders = -1"):
        read_image_folder(folder, decoders=-1)


def test_three_parts_and_folders_without_parts_are_decoded_as_they_lie_in_memory(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    place(folder, "val/dog/v.png", 200)
    for number in range(20):
        place(tmp_path / "animals", f"{('cat', 'dog')[number % 2]}/{number:02}.png", number)
    for source in (folder, tmp_path / "animals"):
        held, decoded = (read_image_folder(source, on_the_fly=way, decoders=0) for way in (False, True))
        assert (decoded.mean, decoded.std, decoded.class_names) == (held.mean, held.std, held.class_names)
        for part in ("train", "test", "validation"):
            one, other = getattr(held, part), getattr(decoded, part)
            assert (one is None) == (other is None)
            if one is not None:
                assert (one.pixels == other.in_memory().pixels).all()
                assert one.labels.tolist() == other.labels.tolist()


def test_what_is_missing_or_wrong_is_named(folder: Path, tmp_path: Path):
    assert not is_image_folder(tmp_path)
    place(folder, "test/bird/z.png", 1)
    with pytest.raises(DataError, match=r"test has the class 'bird', which .*train has not"):
        read_image_folder(folder)
    (folder / "test/bird/z.png").rename(folder / "test/dog/z.png")
    (folder / "test/bird").rmdir()
    (folder / "test/dog/z.png").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"dog/z\.png is no readable image \(its content is of no known format\)"):
        read_image_folder(folder)
    for path in (folder / "test/dog").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="test has no images"):
        read_image_folder(folder)
    (folder / "test/dog").rmdir()
    with pytest.raises(DataError, match="test has no folder for any class"):
        read_image_folder(folder)
    (folder / "test").rmdir()
    with pytest.raises(DataError, match="has train but neither test nor val"):
        read_image_folder(folder)


def test_values_are_kept_per_file(folder: Path, rng: np.random.Generator):
    pixels = rng.integers(0, 256, (2, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "train/cat/c.png")
    assert np.array_equal(read_image_folder(folder).train.pixels[2, 0].numpy(), pixels)
