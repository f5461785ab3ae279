"""Benchmarks that this project measures itself: architectures of a small space trained for real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.executors import Task, Tell
from predictornas.journal import Journal, read_records
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import take
from predictornas.studies.locks import locked
from predictornas.studies.provenance import surroundings
from predictornas.studies.tasks import Execution, run_missing

if TYPE_CHECKING:
    from predictornas.live.images.partition import Partition
    from predictornas.live.training_recipes import Recipe

KIND = "table"

LICENCE = "Apache-2.0; images derived from scikit-learn's digits (UCI, CC BY 4.0)"

CELLS_A_JOURNAL = 12
"""Architectures that one worker trains in a row and writes into one file."""


@dataclass(frozen=True)
class TableRecipe:
    """What is trained on what, so that the same recipe gives the same table (but for the seconds and for rounding).

    Attributes:
        name: of the benchmark.
        most_vertices: the cells of NAS-Bench-101 with at most so many vertices, input and output included.
        most_edges: and with at most so many edges; None for any number.
        cells: how many of these, drawn at random; None for all. A larger number holds the cells of a smaller one, so
            that a folder can be continued with more.
        canvas: height and width of the images.
        images: training, validation and test images; a few fewer where one more would divide what comes from one
            original digit.
        difficulty: of `hard_digits`: shift, pieces, noise, contrast.
        channels: of the first stack.
        stacks: of one cell each.
        batch_size: images in a batch.
        learning_rate: at the first batch.
        decay: of the learning rate in an epoch; it falls at every batch. An exponential schedule ranks early epochs
            better than a cosine, whose rate is still high in the middle of the training.
        weight_decay: factor of the L2 penalty's gradient.
        budgets: epochs after which accuracies are measured, all on one learning curve; the last is the whole training.
        seeds: trainings of each architecture.
    """

    name: str = "nasbench101-digits"
    most_vertices: int = 5
    most_edges: int | None = None
    cells: int | None = None
    canvas: int = 10
    images: tuple[int, int, int] = (640, 600, 600)
    difficulty: tuple[int, int, int, int] = (2, 1, 8, 192)
    channels: int = 8
    stacks: int = 2
    batch_size: int = 40
    learning_rate: float = 0.1
    decay: float = 0.65
    weight_decay: float = 5e-4
    budgets: tuple[int, ...] = (1, 3, 9)
    seeds: tuple[int, ...] = (0, 1, 2)


_SECOND = TableRecipe(
    name="nasbench101-digits-2",
    cells=300,
    canvas=8,
    images=(300, 800, 800),
    difficulty=(0, 0, 24, 160),
    channels=16,
    stacks=1,
    batch_size=30,
    decay=0.8,
    budgets=(1, 2, 4, 8, 16),
    seeds=(0, 1),
)
"""Five levels, and less noise: larger sets to measure on, wider networks that learn an easier task to the end."""

TABLES = {recipe.name: recipe for recipe in (TableRecipe(), _SECOND)}
"""The tables that `build_table` knows by name."""


def get_table_recipe(name: str) -> TableRecipe:
    """The recipe of this name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in TABLES:
        raise UnknownNameError("table to build", name, TABLES)
    return TABLES[name]


def build_table(
    recipe: TableRecipe,
    folder: Path,
    *,
    at_most: int | None = None,
    execution: Execution | None = None,
) -> Benchmark | None:
    """Trains what is missing, and writes the benchmark once nothing is.

    Each architecture is on disk as soon as its seeds are trained, in journals below `folder/journals`; a folder that
    was copied from another machine is continued like one's own. The benchmark goes to `folder/{name}`.

    Args:
        recipe: what to train.
        folder: of the journals and of the benchmark.
        at_most: architectures to train in this call; None for all.
        execution: where, and which share of the journals. Serial by default.

    Returns:
        The benchmark, or None where architectures are still missing, or with other commands.

    Raises:
        ConfigurationError: the folder holds a table of another recipe, or `at_most` below 0.
    """
    if at_most is not None and at_most < 0:
        raise ConfigurationError(f"at_most is a number of architectures, not {at_most}.")
    take(folder, KIND)
    genes = architectures(recipe)
    chunks = [
        Task(Chunk(recipe, first, min(first + CELLS_A_JOURNAL, len(genes))), folder / "journals" / f"{first:05d}.jsonl")
        for first in range(0, len(genes), CELLS_A_JOURNAL)
    ]
    run_missing(
        _train_chunk,
        _cut(chunks, at_most),
        is_done=lambda chunk: len(_finished(chunk)) >= chunk.what.until - chunk.what.first,
        units=lambda chunk: chunk.what.until - chunk.what.first,
        execution=execution or Execution(),
    )
    records = {record["key"]: record for chunk in chunks for record in _finished(chunk)}
    if len(records) < len(genes):
        return None
    with locked(folder / recipe.name):
        return _written(recipe, folder / recipe.name, genes, records)


def _cut(chunks: Sequence[Task[Chunk]], at_most: int | None) -> list[Task[Chunk]]:
    """The chunks with as much to do as may be trained in all."""
    if at_most is None:
        return list(chunks)
    cut = []
    for chunk in chunks:
        first, until = chunk.what.first, chunk.what.until
        there = len(_finished(chunk))
        now = min(until - first - there, at_most)
        at_most -= now
        cut.append(replace(chunk, what=replace(chunk.what, until=first + there + now)))
    return [chunk for chunk in cut if chunk.what.until > chunk.what.first]


@cache
def architectures(recipe: TableRecipe) -> Genes:
    """`(n, 26)` the cells of the table, in the order of the space's enumeration or of a random draw, read-only."""
    space = get_space("nasbench101")
    genes = space.enumerate()
    graphs = space.graphs(genes)
    fits = (graphs.operations >= 0).sum(axis=1) <= recipe.most_vertices
    if recipe.most_edges is not None:
        fits &= graphs.adjacency.sum(axis=(1, 2)) <= recipe.most_edges
    chosen = np.asarray(genes[fits])
    if recipe.cells is not None:
        chosen = chosen[rng_for(0, 0, "cells").permutation(len(chosen))[: recipe.cells]]
    chosen.setflags(write=False)
    return chosen


@dataclass(frozen=True)
class Chunk:
    """Architectures that are trained one after the other: those from `first` on, and before `until`."""

    recipe: TableRecipe
    first: int
    until: int


def _identity(recipe: TableRecipe) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(recipe).items() if value is not None}
    return {"kind": "recipe", **{name: list(v) if isinstance(v, tuple) else v for name, v in facts.items()}}


def _of_journal(recipe: TableRecipe) -> dict[str, Any]:
    """What the trainings of a journal have in common: not how many cells are drawn in all."""
    facts = _identity(recipe)
    return {**facts, "cells": "drawn"} if recipe.cells is not None else facts


def _finished(chunk: Task[Chunk]) -> list[dict[str, Any]]:
    """The architectures of a journal; nothing is locked or repaired."""
    if not chunk.target.exists():
        return []
    records = read_records(chunk.target)
    if records and records[0] != _of_journal(chunk.what.recipe):
        raise ConfigurationError(f"{chunk.target} belongs to a table of another recipe. Choose another folder.")
    return records[1:]


def _train_chunk(chunk: Chunk, path: Path, tell: Tell) -> None:
    genes = architectures(chunk.recipe)[chunk.first : chunk.first + CELLS_A_JOURNAL]
    keys = get_space("nasbench101").keys(genes)
    with Journal(path) as journal:
        if not journal.records:
            journal.append(_of_journal(chunk.recipe))
        done = {record["key"] for record in journal.records[1:]}
        tell(len(done))
        images = task_images(chunk.recipe)
        missing = [place for place, key in enumerate(keys.tolist()) if key not in done]
        for place in missing[: chunk.until - chunk.first - len(done)]:
            journal.append({"key": int(keys[place]), **_trained(chunk.recipe, genes[place], images)})
            tell(1)


@cache
def task_images(recipe: TableRecipe) -> Partition:
    """The images of the table, apart by original digit: no original is in two of the parts."""
    from predictornas.live.images.hard_digits import Difficulty, hard_digits
    from predictornas.live.images.partition import partition

    training, validation, test = recipe.images
    data = hard_digits(recipe.canvas, training + validation, test, 0, Difficulty(*recipe.difficulty))
    return partition(data, validation, 0)


def training_recipe(recipe: TableRecipe) -> Recipe:
    """How the networks of the table learn."""
    from predictornas.live.training_recipes import Recipe

    return Recipe(
        epochs=recipe.budgets[-1],
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        schedule="exponential",
        decay=recipe.decay,
        every_step=True,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )


def _trained(recipe: TableRecipe, row: np.ndarray, images: Partition) -> dict[str, Any]:
    """What the journal keeps of one architecture: values by seed and budget."""
    from predictornas.live.counting import count_parameters
    from predictornas.live.side_by_side import train_side_by_side
    from predictornas.live.trainable_network import NetworkShape, weightless_network

    space = get_space("nasbench101")
    shape = NetworkShape(recipe.channels, 1, images.classes, in_channels=1, stacks=recipe.stacks)
    curves = train_side_by_side(
        space, row, shape, training_recipe(recipe), images, recipe.seeds, evaluate_at=recipe.budgets
    )
    places = [budget - 1 for budget in recipe.budgets]

    def at_budgets(values: np.ndarray) -> list[float]:
        """A failed training keeps its last values, accuracies of 0."""
        return [round(float(values[min(place, len(values) - 1)]), 6) for place in places]

    return {
        "valid": [at_budgets(curve.validation_accuracy) for curve in curves],
        "test": [at_budgets(curve.test_accuracy) for curve in curves],
        "seconds": [at_budgets(np.cumsum(curve.seconds)) for curve in curves],
        "parameters": count_parameters(weightless_network(space, row, shape)),
    }


def _written(recipe: TableRecipe, folder: Path, genes: Genes, records: dict[int, dict[str, Any]]) -> Benchmark:
    keys = get_space("nasbench101").keys(genes).tolist()
    columns = dict(_columns(recipe, [records[key] for key in keys]))
    last = recipe.budgets[-1]
    return write_benchmark(
        folder,
        name=recipe.name,
        space=get_space("nasbench101"),
        genes=genes,
        columns=columns,
        signal=f"valid_accuracy_{last}_run0",
        evaluation=f"test_accuracy_{last}_rest",
        source={
            "recipe": _identity(recipe),
            "images_sha256": task_images(recipe).digest,
            "learning_curves": True,
            "made_with": surroundings(),
        },
        licence=LICENCE,
    )


def _columns(recipe: TableRecipe, records: Sequence[dict[str, Any]]) -> Iterator[tuple[Column, np.ndarray]]:
    for split in ("valid", "test"):
        values = np.array([record[split] for record in records])  # architecture, seed, budget
        for place, epochs in enumerate(recipe.budgets):
            runs: dict[str, np.ndarray] = {str(seed): values[:, seed, place] for seed in range(len(recipe.seeds))}
            runs |= {"rest": values[:, 1:, place].mean(axis=1), "mean": values[:, :, place].mean(axis=1)}
            for run, accuracies in runs.items():
                yield Column.named(metric="accuracy", split=split, epochs=epochs, run=run), accuracies
    seconds = np.array([record["seconds"] for record in records]).mean(axis=1)
    for place, epochs in enumerate(recipe.budgets):
        yield Column.named(metric="seconds", split="train", epochs=epochs), seconds[:, place]
    yield Column.named(metric="parameters"), np.array([float(record["parameters"]) for record in records])
