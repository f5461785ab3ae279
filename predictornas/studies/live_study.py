"""A search on networks that are trained here: no table, a live oracle, a budget of epochs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from predictornas.description import describe
from predictornas.errors import AtWorkError, ConfigurationError
from predictornas.executors import Executor
from predictornas.files import writing_file
from predictornas.journal import Journal
from predictornas.observers import Observer, several
from predictornas.report.live_page import limits_of, live_page
from predictornas.schedulers.full import Full
from predictornas.schedulers.rungs import check_levels
from predictornas.search.asynchronous import refuse_no_limits
from predictornas.search.budget import Budget
from predictornas.search.journaled import run_journaled
from predictornas.search.loop import Search
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import Strategy
from predictornas.seeding import check_seed
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import MANIFEST, check_owner, take, write_manifest
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

    from predictornas.live.curve import Curve
    from predictornas.live.images.image_sets import ImageData
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
        budget_epochs: epochs trained in all; None for no limit.
        seed: of the search and of every training.
        levels: epochs after which a scheduler may stop a training; the last is the whole training.
        channels: of the first cells.
        cells: as in `predictornas.live.trainable_network.NetworkShape`.
        recipe: name of the training recipe, whose length the last level replaces.
        batch_size: images in a batch; None for the recipe's.
        image_size: height and width that networks see; None for the images as they are.
        training_images: images to train with, and half as many to validate and to test with, drawn so that every class
            has its share; None for half of the training images each, or the images to validate with that a folder has
            of its own, and all test images. A few fewer where images share a source, which is never divided.
        preset: fills in what the method's name leaves open.
        device: where networks are trained; with commas between, each worker has one of them.
        threads: CPU threads of each training.
        budget_evaluations: trainings that are evaluated in all, at any level; None for no limit.
        asynchronous: whether workers never wait for each other, see
            `predictornas.search.asynchronous.run_asynchronously`; what is found depends on which training ends first.
    """

    space: str = "darts"
    images: str = "hard-digits"
    method: str = "rank-nosh"
    budget_epochs: int | None = 60
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
    budget_evaluations: int | None = None
    asynchronous: bool = False

    def strategy(self) -> Scheduled:
        """The strategy, under a scheduler.

        Raises:
            UnknownNameError: no method or preset has this name.
            ConfigurationError: levels that do not ascend, a negative seed, or a scheduler that cannot be asynchronous.
        """
        check_seed(self.seed)
        check_levels(self.levels)
        strategy = get_strategy(self.method, replace(get_preset(self.preset), levels=self.levels))
        if self.asynchronous:
            from predictornas.studies.live_asynchronous import check_asynchronous

            check_asynchronous(strategy)
        return strategy if isinstance(strategy, Scheduled) else Scheduled(strategy, Full(self.levels))

    def oracle(self, folder: Path, workers: int = 1, executor: Executor | None = None) -> LiveOracle:
        """What trains: checkpoints lie below `folder`.

        Raises:
            UnknownNameError: no recipe or image set has this name.
            ConfigurationError: devices that are not there, a recipe for other spaces, fewer images than asked for, or
                channels or cells that some network of the space cannot have.
            DataError: images that cannot be read.
        """
        from predictornas.live.devices import listed_devices
        from predictornas.live.images.loading import load_images
        from predictornas.live.trainable_network import NetworkShape, check_shape
        from predictornas.live.training_recipes import recipe_for, stem_of
        from predictornas.oracles.live import LiveOracle

        listed_devices(self.device)
        space = get_space(self.space)
        recipe = recipe_for(self.recipe, space).with_lengths(self.levels[-1], self.batch_size)
        recipe.check()
        data = load_images(self.images, size=recipe.augmentation.held(self.image_size))
        validation: int | float = 0.5
        if self.training_images is not None:
            validation = self.training_images // 2
            data = self._fewer(data, self.training_images, validation)
        channels = data.train.image_shape[0]
        auxiliary, stem = recipe.auxiliary_weight > 0, stem_of(self.recipe)
        shape = NetworkShape(self.channels, self.cells, data.classes, channels, auxiliary, stem=stem)
        check_shape(space, shape)
        return LiveOracle(
            space,
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

    def _fewer(self, data: ImageData, number: int, held: int) -> ImageData:
        """So many images to train with, and so many to validate with where they are a part of their own."""
        from predictornas.live.images.loading import split

        own = data.validation
        there = f"{len(data.train)} training images" + ("" if own is None else f" and {len(own)} to validate with")
        enough = number + held <= len(data.train) if own is None else number <= len(data.train) and held <= len(own)
        if not enough or held < 1:
            raise ConfigurationError(
                f"{self.images!r} has {there}, too few for {number} to train and {held} to validate with. Ask for at "
                "least 2 and fewer."
            )
        (train,) = split(data.train, (number + held if own is None else number,), self.seed)
        (test,) = split(data.test, (min(held, len(data.test)),), self.seed)
        validation = None if own is None else split(own, (held,), self.seed)[0]
        return replace(data, train=train, validation=validation, test=test)


@dataclass(frozen=True)
class LiveOutcome:
    """A finished search.

    Attributes:
        history: rows as in `predictornas.history.SCHEMA`; `evaluation` is the test accuracy after the same epochs. One
            that failed has no value.
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
    hours: float | None = None,
) -> LiveOutcome:
    """Runs, or goes on with, a search that trains its networks, and writes what it found.

    Writes `report.html`, `history.parquet`, `curves.csv`, `recommended.txt`, `manifest.json`, and the figures
    `curves` and `recommended`. A killed run continues from its journal and its checkpoints: no epoch is trained twice
    beyond the last checkpoint.

    Args:
        study: what to run.
        folder: where everything goes; created when missing.
        workers: networks that are trained at once; the results do not depend on it, unless they are asynchronous.
        executor: where they are trained instead of in as many processes.
        started: told the number of epochs, gives back what is told about progress.
        observers: told what the search does, see `predictornas.Observer`.
        pictures: formats and style of the figures.
        hours: after which an asynchronous search stops for this time; the next call goes on with what was in flight.

    Raises:
        AtWorkError: another command searches in the folder.
        ConfigurationError: the folder holds another search, or settings that cannot work.
        StoreError: the folder cannot be written.
    """
    with Locks() as locks:
        if not locks.take(folder / MANIFEST):
            raise AtWorkError(f"Another command searches in {folder}. Start it again when that is done.")
        strategy = study.strategy()  # refuses what cannot be before images are read
        check_owner(folder, KIND)
        _refuse_nothing(study, strategy, hours)
        if hours is not None and not study.asynchronous:
            raise ConfigurationError("Hours limit an asynchronous search. Use asynchronous=True (--asynchronous).")
        oracle = study.oracle(folder / "trainings", workers, executor)
        identity = _claim(folder, study, strategy, oracle)
        # one thread, for sums of more threads differ in the last bits and with them what a predictor proposes
        with one_thread():
            run = _Run(study, strategy, oracle, folder, identity, several(observers))
            advance = started(_total(study))
            search, history = run.asynchronously(advance, hours) if study.asynchronous else run.batch_by_batch(advance)
        outcome = _outcome(search, oracle, history)
        _write(folder, study, oracle, outcome, pictures)
        return outcome


@dataclass(frozen=True)
class _Run:
    """A search whose folder is claimed, ready to be gone on with."""

    study: LiveStudy
    strategy: Strategy
    oracle: LiveOracle
    folder: Path
    identity: dict[str, Any]
    observers: tuple[Observer, ...]

    def batch_by_batch(self, advance: Callable[[int], None]) -> tuple[Search, pl.DataFrame]:
        """The search at its end, and its history."""
        study, space = self.study, self.oracle.space
        search = Search(
            space, self.strategy, seed=study.seed, observers=self.observers, name=self.folder.absolute().name
        )
        budget = Budget(epochs=study.budget_epochs, evaluations=study.budget_evaluations)
        path = journal_path(self.folder, self.identity["run_id"])
        with Journal(path) as journal:
            run_journaled(search, self.oracle, budget, journal, identity=self.identity, advance=advance)
        return search, run_history(self.identity, read_run(path), Notation(space))

    def asynchronously(self, advance: Callable[[int], None], hours: float | None) -> tuple[Search, pl.DataFrame]:
        """The same with workers that wait for no batch, for so many hours at most."""
        from predictornas.studies.live_asynchronous import asynchronous_history, search_asynchronously

        search = search_asynchronously(
            self.folder,
            self.strategy,
            self.oracle,
            seed=self.study.seed,
            observers=self.observers,
            evaluations=self.study.budget_evaluations,
            epochs=self.study.budget_epochs,
            hours=hours,
            advance=advance,
        )
        if search.history.pending and not len(search.history):
            raise ConfigurationError(
                f"No training ended within {hours:g} hours. Their finished epochs are kept: the same command goes on."
            )
        return search, asynchronous_history(self.identity, search, self.folder, self.oracle)


def _total(study: LiveStudy) -> int:
    """Units of progress."""
    return (study.budget_evaluations if study.budget_epochs is None else study.budget_epochs) or 0


def _refuse_nothing(study: LiveStudy, strategy: Scheduled, hours: float | None) -> None:
    """A budget that trains no network, before the folder is claimed."""
    if study.asynchronous:
        refuse_no_limits(study.budget_evaluations, study.budget_epochs, hours)
    else:
        Budget(epochs=study.budget_epochs, evaluations=study.budget_evaluations)
    entry = strategy.scheduler.entry
    if study.budget_epochs is not None and study.budget_epochs < entry:
        raise ConfigurationError(
            f"A budget of {limits_of(asdict(study))} has too few epochs to train one network for {entry}, with which "
            f"{study.method!r} begins. Raise it."
        )


_SINCE = {"asynchronous": False, "budget_evaluations": None, "stem": "cifar"}
"""What later versions ask for; a search without them is the one that it always was."""


def _claim(folder: Path, study: LiveStudy, strategy: Strategy, oracle: LiveOracle) -> dict[str, Any]:
    """Makes the folder this search's; what makes its run itself."""
    from predictornas.live.devices import kind_of_device

    # nothing depends on which of several equal devices there are
    asked = json.loads(json.dumps(asdict(replace(study, device=kind_of_device(study.device)))))
    facts = {"protocol": PROTOCOL, **asked, "images_sha256": oracle.images.digest, "stem": oracle.shape.stem}
    facts = {name: value for name, value in facts.items() if name not in _SINCE or value != _SINCE[name]}
    described = json.loads(json.dumps(describe(strategy)))
    before = take(folder, KIND)
    if before and (_lasting(before.get("study", {})) != _lasting(facts) or before.get("strategy") != described):
        raise ConfigurationError(f"{folder} holds another search. Choose another --out.")
    if before.get("study") != facts:
        write_manifest(folder, KIND, {"study": facts, "strategy": described, "made_with": surroundings()})
    return run_identity(_lasting(facts), study.method, strategy, study.seed)


def _lasting(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What stays as it is as long as a search goes on: an asynchronous one may be given more."""
    limits = ("budget_epochs", "budget_evaluations") if facts.get("asynchronous") else ()
    return {name: value for name, value in facts.items() if name not in limits}


def _outcome(search: Search, oracle: LiveOracle, history: pl.DataFrame) -> LiveOutcome:
    genes = np.array(history["genes"].to_list(), np.int8)
    told = zip(genes, history["epochs"].to_list(), history["value"].is_not_null().to_list(), strict=True)
    tests = [float(oracle.test_accuracy(row[None], epochs)[0]) if valued else None for row, epochs, valued in told]
    history = history.with_columns(evaluation=pl.Series(tests, dtype=pl.Float64))
    recommended = search.recommend()[0]
    valued = history.filter(pl.col("value").is_not_null())
    longest = valued.filter(pl.col("key") == int(search.space.keys(recommended[None])[0])).sort("epochs")
    known = search.history.rows(~search.history.failed).latest()
    trained = zip(known.keys.tolist(), known.genes, known.epochs.tolist(), strict=True)
    curves = [_curve_rows(key, oracle.curve(row).until(epochs)) for key, row, epochs in trained]
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
        f"the search names as its result. {limits_of(asdict(study))} in all, seed {study.seed}.",
    )
    cell = draw_cells(oracle.space, outcome.recommended, title=f"Recommended by {study.method}")
    return {"curves": curves, "recommended": cell}
