import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from predictornas.errors import ConfigurationError, DataError, UnknownNameError
from predictornas.live.images.loading import load_images, split


def test_built_in_sets_by_name():
    digits, hard = load_images("digits"), load_images("hard-digits")
    assert (digits.name, tuple(digits.train.pixels.shape[1:])) == ("digits", (1, 8, 8))
    assert (hard.name, tuple(hard.train.pixels.shape[1:])) == ("hard-digits", (1, 12, 12))
    assert hard.train.sources is not None


@pytest.mark.slow
def test_sizes():
    bigger = load_images("digits", size=16)
    assert bigger.train.pixels.shape == (1198, 1, 16, 16)
    assert bigger.mean == pytest.approx(load_images("digits").mean, abs=0.01)
    assert load_images("hard-digits", size=9).test.pixels.shape[2:] == (9, 9)
    with pytest.raises(ConfigurationError, match="canvas = 6"):
        load_images("hard-digits", size=6)
    with pytest.raises(ConfigurationError, match="size 0"):
        load_images("digits", size=0)


def test_each_format_is_recognised(tmp_path: Path):
    cifar, folder, parquet = (tmp_path / name for name in ("cifar", "folder", "parquet"))
    for path in (cifar, parquet, folder / "train/a", folder / "test/a"):
        path.mkdir(parents=True)
    for name in ("train", "test"):
        batch = {"data": np.full((1, 3072), 40, np.uint8), "fine_labels": [3]}
        (cifar / name).write_bytes(pickle.dumps(batch))
        Image.new("RGB", (32, 32), (40, 40, 40)).save(folder / name / "a/x.png")
        content = (folder / name / "a/x.png").read_bytes()
        pl.DataFrame({"image": [content], "label": [0]}).write_parquet(parquet / f"{name}.parquet")
    names = []
    for path in (cifar, folder, parquet):
        for source in (path, str(path)):
            data = load_images(source, size=8)
            assert (data.train.pixels == 40).all()
            assert data.test.pixels.shape == (1, 3, 8, 8)
        names.append(data.name)
    assert names == ["cifar100", "folder", "parquet"]


def test_unknown_sources(tmp_path: Path):
    with pytest.raises(UnknownNameError, match="Did you mean 'hard-digits'"):
        load_images("hard-digit")
    with pytest.raises(UnknownNameError, match="Known: digits, hard-digits"):
        load_images(tmp_path / "gone")
    with pytest.raises(DataError, match="holds no images that can be read"):
        load_images(tmp_path)


def test_only_folders_of_files_are_decoded_on_the_fly(tmp_path: Path):
    for source in ("hard-digits", tmp_path):
        with pytest.raises(ConfigurationError, match="Only folders of image files"):
            load_images(source, on_the_fly=True)


def test_hard_digits_split_by_source():
    parts = split(load_images("hard-digits").train, (2000, 1000), 0)
    assert [len(part) for part in parts] == [2000, 1000]
    training, validation = (set(part.sources.tolist()) for part in parts if part.sources is not None)
    assert not training & validation
