"""A search with a super-network, run into a folder: architecture, picture, curves, tables, manifest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl
import torch

from predictornas.errors import ConfigurationError
from predictornas.files import writing_file
from predictornas.live.augmentation import Augmentation
from predictornas.live.images.image_sets import ImageData
from predictornas.live.images.loading import BUILT_IN, load_images
from predictornas.live.images.partition import Partition, in_halves, most_in_halves, partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.observers import Announcer, Observer, several
from predictornas.report.supernet_page import supernet_page
from predictornas.seeding import check_seed
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import take, write_manifest
from predictornas.studies.pages import write_page
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.supernet_tables import cells_table, epochs_table, operations_table
from predictornas.studies.tasks import Started, silently
from predictornas.studies.tidy_tables import write_table
from predictornas.supernet import cautions
from predictornas.supernet.adjusting import with_anchor, with_mixed_weight
from predictornas.supernet.derivation import is_member, spelled, strongest
from predictornas.supernet.driver import CHECKPOINT, SearchOutcome, search, start_from
from predictornas.supernet.job import SearchJob
from predictornas.supernet.method import Method
from predictornas.supernet.parts.relaxations import GumbelHard
from predictornas.supernet.parts.selection import Magnitude
from predictornas.supernet.published import get_method
from predictornas.supernet.shortening import with_epochs
from predictornas.supernet.warm_start import WarmStart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UsualT = TypeVar("UsualT")

KIND = "supernet"

GENOTYPE = "genotype.txt"
"""Holds the architecture in the usual form of its space."""

_SMALL_IMAGES, _SMALL_BATCH, _SMALL_EPOCHS, _SMALL_CHANNELS = 256, 32, 4, 8


@dataclass(frozen=True)
class SuperNetworkRun:
    """A search by names and numbers, as the command line has it.

    Attributes:
        method: one of `predictornas.supernet.published.method_names()`.
        space: a DARTS space or nasbench201; the paper's where None.
        data: as in `load_images`; half of the training images are for validation, or what a folder has of its own.
        preset: "paper", or "released" for the settings of the released code.
        cells: depth of the super-network; the paper's where None, like all below.
        channels: its width.
        epochs: of the search. Warm-ups and stages keep their share.
        batch_size: of the first epoch.
        learning_rate: of the weights, in the first epoch.
        architecture_rate: learning rate of the architecture parameters.
        warm_up: first epochs, in which they rest.
        lambda_: weight of the validation loss in a mixed-level update.
        anchor: "l2", "kl", "weight-decay" or "none", for Dirichlet mixtures.
        training_images: to search with, one half for weights and one for the architecture; all where None.
        from_: folder of a search whose weights it starts from, or the folder of such searches of several seeds.
        size: height and width that images are brought to; as they are where None.
        seed: of everything random.
        device: "cpu", "cuda" or "cuda:N"; several with commas between for several seeds at once.
        threads: CPU threads.
        curvature: whether the dominant eigenvalue of the Hessian is measured in each epoch.
        second_order_error: whether the error of the finite difference of second-order methods is, too.
        small: whether what is not given is as small as shows that everything works, in minutes on a CPU (ours): 256
            images, 4 epochs, batches of 32, 3 cells (one a stage) of 8 channels or what partial channels need.
    """

    method: str = "darts-1"
    space: str | None = None
    data: str = "digits"
    preset: str = "paper"
    cells: int | None = None
    channels: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    architecture_rate: float | None = None
    warm_up: int | None = None
    lambda_: float | None = None
    anchor: str | None = None
    training_images: int | None = None
    from_: str | None = None
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
            ConfigurationError: a space without a super-network, settings that the method does not have, fewer images
                than can be taken apart, or another super-network to start from.
            CheckpointError: nothing to start from in that folder.
            DataError: images that cannot be read.
        """
        self._check()
        space = get_space(self.space or get_method(self.method, preset=self.preset).space)
        method = self._method(space)
        images = self._fewer(load_images(self.data, size=self.size))
        shape = self._shape(method, images, space)
        job = SearchJob(
            space.name,
            method,
            shape,
            self.seed,
            device=self.device,
            threads=self.threads,
            curvature=self.curvature,
            second_order_error=self.second_order_error,
            start=self._start(),
        )
        return job, partition(images, 0.5, self.seed)

    def _fewer(self, images: ImageData) -> ImageData:
        """As many images as are asked for; a small search takes what there is."""
        most = most_in_halves(images)
        count = self._own("training_images", min(_SMALL_IMAGES, most), None)
        if count is None:
            return images
        if count > most:
            raise ConfigurationError(
                f"{self.data!r} has {most} images to search with, of which one half trains and the other validates, "
                f"too few for {count}. Ask for fewer."
            )
        return in_halves(images, count, self.seed)

    def _check(self) -> None:
        """Refuses numbers that are none of what they stand for, before they are taken for not given."""
        check_seed(self.seed)
        for name in ("cells", "channels", "epochs", "batch_size", "training_images", "size", "threads"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigurationError(f"{name} is {number}; it has to be at least 1.")
        for name in ("learning_rate", "architecture_rate"):
            rate = getattr(self, name)
            if rate is not None and not 0 < rate < math.inf:
                raise ConfigurationError(f"{name} is {rate}; it has to be a finite number above 0.")

    def _own(self, name: str, small: int, usual: UsualT) -> int | UsualT:
        """What was given; else the number of a small search, or what is usual."""
        given: int | None = getattr(self, name)
        return given if given is not None else small if self.small else usual

    def _start(self) -> WarmStart | None:
        if self.from_ is None:
            return None
        folder = Path(self.from_)
        if folder.name == CHECKPOINT:
            folder = folder.parent
        own = folder / seed_folder(self.seed)
        return start_from(own if own.is_dir() else folder)

    def _method(self, space: SearchSpace) -> Method:
        method = get_method(self.method, space, preset=self.preset)
        epochs = self._own("epochs", _SMALL_EPOCHS, None)
        batch_size = self._own("batch_size", _SMALL_BATCH, method.weights.batch_size)
        # CIFAR's changes would push a digit out of its picture, and mirrored digits are others (ours)
        gentle = Augmentation(crop_padding=1) if self.data in BUILT_IN else method.weights.augmentation
        weights = replace(method.weights, batch_size=batch_size, augmentation=gentle)
        if self.learning_rate is not None:
            final = min(weights.final_learning_rate, self.learning_rate)
            weights = replace(weights, learning_rate=self.learning_rate, final_learning_rate=final)
        method = replace(method, weights=weights)
        if self.architecture_rate is not None:
            settings = replace(method.architecture, learning_rate=self.architecture_rate)
            method = replace(method, architecture=settings)
        if self.lambda_ is not None:
            method = with_mixed_weight(method, self.lambda_)
        if self.anchor is not None:
            method = with_anchor(method, self.anchor)
        method = method if epochs is None else with_epochs(method, epochs)
        if self.warm_up is None:
            return method
        if not 0 <= self.warm_up <= method.epochs:
            raise ConfigurationError(
                f"warm_up is {self.warm_up}, and the search has {method.epochs} epochs. Give at most as many; with as "
                "many, alpha rests to the end."
            )
        return replace(method, warm_up=self.warm_up)

    def _shape(self, method: Method, images: ImageData, space: SearchSpace) -> NetworkShape:
        divisor = math.lcm(method.partial, *(stage.partial for stage in method.stages))
        return NetworkShape(
            channels=self._own("channels", divisor * math.ceil(_SMALL_CHANNELS / divisor), method.channels),
            cells=self._own("cells", 1 if space.name == "nasbench201" else 3, method.cells),
            classes=images.classes,
            in_channels=images.train.image_shape[0],
        )


def seed_folder(seed: int) -> str:
    """Where the search of one of several seeds is, in their folder."""
    return f"seed-{seed}"


def run_supernet(
    name: str,
    job: SearchJob,
    images: Partition,
    folder: Path,
    *,
    started: Started = silently,
    observers: Sequence[Observer] = (),
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
        observers: told what the search does, see `predictornas.Observer`.
        pictures: formats and style of the figures.
        asked: what the search was made of, where it was asked for by names; the report then has its command line.

    Raises:
        ConfigurationError, CheckpointError, JournalError, StoreError: as in `predictornas.supernet.driver.epochs`.
    """
    job.check(images)
    take(folder, KIND)
    announce = Announcer(folder.absolute().name, several(observers))
    outcome = search(job, images, folder=folder, advance=started(job.epochs), announce=announce)
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
    settings["start"] = job.start and job.start.said
    warned = [*cautions.before(job), *cautions.after(job, outcome.records)]
    write_page(folder, supernet_page(tables["epochs"], tables["cells"], settings, space, genes, surroundings(), warned))
    facts = _manifest(name, job, images, outcome) | {"warnings": warned}
    write_manifest(folder, KIND, facts | ({} if asked is None else {"options": asdict(asked)}))
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
        "start": job.start and {"folder": str(job.start.path.parent), "search": job.start.source},
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
