"""Chains as a search space: a subclass says what its stages are, and everything follows from that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int8

from predictornas.spaces.base import Genes, GraphRelaxation, Graphs, Keys, lists_too, require_genes, rows_too
from predictornas.spaces.chains.notation import read_chains, write_chain
from predictornas.spaces.chains.stages import ChainLayout, ChainStage
from predictornas.spaces.hashing import row_keys
from predictornas.spaces.product import ProductSpace
from predictornas.spaces.variation import require_rate


class ChainSpace(ProductSpace):
    """Networks of stages one after the other. A subclass sets `name` and `stages`.

    Genes, in the order of the stages: the index of the depth (where a stage has a choice of it), then those of the
    first layer, of the second ... Genes of layers that the chosen depth does not have are 0 in normal form, so one
    network is one valid row.

    The graph is the path input - layers - output: a vertex for each choice of each layer, labelled with the chosen
    value. Labels of one stage differ from those of another, because the same kernel does other work there; only where
    int8 has too few of them do equal choices share theirs.

    Keys are one-to-one up to 2^64 rows of choices. Beyond, they are hashes: of n architectures two have the same key
    with probability n^2 / 2^65 (1 in 10^12 for 5,000), and a table that holds such two is refused.

    Example:
        >>> import numpy as np
        >>> from predictornas.spaces.chains.space import ChainSpace
        >>> from predictornas.spaces.chains.stages import ChainStage
        >>> class Mobile(ChainSpace):
        ...     name = "mobile"
        ...     stages = (ChainStage({"kernel": (3, 5, 7), "expansion": (3, 4, 6)}, depth=(2, 3, 4)),) * 5
        >>> space = Mobile()
        >>> f"{space.size:.1e}", space.num_genes
        ('2.2e+19', 45)
        >>> genes = space.sample(1, np.random.default_rng(0))
        >>> print(space.describe(genes[0]))
        5/6,7/6,7/3,5/3:7/4,7/6,3/3,7/6:3/4,3/4,3/3,7/3:7/3,3/3,3/3,7/3:5/3,7/3,3/3,5/4

    Attributes:
        name: of the space.
        stages: what the chain is made of.
    """

    stages: Sequence[ChainStage]

    @cached_property
    def _layout(self) -> ChainLayout:
        return ChainLayout(tuple(self.stages))

    @cached_property
    def num_choices(self) -> tuple[int, ...]:  # type: ignore[override]
        """Number of values of each gene."""
        return self._layout.num_choices

    @property
    def size(self) -> int:
        """Number of different architectures."""
        return math.prod(stage.size for stage in self.stages)

    def _listed(self) -> Genes:
        settings = [self._settings(number) for number in range(len(self.stages))]
        places = np.unravel_index(np.arange(self.size), tuple(len(rows) for rows in settings))
        return np.concatenate([rows[place] for rows, place in zip(settings, places, strict=True)], axis=1)

    def _settings(self, number: int) -> Genes:
        """All settings of the genes of one stage, in lexicographic order."""
        columns = self._layout.columns[number]
        counts = np.array(self.num_choices[columns], np.int64)
        has_depth = self._layout.depth_genes[number] >= 0
        rows = []
        for index, size in enumerate(self.stages[number].settings):
            row = np.zeros((1, len(self.num_choices)), np.int8)
            if has_depth:
                row[0, columns.start] = index
            open_genes = self._layout.active(row)[0, columns]
            open_genes[:has_depth] = False
            of_depth = np.repeat(row[:, columns], size, axis=0)
            if open_genes.any():
                of_depth[:, open_genes] = np.stack(np.unravel_index(np.arange(size), counts[open_genes]), axis=1)
            rows.append(of_depth)
        return np.concatenate(rows)

    def _drawn(self, n: int, rng: np.random.Generator) -> Genes:
        genes = super()._drawn(n, rng)
        for stage, gene in zip(self.stages, self._layout.depth_genes, strict=True):
            if gene >= 0:  # a depth is as likely as it has settings
                odds = np.array([size / stage.size for size in stage.settings])
                genes[:, gene] = rng.choice(len(odds), size=n, p=odds / odds.sum())
        return self.normalise(genes)

    @lists_too
    def keys(self, genes: Genes) -> Keys:
        """Identity of each row; genes of layers that are not there do not count.

        Raises:
            InvalidArchitectureError: a gene out of its range.
        """
        return row_keys(self.normalise(require_genes(self, genes)), self.num_choices)

    @lists_too
    def graph_keys(self, genes: Genes) -> Keys:
        """Equal where the layers are labelled alike, in whichever stages they stand."""
        graphs = self.graphs(genes)
        return row_keys(graphs.operations + np.int8(1), (graphs.num_codes + 1,) * graphs.operations.shape[1])

    @rows_too
    def valid(self, genes: Genes) -> Bool[np.ndarray, " n"]:
        """Which rows hold one of its values in each gene, and 0 where there is no layer."""
        return np.asarray(super().valid(genes) & ((genes == 0) | self._layout.active(genes)).all(axis=1))

    @rows_too
    def normalise(self, genes: Genes) -> Genes:
        """The same rows with 0 in the genes of layers that are not there."""
        return np.where(self._layout.active(genes), genes, np.int8(0))

    @rows_too
    def mutate(self, genes: Genes, rng: np.random.Generator, *, rate: float) -> Genes:
        """One child of each architecture: each gene is redrawn with p = `rate`, and so are layers that are added.

        Raises:
            ConfigurationError: a rate outside (0, 1].
        """
        require_rate(rate)
        fresh = rng.integers(np.asarray(self.num_choices, np.int8), size=genes.shape, dtype=np.int8)
        redrawn = np.where(rng.random(genes.shape) < rate, fresh, genes)
        return self.normalise(np.where(self._layout.active(genes), redrawn, fresh))

    @rows_too
    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
        """One child of each pair: each gene from either parent with p = 1/2, a layer from the one that has it."""
        from_a = rng.random(a.shape) < 0.5
        in_a, in_b = self._layout.active(a), self._layout.active(b)
        return self.normalise(np.where((from_a & in_a) | ~in_b, a, b))

    @lists_too
    def graphs(self, genes: Genes) -> Graphs:
        """The path input - layers - output, `(n, V, V)`; V is the number of vertices of the deepest network."""
        inner = self._layout.codes(require_genes(self, genes))
        codes = np.pad(inner, ((0, 0), (1, 1)), constant_values=self._layout.num_codes - 2)
        codes[:, -1] += 1
        order = np.argsort(codes < 0, axis=1, kind="stable")
        codes = np.take_along_axis(codes, order, axis=1)
        count = codes.shape[1]
        adjacency = np.zeros((len(genes), count, count), np.uint8)
        adjacency[:, range(count - 1), range(1, count)] = codes[:, 1:] >= 0
        return Graphs(adjacency, codes, self._layout.num_codes)

    def relaxation(self) -> GraphRelaxation:
        """Choices label the vertices of their layers; a depth joins its last layer to what follows the stage."""
        layout = self._layout
        vertices, codes, widest = len(layout.vertices) + 2, layout.num_codes, max(self.num_choices, default=1)
        edges = np.zeros((self.num_genes, widest, vertices, vertices), np.float32)
        labels = np.zeros((self.num_genes, widest, vertices, codes), np.float32)
        fixed_edges = np.zeros((vertices, vertices), np.float32)
        fixed_labels = np.zeros((vertices, codes), np.float32)
        fixed_labels[0, codes - 2] = fixed_labels[-1, codes - 1] = 1
        for vertex, what in enumerate(layout.vertices, start=1):
            if what.gene < 0:
                fixed_labels[vertex, what.code] = 1
            else:
                values = np.arange(self.num_choices[what.gene])
                labels[what.gene, values, vertex, what.code + values] = 1
        fixed_edges[0, 1] = 1
        for number, stage in enumerate(layout.stages):
            inside = [vertex for vertex, what in enumerate(layout.vertices, start=1) if what.stage == number]
            following = inside[-1] + 1
            fixed_edges[inside[:-1], inside[1:]] = 1
            if len(stage.depth) == 1:
                fixed_edges[inside[-1], following] = 1
                continue
            for index, depth in enumerate(stage.depth):
                last = max(vertex for vertex in inside if layout.vertices[vertex - 1].layer < depth)
                edges[layout.depth_genes[number], index, last, following] = 1
        return GraphRelaxation(edges, labels, fixed_edges, fixed_labels)

    @lists_too
    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """Layers by `,`, their choices by `/`, stages by `:`, e.g. `8:16:24` or `3/6,5/3:7/4`."""
        return write_chain(self._layout, require_genes(self, genes[None])[0])

    def from_strings(self, texts: Sequence[str]) -> Genes:
        """Genes `(n, g)` in normal form of what `describe` wrote.

        Raises:
            InvalidArchitectureError: a text of another form, or with a value that is no choice; names the entry.
        """
        return read_chains(self._layout, texts, self.name)
