"""A search on networks that are trained here: no table, a live oracle, a budget of epochs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from predictornas.counting import counted
from predictornas.description import describe
from predictornas.errors import AtWorkError, ConfigurationError
from predictornas.executors import Executor
from predictornas.files import writing_file
from predictornas.journal import Journal
from predictornas.observers import Observer
from predictornas.report.live_page import live_page
from predictornas.schedulers.full import Full
from predictornas.schedulers.rungs import check_levels
from predictornas.search.budget import Budget
from predictornas.search.journaled import run_journaled
from predictornas.search.loop import Search
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import Strategy
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import MANIFEST, take, write_manifest
from predictornas.studies.gain.run_tables import Notation, read_run, run_history
from predictornas.studies.gain.study import journal_path, run_identity
from predictornas.studies.locks import Locks
from predictornas.studies.pages import write_page
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.tasks import Started, silently
from predictornas.studies.tidy_tables import write_table
from predictornas.threads import one_thread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

if TYPE_CHECKING:
    from predictornas.live.curve import Curve
    from predictornas.oracles.live import LiveOracle

KIND = "live-search"

PROTOCOL = 2
"""Raised whenever the same configuration and seed would give another history."""


@dataclass(frozen=True)
class LiveStudy:
    """One search on one image task.

    Attributes:
        space: name of a space whose architectures can be built: nasbench101, nasbench201, darts, darts-s1 ...
        images: `digits`, `hard-digits`, or a folder; see `predictornas.live.images.loading.load_images`.
        method: a search method; those with a scheduler (rank-nosh, nosh, asha, successive-halving) save epochs.
        budget_epochs: epochs trained in all.
        seed: of the search and of every training.
        levels: epochs after which a scheduler may stop a training; the last is the whole training.
        channels: of the first cells.
        cells: as in `predictornas.live.trainable_network.NetworkShape`.
        recipe: name of the training recipe, whose length the last level replaces.
        batch_size: images in a batch; None for the recipe's.
        image_size: height and width that networks see; None for the images as they are.
        training_images: images to train with, and half as many to validate and to test with, drawn so that every class
            has its share; None for half of the training images each, and all test images. A few fewer where images
            share a source, which is never divided.
        preset: fills in what the method's name leaves open.
        device: where networks are trained; with commas between, each worker has one of them.
        threads: CPU threads of each training.
    """

    space: str = "darts"
    images: str = "hard-digits"
    method: str = "rank-nosh"
    budget_epochs: int = 60
    seed: int = 0
    levels: tuple[int, ...] = (1, 3, 9)
    channels: int = 8
    cells: int = 3
    recipe: str = "small"
    batch_size: int | None = None
    image_size: int | None = None
    training_images: int | None = None
    preset: str = "quick"
    device: str = "cpu"
    threads: int = 1

    def strategy(self) -> Strategy:
        """The strategy, under a scheduler.

        Raises:
            UnknownNameError: no method or preset has this name.
            ConfigurationError: levels that do not ascend.
        """
        check_levels(self.levels)
        strategy = get_strategy(self.method, replace(get_preset(self.preset), levels=self.levels))
        return strategy if isinstance(strategy, Scheduled) else Scheduled(strategy, Full(self.levels))

    def oracle(self, folder: Path, workers: int = 1, executor: Executor | None = None) -> LiveOracle:
        """What trains: checkpoints lie below `folder`.

        Raises:
            UnknownNameError: no recipe or image set has this name.
            ConfigurationError: devices that are not there.
            DataError: images that cannot be read.
        """
        from predictornas.live.devices import listed_devices
        from predictornas.live.images.loading import load_images, split
        from predictornas.live.trainable_network import NetworkShape
        from predictornas.live.training_recipes import get_recipe
        from predictornas.oracles.live import LiveOracle

        listed_devices(self.device)
        recipe = get_recipe(self.recipe).with_lengths(self.levels[-1], self.batch_size)
        data = load_images(self.images, size=recipe.augmentation.held(self.image_size))
        validation: int | float = 0.5
        if self.training_images is not None:
            held = self.training_images // 2
            if self.training_images + held > len(data.train) or held < 1:
                raise ConfigurationError(
                    f"{self.images!r} has {len(data.train)} training images, too few for {self.training_images} to "
                    f"train and {held} to validate with. Ask for at least 2 and fewer."
                )
            (train,) = split(data.train, (self.training_images + held,), self.seed)
            (test,) = split(data.test, (min(held, len(data.test)),), self.seed)
            data = replace(data, train=train, test=test)
            validation = held
        channels = data.train.image_shape[0]
        shape = NetworkShape(self.channels, self.cells, data.classes, channels, recipe.auxiliary_weight > 0)
        return LiveOracle(
            get_space(self.space),
            data,
            shape,
            recipe,
            folder,
            validation=validation,
            seed=self.seed,
            device=self.device,
            workers=workers,
            executor=executor,
            threads=self.threads,
            evaluate_at=self.levels,
        )


@dataclass(frozen=True)
class LiveOutcome:
    """A finished search.

    Attributes:
        history: rows as in `predictornas.history.SCHEMA`; `evaluation` is the test accuracy after the same epochs.
        curves: one row for each architecture and level: `key`, `epochs`, `validation`, `test`, `seconds`.
        recommended: genes `(g,)` of what the search recommends.
        description: the same as its space writes it.
        test_accuracy: of the recommended architecture after its longest training.
    """

    history: pl.DataFrame
    curves: pl.DataFrame
    recommended: np.ndarray
    description: str
    test_accuracy: float


def run_live_study(
    study: LiveStudy,
    folder: Path,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    started: Started = silently,
    observers: Sequence[Observer] = (),
    pictures: Pictures | None = None,
) -> LiveOutcome:
    """Runs, or goes on with, a search that trains its networks, and writes what it found.

    Writes `report.html`, `history.parquet`, `curves.csv`, `recommended.txt`, `manifest.json`, and the figures
    `curves` and `recommended`. A killed run continues from its journal and its checkpoints: no epoch is trained twice
    beyond the last checkpoint.

    Args:
        study: what to run.
        folder: where everything goes; created when missing.
        workers: networks that are trained at once; the results do not depend on it.
        executor: where they are trained instead of in as many processes.
        started: told the number of epochs, gives back what is told about progress.
        observers: told what the search does, see `predictornas.Observer`.
        pictures: formats and style of the figures.

    Raises:
        AtWorkError: another command searches in the folder.
        ConfigurationError: the folder holds another search, or settings that cannot work.
        StoreError: the folder cannot be written.
    """
    with Locks() as locks:
        if not locks.take(folder / MANIFEST):
            raise AtWorkError(f"Another command searches in {folder}. Start it again when that is done.")
        strategy = study.strategy()  # refuses what cannot be before images are read
        oracle = study.oracle(folder / "trainings", workers, executor)
        return _run(study, strategy, oracle, folder, started, tuple(observers), pictures)


def _run(
    study: LiveStudy,
    strategy: Strategy,
    oracle: LiveOracle,
    folder: Path,
    started: Started,
    observers: tuple[Observer, ...],
    pictures: Pictures | None,
) -> LiveOutcome:
    from predictornas.live.devices import kind_of_device

    # nothing depends on which of several equal devices there are
    asked = replace(study, device=kind_of_device(study.device))
    facts = {"protocol": PROTOCOL, **json.loads(json.dumps(asdict(asked))), "images_sha256": oracle.images.digest}
    _claim(folder, facts, strategy)
    identity = run_identity(facts, study.method, strategy, study.seed)
    search = Search(oracle.space, strategy, seed=study.seed, observers=observers, name=folder.absolute().name)
    # one thread, for sums of more threads differ in the last bits and with them what a predictor proposes
    with one_thread(), Journal(journal_path(folder, identity["run_id"])) as journal:
        budget = Budget(epochs=study.budget_epochs)
        run_journaled(search, oracle, budget, journal, identity=identity, advance=started(study.budget_epochs))
    if not len(search.history):
        raise ConfigurationError(
            f"{study.budget_epochs} epochs are too few to train one network for {study.levels[0]}. Raise the budget."
        )
    recorded = read_run(journal_path(folder, identity["run_id"]))
    outcome = _outcome(search, oracle, run_history(identity, recorded, Notation(oracle.space)))
    _write(folder, study, oracle, outcome, pictures)
    return outcome


def _claim(folder: Path, facts: dict[str, Any], strategy: Strategy) -> None:
    described = json.loads(json.dumps(describe(strategy)))
    before = take(folder, KIND)
    if before and (before.get("study") != facts or before.get("strategy") != described):
        raise ConfigurationError(f"{folder} holds another search. Choose another --out.")
    if not before:
        write_manifest(folder, KIND, {"study": facts, "strategy": described, "made_with": surroundings()})


def _outcome(search: Search, oracle: LiveOracle, history: pl.DataFrame) -> LiveOutcome:
    genes = np.array(history["genes"].to_list(), np.int8)
    tests = [
        float(oracle.test_accuracy(row[None], epochs)[0])
        for row, epochs in zip(genes, history["epochs"].to_list(), strict=True)
    ]
    history = history.with_columns(evaluation=pl.Series(tests, dtype=pl.Float64))
    recommended = search.recommend()[0]
    longest = history.filter(pl.col("key") == int(search.space.keys(recommended[None])[0])).sort("epochs")
    latest = search.history.latest()
    curves = [_curve_rows(int(key), oracle.curve(row)) for key, row in zip(latest.keys, latest.genes, strict=True)]
    return LiveOutcome(
        history=history,
        curves=pl.concat(curves),
        recommended=recommended,
        description=search.space.describe(recommended),
        test_accuracy=float(longest["evaluation"][-1]),
    )


def _curve_rows(key: int, curve: Curve) -> pl.DataFrame:
    epochs = np.flatnonzero(np.isfinite(curve.validation_accuracy))
    return pl.DataFrame(
        {
            "key": np.full(len(epochs), key, np.uint64),
            "epochs": epochs + 1,
            "validation": curve.validation_accuracy[epochs],
            "test": curve.test_accuracy[epochs],
            "seconds": np.cumsum(curve.seconds)[epochs],
        }
    )


def _write(folder: Path, study: LiveStudy, oracle: LiveOracle, outcome: LiveOutcome, pictures: Pictures | None) -> None:
    asked = {**asdict(study), "images_sha256": oracle.images.digest}
    write_table(folder / "history.parquet", outcome.history)
    write_table(folder / "curves.csv", outcome.curves)
    with writing_file(folder / "recommended.txt") as temporary:
        temporary.write_text(outcome.description + "\n", encoding="utf-8")
    save_figures(folder, lambda: _figures(study, oracle, outcome), pictures)
    found = (outcome.history, outcome.curves, asked, oracle.space, outcome.recommended)
    write_page(folder, live_page(*found, surroundings()))


def _figures(study: LiveStudy, oracle: LiveOracle, outcome: LiveOutcome) -> dict[str, Figure]:
    from predictornas.plots.cells import draw_cells
    from predictornas.plots.learning_curves import draw_learning_curves

    key = int(oracle.space.keys(outcome.recommended[None])[0])
    curves = draw_learning_curves(
        outcome.curves,
        recommended=key,
        title=f"{study.method} on {study.space}, {oracle.data.name}",
        caption="Accuracy on the validation images, which the search sees, after each level of training; a line for "
        "each architecture. A line that ends early was stopped by the scheduler, or never promoted. Recommended: what "
        f"the search names as its result. {counted(study.budget_epochs, 'epoch')} in all, seed {study.seed}.",
    )
    cell = draw_cells(oracle.space, outcome.recommended, title=f"Recommended by {study.method}")
    return {"curves": curves, "recommended": cell}
