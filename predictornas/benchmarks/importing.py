"""How a file becomes a benchmark of the store: read, checked, and never under a name that stands for other content."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from predictornas.benchmarks import known_benchmarks
from predictornas.benchmarks.column import chosen_roles
from predictornas.benchmarks.hardware import DATASETS as HARDWARE
from predictornas.benchmarks.known_benchmarks import CATALOG, OFFICIAL_TABLES
from predictornas.benchmarks.known_recipes import RECIPES
from predictornas.benchmarks.layout import check_table_name
from predictornas.benchmarks.official201.columns import LADDER
from predictornas.benchmarks.official201.full_tables import full_tables
from predictornas.benchmarks.official201.importing import LICENCE, OfficialTable, reading_tables
from predictornas.benchmarks.recipe_files import load_recipe
from predictornas.benchmarks.recipes import ImportRecipe
from predictornas.benchmarks.sources import (
    Content,
    Progress,
    is_pickle,
    is_tfrecord,
    read_hardware_source,
    read_tabular_source,
    read_tfrecord_source,
    refuse_pickle,
)
from predictornas.benchmarks.store import stored_names
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import ConfigurationError, DataError, StoreError
from predictornas.files import data_home, remove_leftovers, scratch_folder, writing_folder
from predictornas.spaces.registry import get_space

logger = logging.getLogger(__name__)


def import_table(
    name: str,
    file: Path,
    *,
    join: Path | None = None,
    recipe: ImportRecipe | Path | None = None,
    signal: str | None = None,
    evaluation: str | None = None,
    progress: Progress | None = None,
) -> Benchmark:
    """Reads a file and stores it as a benchmark; on any error the store stays as it was.

    Importing the same file with the same options again writes the same benchmark anew (and so repairs it). A name that
    stands for other content is never given a new meaning.

    Args:
        name: a name of the catalog, whose recipe is then used, or a name of your own.
        file: an official NAS-Bench-101 TFRecord, the pickle of HW-NAS-Bench, a parquet, CSV or JSON file.
        join: the second file, for recipes that join one.
        recipe: what the columns of a parquet or CSV file mean, or a JSON file that says it; only for own names.
        signal: another default signal than the recipe's.
        evaluation: another default evaluation than the recipe's; without either the signal is its own judge.
        progress: told the progress of a TFRecord.

    Raises:
        DataError: a pickle, a file that breaks its format, or values that break the rules of a table.
        ConfigurationError: a name that is taken or cannot be used, options that do not go together, or a signal and an
            evaluation that share a training run.
        StoreError: the store cannot be written or the disk is full.
    """
    remove_leftovers(data_home())
    content = read_source(name, file, join=join, recipe=recipe, signal=signal, evaluation=evaluation, progress=progress)
    check_same_meaning(name, content)
    return _stored(name, content, data_home() / name)


def _stored(name: str, content: Content, folder: Path) -> Benchmark:
    return write_benchmark(
        folder,
        name=name,
        space=get_space(content.space),
        genes=content.genes,
        columns=content.columns,
        signal=content.signal,
        evaluation=content.evaluation or content.signal,
        source=content.source,
        licence=content.licence,
    )


def import_official(
    name: str, path: Path, *, epochs: Sequence[int] | None = LADDER, progress: Progress | None = None
) -> list[Benchmark]:
    """Reads an official file of NAS-Bench-201 or NATS-Bench and stores a table for each of its data sets.

    As "nasbench201" it makes `nasbench201-full-cifar10` and so on too (`official201.full_tables`). One of these names
    that another file has already keeps its meaning.

    All tables are complete before the first is put into the store: a file that is refused, or a full disk, leaves it as
    it was.

    Nothing in the file is executed, and memory stays far below its size. Every epoch is kept beside the columns; see
    `predictornas.benchmarks.official201.curves.OfficialCurves`.

    Args:
        name: "nasbench201" or "natsbench-size", or a name of your own that those of the tables then begin with:
            `NAME-cifar10-valid`, `NAME-cifar10`, `NAME-cifar100`, `NAME-imagenet16-120`.
        path: `.pth`, `.pickle.pbz2`, or a `-simple` folder.
        epochs: which epochs become columns, in addition to the last of each training; None for all.
        progress: told how much is read, and of how much.

    Raises:
        DataError: the file cannot be read, is torn, or holds anything but results.
        ConfigurationError: a name that is taken or cannot be used, or a file of the other space.
        StoreError: the store cannot be written or the disk is full.
    """
    prefix, space = OFFICIAL_TABLES.get(name, (name, None))
    _check_name(prefix)
    known_benchmarks.check_name(name)
    remove_leftovers(data_home())
    with (
        scratch_folder(data_home()) as scratch,
        reading_tables(path, scratch, epochs=epochs, progress=progress) as tables,
    ):
        read = {}
        for dataset, table in tables:
            read[dataset] = table
            if space not in (None, table.space):
                right = next(known for known, (_, its_space) in OFFICIAL_TABLES.items() if its_space == table.space)
                raise ConfigurationError(f"{path} holds the space {table.space!r}. Import it as {right!r}.")
        for dataset, table in read.items():
            _check_name(f"{prefix}-{dataset}")
            check_same_meaning(f"{prefix}-{dataset}", table)
        whole = scratch / "tables"
        names = [
            table.stored(whole / f"{prefix}-{dataset}", f"{prefix}-{dataset}").name for dataset, table in read.items()
        ]
        if name == "nasbench201":
            names += [_stored(full, content, whole / full).name for full, content in _full_tables(read)]
        return [_moved(whole / table, data_home() / table) for table in names]


def _moved(folder: Path, target: Path) -> Benchmark:
    """A table that is complete, put where it belongs."""
    with writing_folder(target) as temporary:
        for part in folder.iterdir():
            shutil.move(part, temporary / part.name)  # the store may have a link to a folder on another disk
    return Benchmark.open(target)


def _full_tables(tables: Mapping[str, OfficialTable]) -> Iterator[tuple[str, Content]]:
    for dataset, genes, columns, signal, evaluation in full_tables(tables):
        name, anyone = f"nasbench201-full-{dataset}", next(iter(tables.values()))
        source = {entry: anyone.source[entry] for entry in ("file", "sha256")}
        content = Content(anyone.space, genes, columns, signal, evaluation, source, LICENCE)
        try:
            check_same_meaning(name, content)
        except ConfigurationError as error:
            logger.info("%s", error)
            continue
        yield name, content


def read_source(
    name: str,
    file: Path,
    *,
    join: Path | None = None,
    recipe: ImportRecipe | Path | None = None,
    signal: str | None = None,
    evaluation: str | None = None,
    progress: Progress | None = None,
) -> Content:
    """What `import_table` would store, with the same arguments and errors; nothing is written."""
    _check_name(name)
    content = _read(name, file, join, load_recipe(recipe) if isinstance(recipe, Path) else recipe, progress)
    columns = {column.name: column for column in content.columns}
    own = content.signal, content.evaluation or content.signal
    signal, evaluation = chosen_roles(columns, own, signal, evaluation)
    return replace(content, signal=signal, evaluation=evaluation)


def _read(name: str, file: Path, join: Path | None, recipe: ImportRecipe | None, progress: Progress | None) -> Content:
    if name in HARDWARE and is_pickle(file):
        if recipe is not None or join is not None:
            raise ConfigurationError(f"{name!r} of {file.name} is read without a recipe and without a second file.")
        return read_hardware_source(name, file, RECIPES[name])
    for given in (file, join):
        if given is not None:
            refuse_pickle(given)
    if is_tfrecord(file):
        if recipe is not None or join is not None or (name in {*CATALOG, *RECIPES} - {"nasbench101"}):
            raise ConfigurationError(
                f"{file} is a NAS-Bench-101 TFRecord, the name was {name!r}: import it as 'nasbench101' or under a "
                "name of your own, without a recipe and without a second file."
            )
        return read_tfrecord_source(file, progress)
    if recipe is not None and name in RECIPES:
        raise ConfigurationError(f"{name!r} has a recipe of its own; choose another name for this table.")
    recipe = recipe or RECIPES.get(name)
    if recipe is None:
        raise ConfigurationError(
            f"{name!r} has no recipe: say with --recipe what the columns of {file} mean, or use one of these names: "
            f"{', '.join(RECIPES)}.{_read_from(name)}"
        )
    try:
        return read_tabular_source(file, recipe, join)
    except DataError as error:
        raise DataError(f"{error}{_read_from(name)}") from error


def _read_from(name: str) -> str:
    """What file a table of the catalogue is of, as a sentence."""
    source = CATALOG[name].source if name in CATALOG else None
    return f" {name!r} is read from {source}." if source else ""


def _check_name(name: str) -> None:
    check_table_name(name)
    entry = CATALOG.get(name)
    if entry is not None and (entry.bundled or entry.dataset is not None):
        origin = "comes with this package" if entry.bundled else "is built from an installed package"
        raise ConfigurationError(f"{name!r} {origin} and keeps its meaning; import the file under another name.")


def check_same_meaning(name: str, made: Content | OfficialTable) -> None:
    """Refuses to put other content under a name; a damaged folder has no meaning left to keep."""
    if name not in stored_names():
        return
    try:
        stored = Benchmark.open(data_home() / name)
    except StoreError:
        return
    identity = json.loads(json.dumps([made.source, made.signal, made.evaluation or made.signal]))
    if [stored.manifest["source"], stored.signal, stored.evaluation] != identity:
        raise ConfigurationError(
            f"{name!r} is already imported from {stored.manifest['source'].get('file')!r}, with signal "
            f"{stored.signal!r} and evaluation {stored.evaluation!r}, and keeps its meaning. Choose another name, or "
            f"delete {stored.folder}."
        )
