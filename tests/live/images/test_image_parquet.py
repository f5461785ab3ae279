import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from predictornas.errors import DataError
from predictornas.live.images.image_parquet import is_image_parquet, read_image_parquet


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (2, 2), value).save(stream, "PNG")
    return stream.getvalue()


def write(path: Path, values: list[int], labels: list[int], *, struct: bool = False) -> None:
    path.parent.mkdir(exist_ok=True)
    images = [{"bytes": png(value), "path": "x"} if struct else png(value) for value in values]
    pl.DataFrame({"image": images, "label": labels}).write_parquet(path)


def values(pixels) -> list[int]:
    return pixels[:, 0, 0, 0].tolist()


def test_one_file_a_part_named_by_what_they_share(tmp_path: Path):
    folder = tmp_path / "data"
    write(folder / "tiny_train.parquet", [1, 2, 3], [0, 2, 1])
    write(folder / "tiny_test.parquet", [4, 5], [1, 1])
    write(folder / "other_test108.parquet", [9], [0])  # a table that has nothing to do with it
    assert is_image_parquet(folder)
    data = read_image_parquet(folder)
    assert (data.name, data.classes) == ("tiny", 3)
    assert (values(data.train.pixels), data.train.labels.tolist()) == ([1, 2, 3], [0, 2, 1])
    assert (values(data.test.pixels), data.test.labels.tolist()) == ([4, 5], [1, 1])


def test_several_files_a_part_with_structs(tmp_path: Path):
    folder = tmp_path / "shards"
    write(folder / "train-00001-of-00002.parquet", [3], [1], struct=True)
    write(folder / "train-00000-of-00002.parquet", [1, 2], [0, 0], struct=True)
    write(folder / "test-00000-of-00001.parquet", [4], [1], struct=True)
    data = read_image_parquet(folder)
    assert data.name == "shards"
    assert (values(data.train.pixels), data.train.labels.tolist()) == ([1, 2, 3], [0, 0, 1])


def test_what_was_decoded_is_kept_until_the_files_change(tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture):
    folder = tmp_path / "data"
    write(folder / "train.parquet", [1, 2], [0, 1])
    write(folder / "test.parquet", [3], [0])
    told: list[tuple[int, int]] = []

    def read() -> list[int]:
        told.clear()
        data = read_image_parquet(folder, progress=lambda done, total: told.append((done, total)))
        return values(data.train.pixels)

    assert read() == [1, 2]
    assert told == [(1, 2), (2, 2), (1, 1)]
    assert read() == [1, 2]
    assert told == []
    write(folder / "train.parquet", [7, 2], [0, 1])
    assert read() == [7, 2]
    assert told == [(1, 2), (2, 2)]
    for kept in (cache / "images").glob("*/pixels.npy"):
        kept.write_bytes(kept.read_bytes()[:-1] + bytes([255]))
    assert read() == [7, 2]
    assert len(told) == 3
    assert "is damaged" in caplog.text
    assert read_image_parquet(folder, size=1).train.pixels.shape == (2, 1, 1, 1)


def test_a_kept_array_of_another_shape_is_not_used(tmp_path: Path, cache: Path):
    folder = tmp_path / "data"
    write(folder / "train.parquet", [1, 2], [0, 1])
    write(folder / "test.parquet", [3], [0])
    read_image_parquet(folder)
    for kept in (cache / "images").glob("*/pixels.npy"):
        np.save(kept, np.zeros((5, 1, 2, 2), np.uint8))
    assert values(read_image_parquet(folder).train.pixels) == [1, 2]


def frame(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"image": [png(1), png(2)], "label": [0, 1], **columns})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (frame(label=[0, -1]), "whole number from 0"),
        (frame(label=[0, None]), "whole number from 0"),
        (frame(label=[0, 2**40]), "whole number from 0"),
        (frame(label=pl.Series([0, 2**63], dtype=pl.UInt64)), "whole number from 0"),
        (frame(label=["cat", "dog"]), "whole number from 0"),
        (frame(label=[0.0, 1.0]), "whole number from 0"),
        (frame(image=["a", "b"]), "must hold the bytes"),
        (frame(image=[png(1), None]), "must hold the bytes"),
        (frame(image=[{"path": "x"}, {"path": "y"}]), "must hold the bytes"),
        (frame(image=[png(1), b"torn"]), r"train\.parquet, row 1 is no readable image"),
        (frame().drop("label"), "has no column 'label'"),
        (frame().drop("image"), "has no column 'image'"),
        (frame().clear(), "has no rows"),
    ],
)
def test_columns_of_another_form_are_refused(tmp_path: Path, table: pl.DataFrame, message: str):
    table.write_parquet(tmp_path / "train.parquet")
    write(tmp_path / "test.parquet", [3], [0])
    with pytest.raises(DataError, match=message):
        read_image_parquet(tmp_path)


def test_files_that_do_not_fit_are_refused(tmp_path: Path):
    assert not is_image_parquet(tmp_path)
    write(tmp_path / "a_train.parquet", [1, 2], [0, 1])
    with pytest.raises(DataError, match=r"a_train\.parquet but no a_test\*\.parquet"):
        read_image_parquet(tmp_path)
    write(tmp_path / "a_test.parquet", [3], [2])
    with pytest.raises(DataError, match="label 2 is not among the training images, whose labels end at 1"):
        read_image_parquet(tmp_path)
    write(tmp_path / "b_train.parquet", [1], [0])
    with pytest.raises(DataError, match="more than one kind: a_, b_"):
        read_image_parquet(tmp_path)
    (tmp_path / "b_train.parquet").unlink()
    (tmp_path / "a_test.parquet").write_bytes((tmp_path / "a_train.parquet").read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read as a parquet"):
        read_image_parquet(tmp_path)


def test_real_images(test_tables: Path, tmp_path: Path):
    for part, rows in (("train", 300), ("test", 100)):
        pl.read_parquet(test_tables / f"cifar10_{part}.parquet", n_rows=rows).write_parquet(
            tmp_path / f"cifar10_{part}.parquet"
        )
    data = read_image_parquet(tmp_path)
    assert (data.name, data.classes) == ("cifar10", 10)
    assert (data.train.pixels.shape, data.test.pixels.shape) == ((300, 3, 32, 32), (100, 3, 32, 32))
    # the channels' means over CIFAR-10, which 300 images come near to
    assert data.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.03)
    assert data.std == pytest.approx((0.2470, 0.2435, 0.2616), abs=0.02)
