"""Genotypes: how the field writes down the two cells of the DARTS space, and those that papers released."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from predictornas.errors import InvalidArchitectureError

Cell = list[tuple[str, int]]
"""Eight pairs (operation, input), two for each of the four nodes in turn; input 0 is c_{k-2}, 1 is c_{k-1}."""

CONCAT = range(2, 6)
"""The nodes whose outputs, concatenated, are the output of a cell: all four, counted behind the two inputs."""


class Genotype(NamedTuple):
    """The two cells of an architecture of the DARTS space (Liu et al. 2019); `str` gives the usual printed form.

    Attributes:
        normal: edges of the normal cell, `(operation, input)`; the first two end in node 0, the last two in node 3.
        normal_concat: the nodes that make the cell's output.
        reduce: edges of the reduction cell, whose operations on inputs 0 and 1 have stride 2.
        reduce_concat: as `normal_concat`.
    """

    normal: Cell
    normal_concat: range
    reduce: Cell
    reduce_concat: range


def parse_genotype(text: str) -> Genotype:
    """The genotype that a text prints: `Genotype(normal=[('skip_connect', 0), ...], normal_concat=range(2, 6), ...)`.

    The text is read, never run. Lists are as good as ranges for the concatenated nodes.

    Raises:
        InvalidArchitectureError: another form, another number of nodes, or an input that does not come before its node.
    """
    literal = re.sub(r"range\((\d+), ?(\d+)\)", r"('range', \1, \2)", text.strip())
    try:
        call = ast.parse(literal, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Genotype":
            raise ValueError("no Genotype(...)")
        fields = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        if call.args or set(fields) != set(Genotype._fields):
            raise ValueError(f"the fields are {', '.join(Genotype._fields)}, each by name")
        _require_all_nodes(fields["normal_concat"])
        _require_all_nodes(fields["reduce_concat"])
        return Genotype(_cell(fields["normal"]), CONCAT, _cell(fields["reduce"]), CONCAT)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise InvalidArchitectureError(
            f"{text[:80]!r} is no genotype of the DARTS space ({error}). Expected Genotype(normal=[(operation, input), "
            "... 8 pairs], normal_concat=range(2, 6), reduce=[... 8 pairs], reduce_concat=range(2, 6))."
        ) from None


def _require_all_nodes(concat: object) -> None:
    if concat not in (("range", CONCAT.start, CONCAT.stop), list(CONCAT), tuple(CONCAT)):
        raise ValueError("the nodes that are concatenated must be 2, 3, 4 and 5")


def _cell(edges: object) -> Cell:
    """The pairs of a literal."""
    if not isinstance(edges, list | tuple) or len(edges) != 2 * len(CONCAT):
        raise ValueError(f"a cell is a list of {2 * len(CONCAT)} pairs")
    cell: Cell = []
    for number, edge in enumerate(edges):
        name, source = edge
        if type(name) is not str or type(source) is not int or not 0 <= source < 2 + number // 2:
            raise ValueError(f"pair {number}, {edge!r}, is no operation and one of the {2 + number // 2} inputs")
        cell.append((name, source))
    return cell


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
}
"""Cells as the authors' code released them, pairs in its order.

SDARTS and SGAS: the best cells on CIFAR-10 (Chen and Hsieh 2020; Li, Qian et al. 2020). MiLeNAS: the released cell with
the paper's best result, 2.34 % error and 3.87M parameters (He et al. 2020).
"""
