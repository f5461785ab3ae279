"""The `data` verbs: list tables, look at one, import and export, download, remove, verify, compare its columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from predictornas.cli.console import Json, progress_bar, remark, say, show_json, show_rows
from predictornas.cli.options import Formats, Style, pictures_as, whole_numbers
from predictornas.counting import counted
from predictornas.errors import ConfigurationError

if TYPE_CHECKING:
    from predictornas.benchmarks.preview import Preview
    from predictornas.benchmarks.table import Benchmark

DryRun = Annotated[bool, Parameter(negative="", help="Say what would be imported, and write nothing.")]

Yes = Annotated[
    bool, Parameter(negative="", help="Remove it; without this the command only says what it would remove.")
]

data = App(
    name="data", help="Tables: list them, look at one, import, export, download, remove, verify, agreement of columns."
)


@data.command(name="list")
def list_tables(*, json: Json = False) -> None:
    """List the tables that can be searched.

    Example: predictornas data list
    """
    from dataclasses import asdict

    from predictornas.benchmarks.catalog import list_benchmarks

    rows = [asdict(listing) for listing in list_benchmarks()]
    shown = rows if json else [{name: row[name] for name in ("name", "state", "rows", "description")} for row in rows]
    show_rows(shown, "Benchmarks", as_json=json)


@data.command
def info(name: str, *, json: Json = False) -> None:
    """Describe one table and its columns.

    Example: predictornas data info nasbench201-cifar10

    Parameters
    ----------
    name
        Name of the table.
    """
    from predictornas.benchmarks.catalog import open_benchmark
    from predictornas.benchmarks.protocols import PROTOCOLS, protocol_of

    benchmark = open_benchmark(name)
    rows = [
        {
            "column": column.name,
            "metric": column.metric,
            "split": column.split,
            "epochs": column.epochs,
            "run": column.run,
            "direction": column.direction,
            "protocol": protocol_of(benchmark.name, benchmark.manifest["source"], column),
            "role": _role(benchmark, column.name),
        }
        for column in benchmark.columns.values()
    ]
    if json:
        show_json({**_facts(benchmark), "columns": rows})
        return
    protocols = dict.fromkeys(str(row["protocol"]) for row in rows if row["protocol"] is not None)
    if not protocols:
        rows = [{name: value for name, value in row.items() if name != "protocol"} for row in rows]
    show_rows(rows, f"{name}: {_rows_of(benchmark)} in {benchmark.folder}", as_json=False)
    for protocol in protocols:
        remark(f"Protocol {protocol}: {PROTOCOLS[protocol]}")
    remark(f"Licence: {benchmark.manifest['licence']}")


def _rows_of(benchmark: Benchmark) -> str:
    """How many rows, and how many have the signal where some have not."""
    import numpy as np

    rows, measured = counted(len(benchmark), "row"), int(np.isfinite(benchmark.values(benchmark.signal)).sum())
    return rows if measured == len(benchmark) else f"{rows}, {measured:,} with the signal"


def _role(benchmark: Benchmark, name: str) -> str | None:
    roles = {"signal": benchmark.signal, "evaluation": benchmark.evaluation}
    return " and ".join(role for role, column in roles.items() if column == name) or None


@data.command(name="import")
def import_file(
    name: str,
    file: Path,
    *,
    recipe: Path | None = None,
    join: Path | None = None,
    signal: str | None = None,
    evaluation: str | None = None,
    epochs: str | None = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Import a table from a file: official NAS-Bench-101, NAS-Bench-201, NATS-Bench, HW-NAS-Bench, parquet, CSV, JSON.

    Example: predictornas data import nasbench101 nasbench_only108.tfrecord
    Example: predictornas data import nasbench201 NAS-Bench-201-v1_1-096897.pth

    Parameters
    ----------
    name
        Name of the table: one of the catalog, or your own.
    file
        The file; a folder for NATS-Bench's -simple form.
    recipe
        JSON file that says which columns hold what; not needed for the catalog's own tables.
    join
        A second file with the evaluation column, for tables that have none.
    signal
        Default signal column of the table.
    evaluation
        Default evaluation column of the table; without any the signal is its own judge.
    epochs
        For NAS-Bench-201 and NATS-Bench: epochs of the curves that become columns, 1,12,50,200, or all.
    """
    from predictornas.benchmarks.importing import check_same_meaning, import_official, import_table, read_source
    from predictornas.benchmarks.official201.columns import LADDER
    from predictornas.benchmarks.official201.importing import is_official
    from predictornas.benchmarks.preview import preview

    official = is_official(file)
    _check_import_options(official, {"--recipe": recipe, "--join": join, "--signal": signal,
                                     "--evaluation": evaluation, "--dry-run": dry_run or None}, epochs)  # fmt: skip
    with progress_bar(f"Importing {name}") as started:
        advance = None
        before = 0

        def progress(done: int, total: int) -> None:
            nonlocal advance, before
            advance = advance or started(total)
            advance(done - before)
            before = done

        roles = {"signal": signal, "evaluation": evaluation}
        made, found = [], None
        if official:
            chosen = LADDER if epochs is None else _epochs(epochs)
            made = import_official(name, file, epochs=chosen, progress=progress)
        elif dry_run:
            content = read_source(name, file, recipe=recipe, join=join, progress=progress, **roles)
            check_same_meaning(name, content)
            found = preview(content)
        else:
            made = [import_table(name, file, recipe=recipe, join=join, progress=progress, **roles)]
    if found is not None:
        _show_preview(name, found, as_json=json)
        return
    if json:
        show_json([_facts(benchmark) for benchmark in made] if official else _facts(made[0]))
        return
    for benchmark in made:
        _say_imported(benchmark)


def _say_imported(benchmark: Benchmark) -> None:
    from predictornas.benchmarks.validation import doubts

    say(
        f"{benchmark.name}: {_rows_of(benchmark)} in {benchmark.folder}\n"
        f"signal {benchmark.signal}, evaluation {benchmark.evaluation}"
    )
    for doubt in doubts(benchmark.columns, benchmark.values, benchmark.signal, benchmark.evaluation):
        say(f"Warning: {doubt}")


def _check_import_options(official: bool, others: dict[str, object], epochs: str | None) -> None:
    """Official files know their columns; only they have epochs to choose from."""
    if official and (given := [option for option, value in others.items() if value is not None]):
        raise ConfigurationError(f"An official file knows its columns: leave out {', '.join(given)}.")
    if not official and epochs is not None:
        raise ConfigurationError("--epochs chooses from the curves of NAS-Bench-201 and NATS-Bench; leave it out here.")


def _epochs(text: str) -> list[int] | None:
    """Epochs by number, "1,12,200"; None for "all"."""
    if text == "all":
        return None
    return list(whole_numbers(text, "--epochs"))


def _show_preview(name: str, found: Preview, *, as_json: bool) -> None:
    """What an import would store; nothing was."""
    from dataclasses import asdict

    if as_json:
        show_json({"name": name, **asdict(found)})
        return
    rows = [
        {**row, **{end: None if row[end] is None else f"{row[end]:.6g}" for end in ("lowest", "highest")}}
        for row in found.columns
    ]
    show_rows(rows, f"{name}: {counted(found.architectures, 'architecture')} of {found.space}", as_json=False)
    values = ", ".join(f"{column} {value:.6g}" for column, value in found.best_values.items())
    say(f"Best by the signal: {found.best} ({values})")
    for warning in found.warnings:
        say(f"Warning: {warning}")
    say("Nothing was written; the same command without --dry-run imports the table.")


@data.command
def fetch(name: str, *, folder: Path | None = None, json: Json = False) -> None:
    """Download an official file; an interrupted download continues where it stopped.

    Example: predictornas data fetch nasbench_only108

    Parameters
    ----------
    name
        nasbench_only108 (0.5 GB: 108 epochs) or nasbench_full (2 GB: 4, 12, 36 and 108 epochs).
    folder
        Where to put it; the cache folder by default.
    """
    from predictornas.benchmarks.download import fetch as download

    path = download(name, folder=folder)
    if json:
        show_json({"name": name, "file": str(path)})
        return
    say(f"{path}\nImport it: predictornas data import nasbench101 {path}")


@data.command
def export(name: str, *, out: Path | None = None, json: Json = False) -> None:
    """Write a table as one file: a row an architecture, with its genes, its notation and every column.

    Example: predictornas data export nasbench101-digits --out digits.csv

    Parameters
    ----------
    name
        Name of the table.
    out
        The file, .parquet or .csv; NAME.parquet by default.
    """
    from predictornas.benchmarks.catalog import open_benchmark
    from predictornas.benchmarks.exporting import export_table

    path = out or Path(f"{name}.parquet")
    rows = export_table(open_benchmark(name), path)
    if json:
        show_json({"name": name, "rows": rows, "file": str(path)})
        return
    say(f"{name}: {counted(rows, 'row')} in {path}")


@data.command(name="agreement")
def show_agreement(
    name: str,
    *,
    beside: str | None = None,
    out: Path | None = None,
    format_: Formats = None,
    style: Style = "screen",
    json: Json = False,
) -> None:
    """Show how far a table's accuracies agree on the order of architectures: between seeds, lengths and splits.

    Example: predictornas data agreement nasbench101-digits --beside nasbench101 --out agreement

    Parameters
    ----------
    name
        Name of the table.
    beside
        Another table of the same space, compared on the architectures that both have.
    out
        Folder for agreement.csv, its figure and manifest.json.
    """
    from predictornas.studies.table_agreement import agreement, write_agreement

    table = agreement(name, beside) if out is None else write_agreement(name, beside, out, pictures_as(format_, style))
    pairs = [row for row in table.to_dicts() if row["first"] != row["second"]]
    if not json:
        pairs = [row | {"tau": "-" if row["tau"] is None else f"{row['tau']:.3f}"} for row in pairs]
    show_rows(pairs, "Kendall's tau between accuracies", as_json=json)
    if out is not None and not json:
        say(f"Table and figure: {out}/")


@data.command
def remove(name: str, *, yes: Yes = False, json: Json = False) -> None:
    """Remove an imported table from the store.

    Example: predictornas data remove nasbench101 --yes

    Parameters
    ----------
    name
        Name of the table.
    """
    from predictornas.benchmarks.store import remove_benchmark, stored_folder, stored_rows

    if not yes:
        raise ConfigurationError(
            f"This removes {counted(stored_rows(name), 'row')} in {stored_folder(name)}. Say so with --yes."
        )
    folder = remove_benchmark(name)
    if json:
        show_json({"name": name, "removed": str(folder)})
    else:
        say(f"Removed {folder}")


@data.command
def verify(name: str, *, json: Json = False) -> None:
    """Check the SHA-256 of every file of a table.

    Example: predictornas data verify nasbench101

    Parameters
    ----------
    name
        Name of the table.
    """
    from predictornas.benchmarks.catalog import open_benchmark

    benchmark = open_benchmark(name)
    benchmark.verify()
    if json:
        show_json({"name": name, "files": len(benchmark.manifest["files"]), "intact": True})
        return
    say(f"{name}: {counted(len(benchmark.manifest['files']), 'file')}, as written.")


def _facts(benchmark: Benchmark) -> dict[str, Any]:
    """What a table is and where it comes from."""
    from predictornas.studies.gain.study import data_fingerprint

    return {
        "name": benchmark.name,
        "space": benchmark.space.name,
        "rows": len(benchmark),
        "signal": benchmark.signal,
        "evaluation": benchmark.evaluation,
        "source": benchmark.manifest["source"],
        "licence": benchmark.manifest["licence"],
        "data_sha256": data_fingerprint(benchmark),
        "folder": str(benchmark.folder),
    }
