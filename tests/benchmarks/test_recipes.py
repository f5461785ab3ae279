from __future__ import annotations

import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.recipes import Architecture, Combination, ImportRecipe, MeanOfPresent, Measured
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


def test_two_genes_of_one_column() -> None:
    with pytest.raises(ConfigurationError, match="the column 'g' for two genes"):
        Architecture(genes=("g0", "g", "g1", "g"))


def test_a_column_derived_from_nothing() -> None:
    column = Column.named(metric="accuracy", run="mean")
    for made in (lambda: MeanOfPresent(column, ()), lambda: Combination(column, {})):
        with pytest.raises(ConfigurationError, match="'accuracy_mean' is derived from no other column"):
            made()


A, B, C = (Measured(source, Column.named(metric=metric)) for source, metric in (("a", "x"), ("b", "x"), ("c", "y")))


@pytest.mark.parametrize(
    ("columns", "derived", "message"),
    [
        ((A, C, B), (), "called 'x': 'a' and 'b'"),
        ((A, C, Measured("b", Column.named(metric="x", nullable=True))), (), "called 'x': 'a' and 'b'"),
        ((A, C), (MeanOfPresent(C.column, ("x", "y")),), "called 'y': 'c' and the one derived from x, y"),
        ((A,), (Combination(C.column, {"x": 2.0}), MeanOfPresent(C.column, ("x",))), "'y': the one derived from x and"),
    ],
)
def test_two_columns_of_one_name(
    columns: tuple[Measured, ...], derived: tuple[Combination | MeanOfPresent, ...], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ImportRecipe("nasbench201", Architecture(string="arch"), columns, "x", derived=derived)
