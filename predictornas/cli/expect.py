"""The verb that tells beforehand what a study will show: expect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.cli.console import Json, progress_bar, say, show_json, show_rows
from predictornas.cli.listing import methods_help
from predictornas.cli.options import Formats, Style, pictures_as
from predictornas.cli.studies import BENCHMARK, BREAKS
from predictornas.counting import counted

if TYPE_CHECKING:
    from predictornas.studies.expected.study import Expected

METHODS = "uniform-100,uniform-1000,exhaustive"
"""What is tried where no method is named: methods that rank pools with a predictor."""


def expect(
    *,
    benchmark: str = BENCHMARK,
    methods: Annotated[str, Parameter(help=f"Commas between: {methods_help()}")] = METHODS,
    budget: int = 100,
    preset: str = "quick",
    signal: str | None = None,
    pilots: int = 6,
    runs: int = 20,
    seed: int = 0,
    out: Path | None = None,
    format_: Formats = None,
    style: Style = "screen",
    json: Json = False,
) -> None:
    """Tell what `gain` will show for methods that rank pools, from a few searches instead of many.

    Example: predictornas expect --benchmark nasbench101 --methods uniform-1000,evolutionary-100@fast-gp

    Each iteration of a pilot ranks twenty pools with the predictor that it fits anyway, so that it tells what would be
    found, not what it found. Writes expected.csv, best.csv, tops.csv, a figure and manifest.json.

    Parameters
    ----------
    benchmark
        A table's name: see `predictornas data list`.
    budget
        Evaluations of each run, the random initial set included.
    preset
        quick (100 training epochs an iteration), default (500) or paper (K = 4, 2000).
    signal
        Column that drives the search; the table's default where none is given.
    pilots
        Searches that are run.
    runs
        Seeds that the study will have; intervals are for its gain.
    seed
        Of the pilots; their searches are none of a study's.
    out
        Folder of the results; expected-BENCHMARK by default.
    """
    from predictornas.studies.expected.pilots import Effort
    from predictornas.studies.expected.study import ExpectedStudy, printed, run_expected
    from predictornas.studies.gain.opened import open_study
    from predictornas.studies.gain.study import Study

    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    study = Study(benchmark=benchmark, methods=names, budget=budget, preset=preset, signal=signal)
    expected = ExpectedStudy(study, Effort(pilots), runs, seed)
    folder, pictures = out or Path(f"expected-{benchmark}"), pictures_as(format_, style)
    with progress_bar(f"{counted(len(names), 'method')}, {counted(pilots, 'pilot')}, fits") as started:
        found = run_expected(expected, folder, started=started, pictures=pictures)
    if json:
        show_json(_json(found))
        return
    quantity = open_study(study).benchmark.quantities.signal
    title = f"Expected gain over random search, [95 % of studies of {counted(runs, 'run')}]"
    show_rows(printed(found, quantity), title, as_json=False, breaks=("sampler", *BREAKS))
    say(f"Tables and figure: {folder}/")


def _json(found: Expected) -> list[dict[str, Any]]:
    """The gain at the targets with a name, for programs."""
    names = {error: name for name, error in found.named.items()}
    columns = ("method", "table_hits", "gain_db", "low", "high", "resolved", "sampler_db", "predictor_db", "law_db")
    return [
        {"target": names[row["target_error"]]} | {name.removesuffix("_db"): row[name] for name in columns}
        for row in found.gain.to_dicts()
        if row["target_error"] in names
    ]
