from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from predictornas.errors import CheckpointError, ConfigurationError, JournalError, UnknownNameError
from predictornas.journal import Journal, read_records
from predictornas.live import devices
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import searches as supernet_study
from predictornas.papers.supernet.searches import (
    Scale,
    SearchTrace,
    described_scale,
    scale_of,
    studied,
    study_facts,
    traces,
)
from predictornas.spaces.registry import get_space
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.published import get_method
from predictornas.supernet.weight_steps import measured
from tests.live.images.folders import picture_folder

TINY = Scale("nasbench201", images=60, pixels=8, batch_size=15, epochs=2, cells=1, channels=2, seeds=1)
DARTS = get_method("darts-1", get_space("nasbench201"))


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> FigureRequest:
    """A request whose searches have two epochs of two steps."""
    monkeypatch.setitem(supernet_study.SCALES, "small", TINY)
    return FigureRequest(tmp_path / "figures", data="digits")


@dataclass(frozen=True)
class Looking:
    """Notes the epoch and the sum of alpha; stops the program once, before an epoch, if told to."""

    stops: Path
    at: int = 0

    @property
    def name(self) -> str:
        return "looking"

    def is_due(self, epoch: int, epochs: int) -> bool:
        return epoch <= epochs

    def measure(self, ongoing: OngoingSearch) -> list[dict[str, Any]]:
        if ongoing.done == self.at and not self.stops.exists():
            self.stops.touch()
            raise KeyboardInterrupt
        total = float(ongoing.state.parameters.alpha["cell"].detach().sum())
        # what a probe does to its copy must not matter
        ongoing.run_epoch()
        return [{"alpha": total, "first": True}, {"alpha": -total, "first": False}]


def test_each_worker_has_a_device_of_the_list(tiny: FigureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    (search,) = studied(replace(tiny, device="cuda:0,cuda:1"), {"DARTS": DARTS})
    assert search.prepared()[0].device == "cuda:0"
    monkeypatch.setattr(devices, "worker_number", lambda: 1)
    assert search.prepared()[0].device == "cuda:1"
    assert study_facts([search])["device"] == "cuda"


def test_images_to_validate_with_of_its_own_are_half_of_those_of_the_scale(tiny: FigureRequest, tmp_path: Path) -> None:
    folder = str(picture_folder(tmp_path / "pictures", train=45, validation=33))
    (search,) = studied(replace(tiny, data=folder), {"DARTS": DARTS})
    _, parts = search.prepared()
    assert (len(parts.train), len(parts.validation)) == (30, 30)


def without_seconds(trace: SearchTrace) -> list[Any]:
    return [replace(record, seconds=0.0) for record in trace.records]


@pytest.mark.slow
def test_another_figure_of_the_folder_reads_the_same_searches(tiny):
    (first,) = traces(tiny, studied(tiny, {"darts-1": DARTS}))
    files = {path: path.stat().st_mtime_ns for path in tiny.folder.rglob("*") if path.is_file()}
    second, other = traces(tiny, studied(tiny, {"darts-1": DARTS, "again": DARTS}))
    assert second.records == first.records
    assert all(path.stat().st_mtime_ns == time for path, time in files.items())
    # another name is another search, of the same seed: the same but for its time
    assert other.folder != second.folder
    assert without_seconds(other) == without_seconds(first)
    assert first.genes == first.records[-1].genes


@pytest.mark.slow
def test_one_name_for_two_methods_is_refused(tiny):
    traces(tiny, studied(tiny, {"mine": DARTS}))
    with pytest.raises(CheckpointError):
        traces(tiny, studied(tiny, {"mine": get_method("gdas", get_space("nasbench201"))}))


@pytest.mark.slow
def test_a_probe_that_was_cut_off_goes_on_and_changes_nothing(tiny, tmp_path):
    probe = Looking(tmp_path / "stopped", at=2)
    searches = studied(tiny, {"darts-1": DARTS}, probe=probe)
    with pytest.raises(KeyboardInterrupt):
        traces(tiny, searches)
    (folder,) = (tiny.folder / "supernet-small-digits").iterdir()
    assert [json.loads(line)["epoch"] for line in (folder / "looking.jsonl").read_text().splitlines()] == [1]
    (found,) = traces(tiny, searches)
    (plain,) = traces(tiny, studied(tiny, {"darts-1": DARTS}))
    assert without_seconds(found) == without_seconds(plain)
    sums = [sum(sum(edge.values()) for edge in record.alpha["cell"]) for record in plain.records]
    assert [(row["epoch"], row["first"]) for row in found.probed] == [(1, True), (1, False), (2, True), (2, False)]
    assert [row["alpha"] for row in found.probed[::2]] == pytest.approx(sums, rel=1e-5)
    assert plain.probed == ()


@pytest.mark.slow
def test_an_epoch_that_cannot_be_measured_any_more_is_told(tiny, tmp_path):
    searches = studied(tiny, {"darts-1": DARTS}, probe=Looking(tmp_path / "never", at=0))
    (found,) = traces(tiny, searches)
    log = found.folder / "looking.jsonl"
    last = read_records(log)[1]
    log.unlink()
    with Journal(log) as journal:
        journal.append(last)
    with pytest.raises(JournalError, match="gone on to epoch 2 without what is measured after epoch 1"):
        traces(tiny, searches)


@pytest.mark.slow
def test_the_trained_network_is_that_of_the_last_record(tiny):
    (found,) = traces(tiny, studied(tiny, {"darts-1": DARTS}))
    ongoing = found.trained()
    assert ongoing.finished
    again = measured(ongoing.state, validation_batches(ongoing.images, 15), ongoing.state.mixture)
    assert again.loss == pytest.approx(found.records[-1].validation_loss, abs=1e-6)
    assert again.accuracy == found.records[-1].validation_accuracy


def test_a_search_has_the_sizes_of_the_scale(tiny):
    scale = replace(TINY, architecture_rate=10.0, seeds=2)
    methods = {name: get_method(name, get_space("nasbench201")) for name in ("darts-1", "pvll")}
    searches = studied(tiny, methods, scale=scale)
    assert [search.label for search in searches] == ["darts-1-seed-0", "darts-1-seed-1", "pvll-seed-0", "pvll-seed-1"]
    jobs = [search.prepared() for search in searches]
    for job, images in jobs:
        assert (len(images.train), len(images.validation), images.train.pixels.shape[2:]) == (30, 30, (8, 8))
        assert (job.shape.channels, job.shape.cells, job.epochs) == (2, 1, 2)
        # digits have no mirror images
        assert job.method.weights.augmentation.flip is False
    assert jobs[0][1].digest != jobs[1][1].digest
    assert jobs[0][0].method.architecture.learning_rate == pytest.approx(3e-3)
    assert jobs[2][0].method.architecture.learning_rate == 0.1


def test_what_the_captions_say(tiny):
    request = FigureRequest(tiny.folder, data="somewhere/cifar10", seeds=5)
    assert described_scale(request) == (
        "cifar10, size small: nasbench201, 60 images, 8 x 8 pixels, 2 epochs, 2 channels, cells a stage: 1, 5 seeds."
    )
    assert scale_of(request).seeds == 5
    full = described_scale(FigureRequest(tiny.folder, size="full"))
    assert full == "hard-digits, size full: darts, 4 seeds."


@pytest.mark.parametrize("option", [{"study": Path("study")}, {"preset": "quick"}, {"budget": 10}])
def test_options_of_tables_are_refused(tiny, option):
    with pytest.raises(ConfigurationError, match="Leave out --study, --preset and --budget"):
        scale_of(FigureRequest(tiny.folder, **option))


def test_an_unknown_size_is_refused(tiny):
    with pytest.raises(UnknownNameError, match="small"):
        scale_of(FigureRequest(tiny.folder, size="huge"))


def test_the_sizes_that_the_documents_report():
    """What every published super-network number was made with."""
    own = dict.fromkeys(("images", "pixels", "batch_size", "epochs", "cells", "channels"))
    reduced = {"images": 600, "pixels": 16, "batch_size": 50, "epochs": 20, "cells": 1, "channels": 8}
    assert {
        "small": Scale("nasbench201", **reduced, seeds=3, architecture_rate=100.0),
        "full": Scale("darts", **own, seeds=4, architecture_rate=1.0),
    } == supernet_study.SCALES
