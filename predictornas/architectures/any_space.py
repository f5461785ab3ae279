"""The notations of every space: its own words, genes, and the key of tables and histories."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from predictornas.architectures.orders import operation_names
from predictornas.architectures.writing import Numbering, Row, Writing, is_numbers, wide
from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.spaces.base import MOST, ReadableSpace, SearchSpace, require_genes
from predictornas.spaces.chains.natsbench_size import NATSBenchSize
from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.darts import DARTS
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.nasbench_graph import NASBenchGraph

_FORMS: dict[type, str] = {
    NASBench201: r"\|.*~.*\|",
    NASBench101: r"[01]+(/[01]+)+ .*",
    NASBenchGraph: r"[\d, ]+\|[^~]*",
    NATSBenchSize: r"\d+(:\d+)+",
}
"""What tells texts of these spaces from those of others; a space of one's own is asked itself."""


def has_own_words(space: SearchSpace) -> bool:
    """Whether a space of one's own reads texts, so that nobody else knows what stands for what in them."""
    return isinstance(space, ReadableSpace) and type(space) not in _FORMS and not isinstance(space, DARTS)


def tight(text: str) -> str:
    """A text without the space that people put around separators."""
    return re.sub(r"(?<=[|+~:,])\s+|(?<!\s)\s+(?=[|+~:,])", "", text)  # in time that grows with the text alone


def read_described(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    """A text in the words of the space; None for any other."""
    if not isinstance(value, str) or not isinstance(space, ReadableSpace):
        return None
    if has_own_words(space):
        try:
            return np.asarray(space.from_strings([value])[0])
        except (ValueError, LookupError, TypeError) as error:  # a reader that does not say what it refuses
            raise InvalidArchitectureError(f"{value!r} is no text of {space.name!r}: {error}.") from error
    form = next((form for kind, form in _FORMS.items() if type(space) is kind), ".+")
    text = tight(value) if not isinstance(space, NASBench101) else value
    return space.from_strings([text])[0] if re.fullmatch(form, text, re.DOTALL) else None


def _write_described(space: SearchSpace, row: Row) -> str:
    return space.describe(row)


def _is_described(space: SearchSpace) -> bool:
    """A space without words writes its genes, and the DARTS spaces write genotypes."""
    return not isinstance(space, DARTS) and (isinstance(space, (*_FORMS, ChainSpace, ReadableSpace)))


def read_genes(space: SearchSpace, value: Any, numbering: Numbering) -> Row | None:
    """Numbers, in another order of operations where one is given; None for anything else."""
    if type(value) is int and space.num_genes == 1:
        value = [value]
    rows = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    if len(rows) != 1 or not is_numbers(rows[0]):
        return None
    if numbering is None:
        return np.asarray(require_genes(space, wide(rows))[0])
    own = operation_names(space)
    if own is None:
        raise ConfigurationError(f"Genes of {space.name!r} are no numbers of operations; leave out the numbering.")
    if set(numbering) != set(own.names) and not set(numbering) >= set(own.names):
        raise ConfigurationError(
            f"The operations of {space.name!r} are {', '.join(own.names)}; give all, in any order."
        )
    return own.renumbered(space, rows[0], numbering)


def _write_genes(_: SearchSpace, row: Row) -> str:
    return ",".join(map(str, row.tolist()))


def _read_key(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,20}|0x[0-9a-fA-F]{1,16}", text, re.ASCII):
        return None
    if len(space) > MOST:
        raise InvalidArchitectureError(f"{space.name!r} is too large to find an architecture by its key.")
    number = int(text, 0 if text.startswith("0x") else 10)
    found = np.flatnonzero(space.enumerated_keys() == np.uint64(number % (1 << 64)))
    if not len(found):
        raise InvalidArchitectureError(f"No architecture of {space.name!r} has the key {text}.")
    return np.asarray(space.enumerate()[found[0]])


def _write_key(space: SearchSpace, row: Row) -> str:
    return str(space.keys(row[None])[0])


STRING = Writing("string", "as the space writes it", _is_described, read_described, _write_described)

GENES = Writing("genes", "numbers, as tables and histories hold them", lambda _: True, read_genes, _write_genes)

KEY = Writing(
    "key", "the identity of the architecture in every table and history", lambda _: True, _read_key, _write_key
)
