"""Benchmarks by name: what this package knows and what the store holds, opened and listed."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from predictornas.benchmarks import nasbench201, nasbench_graph
from predictornas.benchmarks.bundled import bundled_folder
from predictornas.benchmarks.importing import import_official, import_table
from predictornas.benchmarks.known_benchmarks import BENCHMARKS, CATALOG, EXAMPLES, OFFICIAL_URLS, Entry
from predictornas.benchmarks.layout import NAME
from predictornas.benchmarks.store import stored_names
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import DataError, PredictorNASError, StoreError, UnknownNameError
from predictornas.files import data_home
from predictornas.registry import expect
from predictornas.spaces.registry import get_space

# some are of other modules now: the code of users may have them from here
__all__ = [
    "CATALOG",
    "NAME",
    "OFFICIAL_URLS",
    "Entry",
    "Listing",
    "import_official",
    "import_table",
    "is_here",
    "list_benchmarks",
    "open_benchmark",
    "stored_names",
]

logger = logging.getLogger(__name__)

_OFFLINE = {
    "nasbench201": (nasbench201.read_offline, nasbench201.LICENCE),
    "nasbench-graph": (nasbench_graph.read_graph, nasbench_graph.LICENCE),
}
"""What reads the tables of a space that an installed package brings along, and their licence."""


@dataclass(frozen=True)
class Listing:
    """One line of `list_benchmarks`.

    Attributes:
        name: name of the benchmark.
        space: name of its search space; empty where its folder cannot be read.
        rows: number of architectures; None before it is imported or built.
        state: "imported", "bundled" (comes with the package), "offline" (built on first use), "needs a file",
            "unknown space" (its space was registered in another process), "damaged" or "plug-in" (of another package,
            opened when asked for).
        signal: default signal.
        evaluation: default evaluation; empty where there is none.
        description: what it is, or what to get, or what is wrong.
    """

    name: str
    space: str
    rows: int | None
    state: str
    signal: str
    evaluation: str
    description: str


def open_benchmark(name: str) -> Benchmark:
    """Opens a benchmark that is bundled or imported; one made from an installed package is built on first use.

    Example:
        >>> from predictornas import open_benchmark
        >>> table = open_benchmark("nasbench101-digits")
        >>> len(table), table.signal
        (2532, 'valid_accuracy_9_run0')

    Args:
        name: a name of the catalog, one under which a table was imported, one of another package, or a
            `module:attribute` that gives a benchmark or its folder.

    Raises:
        UnknownNameError: no benchmark has this name; names the nearest.
        ConfigurationError: one of another package that cannot be loaded.
        DataError: a known benchmark that is not imported yet; says which file to get and the command to run.
        StoreError: its folder is damaged, or the store cannot be written.
    """
    entry = CATALOG.get(name) or EXAMPLES.get(name)
    if entry is not None and entry.bundled:
        return Benchmark.open(bundled_folder(name))
    generated = BENCHMARKS.own(name)
    if generated is not None:
        record, seed = generated
        return expect(record.make(number=seed), Benchmark, record)  # type: ignore[no-any-return]
    if name in stored_names():
        return Benchmark.open(data_home() / name)
    if entry is None:
        return _of_another_package(name)
    if entry.dataset is None:
        raise DataError(
            f"{name!r} is not imported yet. Get {entry.source}, then run: "
            f"predictornas data import {entry.imported_as or name} FILE"
            f"{' --join FILE' if '--join' in (entry.source or '') else ''}. The store is {data_home()}."
        )
    return _build_offline(name, entry, entry.dataset)


def _of_another_package(name: str) -> Benchmark:
    """Under the name that it was asked for by, so that what is made of it finds it again."""
    record = BENCHMARKS.find(name)
    if record is None:
        raise UnknownNameError("benchmark", name, {*CATALOG, *EXAMPLES, *stored_names(), *BENCHMARKS.spellings()})
    made = record.make()
    opened: Benchmark = expect(Benchmark.open(made) if isinstance(made, Path) else made, Benchmark, record)
    return replace(opened, manifest={**opened.manifest, "name": name})


def _build_offline(name: str, entry: Entry, dataset: str) -> Benchmark:
    read, licence = _OFFLINE[entry.space]
    genes, columns, source = read(dataset)
    logger.info("Building %s in the store, %s.", name, data_home())
    try:
        return write_benchmark(
            data_home() / name,
            name=name,
            space=get_space(entry.space),
            genes=genes,
            columns=columns,
            signal=entry.signal,
            evaluation=entry.evaluation,
            source=source,
            licence=licence,
        )
    except StoreError:
        if name in stored_names():  # another process built the same table at the same time
            return Benchmark.open(data_home() / name)
        raise


def is_here(name: str) -> bool:
    """Whether a benchmark can be opened without importing or building anything: it is bundled or in the store."""
    bundled = name in CATALOG and CATALOG[name].bundled
    return bundled or name in stored_names() or name in BENCHMARKS.others()


def list_benchmarks() -> list[Listing]:
    """Every known and every stored benchmark, those of the catalog first."""
    stored = stored_names()
    lines = [_known(name, entry, stored) for name, entry in CATALOG.items()]
    own = [_listed(name, data_home() / name, "imported") for name in stored if name not in CATALOG]
    others = [name for name in BENCHMARKS.others() if name not in {*CATALOG, *stored}]
    return lines + own + [Listing(name, "", None, "plug-in", "", "", "of another package") for name in others]


def _known(name: str, entry: Entry, stored: Collection[str]) -> Listing:
    if entry.bundled:
        return _listed(name, bundled_folder(name), "bundled")
    return _listed(name, data_home() / name, "imported") if name in stored else _unstored(name, entry)


def _listed(name: str, folder: Path, state: str) -> Listing:
    try:
        table = Benchmark.open(folder)
    except PredictorNASError as error:
        what = "unknown space" if isinstance(error, UnknownNameError) else "damaged"
        return Listing(name, "", None, what, "", "", str(error))
    entry = CATALOG.get(name) or EXAMPLES.get(name)
    said = entry.description if entry is not None else f"imported from {table.manifest['source'].get('file')}"
    return Listing(name, str(table.manifest["space"]), len(table), state, table.signal, table.evaluation, said)


def _unstored(name: str, entry: Entry) -> Listing:
    state = "needs a file" if entry.dataset is None else "offline"
    get = "" if entry.source is None else f"; get {entry.source}"
    return Listing(name, entry.space, None, state, entry.signal, entry.evaluation, entry.description + get)
