"""What a chain is made of: its stages, and where the choices of each stand among the genes and in the graph."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int8, Int64

from predictornas.errors import ConfigurationError
from predictornas.plain_help import PlainHelp
from predictornas.spaces.base import Genes

MOST_LABELS = 125
"""Labels of vertices beside input and output: codes are int8."""

LAYER, STAGE, CHOICE, TIMES = ",", ":", "/", "*"
"""Separators of the notation: of layers, of stages, of the choices of a layer, and after a number of equal layers."""


@dataclass(frozen=True)
class ChainStage(metaclass=PlainHelp):
    """A run of layers; what may be chosen for each, and how many there may be.

    Example:
        >>> from predictornas.spaces.chains.stages import ChainStage
        >>> ChainStage({"width": (8, 16, 24)}).size
        3
        >>> ChainStage({"kernel": (3, 5), "expansion": (3, 6)}, depth=(1, 2)).size  # 4 of one layer, 16 of two
        20

    Attributes:
        choices: the values of each choice, by its name; none where layers differ in nothing.
        depth: the numbers of layers to choose from, ascending; 0 leaves the stage out.
        alike: whether one setting holds for all layers of the stage, instead of one a layer.

    Raises:
        ConfigurationError: no or too many values, one twice, or one that the notation could not tell apart.
    """

    choices: Mapping[str, Sequence[object]]
    depth: Sequence[int] = (1,)
    alike: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", {name: tuple(values) for name, values in self.choices.items()})
        object.__setattr__(self, "depth", tuple(self.depth))
        if not self.depth or self.depth[0] < 0 or any(a >= b for a, b in pairwise(self.depth)):
            raise ConfigurationError(
                f"The depth of a stage is numbers of layers, ascending, such as (2, 3), not {self}."
            )
        for name, values in {**self.choices, "depth": self.depth}.items():
            texts = {str(value) for value in values}
            if not 1 <= len(texts) == len(values) <= 127:
                raise ConfigurationError(f"{name!r} needs 1 to 127 different values, not {values}.")
            if "" in texts or any(mark in text for text in texts for mark in (LAYER, STAGE, CHOICE, TIMES)):
                raise ConfigurationError(
                    f"The values of {name!r} are written with {LAYER} {STAGE} {CHOICE} {TIMES} between them, so none "
                    f"may be empty or hold one of these: {values}."
                )

    @property
    def settings(self) -> tuple[int, ...]:
        """How many settings there are of each depth."""
        of_layer = math.prod(len(values) for values in self.choices.values())
        return tuple(of_layer ** (min(depth, 1) if self.alike else depth) for depth in self.depth)

    @property
    def size(self) -> int:
        """How many settings there are."""
        return sum(self.settings)

    @property
    def rows_of_genes(self) -> int:
        """How many layers have genes of their own."""
        return min(max(self.depth), 1) if self.alike else max(self.depth)


class ChainGene(NamedTuple):
    """A gene: its stage, its layer (-1: the stage's depth) and its number of values."""

    stage: int
    layer: int
    values: int


class ChainVertex(NamedTuple):
    """A vertex: its stage, its layer (-1: before the first), the gene that labels it (-1: none), its first code."""

    stage: int
    layer: int
    gene: int
    code: int


@dataclass(frozen=True)
class ChainLayout:
    """The genes and the vertices of a chain, in the order of its stages.

    A stage has a gene for its depth (where there is a choice), then those of its layers. A layer has a vertex for
    each choice, one where there is none; a stage that may be left out begins with a vertex that is always there.
    """

    stages: tuple[ChainStage, ...]

    @cached_property
    def _genes(self) -> list[ChainGene]:
        found: list[ChainGene] = []
        for number, stage in enumerate(self.stages):
            found += [ChainGene(number, -1, len(stage.depth))] * (len(stage.depth) > 1)
            for layer in range(stage.rows_of_genes):
                found += [ChainGene(number, layer, len(values)) for values in stage.choices.values()]
        if not found:
            raise ConfigurationError("A chain needs a stage with a choice; give one, of depths or of values.")
        return found

    @cached_property
    def num_choices(self) -> tuple[int, ...]:
        """Number of values of each gene."""
        return tuple(gene.values for gene in self._genes)

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """Which genes are those of each stage."""
        counts = [sum(gene.stage == number for gene in self._genes) for number in range(len(self.stages))]
        ends = np.cumsum([0, *counts]).tolist()
        return tuple(slice(begin, end) for begin, end in pairwise(ends))

    @cached_property
    def depth_genes(self) -> tuple[int, ...]:
        """The gene of each stage's depth, -1 where there is no choice."""
        return tuple(
            columns.start if len(stage.depth) > 1 else -1
            for stage, columns in zip(self.stages, self.columns, strict=True)
        )

    def depths(self, genes: Genes) -> Int64[np.ndarray, "n s"]:
        """The number of layers of each stage; a gene out of its range counts as the nearest value."""
        columns = [
            np.take(stage.depth, genes[:, gene] if gene >= 0 else np.zeros(len(genes), np.int8), mode="clip")
            for stage, gene in zip(self.stages, self.depth_genes, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.int64).reshape(len(genes), len(self.stages))

    def active(self, genes: Genes) -> Bool[np.ndarray, "n g"]:
        """Which genes say something: those of layers that the chosen depth has."""
        stage, layer, _ = np.array(self._genes).T
        return np.asarray(self.depths(genes)[:, stage] > layer)

    @cached_property
    def vertices(self) -> list[ChainVertex]:
        """Every vertex but input and output, in order."""
        by_stage = self._vertices(by_stage=True)
        return by_stage if _num_labels(by_stage, self.num_choices) <= MOST_LABELS else self._vertices(by_stage=False)

    @cached_property
    def num_codes(self) -> int:
        """The number of labels, input and output among them.

        Raises:
            ConfigurationError: more than int8 holds.
        """
        count = _num_labels(self.vertices, self.num_choices)
        if count > MOST_LABELS:
            raise ConfigurationError(
                f"The choices of this chain have {count} different values, and graphs have up to {MOST_LABELS} labels. "
                "Give choices fewer values, or define `graphs` and `relaxation`."
            )
        return count + 2

    def _vertices(self, *, by_stage: bool) -> list[ChainVertex]:
        """Codes are those of a stage, or shared by equal choices of all stages."""
        codes: dict[tuple[object, ...], int] = {}
        found: list[ChainVertex] = []
        count = 0
        for number, stage in enumerate(self.stages):
            own = number if by_stage else None
            for layer, gene, name, values in self._labels(number, stage):
                code = codes.setdefault((own, name, values), count)
                count += max(len(values), 1) if code == count else 0
                found.append(ChainVertex(number, layer, gene, code))
        return found

    def _labels(self, number: int, stage: ChainStage) -> Iterator[tuple[int, int, str, tuple[object, ...]]]:
        """Layer, gene, name and values of what labels each vertex of a stage."""
        if 0 in stage.depth:
            yield -1, -1, "entry", ()
        first = self.columns[number].start + (self.depth_genes[number] >= 0)
        for layer in range(max(stage.depth)):
            row = 0 if stage.alike else layer
            for place, (name, values) in enumerate(stage.choices.items()):
                yield layer, first + row * len(stage.choices) + place, name, tuple(values)
            if not stage.choices:
                yield layer, -1, "layer", ()

    def codes(self, genes: Genes) -> Int8[np.ndarray, "n v"]:
        """The label of every vertex, input and output left out; -1 where the layer is not there."""
        stage, layer, gene, code = np.array(self.vertices).T
        values = np.where(gene >= 0, genes[:, gene], 0)
        return np.where(self.depths(genes)[:, stage] > layer, code + values, -1).astype(np.int8)


def _num_labels(vertices: list[ChainVertex], num_choices: tuple[int, ...]) -> int:
    return max(vertex.code + (num_choices[vertex.gene] if vertex.gene >= 0 else 1) for vertex in vertices)
