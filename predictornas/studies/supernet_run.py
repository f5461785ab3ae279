"""A search with a super-network, run into a folder: architecture, picture, curves, tables, manifest."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from predictornas.files import writing_file
from predictornas.live.augmentation import Augmentation
from predictornas.live.images.image_sets import ImageData
from predictornas.live.images.loading import BUILT_IN, load_images, split
from predictornas.live.images.partition import Partition, partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.report.supernet_page import supernet_page
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import take, write_manifest
from predictornas.studies.pages import write_page
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.supernet_tables import cells_table, epochs_table, operations_table
from predictornas.studies.tasks import Started, silently
from predictornas.studies.tidy_tables import write_table
from predictornas.supernet.derivation import is_member, spelled, strongest
from predictornas.supernet.driver import SearchOutcome, search
from predictornas.supernet.job import SearchJob
from predictornas.supernet.method import Method
from predictornas.supernet.parts.relaxations import GumbelHard
from predictornas.supernet.parts.selection import Magnitude
from predictornas.supernet.published import get_method
from predictornas.supernet.shortening import with_epochs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KIND = "supernet"

GENOTYPE = "genotype.txt"
"""Holds the architecture in the usual form of its space."""

_SMALL_IMAGES, _SMALL_BATCH, _SMALL_EPOCHS, _SMALL_CHANNELS = 256, 32, 4, 8


@dataclass(frozen=True)
class SuperNetworkRun:
    """A search by names and numbers, as the command line has it.

    Attributes:
        method: one of `predictornas.supernet.published.method_names()`.
        space: a DARTS space or nasbench201.
        data: as in `load_images`; half of the training images are for validation.
        preset: "paper", or "released" for the settings of the released code.
        cells: depth of the super-network; the paper's where None.
        channels: its width; the paper's where None.
        epochs: of the search; the paper's where None. Warm-ups and stages keep their share.
        batch_size: the paper's where None.
        size: height and width that images are brought to; as they are where None.
        seed: of everything random.
        device: "cpu" or "cuda".
        threads: CPU threads.
        curvature: whether the dominant eigenvalue of the Hessian is measured in each epoch.
        second_order_error: whether the error of the finite difference of second-order methods is, too.
        small: whether what is not given is as small as shows that everything works, in minutes on a CPU (ours): 256
            images, 4 epochs, batches of 32, 3 cells (one a stage) of 8 channels or what partial channels need.
    """

    method: str = "darts-1"
    space: str = "darts"
    data: str = "digits"
    preset: str = "paper"
    cells: int | None = None
    channels: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    size: int | None = None
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    curvature: bool = False
    second_order_error: bool = False
    small: bool = False

    def prepared(self) -> tuple[SearchJob, Partition]:
        """The search, and the images to search with.

        Raises:
            UnknownNameError: a method, preset, space or image set that is not known.
            ConfigurationError: a space without a super-network, or fewer images than can be taken apart.
            DataError: images that cannot be read.
        """
        method = self._method()
        images = load_images(self.data, size=self.size)
        if self.small and len(images.train) > _SMALL_IMAGES:
            images = replace(images, train=split(images.train, (_SMALL_IMAGES,), self.seed)[0])
        shape = self._shape(method, images)
        job = SearchJob(
            self.space,
            method,
            shape,
            self.seed,
            device=self.device,
            threads=self.threads,
            curvature=self.curvature,
            second_order_error=self.second_order_error,
        )
        return job, partition(images, 0.5, self.seed)

    def _method(self) -> Method:
        method = get_method(self.method, get_space(self.space), preset=self.preset)
        epochs = self.epochs or (_SMALL_EPOCHS if self.small else None)
        batch_size = self.batch_size or (_SMALL_BATCH if self.small else method.weights.batch_size)
        # CIFAR's changes would push a digit out of its picture, and mirrored digits are others (ours)
        gentle = Augmentation(crop_padding=1) if self.data in BUILT_IN else method.weights.augmentation
        method = replace(method, weights=replace(method.weights, batch_size=batch_size, augmentation=gentle))
        return method if epochs is None else with_epochs(method, epochs)

    def _shape(self, method: Method, images: ImageData) -> NetworkShape:
        cells, channels = method.cells, method.channels
        if self.small:
            divisor = math.lcm(method.partial, *(stage.partial for stage in method.stages))
            cells = 1 if self.space == "nasbench201" else 3
            channels = divisor * math.ceil(_SMALL_CHANNELS / divisor)
        return NetworkShape(
            channels=self.channels or channels,
            cells=self.cells or cells,
            classes=images.classes,
            in_channels=images.train.pixels.shape[1],
        )


def run_supernet(
    name: str,
    job: SearchJob,
    images: Partition,
    folder: Path,
    *,
    started: Started = silently,
    pictures: Pictures | None = None,
    asked: SuperNetworkRun | None = None,
) -> SearchOutcome:
    """Runs a search into a folder, or goes on with it there, and writes what it arrives at.

    `report.html`, `genotype.txt`, the figures `cells` and `search`, `epochs.csv`, `cells.csv`, `operations.csv`,
    `manifest.json`, beside the journal and the checkpoint of the search.

    Args:
        name: what figures call the method.
        job: the search.
        images: to train and to validate with.
        folder: its own.
        started: told the number of epochs, gives back what is told about progress.
        pictures: formats and style of the figures.
        asked: what the search was made of, where it was asked for by names; the report then has its command line.

    Raises:
        ConfigurationError, CheckpointError, JournalError, StoreError: as in `predictornas.supernet.driver.epochs`.
    """
    job.check(images)
    take(folder, KIND)
    outcome = search(job, images, folder=folder, advance=started(job.epochs))
    space, genes = get_space(job.space), np.array(outcome.genes, dtype=np.int8)
    tables = {
        "epochs": epochs_table(space, outcome.records),
        "cells": cells_table(space, outcome.records),
        "operations": operations_table(space, outcome.records),
    }
    for title, table in tables.items():
        write_table(folder / f"{title}.csv", table)
    with writing_file(folder / GENOTYPE) as temporary:
        temporary.write_text(space.describe(genes) + "\n", encoding="utf-8")
    save_figures(folder, lambda: _figures(name, job, images, space, genes, tables), pictures)
    settings = {"method": name, "images": images.name, "seed": job.seed}
    settings |= {"options": None if asked is None else asdict(asked)}
    settings |= {"cells": job.shape.cells, "channels": job.shape.channels}
    write_page(folder, supernet_page(tables["epochs"], tables["cells"], settings, space, genes, surroundings()))
    write_manifest(
        folder, KIND, _manifest(name, job, images, outcome) | ({} if asked is None else {"options": asdict(asked)})
    )
    return outcome


def released_rule(job: SearchJob, outcome: SearchOutcome) -> dict[str, Any] | None:
    """What GDAS's released code would derive at the end of a search; None for other methods.

    Its rule may keep two operations of one edge, which is no member of a DARTS space, so the result of the search is
    derived as in DARTS.

    Returns:
        `kept`, for each cell type edges with their operations, and `member`, whether the space has that architecture.
    """
    method = job.method
    if not (isinstance(method.mixing, GumbelHard) and isinstance(method.selection, Magnitude)) or not outcome.records:
        return None
    last = outcome.records[-1].importance
    importance = {name: torch.tensor([list(edge.values()) for edge in edges]) for name, edges in last.items()}
    choices = strongest(job.topology, importance, "gdas")
    return {"kept": spelled(job.topology, choices), "member": is_member(job.topology, choices)}


def _manifest(name: str, job: SearchJob, images: Partition, outcome: SearchOutcome) -> dict[str, Any]:
    return {
        "method": name,
        "search": job.identity(images),
        "images": {"name": images.name, "train": len(images.train), "validation": len(images.validation)},
        "genes": list(outcome.genes),
        "architecture": get_space(job.space).describe(np.array(outcome.genes, dtype=np.int8)),
        "released_rule": released_rule(job, outcome),
        "seconds": sum(record.seconds for record in outcome.records),
        "made_with": surroundings(),
    }


def _figures(
    name: str, job: SearchJob, images: Partition, space: SearchSpace, genes: np.ndarray, tables: dict[str, pl.DataFrame]
) -> dict[str, Figure]:
    from predictornas.plots.cells import draw_cells
    from predictornas.plots.supernet import draw_search

    each = " a stage" if job.space == "nasbench201" else ""
    note = f"{images.name}, seed {job.seed}; cells{each}: {job.shape.cells}, channels: {job.shape.channels}."
    title = f"{name} in {job.space}"
    return {"cells": draw_cells(space, genes, title=title), "search": draw_search(**tables, title=title, note=note)}
