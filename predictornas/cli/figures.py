"""The verb that makes figures of the papers by name: reproduce."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.cli.console import Json, progress_bar, remark, show_rows
from predictornas.cli.options import (
    Address,
    Devices,
    ExecutorName,
    Formats,
    Style,
    Where,
    Workers,
    pictures_as,
    training_processes,
    worker_count,
)
from predictornas.errors import ConfigurationError

if TYPE_CHECKING:
    from predictornas.papers.figure import FigureRequest, NamedFigure


def reproduce(
    *names: str,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    out: Path = Path("reproduced"),
    benchmark: str | None = None,
    size: str = "small",
    preset: str | None = None,
    budget: int | None = None,
    seeds: int | None = None,
    workers: Workers = 0,
    executor: ExecutorName = None,
    address: Address = None,
    study: Path | None = None,
    form: str = "table",
    data: str | None = None,
    device: Devices = "cpu",
    format_: Formats = None,
    style: Style = "screen",
    json: Json = False,
) -> None:
    """Make figures of the papers by name, each with its tidy table and manifest.

    Example: predictornas reproduce mauch-fig3 mauch-fig7 --benchmark nasbench201-cifar10

    Writes NAME.csv, NAME.json, NAME.png and so on, captions.md, and NAME-paper.csv where the paper states numbers.
    Figures that are views of one study share its runs in a folder below OUT. The same command again resumes.

    Parameters
    ----------
    names
        Figures, or patterns in quotes such as 'mauch-fig*'.
    list_
        Show every figure: what it shows, what it needs, how long it takes.
    out
        Folder of the results.
    benchmark
        A table's name; by default nasbench101 where it is imported and the figure is about it, otherwise
        nasbench201-cifar10.
    size
        small (preset quick, 100 evaluations, 5 seeds) or full (as in the paper: preset paper, 1400, 20 seeds);
        darts-collapse: small with 3 seeds, full with 10, smoke to see in a minute that it runs; milenas-fig2 and
        milenas-fig3: also medium, the paper's 50 epochs on 1,000 images.
    preset
        quick, default or paper, instead of the size's own.
    budget
        Evaluations of each run, instead of the size's own.
    seeds
        Runs of each method, instead of the size's own.
    study
        A folder that `gain` wrote, to draw from and to extend; it fixes benchmark, preset, budget and seeds.
    form
        table, or supernet for figures of PVLL-NAS with a trained super-network instead of the table.
    data
        Images for super-networks: a built-in set, or a folder such as that of CIFAR-10; by default hard-digits.
    """
    from predictornas.papers.figure import FigureRequest
    from predictornas.papers.named_figures import find_figures

    if list_:
        _show_all(as_json=json)
        return
    if not names:
        raise ConfigurationError("Name at least one figure, as in: predictornas reproduce mauch-fig3. See --list.")
    figures = find_figures(names)
    if "," in device:
        from predictornas.live.devices import listed_devices

        listed_devices(device)
        workers = training_processes(workers, device, 1)
    place = Where(workers, executor, address).get_executor()
    if benchmark is None and study is None:
        tables = {figure.benchmark(): None for figure in figures if figure.benchmark is not None}
        if tables and form == "table":
            remark(f"Searching {' and '.join(tables)}; choose another table with --benchmark.")
    request = FigureRequest(
        out,
        benchmark,
        size,
        preset,
        budget,
        seeds,
        worker_count(workers),
        study,
        data,
        device,
        form,
        executor=place,
        pictures=pictures_as(format_, style),
    )
    written = _written(figures, request)
    if not json:
        written = [row | {"files": ", ".join(Path(path).name for path in row["files"])} for row in written]
    show_rows(written, f"Reproduced in {out}/", as_json=json)


def _show_all(*, as_json: bool) -> None:
    """Lists every figure."""
    from predictornas.papers.named_figures import FIGURES

    show_rows(
        [_listing(figure, as_json=as_json) for figure in FIGURES.values()],
        "Figures; times on 2 cores for NAS-Bench-101, where no figure with the same runs was made before",
        as_json=as_json,
    )


def _written(figures: list[NamedFigure], request: FigureRequest) -> list[dict[str, Any]]:
    """Makes and writes each figure under a progress bar of its own."""
    from predictornas.papers.figure import write_figure

    written = []
    for place, figure in enumerate(figures, start=1):
        with progress_bar(f"{figure.name} ({place} of {len(figures)})") as started:
            paths = write_figure(figure, replace(request, started=started))
        written.append({"figure": figure.name, "shows": figure.title, "files": [str(path) for path in paths]})
    return written


def _listing(figure: NamedFigure, *, as_json: bool) -> dict[str, object]:
    shown: dict[str, object] = {"name": figure.name, "shows": figure.title, "needs": figure.needs}
    if as_json:
        durations = {size: round(60 * minutes) for size, minutes in figure.minutes.items()}
        return shown | {"source": figure.source, "durations": durations}
    return shown | {size: _duration(minutes) for size, minutes in figure.minutes.items()}


def _duration(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.0f} h"
