"""Tables with what most searches want of NAS-Bench-201: validation to search by, test to judge by, and little else.

Of CIFAR-10 the validation accuracies are of networks trained on half of the training images, the test accuracies of
those trained on all of them, as in the papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, Int8

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.official201.columns import Columns, mean_of_present
from predictornas.spaces.base import Genes

if TYPE_CHECKING:
    from predictornas.benchmarks.official201.importing import OfficialTable

_PARTS = {
    "cifar10": ("cifar10-valid", "cifar10"),
    "cifar100": ("cifar100", "cifar100"),
    "imagenet16-120": ("imagenet16-120", "imagenet16-120"),
}
"""Of each table the data set that its validation accuracies and times are of, and that of its test accuracies."""

SIGNAL, EVALUATION = "valid_accuracy_{}_run0", "test_accuracy_{}_mean"


def full_tables(tables: Mapping[str, OfficialTable]) -> Iterator[tuple[str, Genes, Columns, str, str]]:
    """Data set, genes, columns, signal and evaluation of each table that can be made.

    Args:
        tables: of an official file, by data set.
    """
    for dataset, (valid, test) in _PARTS.items():
        if valid in tables and test in tables:
            rows, other = _common(tables[valid].genes, tables[test].genes)
            if not len(rows):
                continue
            columns = _columns(
                {column.name: (column, values[rows]) for column, values in tables[valid].columns.items()},
                {column.name: (column, values[other]) for column, values in tables[test].columns.items()},
            )
            longest = max(column.epochs or 0 for column in columns)
            roles = SIGNAL.format(longest), EVALUATION.format(longest)
            measured = {column.name for column, values in columns.items() if not np.isnan(values).all()}
            if measured.issuperset(roles):
                yield dataset, tables[valid].genes[rows], columns, *roles


def _common(
    genes: Genes, others: Int8[np.ndarray, "m g"]
) -> tuple[Int[np.ndarray, " common"], Int[np.ndarray, " common"]]:
    """Rows of the architectures that both have, in the order of the first."""
    place = {row.tobytes(): index for index, row in enumerate(others)}
    rows = [index for index, row in enumerate(genes) if row.tobytes() in place]
    return np.array(rows, np.int64), np.array([place[genes[index].tobytes()] for index in rows], np.int64)


_Named = Mapping[str, tuple[Column, Float[np.ndarray, " n"]]]


def _columns(valid: _Named, test: _Named) -> Columns:
    """The end of every training: the long one in all its runs, shorter ones in the first that they have."""
    made: Columns = {}
    ends = [column for column, _ in (*valid.values(), *test.values()) if column.epochs is not None]
    longest = max(column.epochs or 0 for column in ends)
    wanted = {("accuracy", "valid", longest), ("parameters", None, None), ("latency_seconds", None, None)}
    made |= {column: values for column, values in valid.values() if _what(column) in wanted}
    means = [pair for pair in test.values() if pair[0].run == "mean"]
    made |= {column: values for column, values in means if _what(column) == ("accuracy", "test", longest)}
    shorter = sorted({column.epochs or 0 for column in ends if column.metric == f"of{column.epochs}_accuracy"})
    for epochs in shorter:
        for split, named in (("valid", valid), ("test", test)):
            _add(made, named, split, f"of{epochs}_accuracy", epochs, "accuracy", run="0")
        _add(made, valid, "train", f"of{epochs}_seconds", epochs, "seconds", run=None)
    _add(made, valid, "train", "seconds", longest, "seconds", run=None)
    return made


def _add(
    made: Columns, named: _Named, split: str, metric: str, epochs: int | None, called: str, *, run: str | None
) -> None:
    """Adds the first run that there is of an accuracy, or the mean over runs of seconds, under a name of this table."""
    found = {
        column.run: values
        for column, values in named.values()
        if _what(column) == (metric, split, epochs) and (column.run is None or column.run.isdigit())
    }
    if not found:
        return
    values = mean_of_present(np.stack(list(found.values()))) if run is None else found[min(found, key=str)]
    nullable = bool(np.isnan(values).any())
    made[Column.named(metric=called, split=split, epochs=epochs, run=run, nullable=nullable)] = values


def _what(column: Column) -> tuple[str, str | None, int | None]:
    return column.metric, column.split, column.epochs
