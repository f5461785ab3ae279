"""What a search space is: the protocol every space follows and the two views it gives to a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int8, UInt8, UInt64

from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.plain_help import PlainHelp

Genes = Int8[np.ndarray, "n g"]
"""A batch of architectures: one row of small integers each. A single architecture is a batch of one."""

Keys = UInt64[np.ndarray, " n"]
"""One 64-bit identity a row of genes."""


MOST = 1 << 24
"""Architectures up to which a space is enumerated: larger ones do not fit into memory comfortably."""


Method = TypeVar("Method", bound=Callable[..., Any])


def lists_too(method: Method) -> Method:
    """Lets a function of genes take them as people have them: lists, tuples, arrays of any integers.

    Example:
        >>> from predictornas import get_space
        >>> space = get_space("natsbench-size")
        >>> space.describe([0, 1, 2, 3, 7]), space.valid([[0, 0, 0, 0, 9]]).tolist()
        ('8:16:24:32:64', [False])
    """

    @wraps(method)
    def taking(*arguments: Any, **named: Any) -> Any:
        return method(*map(_as_genes, arguments), **{name: _as_genes(value) for name, value in named.items()})

    return cast("Method", taking)


def rows_too(method: Method) -> Method:
    """The same for a method of a space, and every array that it is given has to have a row for each architecture.

    Example:
        >>> from predictornas import get_space
        >>> get_space("natsbench-size").valid([0, 1, 2, 3, 7])
        Traceback (most recent call last):
            ...
        predictornas.errors.InvalidArchitectureError: Architectures of 'natsbench-size' are rows of 5 whole numbers; ...

    Raises:
        InvalidArchitectureError: the method is given rows of another length, or other things than whole numbers.
    """

    @wraps(method)
    def taking(space: Any, *arguments: Any, **named: Any) -> Any:
        return method(
            space,
            *(_as_rows(space, value) for value in arguments),
            **{name: _as_rows(space, value) for name, value in named.items()},
        )

    return cast("Method", taking)


def _as_rows(space: Any, value: Any) -> Any:
    genes = _as_genes(value)
    return require_rows(space, genes) if isinstance(genes, np.ndarray) else genes


def _as_genes(value: Any) -> Any:
    """Integers as int8 where all fit, so that messages show the number that was given; anything else as it is."""
    if isinstance(value, (list, tuple, range)) or (hasattr(value, "__array__") and not isinstance(value, np.ndarray)):
        try:
            value = np.asarray(value)  # of a tensor, too
        except ValueError as error:  # rows of different lengths
            raise InvalidArchitectureError(f"Rows of genes have one length each: {error}.") from error
    if isinstance(value, np.ndarray) and value.dtype == object and all(type(one) is int for one in value.flat):
        value = np.array([max(min(one, 1 << 31), -1) for one in value.flat], np.int64).reshape(value.shape)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.dtype != np.int8:
        small = value.astype(np.int8)
        return small if (small == value).all() else value
    return value


@dataclass(frozen=True)
class Graphs:
    """A batch of labelled directed acyclic graphs, vertices in topological order, for graph predictors.

    Attributes:
        adjacency: `(n, V, V)`, 1 where the output of vertex i is an input of vertex j (i < j).
        operations: `(n, V)`, the one-hot code of each vertex's label, -1 on padding. The input is vertex 0 and the
            output is the last real vertex; codes are 0..K-3 for operations, K-2 for the input, K-1 for the output.
        num_codes: K, the width of the one-hot encoding.
    """

    adjacency: UInt8[np.ndarray, "n v v"]
    operations: Int8[np.ndarray, "n v"]
    num_codes: int

    def __len__(self) -> int:
        return len(self.operations)

    def rows(self, start: int, stop: int) -> Graphs:
        """Some of the graphs."""
        return Graphs(self.adjacency[start:stop], self.operations[start:stop], self.num_codes)


@dataclass(frozen=True)
class GraphRelaxation:
    """How one-hot genes make a graph: an affine map, so that it is defined for mixtures of choices too.

    With `s` the rows of `sequences` of one architecture, adjacency = fixed_edges + sum over (step, k) of s * edges and
    operations = fixed_vertices + sum of s * vertices. Vertices that are absent or off every input-output path still
    have to be removed: `predictornas.predictors.engine.relaxed_graphs` does that.

    Attributes:
        edges: `(steps, k, V, V)`, what each choice adds to the adjacency.
        vertices: `(steps, k, V, K)`, what each choice adds to the one-hot operations.
        fixed_edges: `(V, V)`, edges that every architecture has.
        fixed_vertices: `(V, K)`, the labels that do not depend on genes: input first, output last.
    """

    edges: Float[np.ndarray, "steps k v v"]
    vertices: Float[np.ndarray, "steps k v c"]
    fixed_edges: Float[np.ndarray, "v v"]
    fixed_vertices: Float[np.ndarray, "v c"]


@runtime_checkable
class SearchSpace(Protocol, metaclass=PlainHelp):
    """A set S of architectures as rows of genes. Numpy only; no randomness but the generator handed in.

    `valid` rows are exactly the members of S in the space's normal form; every method that returns genes returns
    valid rows. Two rows are the same architecture iff their `keys` are equal. Everywhere below, `genes` are `(n, g)`
    integers of eight bits, one row an architecture; the spaces of this package take lists and wider integers too.
    `keys` are `(n,)` unsigned integers of 64 bits.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> space = get_space("nasbench201")
        >>> genes = space.sample(3, np.random.default_rng(0))
        >>> genes.tolist()
        [[3, 0, 4, 3, 0, 1], [2, 2, 3, 4, 2, 1], [4, 1, 1, 1, 2, 4]]
        >>> space.keys(genes).shape, space.valid(genes).tolist()
        ((3,), [True, True, True])
        >>> print(space.describe(genes[0]))
        |nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|none~1|skip_connect~2|
    """

    @property
    def name(self) -> str:
        """Name in the registry; a restricted space keeps the name of its base."""
        ...

    @property
    def num_genes(self) -> int:
        """Number of genes of an architecture."""
        ...

    @property
    def num_choices(self) -> tuple[int, ...]:
        """Number of values of each gene; gene i takes 0 .. num_choices[i] - 1."""
        ...

    def __len__(self) -> int:
        """Number of distinct architectures (by key)."""
        ...

    def sample(self, n: int, rng: np.random.Generator) -> Genes:
        """`n` distinct architectures, uniformly over the distinct ones; all of S where n >= len(self).

        Args:
            n: how many, >= 0.
            rng: the only source of randomness.

        Returns:
            `(n, g)`, or `(len(self), g)`.
        """
        ...

    def enumerate(self) -> Genes:
        """All of S, one row an architecture: a read-only array, the same object at every call."""
        ...

    def enumerated_keys(self) -> Keys:
        """`keys(enumerate())`, computed once: a read-only array, the same object at every call."""
        ...

    def keys(self, genes: Genes) -> Keys:
        """Identity of each row of a table; stable across versions and machines."""
        ...

    def graph_keys(self, genes: Genes) -> Keys:
        """Isomorphism class of each architecture's graph."""
        ...

    def valid(self, genes: Genes) -> Bool[np.ndarray, " n"]:
        """Which rows are members of S in normal form."""
        ...

    def normalise(self, genes: Genes) -> Genes:
        """The normal form of rows of choices (gene i below `num_choices[i]`); where none exists, rows not `valid`.

        Valid rows stay as they are.
        """
        ...

    def mutate(self, genes: Genes, rng: np.random.Generator, *, rate: float) -> Genes:
        """One child of each row, each gene redrawn with probability `rate`; the parent where none is valid.

        Args:
            genes: `(n, g)`, the parents.
            rng: the only source of randomness.
            rate: of mutation, in (0, 1].

        Returns:
            `(n, g)`.

        Raises:
            ConfigurationError: a rate outside (0, 1].
        """
        ...

    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
        """One child of each pair, each gene from either parent with p = 1/2; the first parent where none is valid.

        Args:
            a: `(n, g)`, the first parents.
            b: `(n, g)`, the second ones.
            rng: the only source of randomness.

        Returns:
            `(n, g)`.
        """
        ...

    def graphs(self, genes: Genes) -> Graphs:
        """The graph of each architecture, operations on vertices."""
        ...

    def sequences(self, genes: Genes) -> Float[np.ndarray, "n steps k"]:
        """Each architecture as one-hot genes, row i that of gene i: for recurrent predictors, and for gradients."""
        ...

    def restricted_to(self, keys: Keys) -> SearchSpace:
        """The subset of S with these keys, as a space of its own (a table smaller than its space is its own S)."""
        ...

    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """One row in the field's own notation."""
        ...


@runtime_checkable
class RelaxableSpace(SearchSpace, Protocol):
    """A space whose graphs can follow mixtures of choices, for samplers that follow a graph predictor's gradient."""

    def relaxation(self) -> GraphRelaxation:
        """The map from one-hot genes to graphs."""
        ...


@runtime_checkable
class ReadableSpace(SearchSpace, Protocol):
    """A space that reads the notation that its `describe` writes, for tables that name architectures in it."""

    def from_strings(self, texts: Sequence[str]) -> Genes:
        """Genes `(n, g)` of these architectures.

        Raises:
            InvalidArchitectureError: a text that is no architecture of this space; names the entry.
        """
        ...


def relaxation_of(space: SearchSpace) -> GraphRelaxation:
    """The map from one-hot genes to graphs.

    Raises:
        ConfigurationError: the space defines none.
    """
    if not isinstance(space, RelaxableSpace):
        raise ConfigurationError(
            f"Space {space.name!r} has no `relaxation()`, the map from one-hot genes to graphs that the gradient of a "
            "graph predictor needs. Define it, or use a predictor on sequences such as RNN."
        )
    return space.relaxation()


def is_whole(space: SearchSpace, genes: Genes) -> bool:
    """Whether genes are `space.enumerate()` itself, which only a space of as many architectures is asked for."""
    return len(genes) == len(space) and genes is space.enumerate()


def require_rows(space: SearchSpace, genes: Any) -> np.ndarray:
    """Rows of as many whole numbers as an architecture has genes, whatever the numbers are.

    Raises:
        InvalidArchitectureError: another shape or type.
    """
    rows = np.asarray(genes)
    if rows.ndim != 2 or rows.shape[1] != space.num_genes or (rows.dtype.kind not in "iu" and rows.size):
        raise InvalidArchitectureError(
            f"Architectures of {space.name!r} are rows of {space.num_genes} whole numbers; got an array of "
            f"{rows.dtype} with the shape {rows.shape}. A single architecture is a batch of one row."
        )
    return rows


def require_genes(space: SearchSpace, genes: Any) -> Genes:
    """Rows of genes, each a value that `space` has for it; cheap beside anything that is done with them.

    Args:
        space: the space.
        genes: `(n, g)` whole numbers of any width.

    Raises:
        InvalidArchitectureError: another shape or type, or a gene out of its range; names row, gene and range.
    """
    rows = require_rows(space, genes)
    wrong = (rows < 0) | (rows >= np.asarray(space.num_choices, np.int64))
    if wrong.any():
        row, gene = np.argwhere(wrong)[0].tolist()
        fewer = rows.astype(np.int64) - 1
        from_one = ((fewer >= 0) & (fewer < np.asarray(space.num_choices, np.int64))).all()
        hint = (
            " All fit where numbers begin with 1: subtract 1."
            if from_one
            else " predictornas.architectures.parse says which other notation it fits, if one."
        )
        raise InvalidArchitectureError(
            f"Row {row} of {len(rows)}: gene {gene} is {rows[row, gene]}, outside 0..{space.num_choices[gene] - 1}, "
            f"which is what {space.name!r} has for it (the row: {rows[row].tolist()}).{hint}"
        )
    return rows.astype(np.int8, copy=False)


def require_members(space: SearchSpace, genes: Any) -> Genes:
    """Rows of genes that are architectures of `space` in normal form.

    Raises:
        InvalidArchitectureError: as `require_genes`, or a row that is not `valid`; names the first.
    """
    rows = require_genes(space, genes)
    valid = space.valid(rows)
    if not valid.all():
        first = int(valid.argmin())
        raise InvalidArchitectureError(
            f"Row {first} of {len(rows)}, {rows[first].tolist()}, breaks the rules of {space.name!r} "
            f"({int((~valid).sum())} such rows). Bring rows to normal form with the space's normalise() and leave out "
            "those that are not valid()."
        )
    return rows
