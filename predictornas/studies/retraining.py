"""Trains one architecture from its genotype, with the recipes of the papers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from jaxtyping import Int8

from predictornas.architectures import parse
from predictornas.counting import counted
from predictornas.errors import AtWorkError, ConfigurationError
from predictornas.files import writing_file
from predictornas.observers import Announcer, Observer, several
from predictornas.seeding import check_seed
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import MANIFEST, check_owner, take, write_manifest
from predictornas.studies.locks import Locks
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.tasks import Started, silently
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from predictornas.live.curve import Curve
    from predictornas.live.images.partition import Partition
    from predictornas.live.trainable_network import CellNetwork
    from predictornas.live.training import Job

KIND = "training"

DARTS = "darts"
"""Space of genes whose space is not said."""

MOBILE_LIMIT = 600_000_000
"""Multiply-adds at 224 x 224 that the ImageNet mobile setting allows (Liu et al. 2019)."""

COUNTED = "Convolutions and linear layers count; batch normalisation and pooling, which some papers include, do not."
"""The convention of every number of multiply-adds here."""


@dataclass(frozen=True)
class Retraining:
    """What is trained; the fields are the command's flags.

    Attributes:
        architecture: a name in `NAMED_GENOTYPES`, a printed genotype, a file that holds one, or genes with commas.
        space: name of its space.
        images: see `predictornas.live.images.loading.load_images`.
        recipe: name of a training recipe; None for that of the space's own paper.
        epochs: length; None for the recipe's.
        channels: of the first cells.
        cells: as in `predictornas.live.trainable_network.NetworkShape`.
        batch_size: None for the recipe's.
        image_size: height and width that the network sees; None for the images as they are. Recipes that crop and
            resize at random hold them at 8/7 of it.
        validation: what is set aside of the training images: a share below 1, or so many images; 0 for none. Where a
            folder has images of its own to validate with, these are taken instead, unless it is 0.
        seed: of weights, order and augmentation.
        device: where torch computes.
        threads: CPU threads.
        limit_multiply_adds: millions of multiply-adds for one image above which nothing is trained; None for no limit.
        on_the_fly: as in `load_images`.
        decoders: as in `load_images`.
    """

    architecture: str
    space: str = "darts"
    images: str = "hard-digits"
    recipe: str | None = None
    epochs: int | None = None
    channels: int = 36
    cells: int = 20
    batch_size: int | None = None
    image_size: int | None = None
    validation: float = 0.1
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    limit_multiply_adds: float | None = None
    on_the_fly: bool | None = None
    decoders: int | None = None

    @property
    def recipe_name(self) -> str:
        """The recipe that was named, else the one of the space's own paper.

        Raises:
            UnknownNameError: no space has this name.
        """
        from predictornas.live.training_recipes import usual_recipe

        return usual_recipe(get_space(self.space)) if self.recipe is None else self.recipe


def space_of(text: str) -> str:
    """The space in whose notation an architecture is written; of genes that several DARTS spaces have it is `darts`.

    Raises:
        PredictorNASError: as `predictornas.architectures.parse`.
    """
    try:
        return parse(text).space.name
    except ConfigurationError:
        return parse(text, DARTS).space.name


def read_architecture(space: SearchSpace, text: str) -> Int8[np.ndarray, " g"]:
    """Genes from what a person writes.

    Args:
        space: the space of the architecture.
        text: an architecture in any notation, or a file or folder of results that holds one.

    Raises:
        PredictorNASError: as `predictornas.architectures.parse`.
    """
    return parse(text, space).genes


def retrain(
    request: Retraining,
    folder: Path,
    *,
    started: Started = silently,
    told: Callable[[str], None] = lambda _: None,
    observers: Sequence[Observer] = (),
    pictures: Pictures | None = None,
) -> dict[str, Any]:
    """Trains the architecture to the end, or goes on with it; writes a table, a figure, `architecture.txt`, a manifest.

    Args:
        request: what to train.
        folder: of checkpoint and results.
        started: told the number of epochs, gives back what is told about progress.
        told: given what a person should know before the training begins.
        observers: told what the training does, see `predictornas.Observer`.
        pictures: formats and style of the figures.

    Returns:
        What a person wants to know: parameters, multiply-adds, epochs, errors in percent.

    Raises:
        AtWorkError: another command trains in the folder.
        ConfigurationError: settings that cannot work, or more multiply-adds than the request allows.
        CheckpointError: the folder holds another training.
    """
    from predictornas.live.counting import count_parameters
    from predictornas.live.trainable_network import weightless_network
    from predictornas.live.training import check_training, train

    job, images = _asked(request, told)
    space = get_space(job.space)
    network = weightless_network(space, np.array(job.genes, np.int8), job.shape)
    height, width = map(job.recipe.augmentation.seen, images.train.image_shape[1:])
    work = _within_limit(request, network, (images.train.image_shape[0], height, width), told)
    with Locks() as locks:
        check_owner(folder, KIND)
        if not locks.take(folder / MANIFEST):
            raise AtWorkError(f"Another command trains in {folder}. Start it again when that is done.")
        stored = check_training(job, images, folder / "training")
        take(folder, KIND)
        seen = {
            "images": images.name,
            "image_size": [height, width],
            "mean": images.mean,
            "std": images.std,
            "class_names": images.class_names,
        }
        asked = {**asdict(request), "recipe": request.recipe_name}
        made = {"request": asked, "genes": list(job.genes), "images": seen, "made_with": surroundings()}
        if stored is None or not stored.reaches(job.recipe.epochs):
            # what it takes to use the network before its last epoch
            write_manifest(folder, KIND, made)
        with writing_file(folder / "architecture.txt") as place:
            place.write_text(space.describe(np.array(job.genes, np.int8)) + "\n", encoding="utf-8")
        announce = Announcer(folder.absolute().name, several(observers))
        curve = train(job, images, folder=folder / "training", advance=started(job.recipe.epochs), announce=announce)
        table = pl.DataFrame({"epoch": np.arange(1, len(curve) + 1), **curve.columns()})
        write_table(folder / "curve.csv", table)
        facts = {
            "parameters": count_parameters(network),
            "multiply_adds": work,
            "epochs": len(curve),
            "validation_error": round(1 - float(curve.validation_accuracy[-1]), 6) if len(images.validation) else None,
            "test_error": round(1 - float(curve.test_accuracy[-1]), 6),
            "seconds": round(float(curve.seconds.sum()), 1),
        }
        write_manifest(folder, KIND, {**made, "result": facts})
        save_figures(folder, lambda: {"curve": _figure(table, request)}, pictures)
    return facts


def _asked(request: Retraining, told: Callable[[str], None]) -> tuple[Job, Partition]:
    """The training that is asked for, and the images, read."""
    from predictornas.live.images.loading import load_images
    from predictornas.live.images.partition import partition
    from predictornas.live.trainable_network import NetworkShape
    from predictornas.live.training import Job
    from predictornas.live.training_recipes import recipe_for, stem_of

    check_seed(request.seed)
    space = get_space(request.space)
    row = read_architecture(space, request.architecture)
    recipe = recipe_for(request.recipe_name, space).with_lengths(request.epochs, request.batch_size)
    loaded = load_images(
        request.images,
        size=recipe.augmentation.held(request.image_size),
        told=told,
        on_the_fly=request.on_the_fly,
        decoders=request.decoders,
    )
    images = partition(loaded, _set_aside(request.validation), 0)
    if loaded.validation is not None and len(images.validation):
        told(
            f"{loaded.name} has {counted(len(images.validation), 'image')} to validate with of its own. These are "
            f"taken, and validation = {request.validation:g} sets none aside; 0 would leave them out."
        )
    shape = NetworkShape(
        request.channels,
        request.cells,
        images.classes,
        images.train.image_shape[0],
        recipe.auxiliary_weight > 0,
        stem=stem_of(request.recipe_name),
    )
    return Job(space.name, tuple(row.tolist()), shape, recipe, request.seed, request.device, request.threads), images


def _within_limit(
    request: Retraining, network: CellNetwork, image: tuple[int, int, int], told: Callable[[str], None]
) -> int:
    """Multiply-adds for one image of `(channels, height, width)`; says where they are more than papers allow.

    Raises:
        ConfigurationError: they are more than the request allows.
    """
    from predictornas.live.counting import count_multiply_adds

    channels, height, width = image
    work = count_multiply_adds(network, channels, (height, width))
    limit = request.limit_multiply_adds
    if limit is not None and work > limit * 1e6:
        raise ConfigurationError(
            f"This network takes {work / 1e6:.0f}M multiply-adds at {height} x {width}, more than the limit of "
            f"{limit:g}M. Take fewer channels, or another limit."
        )
    if limit is None and _is_mobile(request) and min(height, width) >= 224 and work > MOBILE_LIMIT:
        told(
            f"This network takes {work / 1e6:.0f}M multiply-adds, more than the 600M of the ImageNet mobile setting. "
            f"{COUNTED} Take fewer channels, or refuse larger ones with --limit-multiply-adds 600."
        )
    return work


def _is_mobile(request: Retraining) -> bool:
    """Whether it is trained as on ImageNet, with a stem that makes images an eighth of their size."""
    from predictornas.live.training_recipes import stem_of

    return stem_of(request.recipe_name) == "imagenet"


def _set_aside(validation: float) -> int | float:
    """Images as a whole number, a share as a fraction.

    Raises:
        ConfigurationError: neither.
    """
    if not validation >= 0 or (validation > 1 and validation != round(validation)):
        raise ConfigurationError(
            f"validation = {validation:g} is neither a share from 0 to 1 nor a number of images. Give 0.1 for a tenth "
            "of the training images, 5000 for so many, 0 for none."
        )
    return round(validation) if validation >= 1 else validation


def export_training(folder: Path, out: Path, *, program: bool = False) -> list[Path]:
    """Writes the network that `retrain` left in a folder so that plain torch, or `load_network`, can use it.

    Args:
        folder: of the training; it may still go on, then its newest checkpoint counts.
        out: where the files go; see `predictornas.live.exported`.
        program: whether `torch.export` writes the whole computation too.

    Returns:
        The files.

    Raises:
        UnknownNameError: no such folder.
        ConfigurationError: the folder holds no training, or one of an older version.
        CheckpointError: the checkpoint is damaged.
        StoreError: a file cannot be written.
    """
    from predictornas.live.checkpoints import load_checkpoint
    from predictornas.live.exported import NetworkCard, export_network
    from predictornas.live.trainable_network import NetworkShape
    from predictornas.live.training import CHECKPOINT

    manifest = check_owner(folder, KIND)
    checkpoint = folder / "training" / CHECKPOINT
    if "images" not in manifest or not checkpoint.is_file():
        raise ConfigurationError(
            f"{folder} holds no epoch of a training of this version. Give the `train` command again with --out "
            f"{folder}: it goes on where it stopped, or only writes what is missing."
        )
    saved, known = load_checkpoint(checkpoint), dict(manifest["images"])
    trained = {
        "images": known.pop("images"),
        "recipe": manifest["request"]["recipe"],
        "epochs": len(saved.curve),
        "seed": manifest["request"]["seed"],
        **_errors(saved.curve),
    }
    if "result" in manifest:
        trained |= {name: manifest["result"][name] for name in _errors(saved.curve)}
    card = NetworkCard(
        space=saved.identity["space"],
        genes=tuple(saved.identity["genes"]),
        shape=NetworkShape(**saved.identity["shape"]),
        training=trained,
        **{name: tuple(values) for name, values in known.items()},
    )
    return export_network(saved.tensors["network"], card, out, program=program)


def _errors(curve: Curve) -> dict[str, float | None]:
    """After the last epoch so far; None where there are no images to validate with."""
    last = {"validation_error": float(curve.validation_accuracy[-1]), "test_error": float(curve.test_accuracy[-1])}
    return {name: None if math.isnan(accuracy) else round(1 - accuracy, 6) for name, accuracy in last.items()}


def _figure(table: pl.DataFrame, request: Retraining) -> Figure:
    from predictornas.plots.training_course import draw_training

    title = f"{request.architecture[:40]} on {Path(request.images).name}"
    caption = (
        f"Recipe {request.recipe_name}, {request.cells} cells of {request.channels} channels, seed {request.seed}. "
    )
    caption += (
        "Training loss: mean cross-entropy on the training images. Accuracies after each epoch on the images that it "
        "is trained on, on those set aside to validate with, and on the test images."
    )
    return draw_training(table, title=title, caption=caption)
