"""A subset of a space as a space of its own: a table smaller than its space is its own S."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int8, UInt64

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import (
    MOST,
    Genes,
    GraphRelaxation,
    Graphs,
    Keys,
    SearchSpace,
    lists_too,
    relaxation_of,
    require_members,
    rows_too,
)
from predictornas.spaces.variation import retry_until_valid

_ATTEMPTS = 10
"""Mutations in the base space before a child is drawn from the members: in a sparse subset hardly any stays inside."""


class RestrictedSpace:
    """Those architectures of `base` whose keys are given.

    Args:
        base: the space that is restricted.
        keys: the keys that stay, in any order.
        genes: `(n, g)` architectures among which they are, valid and each once; all of `base` where none are given,
            which a space too large to be listed cannot do.

    Raises:
        InvalidArchitectureError: a key that no architecture of `base` (or no row of `genes`) has, two rows of `genes`
            with one key, or rows that are not valid.
        ConfigurationError: no genes, and `base` is too large to be listed.
    """

    def __init__(self, base: SearchSpace, keys: UInt64[np.ndarray, " k"], genes: Genes | None = None) -> None:
        self.base = base
        self._given = None if genes is None else _in_order(base, genes)
        self._kept = np.unique(np.asarray(keys, np.uint64))
        missing = np.setdiff1d(self._kept, self.enumerated_keys(), assume_unique=True)
        if len(missing):
            raise InvalidArchitectureError(
                f"{len(missing)} of {len(self._kept)} keys are of no architecture of {base.name}, as {missing[0]}. "
                "Give keys that this space's `keys` returned."
            )

    @property
    def name(self) -> str:
        """Name of the space that is restricted."""
        return self.base.name

    @property
    def num_genes(self) -> int:
        """Number of genes of an architecture."""
        return self.base.num_genes

    @property
    def num_choices(self) -> tuple[int, ...]:
        """Number of values of each gene."""
        return self.base.num_choices

    @property
    def convolution_areas(self) -> tuple[int, ...]:
        """As of the base space; nothing where it does not say."""
        return tuple(getattr(self.base, "convolution_areas", ()))

    @property
    def identity(self) -> int | None:
        """As of the base space; None where it does not say."""
        code: int | None = getattr(self.base, "identity", None)
        return code

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"{self.base!r}.restricted_to({len(self)} keys)"

    @cached_property
    def _rows(self) -> tuple[Genes, Keys]:
        everything, keys = self._given or (self.base.enumerate(), self.base.enumerated_keys())
        inside = self._contains(keys)
        genes = np.asarray(everything[inside])
        kept = np.asarray(keys[inside])
        genes.setflags(write=False)
        kept.setflags(write=False)
        return genes, kept

    def enumerate(self) -> Genes:
        """All architectures that stay, in the order of the base space (lexicographic where it has none); read-only."""
        return self._rows[0]

    def enumerated_keys(self) -> Keys:
        """`keys(enumerate())`, read-only."""
        return self._rows[1]

    def sample(self, n: int, rng: np.random.Generator) -> Genes:
        """`n` distinct architectures, uniformly over those that stay."""
        rows = rng.choice(len(self), size=min(n, len(self)), replace=False)
        return np.asarray(self.enumerate()[rows])

    @lists_too
    def keys(self, genes: Genes) -> Keys:
        """Keys as in the base space."""
        return self.base.keys(genes)

    @lists_too
    def graph_keys(self, genes: Genes) -> Keys:
        """Isomorphism classes as in the base space."""
        return self.base.graph_keys(genes)

    @rows_too
    def valid(self, genes: Genes) -> Bool[np.ndarray, " n"]:
        """Which rows are valid in the base space and among those that stay."""
        result = self.base.valid(genes)
        result[result] = self._contains(self.base.keys(genes[result]))
        return result

    @rows_too
    def normalise(self, genes: Genes) -> Genes:
        """Normal form as in the base space; rows outside this subset are not `valid`."""
        return self.base.normalise(genes)

    @rows_too
    def mutate(self, genes: Genes, rng: np.random.Generator, *, rate: float) -> Genes:
        """Children as in the base space; one that falls outside is tried again until it is inside and differs.

        So as many children equal their parents as in the base space (ours): with plain attempts until one is inside, a
        sparse subset would give little but parents. A row without a child after a few attempts gets a member drawn by
        its distance (ours): each gene that differs counts rate / (1 - rate), at most 1, which is what mutation of
        independent genes would give. Where the parent is alone it is the child.

        Raises:
            ConfigurationError: a rate outside (0, 1].
        """
        children = self.base.mutate(genes, rng, rate=rate)
        outside = np.flatnonzero(~self.valid(children))
        children[outside] = retry_until_valid(
            lambda parents: self.base.mutate(parents, rng, rate=rate),
            (genes[outside],),
            self.valid,
            changed=True,
            attempts=_ATTEMPTS,
        )
        waiting = outside[(children[outside] == genes[outside]).all(axis=1)]
        parents, parent_of = np.unique(genes[waiting], axis=0, return_inverse=True)
        for number, parent in enumerate(parents):
            rows = waiting[parent_of == number]
            children[rows] = self._neighbours(parent, len(rows), rng, rate=rate)
        return children

    def _neighbours(
        self, parent: Int8[np.ndarray, " g"], count: int, rng: np.random.Generator, *, rate: float
    ) -> Genes:
        """`count` members but the parent, with replacement, the likelier the fewer genes differ."""
        members = self.enumerate()
        distance = (members != parent).sum(axis=1)
        odds = rate / (1 - rate) if rate < 0.5 else 1.0
        weight = np.where(distance > 0, odds ** (distance - distance[distance > 0].min(initial=self.num_genes)), 0.0)
        if not weight.any():
            return np.repeat(parent[None], count, axis=0)
        return np.asarray(members[rng.choice(len(members), size=count, p=weight / weight.sum())])

    @rows_too
    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
        """Children as in the base space, tried again until one stays inside; else the first parent."""
        return retry_until_valid(lambda first, second: self.base.crossover(first, second, rng), (a, b), self.valid)

    @lists_too
    def graphs(self, genes: Genes) -> Graphs:
        """Graphs as in the base space."""
        return self.base.graphs(genes)

    @lists_too
    def sequences(self, genes: Genes) -> Float[np.ndarray, "n steps k"]:
        """Sequences as in the base space."""
        return self.base.sequences(genes)

    def relaxation(self) -> GraphRelaxation:
        """The map of the base space.

        Raises:
            ConfigurationError: the base space has none.
        """
        return relaxation_of(self.base)

    def restricted_to(self, keys: Keys) -> SearchSpace:
        """A smaller subset; keys outside this one are left out."""
        keys = np.asarray(keys, np.uint64)
        return RestrictedSpace(self.base, keys[self._contains(keys)], self._given and self.enumerate())

    @lists_too
    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """One row in the notation of the base space."""
        return self.base.describe(genes)

    def _contains(self, keys: Keys) -> Bool[np.ndarray, " n"]:
        if not len(self._kept):
            return np.zeros(len(keys), bool)
        place = np.minimum(np.searchsorted(self._kept, keys), len(self._kept) - 1)
        return np.asarray(self._kept[place] == keys)


def part_of(space: SearchSpace, genes: Genes, keys: Keys) -> SearchSpace:
    """The part of a space of any size that holds these architectures, the whole space where they are all.

    Args:
        space: the space.
        genes: `(n, g)` valid rows, each once.
        keys: `(n,)` their keys.

    Raises:
        InvalidArchitectureError: in a space too large to be listed, rows that are not valid, or two of one key.

    Example:
        >>> from predictornas import get_space
        >>> from predictornas.spaces.restricted import part_of
        >>> space = get_space("darts")
        >>> genes = space.sample(5125, np.random.default_rng(0))
        >>> part = part_of(space, genes, space.keys(genes))
        >>> len(space), len(part), len(part.enumerate())
        (1076746950455072400, 5125, 5125)
    """
    if len(genes) == len(space):
        return space
    return space.restricted_to(keys) if len(space) <= MOST else RestrictedSpace(space, keys, genes)


def _in_order(base: SearchSpace, genes: Genes) -> tuple[Genes, Keys]:
    """Architectures in lexicographic order with their keys."""
    rows = require_members(base, genes)
    rows = rows[np.lexsort(rows.T[::-1])]
    keys = base.keys(rows)
    if len(np.unique(keys)) != len(keys):
        ordered = np.argsort(keys, kind="stable")
        first, second = rows[ordered[np.flatnonzero(np.diff(keys[ordered]) == 0)[0] + np.arange(2)]]
        raise InvalidArchitectureError(
            f"{base.describe(first)} and {base.describe(second)} of {base.name!r} have one key, so they are the same "
            "architecture, or cannot be told apart by 64 bits. Leave one of them out."
        )
    return rows, keys
