from __future__ import annotations

import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.recipes import Architecture, Measured
from predictornas.errors import ConfigurationError, UnknownNameError


@pytest.mark.parametrize(
    ("parts", "sources"),
    [
        ({"string": "arch"}, ["arch"]),
        ({"hash": "module_hash"}, ["module_hash"]),
        ({"adjacency": "a", "operations": "o"}, ["a", "o"]),
        ({"hash": "h", "adjacency": "a", "operations": "o"}, ["h", "a", "o"]),
    ],
)
def test_ways_to_write_an_architecture(parts: dict[str, str], sources: list[str]) -> None:
    assert Architecture(**parts).sources() == sources


@pytest.mark.parametrize("parts", [{}, {"adjacency": "a"}, {"operations": "o"}, {"string": "s", "hash": "h"}])
def test_architectures_that_cannot_be_read(parts: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="adjacency"):
        Architecture(**parts)


def test_an_unknown_unit() -> None:
    with pytest.raises(UnknownNameError, match=r"no unit named 'percents'. Did you mean 'percent'"):
        Measured("source", Column.named(metric="accuracy"), "percents")
