"""Spaces in which every row of choices is an architecture of its own: a subclass adds what its graphs are."""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int8, Int64

from predictornas.errors import ConfigurationError
from predictornas.plain_help import PlainHelp
from predictornas.spaces.base import MOST, Genes, Graphs, Keys, SearchSpace, lists_too, require_genes, rows_too
from predictornas.spaces.hashing import row_keys
from predictornas.spaces.restricted import RestrictedSpace
from predictornas.spaces.variation import one_hot_genes, require_rate


class ProductSpace(metaclass=PlainHelp):
    """The product of independent choices. A subclass sets `name` and `num_choices` and defines `graphs`.

    Attributes:
        name: of the space.
        num_choices: number of values of each gene; gene i takes 0 .. num_choices[i] - 1.
    """

    name: str
    num_choices: tuple[int, ...]

    @property
    def num_genes(self) -> int:
        """Number of genes of an architecture."""
        return len(self.num_choices)

    @property
    def size(self) -> int:
        """Number of architectures."""
        return math.prod(self.num_choices)

    def __len__(self) -> int:
        return min(self.size, sys.maxsize)  # all that `len` can say

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @cached_property
    def _rows(self) -> tuple[Genes, Keys]:
        if len(self) > MOST:
            raise ConfigurationError(
                f"Space {self.name!r} has {self.size:,} architectures, too many to list (up to {MOST:,} are): there is "
                "no pool of them all and no subset by keys alone. Use methods that draw their pools, such as "
                "uniform-1000 or evolutionary-1000, or a table, which is a space of its own."
            )
        genes = self._listed()
        keys = self.keys(genes)
        genes.setflags(write=False)
        keys.setflags(write=False)
        return genes, keys

    def _listed(self) -> Genes:
        """All architectures in lexicographic order."""
        return np.stack(np.unravel_index(np.arange(self.size), self.num_choices), axis=1).astype(np.int8)

    def _drawn(self, n: int, rng: np.random.Generator) -> Genes:
        """`n` independent uniform draws."""
        return rng.integers(np.asarray(self.num_choices, np.int8), size=(n, self.num_genes), dtype=np.int8)

    def enumerate(self) -> Genes:
        """All architectures in lexicographic order; read-only.

        Raises:
            ConfigurationError: the space is too large to be enumerated.
        """
        return self._rows[0]

    def enumerated_keys(self) -> Keys:
        """`keys(enumerate())`, read-only."""
        return self._rows[1]

    def sample(self, n: int, rng: np.random.Generator) -> Genes:
        """`n` distinct architectures, uniformly; of a space too large to be listed n independent draws, each once."""
        if len(self) <= MOST:
            return self.enumerate()[rng.choice(len(self), size=min(n, len(self)), replace=False)]
        genes = self._drawn(n, rng)
        while True:
            first = np.sort(np.unique(self.keys(genes), return_index=True)[1])
            if len(first) == n:
                return genes
            genes = np.concatenate([genes[first], self._drawn(n - len(first), rng)])

    @lists_too
    def rows(self, genes: Genes) -> Int64[np.ndarray, " n"]:
        """Row of each architecture in `enumerate()`.

        Raises:
            InvalidArchitectureError: a gene out of its range.
            ConfigurationError: the space is too large to be enumerated.
        """
        checked = require_genes(self, genes)
        if self.size == math.prod(self.num_choices):
            return np.asarray(np.ravel_multi_index(tuple(checked.T.astype(np.int64)), self.num_choices))
        keys = self.keys(checked)  # a subclass has several rows of choices for one architecture
        return np.asarray(self._order[np.searchsorted(self.enumerated_keys(), keys, sorter=self._order)])

    @cached_property
    def _order(self) -> Int64[np.ndarray, " s"]:
        return np.argsort(self.enumerated_keys())

    @lists_too
    def keys(self, genes: Genes) -> Keys:
        """Identity of each row of choices.

        Raises:
            InvalidArchitectureError: a gene out of its range.
        """
        return row_keys(require_genes(self, genes), self.num_choices)

    @lists_too
    def graph_keys(self, genes: Genes) -> Keys:
        """The same as `keys`, unless a subclass knows which rows are equal as graphs."""
        return self.keys(genes)

    @rows_too
    def valid(self, genes: Genes) -> Bool[np.ndarray, " n"]:
        """Which rows hold one of its values in each gene."""
        return np.asarray(((genes >= 0) & (genes < np.asarray(self.num_choices))).all(axis=1))

    @rows_too
    def normalise(self, genes: Genes) -> Genes:
        """The same rows: every row of choices is an architecture of its own."""
        return genes

    @rows_too
    def mutate(self, genes: Genes, rng: np.random.Generator, *, rate: float) -> Genes:
        """One child of each architecture: each gene is redrawn with p = `rate`.

        Raises:
            ConfigurationError: a rate outside (0, 1].
        """
        require_rate(rate)
        redrawn = rng.random(genes.shape) < rate
        fresh = rng.integers(np.asarray(self.num_choices, np.int8), size=genes.shape, dtype=np.int8)
        return np.where(redrawn, fresh, genes)

    @rows_too
    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
        """One child of each pair: each gene from either parent with p = 1/2."""
        return np.where(rng.random(a.shape) < 0.5, a, b)

    @abstractmethod
    def graphs(self, genes: Genes) -> Graphs:
        """The graph of each architecture, operations on vertices."""

    @lists_too
    def sequences(self, genes: Genes) -> Float[np.ndarray, "n steps k"]:
        """Each gene one-hot, as wide as the gene with most values."""
        return one_hot_genes(require_genes(self, genes), max(self.num_choices))

    def restricted_to(self, keys: Keys) -> SearchSpace:
        """The architectures with these keys as a space of its own."""
        return RestrictedSpace(self, keys)

    @lists_too
    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """The choices, e.g. `2-0-1`; a subclass may know names."""
        return "-".join(map(str, require_genes(self, genes[None])[0].tolist()))
