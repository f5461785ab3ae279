"""What a bug report should contain: versions, machine, tables, and searches whose result is known."""

from __future__ import annotations

import os
import platform
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

from predictornas import __version__
from predictornas.benchmarks.catalog import list_benchmarks, open_benchmark
from predictornas.counting import counted
from predictornas.errors import PredictorNASError, StoreError
from predictornas.files import cache_home, data_home, scratch_folder
from predictornas.oracles.tabular import TabularOracle
from predictornas.search.loop import Search, run
from predictornas.search.methods import get_preset, get_strategy

PACKAGES = {
    "core": ("torch", "numpy", "scipy", "polars"),
    "cli": ("cyclopts", "rich"),
    "plots": ("matplotlib",),
    "live": ("pillow", "scikit-learn"),
    "pyg": ("torch-geometric",),
    "ray": ("ray",),
    "objectives": ("moocore",),
    "graph": ("nas-bench-graph",),
    "notebooks": ("jupyterlab", "nbmake"),
    "docs": ("sphinx", "furo", "myst-parser"),
}
"""What each extra brings, as far as its version says something about a fault."""

HISTORIES = {"random": 1420735726, "local-search": 3971676017}
"""CRC-32 of the keys of 30 evaluations of nasbench101-digits, seed 0: integers only, so the same on every machine."""

_EVALUATIONS = 30


@dataclass(frozen=True)
class Finding:
    """One line of the check.

    Attributes:
        about: what was looked at.
        found: what was found, in words.
        well: whether it is as it should be; an extra that is not installed is.
    """

    about: str
    found: str
    well: bool = True


def self_check() -> Iterator[Finding]:
    """Looks at the installation, the machine and the tables, and runs three short searches; under ten seconds."""
    yield Finding("predictornas", f"{__version__}, Python {platform.python_version()}")
    yield Finding("machine", f"{platform.platform()}, {os.cpu_count()} processors{_memory()}")
    for name, packages in PACKAGES.items():
        yield Finding(name, ", ".join(f"{package} {_version(package)}" for package in packages))
    yield Finding("accelerator", _accelerator())
    yield _folder("folder of tables", data_home(), "PREDICTORNAS_DATA")
    yield _folder("folder of the cache", cache_home(), "PREDICTORNAS_CACHE")
    yield _tables()
    yield _licences()
    for method in (*HISTORIES, "bayesian-optimisation"):
        yield _searched(method)


def _memory() -> str:
    """The memory of the machine; nothing where the system does not tell, as Windows."""
    try:
        return f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB of memory"
    except (AttributeError, OSError, ValueError):
        return ""


def _folder(about: str, folder: Path, variable: str) -> Finding:
    """Where this package writes by itself, and whether it may."""
    try:
        with scratch_folder(folder):
            return Finding(about, f"{folder} (set {variable} for another)")
    except StoreError:
        return Finding(about, f"{folder} cannot be written: set {variable} for another", well=False)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _accelerator() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use"
    return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


def _tables() -> Finding:
    try:
        here = [f"{listing.name} ({listing.rows:,})" for listing in list_benchmarks() if listing.rows]
    except PredictorNASError as error:
        return Finding("tables", str(error), well=False)
    return Finding("tables", ", ".join(here))


def _licences() -> Finding:
    """Licences of this package and of the values of each table that is here; any exception is a finding."""
    facts = metadata("predictornas").json
    found = [f"predictornas {facts.get('license_expression') or facts.get('license') or 'unknown'}"]
    try:
        here = [listing.name for listing in list_benchmarks() if listing.rows]
        found += [f"{name} {open_benchmark(name).manifest['licence']}" for name in here]
    except Exception as error:
        return Finding("licences", f"{type(error).__name__}: {error}", well=False)
    return Finding("licences", ", ".join(found))


def _searched(method: str) -> Finding:
    """Any exception is a finding here: this is what a person runs when something is broken."""
    about, began = f"search {method}", time.perf_counter()
    try:
        benchmark = open_benchmark("nasbench101-digits")
        search = Search(benchmark.space, get_strategy(method, get_preset("quick")), seed=0)
        history = run(search, TabularOracle(benchmark), _EVALUATIONS)
    except Exception as error:
        return Finding(about, f"{type(error).__name__}: {error}", well=False)
    took = f"{counted(len(history), 'evaluation')} in {time.perf_counter() - began:.1f} s"
    digest = zlib.crc32(history.keys.astype("<u8").tobytes())
    if HISTORIES.get(method, digest) != digest:
        return Finding(about, f"{took}, another history than expected ({digest})", well=False)
    same = ", the same architectures as on every machine" if method in HISTORIES else ", no error"
    return Finding(about, took + same)
