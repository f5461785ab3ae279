"""What is known of one architecture: its notations, its size, what each table has of it, and what is near it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from jaxtyping import Int8, Int64

from predictornas.architectures import ParsedArchitecture, formats
from predictornas.benchmarks.catalog import is_here, list_benchmarks, open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, PredictorNASError
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.darts import DARTS
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.restricted import RestrictedSpace

NEAR = 3
"""How many of the nearest measured architectures are told."""


@dataclass(frozen=True)
class NetworkSize:
    """How large a network of an architecture is.

    Attributes:
        network: which network, in words.
        parameters: trainable ones, without an auxiliary head.
        multiply_adds: of convolutions and linear layers, for one image.
        multiply_adds_as_papers: with batch normalisation, activations and pools, as many papers count.
    """

    network: str
    parameters: int
    multiply_adds: int
    multiply_adds_as_papers: int


@dataclass(frozen=True)
class Neighbour:
    """An architecture that a table has, near another one.

    Attributes:
        genes: `(g,)`.
        notation: as its space writes it.
        differing: in how many genes they differ, vertices of NAS-Bench-101 in the best order.
        values: signal and evaluation, by the names of the columns.
    """

    genes: list[int]
    notation: str
    differing: int
    values: dict[str, float | None]


@dataclass(frozen=True)
class KnownArchitecture:
    """All that `describe_architecture` finds out.

    Attributes:
        space: name of its space.
        key: its identity in tables and histories.
        genes: `(g,)`.
        notations: it in every notation, by name.
        sizes: of the networks that papers make of it; none where no network of the space is known.
        tables: of each table that has it values by column: signal and evaluation, all columns of the one asked for.
        lacking: tables of its space that have it not.
        nearest: in the table that was asked for, nearest first, itself left out.
    """

    space: str
    key: int
    genes: list[int]
    notations: dict[str, str]
    sizes: list[NetworkSize]
    tables: dict[str, dict[str, float | None]] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
    nearest: list[Neighbour] = field(default_factory=list)


def describe_architecture(found: ParsedArchitecture, *, benchmark: str | None = None) -> KnownArchitecture:
    """What is known of an architecture; nothing is trained, and only tables that are here already are opened.

    Example:
        >>> from predictornas.architectures import parse
        >>> from predictornas.studies.one_architecture import describe_architecture
        >>> cell = parse("010/001/000 input,maxpool3x3,output")
        >>> known = describe_architecture(cell, benchmark="nasbench101-digits")
        >>> known.sizes[0].parameters, round(known.tables["nasbench101-digits"]["valid_accuracy_9_run0"], 3)
        (882570, 0.422)

    Args:
        found: the architecture.
        benchmark: a table of which every column and the nearest architectures are told.

    Raises:
        ConfigurationError: `benchmark` is of another space.
        PredictorNASError: it cannot be opened.
    """
    space = _base(found.space)
    tables = {name: open_benchmark(name) for name in _tables_of(space)}
    if benchmark is not None:
        tables[benchmark] = open_benchmark(benchmark)
        if tables[benchmark].space.name != space.name:
            raise ConfigurationError(
                f"{benchmark!r} is a table of {tables[benchmark].space.name!r}, and the architecture is one of "
                f"{space.name!r}."
            )
    values = {name: _values(table, found.key, whole=name == benchmark) for name, table in tables.items()}
    return KnownArchitecture(
        space=space.name,
        key=found.key,
        genes=found.genes.tolist(),
        notations=formats(found),
        sizes=sizes_of(space, found.genes),
        tables={name: row for name, row in values.items() if row is not None},
        lacking=[name for name, row in values.items() if row is None],
        nearest=[] if benchmark is None else nearest(tables[benchmark], found.genes, NEAR),
    )


def sizes_of(space: SearchSpace, genes: Int8[np.ndarray, " g"]) -> list[NetworkSize]:
    """How large the networks are that papers make of an architecture.

    Args:
        space: of the architecture.
        genes: one valid row.
    """
    from predictornas.live.counting import count_multiply_adds, count_other_operations, count_parameters
    from predictornas.live.trainable_network import NetworkShape, weightless_network

    shapes: list[tuple[str, int, dict[str, Any]]]
    if isinstance(space, NASBench101):
        shapes = [("CIFAR-10, 3 stacks of 3 cells, 128 channels", 32, {"channels": 128, "cells": 3, "classes": 10})]
    elif isinstance(space, NASBench201):
        shapes = [("CIFAR-10, 3 stages of 5 cells, 16 channels", 32, {"channels": 16, "cells": 5, "classes": 10})]
    elif isinstance(space, DARTS):
        mobile = {"channels": 48, "cells": 14, "classes": 1000, "stem": "imagenet"}
        shapes = [("CIFAR-10, 20 cells, 36 channels", 32, {"channels": 36, "cells": 20, "classes": 10})]
        shapes.append(("ImageNet at 224 x 224, 14 cells, 48 channels", 224, mobile))
    else:
        shapes = []
    sizes = []
    for words, pixels, shape in shapes:
        network = weightless_network(space, genes, NetworkShape(**shape))
        work = count_multiply_adds(network, 3, pixels)
        everything = work + count_other_operations(network, 3, pixels)
        sizes.append(NetworkSize(words, count_parameters(network), work, everything))
    return sizes


def nearest(table: Benchmark, genes: Int8[np.ndarray, " g"], count: int) -> list[Neighbour]:
    """The measured architectures that differ in the fewest genes, the better by the signal first among equals.

    Args:
        table: what was measured.
        genes: one valid row of its space, which need not be in it.
        count: how many.
    """
    space = _base(table.space)
    measured = np.flatnonzero(~np.isnan(table.values(table.signal)))
    rows = np.asarray(table.genes[measured])
    differing = np.min([(rows != one).sum(axis=1) for one in _same(space, genes)], axis=0)
    differing[table.keys[measured] == space.keys(genes[None])[0]] = len(genes) + 1
    order = np.lexsort((_costs(table)[measured], differing))[:count]
    return [
        Neighbour(
            rows[place].tolist(),
            space.describe(rows[place]),
            int(differing[place]),
            _row_of(table, int(measured[place]), [table.signal, table.evaluation]),
        )
        for place in order.tolist()
        if differing[place] <= len(genes)
    ]


def _costs(table: Benchmark) -> np.ndarray:
    column = table.column(table.signal)
    return column.costs(table.values(table.signal)) if column.direction else np.zeros(len(table))


def _same(space: SearchSpace, genes: Int8[np.ndarray, " g"]) -> Genes:
    """Rows of the same architecture: of NAS-Bench-101 with its inner vertices in every order that points forwards."""
    if not isinstance(space, NASBench101):
        return genes[None]
    graph = space.graphs(genes[None])
    count = int((graph.operations[0] >= 0).sum())
    inner = np.array(list(permutations(range(1, count - 1))), np.int64).reshape(-1, max(count - 2, 0))
    order: Int64[np.ndarray, "p v"] = np.tile(np.arange(graph.operations.shape[1]), (len(inner), 1))
    order[:, 1 : count - 1] = inner
    adjacency = graph.adjacency[0][order[:, :, None], order[:, None, :]]
    forward = ~np.tril(adjacency).any(axis=(1, 2))
    return np.unique(space.from_matrices(adjacency[forward], graph.operations[0][order][forward]), axis=0)


def _values(table: Benchmark, key: int, *, whole: bool) -> dict[str, float | None] | None:
    """What a table has of an architecture; None where it has it not."""
    row = int(table.rows(np.array([key], np.uint64))[0])
    names = list(table.columns) if whole else [table.signal, table.evaluation]
    return None if row < 0 else _row_of(table, row, names)


def _row_of(table: Benchmark, row: int, columns: list[str]) -> dict[str, float | None]:
    values = {name: float(table.values(name)[row]) for name in columns}
    return {name: None if np.isnan(value) else value for name, value in values.items()}


def _tables_of(space: SearchSpace) -> list[str]:
    """Tables of a space that can be opened without importing or building anything."""
    return [
        listing.name
        for listing in list_benchmarks()
        if listing.space == space.name and listing.rows is not None and is_here(listing.name)
    ]


def _base(space: SearchSpace) -> SearchSpace:
    while isinstance(space, RestrictedSpace):
        space = space.base
    return space


def accuracy_there(space: SearchSpace, genes: Int8[np.ndarray, " g"]) -> dict[str, dict[str, float | None]]:
    """What the tables that are here have of an architecture that was found without them, such as by a super-network.

    Args:
        space: of the architecture.
        genes: one valid row.

    Returns:
        By name of the table its signal and evaluation, by name of the column; tables that cannot be opened, or have it
        not, are left out.
    """
    whole, found = _base(space), {}
    key = int(whole.keys(genes[None])[0])
    for name in _tables_of(whole):
        try:
            row = _values(open_benchmark(name), key, whole=False)
        except PredictorNASError:
            continue
        if row is not None:
            found[name] = row
    return found
