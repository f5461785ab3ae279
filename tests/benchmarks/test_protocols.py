from __future__ import annotations

import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.protocols import PROTOCOLS, protocol_of

VALID = Column.named(metric="accuracy", split="valid", epochs=200, run="0")
SECONDS = Column.named(metric="seconds", split="train", epochs=200)
TEST = Column.named(metric="accuracy", split="test", epochs=200, run="mean")


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("nasbench201-cifar10", {}, ["cifar10-valid", "cifar10-valid", "cifar10"]),
        ("nasbench201-full-cifar10", {}, ["cifar10-valid", "cifar10-valid", "cifar10"]),
        ("nasbench201-hw-cifar100", {}, ["cifar100"] * 3),
        ("nasbench201-full-imagenet16-120", {}, ["imagenet16-120"] * 3),
        ("mine-cifar10-valid", {"dataset": "cifar10-valid"}, ["cifar10-valid"] * 3),
        ("nasbench201-official-cifar10", {"dataset": "cifar10"}, ["cifar10"] * 3),
        ("mine-cifar10", {"file": "x"}, [None] * 3),
        ("nasbench101", {}, [None] * 3),
    ],
)
def test_validation_is_of_half_of_cifar10_and_test_of_all(
    name: str, source: dict[str, str], expected: list[str]
) -> None:
    assert [protocol_of(name, source, column) for column in (VALID, SECONDS, TEST)] == expected
    assert set(expected) <= {*PROTOCOLS, None}
    assert protocol_of(name, source, Column.named(metric="parameters")) is None
