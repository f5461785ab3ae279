"""Architectures as tables write them (matrices, module hashes, strings) turned into genes."""

from __future__ import annotations

from math import isqrt

import numpy as np
import polars as pl
from jaxtyping import Int8, UInt8

from predictornas.benchmarks.recipes import Architecture
from predictornas.errors import ConfigurationError, DataError, InvalidArchitectureError
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.nasbench101 import OPERATIONS, NASBench101
from predictornas.spaces.nasbench201 import NASBench201, from_strings
from predictornas.spaces.registry import get_space

_CODES = {name: code for code, name in enumerate((*OPERATIONS, "input", "output"))}
_MAX_VERTICES = 7
_LISTED = 100_000  # architectures of a space that are written out to find their texts again, in a few seconds
_CHECKED_HASHES = 256  # hashing all 423,624 cells takes most of a minute, and a wrong column shows in the first


def read_genes(frame: pl.DataFrame, architecture: Architecture, space: str) -> Genes:
    """Genes `(n, g)` of the architectures that the rows of a table are about.

    Args:
        frame: the table; the columns that `architecture` names hold text.
        architecture: where the architectures stand.
        space: name of the search space.

    Raises:
        DataError: an empty or unreadable entry, an unknown module hash, or hashes of other cells than the matrices;
            names the row.
        ConfigurationError: architectures of this space are not written in that way.
    """
    for name in architecture.sources():
        if frame[name].null_count():
            raise DataError(f"Column {name!r}, row {frame[name].is_null().arg_max()}: the architecture is missing.")
    whole = get_space(space)
    try:
        if architecture.genes:
            return _whole_numbers(frame.select(architecture.genes), whole)
        if isinstance(whole, NASBench201) and architecture.string:
            return from_strings(frame[architecture.string].to_list())
        if architecture.string:
            return _from_notation(frame[architecture.string], whole)
        if isinstance(whole, NASBench101) and architecture.adjacency and architecture.operations:
            codes = _operation_codes(frame[architecture.operations])
            genes = whole.from_matrices(_matrices(frame[architecture.adjacency], codes), codes)
            if architecture.hash:
                _check_hashes(whole, genes, frame[architecture.hash])
            return genes
        if isinstance(whole, NASBench101) and architecture.hash:
            return whole.from_module_hashes(frame[architecture.hash].to_list())
    except InvalidArchitectureError as error:
        raise DataError(f"The table's architectures cannot be read: {error}") from error
    raise ConfigurationError(
        f"Architectures of {space!r} cannot be read from {', '.join(architecture.sources())}: a table of nasbench101 "
        "has module hashes, adjacency and operations, notations or genes; of any other space notations or genes."
    )


def _whole_numbers(frame: pl.DataFrame, space: SearchSpace) -> Genes:
    """Genes from a column each, or from one with all of them separated by commas."""
    names, count = frame.columns, space.num_genes
    if len(names) == 1 and count > 1:
        parts = frame[names[0]].str.split(",")
        if (parts.list.len() != count).any():
            row = int((parts.list.len() != count).to_numpy().argmax())
            raise DataError(
                f"Column {names[0]!r}, row {row}: {frame[names[0]][row]!r} has not the {count} genes of {space.name}, "
                "whole numbers separated by commas."
            )
        columns = [parts.list.get(place) for place in range(count)]
    else:
        columns = [frame[name] for name in names]
    if len(columns) != count:
        raise ConfigurationError(f"The recipe names {len(columns)} columns of genes; {space.name} has {count}.")
    return np.stack([_gene(column) for column in columns], axis=1)


def _gene(column: pl.Series) -> Int8[np.ndarray, " n"]:
    numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
    wrong = numbers.is_null() | (numbers != numbers.round()) | ~numbers.is_between(0, 127)
    if wrong.fill_null(True).any():
        row = int(wrong.fill_null(True).to_numpy().argmax())
        raise DataError(f"Column {column.name!r}, row {row}: {column[row]!r} is no gene; whole numbers from 0 on are.")
    return numbers.to_numpy().astype(np.int8)


def _from_notation(column: pl.Series, space: SearchSpace) -> Genes:
    """Genes of texts that the space writes: read by the space itself, else looked up among all that it writes."""
    texts = column.to_list()
    read = getattr(space, "from_strings", None)
    if read is not None:
        return np.asarray(read(texts), np.int8)
    if len(space) > _LISTED:
        raise ConfigurationError(
            f"The notation of {space.name!r} cannot be read: it has no method `from_strings`, and {len(space):,} "
            f"architectures are too many to be listed. Give the architectures as genes."
        )
    listed = space.enumerate()
    known = {space.describe(row): place for place, row in enumerate(listed)}
    places = [known.get(text, -1) for text in texts]
    if min(places, default=0) < 0:
        row = places.index(-1)
        raise DataError(
            f"Column {column.name!r}, row {row}: {texts[row]!r} is no architecture of {space.name}; one is written as "
            f"{space.describe(listed[0])!r}."
        )
    return np.asarray(listed[places])


def _operation_codes(column: pl.Series) -> Int8[np.ndarray, "n 7"]:
    """Codes of the vertices, -1 after the last; the few distinct texts are parsed once each."""
    texts = column.unique(maintain_order=True).to_list()
    codes = np.full((len(texts), _MAX_VERTICES), -1, np.int8)
    for index, text in enumerate(texts):
        names = text.split(",")
        unknown = [name for name in names if name not in _CODES]
        if unknown or len(names) > _MAX_VERTICES:
            reason = f"unknown operation {unknown[0]!r}" if unknown else f"more than {_MAX_VERTICES} vertices"
            row = (column == text).arg_max()
            raise DataError(f"Column {column.name!r}, row {row}: {text!r} has {reason}. Known: {', '.join(_CODES)}.")
        codes[index, : len(names)] = [_CODES[name] for name in names]
    numbers = column.cast(pl.Enum(texts)).to_physical().to_numpy()
    return np.asarray(codes[numbers])


def _matrices(column: pl.Series, codes: Int8[np.ndarray, "n 7"]) -> UInt8[np.ndarray, "n 7 7"]:
    """Adjacency with the real vertices first; as many as there are operations."""
    vertices = (codes >= 0).sum(axis=1)
    lengths = column.str.len_bytes().to_numpy()
    wrong = (lengths != vertices**2) | column.str.contains("[^01]").to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"Column {column.name!r}, row {row}: {column[row]!r} is no matrix of {vertices[row]} vertices; "
            f"{vertices[row] ** 2} characters 0 or 1 were expected, row by row."
        )
    adjacency = np.zeros((len(column), _MAX_VERTICES, _MAX_VERTICES), np.uint8)
    for length in np.unique(lengths).tolist():
        rows, size = np.flatnonzero(lengths == length), isqrt(length)
        characters = np.frombuffer("".join(column.gather(rows).to_list()).encode(), np.uint8)
        adjacency[rows, :size, :size] = characters.reshape(-1, size, size) - ord("0")
    return adjacency


def _check_hashes(space: NASBench101, genes: Genes, column: pl.Series) -> None:
    """Compares an even sample of the hashes, invalid cells left out (they are refused later, with their row)."""
    rows = (
        np.unique(np.linspace(0, len(genes) - 1, _CHECKED_HASHES).astype(np.int64)) if len(genes) else np.empty(0, int)
    )
    rows = rows[space.valid(genes[rows])]
    for row, digest in zip(rows.tolist(), space.module_hashes(genes[rows]), strict=True):
        if digest.tobytes().hex() != column[row].lower():
            raise DataError(
                f"Column {column.name!r}, row {row}: the module hash {column[row]!r} is not that of the row's matrix, "
                f"{digest.tobytes().hex()} ({space.describe(genes[row])}). Check that the rows were not shifted."
            )
