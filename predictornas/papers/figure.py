"""A figure of a paper by name: what is asked for, what comes out, and how that is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from predictornas.benchmarks.store import stored_names
from predictornas.errors import UnknownNameError
from predictornas.executors import Executor, get_executor
from predictornas.files import write_json
from predictornas.studies.folder import check_owner, take
from predictornas.studies.pictures import Pictures, write_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.tasks import Execution, Started, silently
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Size:
    """How much is run for a figure unless a request says otherwise.

    Attributes:
        preset: preset of the search methods.
        budget: evaluations of each run, the initial set included.
        seeds: runs of each method.
    """

    preset: str
    budget: int
    seeds: int


SIZES = {
    "small": Size("quick", budget=100, seeds=5),  # (ours)
    "full": Size("paper", budget=1400, seeds=20),  # Mauch et al. 2020, section 5
}


KIND = "figures"

FORMS = ("table", "supernet")
"""What stands in the place of trainings: a table of accuracies, or a super-network."""


@dataclass(frozen=True)
class FigureRequest:
    """How a figure is to be made.

    Attributes:
        folder: where its files go; runs go into folders below.
        benchmark: name of a table; the figure's own default where None.
        size: "small" or "full", a key of `SIZES`.
        preset: instead of the size's own.
        budget: evaluations of each run, instead of the size's own.
        seeds: runs of each method, instead of the size's own.
        workers: processes; the results do not depend on it.
        study: folder of a study to draw from and to extend; it then fixes benchmark, preset, budget and seeds.
        data: images where super-networks are trained, as in `predictornas.live.images.loading.load_images`; None for
            those that need no file.
        device: where super-networks are trained, "cpu", "cuda", or with commas between one for each worker.
        form: "table", or "supernet" for the super-network form of a figure that has both.
        found: the figure's tidy table from an earlier run: nothing is run, the figure is drawn from it; for figures of
            super-networks.
        started: told the number of evaluations, gives back what is told about progress.
        executor: where runs are made instead of in `workers` processes.
        pictures: formats and style of the figure.
    """

    folder: Path
    benchmark: str | None = None
    size: str = "small"
    preset: str | None = None
    budget: int | None = None
    seeds: int | None = None
    workers: int = 1
    study: Path | None = None
    data: str | None = None
    device: str = "cpu"
    form: str = "table"
    found: pl.DataFrame | None = None
    started: Started = silently
    executor: Executor | None = None
    pictures: Pictures = field(default_factory=Pictures)

    @property
    def execution(self) -> Execution:
        """The same for the engine of studies."""
        return Execution(self.executor or get_executor(workers=self.workers), self.started)

    def scale(self) -> Size:
        """The size with what this request says otherwise.

        Raises:
            UnknownNameError: no size has this name.
        """
        if self.size not in SIZES:
            raise UnknownNameError("size", self.size, SIZES)
        size = SIZES[self.size]
        return Size(
            self.preset or size.preset,
            size.budget if self.budget is None else self.budget,
            size.seeds if self.seeds is None else self.seeds,
        )


@dataclass(frozen=True)
class Made:
    """A figure that was made.

    Attributes:
        table: the tidy table that the figure was drawn from.
        figure: the figure.
        facts: what the manifest says of how it was made, as JSON.
        paper: the values that the paper states beside ours; None where it states none.
    """

    table: pl.DataFrame
    figure: Figure
    facts: Mapping[str, Any] = field(default_factory=dict)
    paper: pl.DataFrame | None = None


def default_benchmark() -> str:
    """The paper's own table where it is imported, otherwise the smaller one that needs no download."""
    return "nasbench101" if "nasbench101" in stored_names() else "nasbench201-cifar10"


@dataclass(frozen=True)
class NamedFigure:
    """A figure that can be asked for by name.

    Attributes:
        name: as on the command line, and the name of its files.
        title: what it shows.
        source: "Mauch et al. 2020, figure 3".
        needs: what must be there, and what is run.
        minutes: how long each size takes on two cores, where nothing was run before; a key for each of `SIZES`.
        make: makes it; runs only what is missing.
        supernet: makes its super-network form; None where `make` is the only form.
        benchmark: names the table that is searched where a request names none; None where no table is searched.
    """

    name: str
    title: str
    source: str
    needs: str
    minutes: Mapping[str, float]
    make: Callable[[FigureRequest], Made]
    benchmark: Callable[[], str] | None = default_benchmark
    supernet: Callable[[FigureRequest], Made] | None = None

    def made(self, request: FigureRequest) -> Made:
        """The figure in the form asked for; in the only form where it has one.

        Raises:
            UnknownNameError: another form than "table" and "supernet".
        """
        if request.form not in FORMS:
            raise UnknownNameError("form", request.form, FORMS)
        make = self.make if request.form == "table" else self.supernet or self.make
        return make(request)


def write_figure(figure: NamedFigure, request: FigureRequest) -> list[Path]:
    """Makes a figure and writes it: NAME.csv, NAME.json, NAME.png and so on, and NAME-paper.csv where it has values.

    Returns:
        The files that were written, the table first.

    Raises:
        UnknownNameError: no table, method, preset or size has the name asked for.
        ConfigurationError: options that do not go together.
        StoreError: the folder cannot be written.
    """
    check_owner(request.folder, KIND)
    made = _drawn(figure, request)
    take(request.folder, KIND)
    base = request.folder / figure.name
    tables = {Path(f"{base}.csv"): made.table}
    if made.paper is not None:
        tables[Path(f"{base}-paper.csv")] = made.paper
    for path, table in tables.items():
        write_table(path, table)
    pictures = write_figures(base.parent, {figure.name: made.figure}, request.pictures)
    manifest = Path(f"{base}.json")
    write_json(manifest, _manifest(figure, request, made))
    return [*tables, *pictures, manifest]


def _drawn(figure: NamedFigure, request: FigureRequest) -> Made:
    from predictornas.plots.style import drawing

    with drawing(request.pictures.style):
        return figure.made(request)


def _manifest(figure: NamedFigure, request: FigureRequest, made: Made) -> dict[str, Any]:
    asked = ("benchmark", "size", "preset", "budget", "seeds", "workers", "device", "form")
    return {
        "figure": figure.name,
        "title": figure.title,
        "source": figure.source,
        "request": {name: getattr(request, name) for name in asked}
        | {"study": None if request.study is None else str(request.study)}
        | {"data": None if request.data is None else Path(request.data).name},
        **made.facts,
        "paper": [] if made.paper is None else made.paper.to_dicts(),
        "made_with": surroundings(),
    }
