"""Recipes: how the columns of a parquet or CSV table become those of a benchmark."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from predictornas.benchmarks.column import Column
from predictornas.errors import ConfigurationError, UnknownNameError

UNITS = ("one", "fraction", "percent", "milli", "millions")
"""What a source's number counts. Millions become whole numbers."""


@dataclass(frozen=True)
class Architecture:
    """Which columns of the source say what architecture a row is about; one of the four ways, or hash and matrix.

    Attributes:
        string: architectures in the notation of the space, as its `describe` writes them; official architecture
            strings for NAS-Bench-201.
        hash: official MD5 module hashes of 32 hexadecimal digits (NAS-Bench-101).
        adjacency: upper triangular matrices as V * V characters 0 or 1, row by row (NAS-Bench-101); read together
            with `operations`. With a hash beside them the matrices are used and a sample of the hashes is checked.
        operations: names of the V vertices separated by commas, "input" first and "output" last.
        genes: a column for each gene, in order, or one with all of them as whole numbers separated by commas.
    """

    string: str | None = None
    hash: str | None = None
    adjacency: str | None = None
    operations: str | None = None
    genes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if (self.adjacency is None) != (self.operations is None):
            raise ConfigurationError("A recipe names the columns of adjacency and operations together, or neither.")
        ways = (self.string is not None, bool(self.genes), self.hash is not None or self.adjacency is not None)
        if sum(ways) != 1:
            raise ConfigurationError(
                "A recipe's architecture is one column `string`, or `genes`, or a column `hash`, or `adjacency` and "
                "`operations`."
            )
        if self.genes and (twice := _twice(self.genes)):
            raise ConfigurationError(
                f"A recipe names the column {twice!r} for two genes; name a column for each, or one that holds all."
            )

    def sources(self) -> list[str]:
        """The source columns that are named."""
        named = (self.string, self.hash, self.adjacency, self.operations, *(self.genes or ()))
        return [name for name in named if name is not None]


@dataclass(frozen=True)
class Measured:
    """A column that the source holds.

    Attributes:
        source: its name there.
        column: what it becomes.
        unit: one of `UNITS`.
        missing: numbers and texts that stand for a missing value, beside NaN and empty cells.
    """

    source: str
    column: Column
    unit: str = "one"
    missing: tuple[float | str, ...] = ()

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise UnknownNameError("unit", self.unit, UNITS)


@dataclass(frozen=True)
class Combination:
    """A column computed as a weighted sum of others.

    Attributes:
        column: what is computed.
        weights: the weight of each other column, by its name in the benchmark.
        steps: where given, exact values are multiples of 1 / steps, and rounding errors are removed by going to the
            nearest one (two architectures with equal counts of correct images stay equal).
    """

    column: Column
    weights: Mapping[str, float]
    steps: int | None = None

    def __post_init__(self) -> None:
        _check_made_of_any(self.column, self.weights)
        if self.steps is not None and self.steps < 1:
            raise ConfigurationError(
                f"Column {self.column.name!r}: {self.steps} steps; give at least 1, or leave it out."
            )


@dataclass(frozen=True)
class MeanOfPresent:
    """A column computed as the mean of those of others that are not missing.

    Attributes:
        column: what is computed.
        of: names of the other columns in the benchmark.
    """

    column: Column
    of: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_made_of_any(self.column, self.of)


@dataclass(frozen=True)
class ImportRecipe:
    """How one table becomes a benchmark; each of its columns has a name of its own.

    Attributes:
        space: name of the search space.
        architecture: where a row's architecture stands.
        columns: the source's columns that are taken over.
        signal: default signal, by its name in the benchmark.
        evaluation: default evaluation; the signal, or None, where there is one measurement an architecture.
        derived: columns computed from those above them.
        licence: licence of the values.
        join: recipe of a second table whose columns are added to the rows of this one.
    """

    space: str
    architecture: Architecture
    columns: tuple[Measured, ...]
    signal: str
    evaluation: str | None = None
    derived: tuple[Combination | MeanOfPresent, ...] = ()
    licence: str = "unknown"
    join: ImportRecipe | None = None

    def __post_init__(self) -> None:
        made_from = [(measured.column.name, repr(measured.source)) for measured in self.columns]
        for derived in self.derived:
            others = derived.weights if isinstance(derived, Combination) else derived.of
            made_from.append((derived.column.name, f"the one derived from {', '.join(others)}"))
        twice = _twice([name for name, _ in made_from])
        if twice is not None:
            first, second, *_ = (source for name, source in made_from if name == twice)
            raise ConfigurationError(
                f"Two columns of the recipe would be called {twice!r}: {first} and {second}. Say what tells them apart "
                "(split, epochs or run), or leave one out."
            )


def _twice(names: Sequence[str]) -> str | None:
    """The first name that stands there a second time; None where there is none."""
    return next((name for place, name in enumerate(names) if name in names[:place]), None)


def _check_made_of_any(column: Column, others: Collection[str]) -> None:
    if not others:
        raise ConfigurationError(f"Column {column.name!r} is derived from no other column; name at least one.")
