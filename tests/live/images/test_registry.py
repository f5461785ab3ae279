from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from predictornas import registry
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live.images.image_sets import ImageData
from predictornas.live.images.loading import digits_at, load_images
from predictornas.live.images.registry import IMAGE_SETS
from tests.extras import needed

needed("sklearn")


def halves(size: int | None) -> ImageData:
    """An image set of one's own."""
    return digits_at(4 if size is None else size)


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_a_name_stands_before_a_folder_of_that_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert load_images(name, size=9).train.pixels.shape[2:] == (9, 9)


def test_image_sets_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("halves", f"{__name__}:halves", "predictornas.image_sets")
    monkeypatch.setattr(registry, "points_of", lambda group: (point,) if group == point.group else ())
    for name in ("halves", "tests.live.images.test_registry:halves"):
        assert load_images(name).train.pixels.shape[2:] == (4, 4)
        assert load_images(name, size=6).train.pixels.shape[2:] == (6, 6)
    with pytest.raises(ConfigurationError, match="is no ImageData: dict lacks"):
        load_images("builtins:dict")
    with pytest.raises(UnknownNameError, match=r"no built-in image set or folder named 'hales'. Did you mean 'halves'"):
        load_images("hales")
