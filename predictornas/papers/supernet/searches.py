"""Super-network searches of a study: what each size runs, shared by the figures that look at the same searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from predictornas.counting import counted
from predictornas.errors import ConfigurationError, JournalError, UnknownNameError
from predictornas.executors import Task, Tell
from predictornas.journal import Journal, read_records
from predictornas.live.augmentation import Augmentation
from predictornas.live.checkpoints import load_checkpoint, save_checkpoint
from predictornas.live.devices import kind_of_device, own_device
from predictornas.live.images.loading import BUILT_IN, load_images
from predictornas.live.images.partition import Partition, in_halves, most_in_halves, partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.papers.figure import FigureRequest
from predictornas.studies.tasks import run_all
from predictornas.supernet.driver import CHECKPOINT, EPOCH_LOG, epochs, start_from, taken_up
from predictornas.supernet.job import SearchJob
from predictornas.supernet.method import Method, as_json
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.records import EpochRecord, selected
from predictornas.supernet.shortening import with_epochs


@dataclass(frozen=True)
class Scale:
    """How much every search of a study is, where a paper's own settings are not taken.

    Attributes:
        space: nasbench201, or a DARTS space.
        images: training images in all, one half to train and one half to validate with; None for all.
        pixels: height and width that images are brought to; None for as they are.
        batch_size: None for the method's own.
        epochs: of a search; None for the method's own.
        cells: depth; None for the method's own.
        channels: width; None for the method's own.
        seeds: searches of each setting.
        architecture_rate: factor of the learning rate of the architecture parameters, which in fewer steps would
            otherwise hardly leave their start; regression of the loss (PVLL-NAS) has so few steps in any case.
    """

    space: str
    images: int | None
    pixels: int | None
    batch_size: int | None
    epochs: int | None
    cells: int | None
    channels: int | None
    seeds: int
    architecture_rate: float = 1.0


SCALES = {
    # Reductions (ours): 600 of the 50,000 images at a quarter of the area, half the width, one cell a stage, cells of
    # NAS-Bench-201 in the place of those of DARTS, shorter searches: 120 steps for the paper's 19,500, so a hundred
    # times the rate of alpha gives it nearly as much way.
    "small": Scale(
        "nasbench201",
        images=600,
        pixels=16,
        batch_size=50,
        epochs=20,
        cells=1,
        channels=8,
        seeds=3,
        architecture_rate=100.0,
    ),
    "full": Scale("darts", images=None, pixels=None, batch_size=None, epochs=None, cells=None, channels=None, seeds=4),
}
"""What is run at each size; 4 seeds as in He et al. 2020."""

DEFAULT_DATA = "hard-digits"
"""Images that need no file."""


@runtime_checkable
class Probe(Protocol):
    """Something that is measured on the super-network after some epochs of a search; a frozen dataclass, picklable."""

    @property
    def name(self) -> str:
        """Names the file of what was measured; other settings need another name."""

    def is_due(self, epoch: int, epochs: int) -> bool:
        """Whether it measures after an epoch, counted from 1, of so many."""

    def measure(self, ongoing: OngoingSearch) -> list[dict[str, Any]]:
        """Rows of plain values; must leave the search as it was, random generator and batch statistics included."""


@dataclass(frozen=True)
class StudiedSearch:
    """One search of a study.

    Attributes:
        setting: what figures call it.
        seed: of everything random.
        space: name of its space.
        method: with the lengths and sizes of the scale.
        scale: what else it is made with.
        data: as in `load_images`.
        probe: what is measured on the way; None for nothing.
        device: "cpu" or "cuda"; with commas between, "cuda:0,cuda:1", each worker has one of them.
        start: folder of the search whose weights it starts from; None for fresh ones.
        keeps: epochs after which its checkpoint is kept beside the newest one.
    """

    setting: str
    seed: int
    space: str
    method: Method
    scale: Scale
    data: str
    probe: Probe | None = None
    device: str = "cpu"
    start: Path | None = None
    keeps: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """Name of its folder."""
        extra = "" if self.probe is None else f"+{self.probe.name}"
        return f"{self.setting.replace(' ', '-').replace('/', '-')}{extra}-seed-{self.seed}"

    def prepared(self) -> tuple[SearchJob, Partition]:
        """The search as the driver takes it, and its images.

        Raises:
            ConfigurationError, DataError, UnknownNameError: as in `load_images` and `partition`.
        """
        images = _images(self.data, self.scale.pixels)
        if self.scale.images is not None:
            images = in_halves(images, min(self.scale.images, most_in_halves(images)), self.seed)
        shape = NetworkShape(
            channels=self.scale.channels or self.method.channels,
            cells=self.scale.cells or self.method.cells,
            classes=images.classes,
            in_channels=images.train.image_shape[0],
        )
        start = None if self.start is None else start_from(self.start)
        device = own_device(self.device)
        job = SearchJob(self.space, self.method, shape, self.seed, device=device, start=start)
        return job, partition(images, 0.5, self.seed)


@dataclass(frozen=True)
class SearchTrace:
    """What a search of a study left.

    Attributes:
        search: which one.
        records: one an epoch.
        probed: what its probe measured, rows with `epoch` each.
        genes: the architecture that it arrives at.
        folder: where its checkpoint is.
    """

    search: StudiedSearch
    records: tuple[EpochRecord, ...]
    probed: tuple[dict[str, Any], ...]
    genes: tuple[int, ...]
    folder: Path

    def trained(self, epoch: int | None = None) -> OngoingSearch:
        """The search with its trained super-network: at its end, or after an epoch that it keeps; 0 is its start."""
        job, images = self.search.prepared()
        if epoch == 0:
            return OngoingSearch.begin(job, images)
        return taken_up(job, images, self.folder if epoch is None else kept_at(self.folder, epoch))


def scale_of(request: FigureRequest, scales: Mapping[str, Scale] = SCALES) -> Scale:
    """The scale of a request's size, with the seeds that it asks for.

    Args:
        request: the size and the seeds.
        scales: by size, where a figure has sizes of its own.

    Raises:
        UnknownNameError: no such size.
        ConfigurationError: options that only studies of tables have.
    """
    if request.size not in scales:
        raise UnknownNameError("size", request.size, scales)
    if request.study is not None or request.preset is not None or request.budget is not None:
        raise ConfigurationError(
            "A figure of super-networks has searches of its own. Leave out --study, --preset and --budget."
        )
    scale = scales[request.size]
    return scale if request.seeds is None else replace(scale, seeds=request.seeds)


def described_scale(request: FigureRequest, scale: Scale | None = None) -> str:
    """What is run for a request, at its own scale or another one, in one sentence for captions."""
    scale, data = scale or scale_of(request), Path(request.data or DEFAULT_DATA).name
    parts = {
        "{:,} images": scale.images,
        "{0} x {0} pixels": scale.pixels,
        "{} epochs": scale.epochs,
        "{} channels": scale.channels,
        "cells a stage: {}" if scale.space == "nasbench201" else "{} cells": scale.cells,
        "alpha's learning rate times {:.3g}": None if scale.architecture_rate == 1 else scale.architecture_rate,
    }
    said = [text.format(value) for text, value in parts.items() if value is not None]
    return f"{data}, size {request.size}: {', '.join([scale.space, *said, counted(scale.seeds, 'seed')])}."


def studied(
    request: FigureRequest,
    methods: Mapping[str, Method],
    *,
    scale: Scale | None = None,
    space: str | None = None,
    probe: Probe | None = None,
) -> list[StudiedSearch]:
    """A search for each setting and seed, at the scale of the request.

    Args:
        request: size, data, seeds.
        methods: by setting, with the lengths of the paper.
        scale: instead of the request's own.
        space: instead of the scale's own.
        probe: what is measured on the way.
    """
    scale = scale or scale_of(request)
    scale = replace(scale, space=space or scale.space)
    data = request.data or DEFAULT_DATA
    return [
        StudiedSearch(setting, seed, scale.space, _at(scale, method, data), scale, data, probe, request.device)
        for setting, method in methods.items()
        for seed in range(scale.seeds)
    ]


def table_for(request: FigureRequest, measured: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """The tidy table of a figure: what was found in an earlier run, where the request has it, else what is measured."""
    return measured() if request.found is None else request.found


def study_facts(searches: Sequence[StudiedSearch]) -> dict[str, Any]:
    """What a manifest says of the searches behind a figure: every setting's method, the scale, the data, the device."""
    first = searches[0]
    return {
        "settings": {search.setting: as_json(search.method) for search in searches if search.seed == 0},
        "spaces": list(dict.fromkeys(search.space for search in searches)),
        "scale": as_json(first.scale),
        "data": Path(first.data).name,
        "device": kind_of_device(first.device),
    }


def traces(
    request: FigureRequest, searches: Sequence[StudiedSearch], *, folder: Path | None = None
) -> list[SearchTrace]:
    """Runs every search to its end, or reads what is there already, in as many processes as the request has workers.

    Each has a folder of its own below `supernet-SIZE-DATA` in the request's folder, searches in another space than that
    of the size below a folder named after it; figures of one folder share them.

    Args:
        request: where to, and how many at a time.
        searches: what to run.
        folder: of all of them, instead.

    Raises:
        CheckpointError: a folder holds another search of the same name.
        ConfigurationError, DataError, JournalError, StoreError: as in `predictornas.supernet.driver.epochs`.
    """
    base = request.folder / f"supernet-{request.size}-{Path(request.data or DEFAULT_DATA).name}"
    own = None if folder is not None else scale_of(request).space
    tasks = [
        Task(search, (folder or (base if search.space == own else base / search.space)) / search.label)
        for search in searches
    ]
    run_all(_search, tasks, is_done=_is_done, units=lambda task: _epochs(task.what), execution=request.execution)
    return [_read(task.what, task.target) for task in tasks]


_images = lru_cache(maxsize=1)(lambda data, pixels: load_images(data, size=pixels))
"""The images of the last search, which are mostly those of the next one too."""


def _at(scale: Scale, method: Method, data: str) -> Method:
    """The method with the batches, changes of images and length of a scale."""
    weights = replace(method.weights, batch_size=scale.batch_size or method.weights.batch_size)
    if data in BUILT_IN:
        # CIFAR's changes would push a digit out of its picture, and mirrored digits are others (ours)
        weights = replace(weights, augmentation=Augmentation(crop_padding=1))
    elif scale.pixels is not None:
        weights = replace(weights, augmentation=Augmentation(crop_padding=scale.pixels // 8, flip=True))
    method = replace(method, weights=weights)
    if not isinstance(method.update, LossSpaceRegression):
        rate = scale.architecture_rate * method.architecture.learning_rate
        method = replace(method, architecture=replace(method.architecture, learning_rate=rate))
    return method if scale.epochs is None else with_epochs(method, scale.epochs)


def _epochs(search: StudiedSearch) -> int:
    return search.prepared()[0].epochs


def _is_done(task: Task[StudiedSearch]) -> bool:
    """Whether a search has come to its end, with all that its probe measures."""
    job, probe = task.what.prepared()[0], task.what.probe
    if {record["epoch"] for record in _records(task.target / EPOCH_LOG)} < set(range(1, job.epochs + 1)):
        return False
    if not all((kept_at(task.target, epoch) / CHECKPOINT).exists() for epoch in task.what.keeps):
        return False
    if probe is None:
        return True
    due = {epoch for epoch in range(1, job.epochs + 1) if probe.is_due(epoch, job.epochs)}
    return due <= {record["epoch"] for record in _records(_probed_at(task.target, probe))}


def _records(path: Path) -> list[dict[str, Any]]:
    return read_records(path) if path.exists() else []


def _search(search: StudiedSearch, folder: Path, tell: Tell) -> None:
    job, images = search.prepared()
    records = epochs(job, images, folder=folder)
    if search.probe is None:
        for record in records:
            _keep(search, folder, record.epoch)
            tell(1)
        return
    with Journal(_probed_at(folder, search.probe)) as log:
        seen = {line["epoch"] for line in log.records}
        for record in records:
            _keep(search, folder, record.epoch)
            if record.epoch not in seen and search.probe.is_due(record.epoch, job.epochs):
                # the checkpoint is that of this epoch: the generator has not gone on
                ongoing = taken_up(job, images, folder)
                rows = search.probe.measure(_checked(ongoing, record, folder))
                log.append({"epoch": record.epoch, "rows": rows})
            tell(1)


def kept_at(folder: Path, epoch: int) -> Path:
    """Where the checkpoint after an epoch is kept."""
    return folder / f"epoch-{epoch}"


def _keep(search: StudiedSearch, folder: Path, epoch: int) -> None:
    """Copies the checkpoint where the search is to keep that of this epoch; the next epoch has not begun."""
    place = kept_at(folder, epoch) / CHECKPOINT
    if epoch not in search.keeps or place.exists():
        return
    found = load_checkpoint(folder / CHECKPOINT)
    if found.tensors["done"] != epoch:
        raise _gone_on(folder, found.tensors["done"], epoch)
    place.parent.mkdir(exist_ok=True)
    save_checkpoint(place, found)


def _gone_on(folder: Path, done: int, epoch: int) -> JournalError:
    return JournalError(
        f"{folder} has gone on to epoch {done} without what is measured after epoch {epoch}. Remove the folder to "
        "search anew."
    )


def _checked(ongoing: OngoingSearch, record: EpochRecord, folder: Path) -> OngoingSearch:
    if ongoing.done != record.epoch:
        raise _gone_on(folder, ongoing.done, record.epoch)
    return ongoing


def _read(search: StudiedSearch, folder: Path) -> SearchTrace:
    job, images = search.prepared()
    records = tuple(epochs(job, images, folder=folder))
    probed: list[dict[str, Any]] = []
    if search.probe is not None:
        with Journal(_probed_at(folder, search.probe)) as log:
            probed = [{"epoch": line["epoch"], **row} for line in log.records for row in line["rows"]]
    return SearchTrace(search, records, tuple(probed), selected(job.method, records), folder)


def _probed_at(folder: Path, probe: Probe) -> Path:
    return folder / f"{probe.name}.jsonl"
