from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import polars as pl
import pytest

from predictornas.architectures import parse
from predictornas.errors import (
    AtWorkError,
    CheckpointError,
    ConfigurationError,
    InvalidArchitectureError,
    UnknownNameError,
)
from predictornas.live.curve import Curve
from predictornas.live.exported import load_network
from predictornas.live.images.loading import load_images
from predictornas.live.images.partition import partition
from predictornas.live.training import CHECKPOINT
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import MANIFEST
from predictornas.studies.locks import Locks
from predictornas.studies.retraining import (
    MOBILE_LIMIT,
    Retraining,
    export_training,
    read_architecture,
    retrain,
    space_of,
)
from tests.live.images.folders import picture_folder

DARTS = get_space("darts")
TINY = Retraining("DARTS-V2", images="digits", epochs=2, channels=4, cells=3, batch_size=200)


def test_every_result_can_be_fed_back(tmp_path: Path) -> None:
    """What `live-search` and `supernet` write, and what tables of NAS-Bench-101 and -201 hold."""
    named = read_architecture(DARTS, "DARTS-V2")
    (tmp_path / "genotype.txt").write_text(DARTS.describe(named) + "\n", encoding="utf-8")
    for text in (DARTS.describe(named), str(tmp_path / "genotype.txt"), str(tmp_path), ",".join(map(str, named))):
        assert (read_architecture(DARTS, text) == named).all()
    for name in ("nasbench101", "nasbench201"):
        space = get_space(name)
        row = space.enumerate()[700]
        (tmp_path / "recommended.txt").write_text(space.describe(row) + "\n", encoding="utf-8")
        for text in (space.describe(row), str(tmp_path / "recommended.txt"), ",".join(map(str, row))):
            assert (read_architecture(space, text) == row).all()


@pytest.mark.parametrize(
    ("space", "text", "error", "message"),
    [
        ("darts", "DARTS-V3", UnknownNameError, "DARTS-V2"),
        ("nasbench201", "3,0,1,2,4,5", InvalidArchitectureError, "gene 5 is 5"),
        ("nasbench201", "3,0", InvalidArchitectureError, "rows of 6 whole numbers"),
        ("nasbench201", "300,0,1,2,4,3", InvalidArchitectureError, "gene 0 is 300"),
        ("nasbench201", "DARTS-V2", InvalidArchitectureError, "fits name of darts"),
    ],
)
def test_what_is_none(space: str, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_architecture(get_space(space), text)


def test_a_length_of_nothing_is_not_the_recipes(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="epochs must be at least 1"):
        retrain(replace(TINY, epochs=0), tmp_path)


@pytest.mark.slow
def test_a_tiny_training_with_its_outputs(tmp_path: Path) -> None:
    result = retrain(TINY, tmp_path)
    assert result["epochs"] == 2
    # three cells of a network so small were counted by hand in tests of the networks; here they must only be the same
    assert result["parameters"] == 2642
    curve = pl.read_csv(tmp_path / "curve.csv")
    assert curve["epoch"].to_list() == [1, 2]
    assert result["test_error"] == pytest.approx(1 - curve["test_accuracy"][-1], abs=1e-6)
    assert (tmp_path / "curve.png").stat().st_size > 10_000
    assert json.loads((tmp_path / "manifest.json").read_text())["request"]["architecture"] == "DARTS-V2"
    assert parse(tmp_path, "darts").genes.tolist() == parse("DARTS-V2").genes.tolist()
    told: list[int] = []
    again = retrain(TINY, tmp_path, started=lambda _: told.append)
    assert (again, told) == (result, [])
    with pytest.raises(CheckpointError):
        retrain(replace(TINY, seed=1), tmp_path)


@pytest.mark.slow
def test_a_refused_training_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    def content() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    retrain(replace(TINY, epochs=1), tmp_path)
    before = content()
    for other in (
        replace(TINY, epochs=1, architecture="DARTS-V1"),
        replace(TINY, epochs=1, batch_size=1),
        replace(TINY, epochs=1, threads=0),
    ):
        with pytest.raises((CheckpointError, ConfigurationError)):
            retrain(other, tmp_path)
        assert content() == before
    with Locks() as theirs:
        assert theirs.take(tmp_path / MANIFEST)
        with pytest.raises(AtWorkError, match="Another command trains"):
            retrain(replace(TINY, epochs=1), tmp_path)
    assert content() == before


def test_settings_that_cannot_work_leave_a_new_folder_empty(tmp_path: Path) -> None:
    for cannot in (replace(TINY, batch_size=1), replace(TINY, threads=0), replace(TINY, device="cuda:99")):
        with pytest.raises(ConfigurationError):
            retrain(cannot, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_recipe_is_that_of_the_space_unless_another_is_named(tmp_path: Path) -> None:
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
    request = Retraining(cell, "nasbench201", "digits", epochs=1, channels=2, cells=1)
    retrain(request, tmp_path / "found")
    manifest = json.loads((tmp_path / "found/manifest.json").read_text())
    assert (manifest["request"]["recipe"], TINY.recipe_name) == ("nasbench201", "darts-cifar10")
    export_training(tmp_path / "found", tmp_path / "out")
    assert load_network(tmp_path / "out").card.training["recipe"] == "nasbench201"
    with pytest.raises(ConfigurationError, match=r"'milenas-cifar10' .* goes with nasbench201: nasbench101"):
        retrain(replace(request, recipe="milenas-cifar10"), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


@pytest.mark.slow
def test_what_a_person_is_told_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last epoch counts; a tenth of the images is set aside with a fixed seed."""
    asked = []

    def trained(job, images, *, folder, advance, announce):
        asked.append((job, images, folder))
        half, quarter = np.array([0.25, 0.5]), np.array([0.125, 0.25])
        return Curve(half, half, half, quarter, np.array([30.0, 60.0]))

    monkeypatch.setattr("predictornas.live.training.train", trained)
    totals: list[int] = []
    request = replace(TINY, seed=4, threads=2)
    result = retrain(request, tmp_path, started=lambda total: totals.append(total) or totals.append)  # type: ignore[func-returns-value]
    assert result["validation_error"] == 0.5
    assert result["test_error"] == 0.75
    assert (result["seconds"], result["epochs"], totals) == (90.0, 2, [2])
    ((job, images, folder),) = asked
    assert (job.seed, job.shape.channels, job.shape.cells, job.shape.in_channels, job.shape.classes) == (4, 4, 3, 1, 10)
    assert (job.recipe.epochs, job.recipe.batch_size, job.shape.stem, job.threads) == (2, 200, "cifar", 2)
    assert job.shape.auxiliary == (job.recipe.auxiliary_weight > 0)
    assert images.digest == partition(load_images("digits", size=None), 0.1, 0).digest
    assert folder == tmp_path / "training"
    assert pl.read_csv(tmp_path / "curve.csv")["epoch"].to_list() == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "pixels", "work", "limit", "warned", "refused"),
    [
        ("darts-imagenet", 256, 600_000_001, None, True, False),
        ("darts-imagenet", 256, 600_000_000, None, False, False),
        ("darts-imagenet", 254, 600_000_001, None, False, False),
        ("darts-cifar10", 224, 600_000_001, None, False, False),
        ("darts-imagenet", 256, 624_000_000, 600.0, False, True),
        ("darts-imagenet", 256, 624_000_000, 624.0, False, False),
        ("darts-cifar10", 32, 624_000_000, 0.5, False, True),
    ],
)
def test_600_million_multiply_adds_are_a_warning_and_a_limit_where_one_is_asked_for(
    recipe: str,
    pixels: int,
    work: int,
    limit: float | None,
    warned: bool,
    refused: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    images = Mock(classes=10, train=Mock(image_shape=(3, pixels, 300)), mean=(0.5,), std=(0.5,), class_names=())
    images.name = "pictures"
    monkeypatch.setattr("predictornas.live.images.partition.partition", lambda *_: images)
    monkeypatch.setattr("predictornas.live.counting.count_multiply_adds", lambda *_: work)
    monkeypatch.setattr("predictornas.live.training.train", Mock(side_effect=StopIteration))
    assert MOBILE_LIMIT == 600_000_000
    request = replace(TINY, recipe=recipe, limit_multiply_adds=limit)
    with pytest.raises(ConfigurationError if refused else StopIteration):
        retrain(request, tmp_path, told=said.append)
    assert ["batch normalisation" in text for text in said] == [True] * warned


@pytest.mark.slow
def test_images_of_files_are_decoded_on_the_fly_at_the_size_of_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For 14 pixels that the network sees 16 are held, the curve is that from memory."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    pictures = str(picture_folder(tmp_path / "pictures"))
    request = replace(
        TINY, images=pictures, recipe="darts-imagenet", image_size=14, epochs=1, batch_size=8, channels=2, cells=2
    )
    said: list[str] = []
    for on_the_fly in (True, False):
        asked = replace(request, on_the_fly=on_the_fly, decoders=0)
        retrain(asked, tmp_path / str(on_the_fly), told=said.append)
    assert ["images of 16 x 16 pixels would take" in text for text in said] == [True]
    decoded, held = (pl.read_csv(tmp_path / str(way) / "curve.csv").drop("seconds") for way in (True, False))
    assert decoded.equals(held)
    manifest = json.loads((tmp_path / "True/manifest.json").read_text())
    assert manifest["images"]["image_size"] == [14, 14]


@pytest.mark.parametrize(
    ("text", "space"),
    [
        ("DARTS-V2", "darts"),
        ("string: |none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|", "nasbench201"),
        ("28cfc7874f6d200472e1a9dcd8650aa0", "nasbench101"),
        (",".join(map(str, parse("DARTS-V2").genes)), "darts"),
    ],
)
def test_the_space_is_that_of_the_notation(text: str, space: str) -> None:
    assert space_of(text) == space


@pytest.mark.parametrize("validation", [-0.1, 1.5, float("nan")])
def test_neither_a_share_nor_a_number_of_images(validation: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="0 for none"):
        retrain(replace(TINY, validation=validation), tmp_path)


@pytest.mark.slow
def test_a_folder_that_validates_with_its_own_images_says_so(tmp_path: Path) -> None:
    pictures = str(picture_folder(tmp_path / "pictures", validation=6))
    request = replace(TINY, images=pictures, recipe="small", epochs=1, batch_size=8)
    for validation, told in ((5.0, True), (0.0, False)):
        said: list[str] = []
        result = retrain(replace(request, validation=validation), tmp_path / str(told), told=said.append)
        assert ["6 images to validate with of its own" in text for text in said] == [True] * told
        assert (result["validation_error"] is not None) == told


@pytest.mark.slow
def test_all_images_are_trained_on_and_the_network_leaves(tmp_path: Path) -> None:
    """As papers retrain: no image is set aside; what was trained is read back by `load_network`."""
    result = retrain(replace(TINY, validation=0.0, epochs=1), tmp_path)
    assert result["validation_error"] is None
    files = export_training(tmp_path, tmp_path / "out")
    assert [file.name for file in files] == ["weights.pt", "network.json", "README.txt", "architecture.txt"]
    network = load_network(tmp_path / "out")
    assert network.card.class_names == tuple("0123456789")
    assert network.card.training["epochs"] == 1
    test = load_images("digits").test
    right = (network.classify(test.pixels).argmax(1) == test.labels).double().mean().item()
    assert right == pytest.approx(1 - result["test_error"], abs=1e-6)


@pytest.mark.slow
def test_a_network_leaves_before_its_last_epoch(tmp_path: Path) -> None:
    """Stopped after the first of two epochs; also where an earlier training of that folder had come to its end."""
    folder = tmp_path / "training"
    for seed in (0, 1):

        def stop(_: int) -> None:
            raise KeyboardInterrupt

        request = replace(TINY, seed=seed)
        with pytest.raises(KeyboardInterrupt):
            retrain(request, folder, started=lambda _: stop)
        export_training(folder, tmp_path / "out")
        half = load_network(tmp_path / "out")
        assert (half.card.training["epochs"], half.card.training["seed"]) == (1, seed)
        retrain(request, folder)
        validated, tested = (
            1 - pl.read_csv(folder / "curve.csv")[f"{part}_accuracy"] for part in ("validation", "test")
        )
        assert half.card.training["validation_error"] == pytest.approx(validated[0], abs=1e-6)
        assert half.card.training["test_error"] == pytest.approx(tested[0], abs=1e-6)
        export_training(folder, tmp_path / "out")
        whole = load_network(tmp_path / "out")
        assert whole.card.training["test_error"] == pytest.approx(tested[1], abs=1e-6)
        (folder / "training" / CHECKPOINT).unlink()


def test_a_folder_without_a_training_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="train"):
        export_training(tmp_path, tmp_path / "out")
