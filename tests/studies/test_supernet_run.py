from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import polars as pl
import pytest

from predictornas.errors import CheckpointError, ConfigurationError, UnknownNameError
from predictornas.live.augmentation import Augmentation
from predictornas.studies.supernet_run import SuperNetworkRun, released_rule, run_supernet
from predictornas.supernet.driver import EPOCH_LOG, SearchOutcome
from predictornas.supernet.published import METHODS
from predictornas.supernet.records import EpochRecord
from tests.live.images.folders import picture_folder
from tests.supernet.search_examples import images, job, without_seconds


@pytest.mark.slow
def test_a_folder_of_results_that_goes_on(tmp_path: Path) -> None:
    told: list[int] = []
    searched = job("darts-1", "nasbench201")
    first = run_supernet(
        "mine", searched, images(), tmp_path, started=lambda total: [told.append(total)] and told.append
    )
    assert told == [2, 1, 1]
    pictures = {f"{name}.{ending}" for name in ("cells", "search") for ending in ("png", "svg")}
    tables = {f"{name}.csv" for name in ("cells", "epochs", "operations")}
    kept = {"captions.md", "epochs.jsonl", "genotype.txt", "manifest.json", "report.html", "search.checkpoint"}
    assert {path.name for path in tmp_path.iterdir()} == pictures | tables | kept
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["genes"] == list(first.genes)
    assert manifest["images"] == {"name": "stripes", "train": 16, "validation": 16}
    assert manifest["search"]["method"]["update"] == {"type": "Bilevel", "order": 1, "epsilon": 0.01}
    assert (tmp_path / "genotype.txt").read_text() == manifest["architecture"] + "\n"
    assert len(pl.read_csv(tmp_path / "epochs.csv")) == 2
    again = run_supernet("mine", searched, images(), tmp_path)
    assert list(map(without_seconds, again.records)) == list(map(without_seconds, first.records))
    assert len((tmp_path / EPOCH_LOG).read_text().splitlines()) == 2


def test_the_released_rule_of_gdas_stands_beside_the_result() -> None:
    """Node 3 has its two largest importances on one edge; every other node has them on two."""
    searched = job("gdas", "darts-s2")
    edges = [{"skip_connect": 0.5, "sep_conv_3x3": 0.1} for _ in searched.topology.cell("normal").edges]
    into_three = [edge for edge, (_, target) in enumerate(searched.topology.cell("normal").edges) if target == 3]
    double = [dict(edge) for edge in edges]
    double[into_three[1]] = {"skip_connect": 0.6, "sep_conv_3x3": 0.7}

    def ended(normal: list[dict[str, float]]) -> SearchOutcome:
        importance = {"normal": normal, "reduction": edges}
        return SearchOutcome((), (EpochRecord(1, "search", 0.1, 1.0, 0.5, 1.0, 0.5, 1.0, (), {}, importance, {}),))

    assert released_rule(searched, ended(edges)) == {"kept": ANY, "member": True}
    found = released_rule(searched, ended(double))
    assert found is not None
    assert not found["member"]
    assert found["kept"]["normal"][2:4] == ["skip_connect on (1, 3)", "sep_conv_3x3 on (1, 3)"]
    assert released_rule(job("darts-1"), ended(double)) is None


@pytest.mark.slow
def test_another_search_in_the_same_folder(tmp_path: Path) -> None:
    run_supernet("one", job("darts-1", "nasbench201", epochs=1), images(), tmp_path)
    with pytest.raises(CheckpointError, match="seed is 3, here it is 4"):
        run_supernet("two", job("darts-1", "nasbench201", epochs=1, seed=4), images(), tmp_path)


def test_nothing_is_written_for_what_cannot_work(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with pytest.raises(ConfigurationError, match="fewer than one batch"):
        run_supernet("mine", replace(job("darts-1"), method=METHODS["darts-1"]), images(), folder)
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "cells", "channels", "epochs", "batch_size"),
    [
        ({}, 8, 16, 50, 64),
        ({"method": "drnas-progressive"}, 20, 36, 50, 64),
        ({"method": "gdas", "space": "nasbench201"}, 5, 16, 250, 64),
        ({"method": "gdas"}, 8, 16, 250, 256),
        ({"small": True}, 3, 8, 4, 32),
        ({"method": "drnas-progressive", "small": True}, 3, 12, 4, 32),
        ({"method": "pc-darts", "space": "nasbench201", "small": True}, 1, 8, 4, 32),
        ({"small": True, "cells": 2, "channels": 6, "epochs": 1, "batch_size": 8}, 2, 6, 1, 8),
    ],
)
def test_what_is_not_given_is_the_papers_or_small(
    settings: dict[str, Any], cells: int, channels: int, epochs: int, batch_size: int
) -> None:
    searched, parts = SuperNetworkRun(**settings).prepared()
    assert (searched.shape.cells, searched.shape.channels) == (cells, channels)
    assert (searched.method.epochs, searched.method.weights.batch_size) == (epochs, batch_size)
    assert len(parts.train) == (128 if settings.get("small") else 599)
    assert (searched.shape.classes, searched.shape.in_channels) == (10, 1)
    assert searched.method.weights.augmentation == Augmentation(crop_padding=1)
    searched.check(parts)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        *(
            ({name: 0}, f"{name} is 0; it has to be at least 1")
            for name in ("cells", "channels", "epochs", "batch_size", "training_images", "size", "threads")
        ),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it has to be a finite number above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"architecture_rate": -1.0}, "architecture_rate is -1.0; it has to be a finite number above 0"),
        ({"warm_up": 5}, "warm_up is 5, and the search has 4 epochs. Give at most as many"),
        ({"warm_up": -1}, "warm_up is -1"),
        ({"training_images": 1}, "Choose more images, or 0 for none"),
        ({"training_images": 50_000}, "'digits' has 1198 images to search with.* too few for 50000"),
    ],
)
def test_numbers_out_of_range_are_refused_and_not_taken_for_not_given(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SuperNetworkRun(small=True, **settings).prepared()


def test_half_of_the_images_are_for_alpha_where_a_folder_has_its_own_to_validate_with(tmp_path: Path) -> None:
    """24 to train and 15 to validate with: no more than 30 in halves, which are also what a small search takes."""
    folder = str(picture_folder(tmp_path, validation=15))
    asked = SuperNetworkRun(data=folder, channels=4, cells=2, batch_size=4)
    sizes = []
    for run in (
        replace(asked, training_images=12),
        replace(asked, training_images=30),
        replace(asked, small=True),
        asked,
    ):
        _, parts = run.prepared()
        sizes.append((len(parts.train), len(parts.validation)))
    assert sizes == [(6, 6), (15, 15), (15, 15), (24, 15)]
    with pytest.raises(ConfigurationError, match="has 30 images to search with"):
        replace(asked, training_images=31).prepared()


def test_a_warm_up_as_long_as_the_search_is_allowed() -> None:
    searched, _ = SuperNetworkRun(small=True, warm_up=4).prepared()
    assert (searched.method.warm_up, searched.method.epochs) == (4, 4)


def test_threads_and_curvature_are_those_that_were_asked_for() -> None:
    searched, _ = SuperNetworkRun(small=True, threads=2).prepared()
    assert (searched.threads, searched.curvature, searched.device) == (2, False, "cpu")


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'gdas'"):
        SuperNetworkRun(method="gda").prepared()
    with pytest.raises(UnknownNameError, match="'digits'"):
        SuperNetworkRun(data="digit").prepared()
