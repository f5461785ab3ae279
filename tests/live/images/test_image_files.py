import os
from pathlib import Path

import numpy as np
import pytest

from predictornas.errors import DataError
from predictornas.live.images.image_files import ImageFiles
from tests.live.images.folders import picture_folder


def test_names_are_kept_in_order_whatever_they_are_made_of(tmp_path: Path):
    paths = [tmp_path / "b" / "ä ö.png", tmp_path / os.fsdecode(b"\xff.png"), tmp_path / "a.png"]
    files = ImageFiles.below(tmp_path, paths)
    assert list(files.paths()) == paths
    assert list(files.rows(np.array([2, 0])).paths()) == [paths[2], paths[0]]
    assert len(ImageFiles.below(tmp_path, [])) == 0


def test_stamps_tell_changed_files(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(b"four")
    os.utime(path, ns=(5, 7))
    files = ImageFiles.below(tmp_path, [path])
    assert files.stamps().tolist() == [[4, 7]]
    path.unlink()
    for asked in (files.stamps, lambda: files.decoded(None)):
        with pytest.raises(DataError, match=r"a\.png cannot be read \(No such file"):
            asked()


def test_pixels_come_in_the_order_of_the_files(tmp_path: Path):
    picture_folder(tmp_path)
    paths = sorted((tmp_path / "train").rglob("*.png"))
    files = ImageFiles.below(tmp_path, paths)
    pixels = files.decoded(None)
    assert pixels.shape == (24, 3, 10, 10)
    assert (files.rows(np.array([5, 3])).decoded(None) == pixels[[5, 3]]).all()
    assert files.decoded(4).shape == (24, 3, 4, 4)
