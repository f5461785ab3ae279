"""Genotypes: the two cells of the DARTS space as the field writes them down, and those that papers released."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Cell = list[tuple[str, int]]
"""Eight pairs (operation, input), two for each of the four nodes in turn; input 0 is c_{k-2}, 1 is c_{k-1}."""


class Nodes(tuple[int, ...]):
    """Numbers of nodes. Printed as the `range` that the field prints, and JSON writes them, which it cannot a range."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(range(self[0], self[-1] + 1)) if self == tuple(range(self[0], self[-1] + 1)) else repr(list(self))


CONCAT = Nodes(range(2, 6))
"""The nodes whose outputs, concatenated, are the output of a cell: all four, counted behind the two inputs."""


class _Fields(NamedTuple):
    normal: Cell
    normal_concat: Nodes
    reduce: Cell
    reduce_concat: Nodes


class Genotype(_Fields):
    """The two cells of an architecture of the DARTS space (Liu et al. 2019); `str` gives the usual printed form.

    Example:
        >>> import json
        >>> from predictornas.spaces.genotypes import NAMED_GENOTYPES
        >>> genotype = NAMED_GENOTYPES["DARTS-V2"]
        >>> genotype.normal[:2], genotype.normal_concat
        ([('sep_conv_3x3', 0), ('sep_conv_3x3', 1)], range(2, 6))
        >>> json.dumps(genotype)[:46]
        '[[["sep_conv_3x3", 0], ["sep_conv_3x3", 1], ["'

    Attributes:
        normal: edges of the normal cell, `(operation, input)`; the first two end in node 0, the last two in node 3.
        normal_concat: the nodes that make the cell's output.
        reduce: edges of the reduction cell, whose operations on inputs 0 and 1 have stride 2.
        reduce_concat: as `normal_concat`.
    """

    __slots__ = ()

    def __new__(
        cls, normal: Cell, normal_concat: Iterable[int], reduce: Cell, reduce_concat: Iterable[int]
    ) -> Genotype:
        """As in the papers' code, whose concatenated nodes are ranges or lists."""
        return super().__new__(cls, normal, Nodes(normal_concat), reduce, Nodes(reduce_concat))


def _released(normal: str, reduction: str) -> Genotype:
    """A genotype from names and inputs in turn."""
    cells = [text.split() for text in (normal, reduction)]
    first, second = ([(name, int(source)) for name, source in zip(c[::2], c[1::2], strict=True)] for c in cells)
    return Genotype(first, CONCAT, second, CONCAT)


NAMED_GENOTYPES: dict[str, Genotype] = {
    "DARTS-V1": _released(
        "sep_conv_3x3 1 sep_conv_3x3 0 skip_connect 0 sep_conv_3x3 1 "
        "skip_connect 0 sep_conv_3x3 1 sep_conv_3x3 0 skip_connect 2",
        "max_pool_3x3 0 max_pool_3x3 1 skip_connect 2 max_pool_3x3 0 "
        "max_pool_3x3 0 skip_connect 2 skip_connect 2 avg_pool_3x3 0",
    ),
    "DARTS-V2": _released(
        "sep_conv_3x3 0 sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_3x3 1 "
        "sep_conv_3x3 1 skip_connect 0 skip_connect 0 dil_conv_3x3 2",
        "max_pool_3x3 0 max_pool_3x3 1 skip_connect 2 max_pool_3x3 1 "
        "max_pool_3x3 0 skip_connect 2 skip_connect 2 max_pool_3x3 1",
    ),
    "P-DARTS": _released(
        "skip_connect 0 dil_conv_3x3 1 skip_connect 0 sep_conv_3x3 1 "
        "sep_conv_3x3 1 sep_conv_3x3 3 sep_conv_3x3 0 dil_conv_5x5 4",
        "avg_pool_3x3 0 sep_conv_5x5 1 sep_conv_3x3 0 dil_conv_5x5 2 "
        "max_pool_3x3 0 dil_conv_3x3 1 dil_conv_3x3 1 dil_conv_5x5 3",
    ),
    "PC-DARTS-CIFAR10": _released(
        "sep_conv_3x3 1 skip_connect 0 sep_conv_3x3 0 dil_conv_3x3 1 "
        "sep_conv_5x5 0 sep_conv_3x3 1 avg_pool_3x3 0 dil_conv_3x3 1",
        "sep_conv_5x5 1 max_pool_3x3 0 sep_conv_5x5 1 sep_conv_5x5 2 "
        "sep_conv_3x3 0 sep_conv_3x3 3 sep_conv_3x3 1 sep_conv_3x3 2",
    ),
    "PC-DARTS-ImageNet": _released(
        "skip_connect 1 sep_conv_3x3 0 sep_conv_3x3 0 skip_connect 1 "
        "sep_conv_3x3 1 sep_conv_3x3 3 sep_conv_3x3 1 dil_conv_5x5 4",
        "sep_conv_3x3 0 skip_connect 1 dil_conv_5x5 2 max_pool_3x3 1 "
        "sep_conv_3x3 2 sep_conv_3x3 1 sep_conv_5x5 0 sep_conv_3x3 3",
    ),
    "SDARTS-RS": _released(
        "sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_5x5 1 skip_connect 0 "
        "sep_conv_3x3 3 skip_connect 1 sep_conv_3x3 1 dil_conv_3x3 2",
        "max_pool_3x3 0 sep_conv_3x3 1 skip_connect 2 max_pool_3x3 0 "
        "dil_conv_5x5 3 max_pool_3x3 0 sep_conv_3x3 2 sep_conv_5x5 3",
    ),
    "SDARTS-ADV": _released(
        "sep_conv_3x3 0 sep_conv_3x3 1 sep_conv_3x3 1 skip_connect 0 "
        "sep_conv_5x5 0 dil_conv_3x3 3 dil_conv_3x3 4 skip_connect 0",
        "max_pool_3x3 0 sep_conv_5x5 1 skip_connect 2 max_pool_3x3 0 "
        "skip_connect 3 skip_connect 2 skip_connect 2 sep_conv_5x5 4",
    ),
    "SGAS-criterion-1": _released(
        "sep_conv_3x3 0 dil_conv_3x3 1 sep_conv_3x3 0 sep_conv_3x3 1 "
        "sep_conv_5x5 1 sep_conv_5x5 3 skip_connect 0 dil_conv_5x5 2",
        "max_pool_3x3 0 dil_conv_5x5 1 sep_conv_3x3 0 skip_connect 2 "
        "sep_conv_3x3 1 skip_connect 2 max_pool_3x3 0 max_pool_3x3 1",
    ),
    "SGAS-criterion-2": _released(
        "sep_conv_3x3 0 sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_3x3 2 "
        "max_pool_3x3 0 sep_conv_3x3 3 sep_conv_3x3 2 sep_conv_3x3 3",
        "sep_conv_3x3 0 max_pool_3x3 1 dil_conv_3x3 0 max_pool_3x3 1 "
        "max_pool_3x3 0 sep_conv_3x3 2 max_pool_3x3 0 sep_conv_5x5 2",
    ),
    "MiLeNAS": _released(
        "sep_conv_3x3 1 sep_conv_3x3 0 dil_conv_3x3 0 sep_conv_3x3 1 "
        "skip_connect 0 sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_5x5 1",
        "dil_conv_3x3 0 sep_conv_3x3 1 skip_connect 2 max_pool_3x3 0 "
        "skip_connect 2 dil_conv_5x5 3 skip_connect 2 max_pool_3x3 0",
    ),
    "DrNAS-CIFAR10": _released(
        "sep_conv_3x3 0 sep_conv_5x5 1 sep_conv_3x3 1 sep_conv_3x3 2 "
        "skip_connect 0 sep_conv_3x3 1 sep_conv_3x3 2 dil_conv_5x5 3",
        "max_pool_3x3 0 sep_conv_5x5 1 dil_conv_5x5 2 sep_conv_5x5 1 "
        "sep_conv_5x5 1 dil_conv_5x5 3 skip_connect 4 sep_conv_5x5 1",
    ),
    "DrNAS-ImageNet": _released(
        "sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_3x3 0 sep_conv_3x3 1 "
        "sep_conv_3x3 0 dil_conv_3x3 3 skip_connect 0 sep_conv_3x3 1",
        "max_pool_3x3 0 sep_conv_3x3 1 sep_conv_3x3 0 skip_connect 2 "
        "sep_conv_3x3 0 sep_conv_3x3 2 sep_conv_3x3 3 sep_conv_3x3 1",
    ),
    "DARTS-PT": _released(
        "sep_conv_3x3 0 sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_3x3 1 "
        "skip_connect 0 skip_connect 2 sep_conv_3x3 1 skip_connect 3",
        "avg_pool_3x3 0 sep_conv_5x5 1 max_pool_3x3 1 skip_connect 2 "
        "dil_conv_5x5 1 max_pool_3x3 3 sep_conv_5x5 2 skip_connect 3",
    ),
    "GDAS": _released(
        "skip_connect 0 skip_connect 1 skip_connect 0 sep_conv_5x5 2 "
        "sep_conv_3x3 3 skip_connect 0 sep_conv_5x5 4 sep_conv_3x3 3",
        "sep_conv_5x5 0 sep_conv_3x3 1 sep_conv_5x5 2 sep_conv_5x5 1 "
        "dil_conv_5x5 2 sep_conv_3x3 1 sep_conv_5x5 0 sep_conv_5x5 1",
    ),
}
"""Cells as the authors' code released them, pairs in its order.

SDARTS and SGAS: the best cells on CIFAR-10 (Chen and Hsieh 2020; Li, Qian et al. 2020). MiLeNAS: the released cell with
the paper's best result, 2.34 % error and 3.87M parameters (He et al. 2020). DARTS-PT: the cell of Wang et al. 2021 with
3.33M parameters; their table has 3.3M beside its best result. GDAS: `GDAS_V1` of the authors' code (Dong and Yang
2019). No cell of PVLL-NAS was released.
"""
