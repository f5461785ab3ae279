from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from polars.testing import assert_frame_equal

from predictornas.errors import AtWorkError, ConfigurationError, DataError, UnknownNameError
from predictornas.executors.base import nothing
from predictornas.executors.serial import Serial
from predictornas.journal import read_records
from predictornas.live.trainable_network import NetworkShape
from predictornas.live.training import EPOCH_LOG
from predictornas.studies import live_study
from predictornas.studies.commands import command_for
from predictornas.studies.folder import MANIFEST
from predictornas.studies.live_study import LiveStudy, run_live_study
from predictornas.studies.locks import Locks
from predictornas.studies.sealed import read_sealed, write_sealed
from tests.live.images.folders import picture_folder

STUDY = LiveStudy(
    space="nasbench201",
    images="digits",
    method="nosh",
    budget_epochs=30,
    levels=(1, 2),
    channels=4,
    cells=1,
    batch_size=20,
    training_images=60,
)
KILLS = 3


def trained_epochs(folder: Path) -> list[tuple[str, int]]:
    """Every epoch that was really trained, with the architecture it belongs to."""
    logs = sorted((folder / "trainings").glob(f"*/{EPOCH_LOG}"))
    return [(log.parent.name, record["epoch"]) for log in logs for record in read_records(log)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, live_study.LiveOutcome]:
    folder = tmp_path_factory.mktemp("live")
    told: list[int] = []
    outcome = run_live_study(STUDY, folder, started=lambda _: told.append)
    assert sum(told) == 30
    return folder, outcome


@pytest.mark.slow
def test_the_budget_is_the_epochs_that_were_trained(finished: tuple[Path, live_study.LiveOutcome]) -> None:
    """20 newcomers and their 10 promotions: 20 x 1 + 10 x (2 - 1) epochs."""
    folder, outcome = finished
    assert outcome.history["cost_epochs"].sum() == 30
    epochs = trained_epochs(folder)
    assert len(epochs) == 30
    assert set(Counter(epochs).values()) == {1}
    assert Counter(outcome.history["epochs"].to_list()) == {1: 20, 2: 10}


@pytest.mark.slow
def test_what_is_written(finished: tuple[Path, live_study.LiveOutcome]) -> None:
    folder, outcome = finished
    names = {"history.parquet", "curves.csv", "curves.png", "recommended.txt", "recommended.svg", "manifest.json"}
    assert names <= {path.name for path in folder.iterdir()}
    assert_frame_equal(pl.read_parquet(folder / "history.parquet"), outcome.history)
    assert (folder / "recommended.txt").read_text().strip() == outcome.description
    longest = outcome.history.filter(pl.col("epochs") == 2)
    assert outcome.recommended.tolist() in longest["genes"].to_list()
    best = longest.sort("value", descending=True)["value"][0]
    row = longest.filter(pl.col("genes") == pl.lit(outcome.recommended.tolist(), pl.List(pl.Int8)))
    assert row["value"].to_list() == [best]
    assert row["evaluation"].to_list() == [outcome.test_accuracy]
    assert json.loads((folder / "manifest.json").read_text())["study"]["budget_epochs"] == 30


def test_the_curves_hold_every_level_that_was_reached(finished: tuple[Path, live_study.LiveOutcome]) -> None:
    _, outcome = finished
    values = outcome.history.select("key", "epochs", validation="value", test="evaluation").sort("key", "epochs")
    assert_frame_equal(outcome.curves.drop("seconds").sort("key", "epochs"), values, check_dtypes=False)


def run_in(folder: Path) -> None:
    run_live_study(STUDY, folder)


@pytest.mark.thorough
def test_three_kills(finished: tuple[Path, live_study.LiveOutcome], tmp_path: Path) -> None:
    """Killed at random moments, the search arrives at the same history, and no epoch is lost or trained twice."""
    folder = tmp_path / "killed"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([live_study.__name__, "predictornas.live.training", "sklearn.datasets"])
    for kill in range(KILLS + 1):
        before = len(trained_epochs(folder))
        process = context.Process(target=run_in, args=(folder,))
        process.start()
        if kill < KILLS:
            goal = min(before + 1, 29)
            while process.is_alive() and len(trained_epochs(folder)) < goal:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.1))
            process.kill()
        process.join(120)
        assert not process.is_alive()
    assert process.exitcode == 0
    epochs = Counter(trained_epochs(folder))
    # only an epoch that was killed between its log and its checkpoint is trained again
    assert set(epochs) == set(trained_epochs(finished[0]))
    assert sum(epochs.values()) - len(epochs) <= KILLS
    history = pl.read_parquet(folder / "history.parquet").drop("cost_seconds")
    assert_frame_equal(history, finished[1].history.drop("cost_seconds"))


@pytest.mark.slow
def test_a_list_of_devices_changes_nothing_and_another_list_goes_on(
    finished: tuple[Path, live_study.LiveOutcome], tmp_path: Path
) -> None:
    study = replace(STUDY, device="cpu,cpu", budget_epochs=6)
    listed = run_live_study(study, tmp_path)
    expected = finished[1].history.head(len(listed.history))
    columns = ["key", "epochs", "value", "evaluation"]
    assert_frame_equal(listed.history.select(columns), expected.select(columns))
    again = run_live_study(replace(study, device="cpu"), tmp_path)
    assert_frame_equal(again.history, listed.history)


def test_another_search_is_refused(finished: tuple[Path, live_study.LiveOutcome]) -> None:
    with pytest.raises(ConfigurationError, match="another search"):
        run_live_study(replace(STUDY, seed=1), finished[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "error", "message"),
    [
        (replace(STUDY, budget_epochs=0), ConfigurationError, "at least 1"),
        (replace(STUDY, levels=(5, 6), budget_epochs=3), ConfigurationError, "too few"),
        (
            replace(STUDY, method="random", levels=(1, 9), budget_epochs=8),
            ConfigurationError,
            "one network for 9, with",
        ),
        (replace(STUDY, space="nasbench-graph"), ConfigurationError, "No network is known"),
        (replace(STUDY, levels=(2, 1)), ConfigurationError, "ascending"),
        (replace(STUDY, levels=()), ConfigurationError, "ascending"),
        (replace(STUDY, batch_size=0), ConfigurationError, "batch_size must be at least 2"),
        (replace(STUDY, training_images=10_000), ConfigurationError, "too few"),
        (replace(STUDY, space="nasbench2001"), UnknownNameError, "nasbench201"),
        (replace(STUDY, method="rank-nsh"), UnknownNameError, "rank-nosh"),
        (replace(STUDY, recipe="smal"), UnknownNameError, "small"),
        (replace(STUDY, images="no-such-folder"), UnknownNameError, "hard-digits"),
        (replace(STUDY, device="cuda:99"), ConfigurationError, "cuda"),
        (replace(STUDY, space="nasbench101", channels=3), ConfigurationError, "up to 4 vertices share"),
        (
            replace(STUDY, recipe="darts-cifar10"),
            ConfigurationError,
            "'darts-cifar10' .* goes with nasbench201: nasben",
        ),
        (replace(STUDY, cells=0), ConfigurationError, "cells = 0"),
        (replace(STUDY, device="cpu,cuda:99"), ConfigurationError, "'cuda:99' was asked for"),
    ],
)
def test_what_cannot_work(study: LiveStudy, error: type[Exception], message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        run_live_study(study, tmp_path)
    assert not (tmp_path / MANIFEST).exists()  # the same folder takes the command that is corrected


@pytest.mark.slow
def test_recipes_of_imagenet_build_its_stem(tmp_path: Path) -> None:
    """As `train` does; a folder of a version that built another is refused, and the stem is no option."""
    study = replace(
        STUDY,
        space="darts",
        cells=2,
        method="random",
        recipe="darts-imagenet",
        image_size=14,
        levels=(1,),
        budget_epochs=1,
    )
    assert study.oracle(tmp_path / "x").shape.stem == "imagenet"
    assert replace(study, recipe="small").oracle(tmp_path / "x").shape.stem == "cifar"
    run_live_study(study, tmp_path / "out")
    facts, _ = read_sealed(tmp_path / "out" / MANIFEST)
    assert "--stem" not in (command_for(tmp_path / "out") or "--stem")
    assert facts["study"].pop("stem") == "imagenet"
    write_sealed(tmp_path / "out" / MANIFEST, facts)
    with pytest.raises(ConfigurationError, match="another search"):
        run_live_study(study, tmp_path / "out")


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no images"):
        run_live_study(replace(STUDY, images=str(tmp_path / "images")), tmp_path / "out")


def test_every_class_has_its_share_where_images_lie_class_by_class(tmp_path: Path) -> None:
    """And `image_size` brings them to one size."""
    for part, count in (("train", 12), ("test", 4)):
        for label in range(3):
            (tmp_path / "images" / part / f"class{label}").mkdir(parents=True)
            for number in range(count):
                image = Image.new("L", (9 + number % 2, 9), 40 * label + number)
                image.save(tmp_path / "images" / part / f"class{label}" / f"{number}.png")
    study = replace(STUDY, images=str(tmp_path / "images"), training_images=12, image_size=8)
    oracle = replace(study, threads=2).oracle(tmp_path / "trainings")
    assert oracle.threads == 2
    parts = oracle.images
    assert parts.train.pixels.shape == (12, 1, 8, 8)
    for images, share in ((parts.train, 4), (parts.validation, 2), (parts.test, 2)):
        assert torch.bincount(images.labels, minlength=3).tolist() == [share] * 3


@pytest.mark.parametrize("training_images", [24, 10, None])
def test_images_to_validate_with_of_its_own_are_as_few_as_asked_for(
    tmp_path: Path, training_images: int | None
) -> None:
    folder = picture_folder(tmp_path, validation=15)
    study = replace(STUDY, images=str(folder), training_images=training_images)
    parts = study.oracle(tmp_path / "trainings").images
    held = 15 if training_images is None else training_images // 2
    judging = 9 if training_images is None else min(9, held)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (training_images or 24, held, judging)
    with pytest.raises(ConfigurationError, match="24 training images and 15 to validate with, too few for 31 to train"):
        replace(study, training_images=31).oracle(tmp_path / "trainings")


@pytest.mark.thorough
def test_rank_nosh_on_the_darts_space(tmp_path: Path) -> None:
    """A predictor, zero-cost scores and the pyramid, on networks of the DARTS space."""
    study = LiveStudy(
        images="digits", budget_epochs=18, levels=(1, 2), channels=2, cells=2, batch_size=20, training_images=20
    )
    outcome = run_live_study(study, tmp_path)
    assert outcome.history["cost_epochs"].sum() == 18
    assert outcome.history["proposed_by"][0] == "synflow"
    assert {"evolutionary", "promotion"} <= set(outcome.history["proposed_by"])
    assert outcome.description.startswith("Genotype(normal=")
    assert np.isfinite(outcome.test_accuracy)


@dataclass
class Watched:
    """An executor that remembers what it was given."""

    targets: list[Path] = field(default_factory=list)

    def run(self, function: Any, tasks: Any, *, tell: Any = nothing) -> Any:
        for task, result in Serial().run(function, tasks, tell=tell):
            self.targets.append(task.target)
            yield task, result


@pytest.mark.slow
def test_trainings_run_where_they_are_told_to_and_find_the_same(
    finished: tuple[Path, live_study.LiveOutcome], tmp_path: Path
) -> None:
    executor = Watched()
    outcome = run_live_study(STUDY, tmp_path, executor=executor)
    assert {target.parent for target in executor.targets} == {tmp_path / "trainings"}
    assert len(set(executor.targets)) == finished[1].history["key"].n_unique()
    assert_frame_equal(outcome.history.drop("cost_seconds"), finished[1].history.drop("cost_seconds"))


def test_a_folder_that_another_command_searches_in_is_left_to_it(tmp_path: Path) -> None:
    with Locks() as others:
        assert others.take(tmp_path / MANIFEST)
        with pytest.raises(AtWorkError, match="Another command searches"):
            run_live_study(STUDY, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folders_that_know_no_stem_are_those_of_the_usual_one() -> None:
    assert live_study._SINCE["stem"] == NetworkShape(4, 1, 2).stem
