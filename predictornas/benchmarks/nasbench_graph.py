"""NAS-Bench-Graph without any download: the measurements that the package nas-bench-graph brings along.

Only its data files are read, never its code. They are pickles, so they are opened by an unpickler that can build
nothing but plain values, and only when their sha256 is the known one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.benchmarks.column import FRACTION, Column
from predictornas.benchmarks.offline import installed_file, known_content
from predictornas.errors import MissingDependencyError
from predictornas.plain_pickle import load_plain
from predictornas.spaces.base import Genes

LICENCE = "Apache-2.0 (nas-bench-graph)"

REQUIREMENT = "nas-bench-graph==1.4.*"

DATASETS = {
    "cora": "5e69b2f9bb08d8927d9ffd4921f8494a3cea349c9c3a461334cb9dc9e11701a8",
    "citeseer": "99c7f79b73372636305bf73fb32a58b63c57bd1871a152dd62ec72d984c8c50f",
    "pubmed": "10b4dcf6cfd3a24f6059f7d541a4a872960b4adac0b3dba26abed1bb9a3d904d",
    "cs": "71ae8469930517160b024f52db6000a4897f1aff5d765beb27bb60952ed5bd31",
    "physics": "1e309bafee0b832c8b84fa3c039c36992bc0a910238b128f26b7e9190d7f2aea",
    "photo": "5511b4dc3f63fa988792177227db7901290fb9b27fc6c02e3036b29e134ed6df",
    "computers": "fdb3dc0cf405d62322f0ab9614b2083c2a5e6576c2f43e4f2214be64bc62b1b3",
    "arxiv": "7ee21a7653297a806c0ed1be3efe6ecc06acc84e48e942da0bfde0e5d287debe",
    "proteins": "b9e7fb0902bda44fec32c948e5fde822fb22d38d674c52e43ace5197378f2d21",
}
"""The data sets of nas-bench-graph 1.4.0 and the sha256 of their files."""

AREA = "roc_auc"
"""What was measured on proteins, whose labels are 112 yes-or-no questions: the mean area under their ROC curves."""

Columns = dict[Column, Float[np.ndarray, " n"]]


def read_graph(dataset: str) -> tuple[Genes, Columns, dict[str, Any]]:
    """The architectures in the order of the file, with validation, test, latency and number of parameters.

    The file has one value each: the mean of three trainings (the 500 validation nodes of Cora give multiples of
    1/1500). Validation and test are of the same trainings, so both know a lucky initialisation. Latency is as in the
    file, which names no unit; parameters are turned from millions into a number.

    Args:
        dataset: one of `DATASETS`.

    Returns:
        Genes `(26206, 5)`, of proteins `(2021, 5)`, the columns, and what they were read from.

    Raises:
        MissingDependencyError: nas-bench-graph is not installed.
        DataError: its file is missing or is not the known one.
    """
    content = known_content(_installed(dataset), DATASETS[dataset], REQUIREMENT)
    found = load_plain(content, dataset)
    hashes = np.fromiter(found, np.int64, len(found))
    genes = (hashes[:, None] // 10 ** np.arange(4, -1, -1) % 10).astype(np.int8)
    values = {
        name: np.array([row[name] for row in found.values()]) for name in ("valid_perf", "perf", "latency", "para")
    }
    columns = {
        quality(dataset, "valid"): values["valid_perf"],
        quality(dataset, "test"): values["perf"],
        Column.named(metric="latency"): values["latency"],
        Column.named(metric="parameters"): np.rint(values["para"] * 1e6),
    }
    source = {"package": REQUIREMENT, "file": f"{dataset}.bench", "sha256": DATASETS[dataset]}
    return genes, columns, source


def quality(dataset: str, split: str) -> Column:
    """The column of accuracies, on proteins of areas under the ROC curve."""
    if dataset == "proteins":
        return Column.named(metric=AREA, split=split, run="mean", direction="higher", unit=FRACTION)
    return Column.named(metric="accuracy", split=split, run="mean")


def _installed(dataset: str) -> Path:
    path = installed_file("nas_bench_graph", "light", f"{dataset}.bench")
    if path is None:
        raise MissingDependencyError(
            "NAS-Bench-Graph needs nas-bench-graph, which is not installed. Run: pip install 'predictornas[graph]'"
        )
    return path
