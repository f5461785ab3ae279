"""Which training of NAS-Bench-201 a column is of: its tables of CIFAR-10 mix two protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictornas.benchmarks.column import Column

PROTOCOLS: Mapping[str, str] = {
    "cifar10-valid": (
        "CIFAR-10, trained on 25,000 of the 50,000 training images; valid: the other 25,000, test: the 10,000 test "
        "images"
    ),
    "cifar10": "CIFAR-10, trained on all 50,000 training images, so without validation; test: the 10,000 test images",
    "cifar100": (
        "CIFAR-100, trained on all 50,000 training images; valid and test: 5,000 of the 10,000 test images each, "
        "original: all of them"
    ),
    "imagenet16-120": (
        "ImageNet16-120, trained on all 151,700 training images; valid and test: 3,000 of the 6,000 validation images "
        "each, original: all of them"
    ),
}
"""What networks were trained and evaluated on, by the official name of the data set."""

_MIXED = ("nasbench201-", "nasbench201-full-", "nasbench201-hw-")
"""What the names of tables begin with that take each kind of column from where the official files have it."""


def protocol_of(name: str, source: Mapping[str, Any], column: Column) -> str | None:
    """The key in `PROTOCOLS` of the training that a column is of; None where it is not known, or does not matter.

    Only on half of CIFAR-10 do networks have a validation accuracy, and those trained on all of it are better by three
    points, so that such tables have the validation accuracy of the one and the test accuracy of the other.

    Args:
        name: of the table.
        source: where its manifest says it comes from.
        column: one of its columns.

    Example:
        >>> from predictornas.benchmarks.column import Column
        >>> test = Column.named(metric="accuracy", split="test", epochs=200, run="mean")
        >>> protocol_of("nasbench201-full-cifar10", {}, test)
        'cifar10'
    """
    if column.split is None:
        return None
    if source.get("dataset") in PROTOCOLS:
        return str(source["dataset"])
    dataset = next((each for each in PROTOCOLS for start in _MIXED if name == start + each), None)
    return "cifar10-valid" if dataset == "cifar10" and column.split != "test" else dataset
