"""Texts of the official packages: architecture strings taken apart, and the lines that tell of one architecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from predictornas.compat.official_results import ArchResults
from predictornas.compat.official_store import OfficialQueryError
from predictornas.spaces.nasbench201 import OPERATIONS

_SHOWN = {"cifar10-valid": ("x-valid",), "cifar10": ("ori-test",)}
_TITLES = {"x-valid": "valid", "x-test": "test", "ori-test": "test"}


def str2lists(arch_str: str) -> list[tuple[tuple[str, int], ...]]:
    """For each node but the first its inputs: operation and the node it comes from.

    Example:
        >>> from predictornas.compat.official_text import str2lists
        >>> str2lists("|none~0|+|skip_connect~0|none~1|")
        [(('none', 0),), (('skip_connect', 0), ('none', 1))]

    Raises:
        OfficialQueryError: an entry that is not `operation~node`.
    """
    return [tuple(_inputs(node)) for node in arch_str.split("+")]


def str2matrix(arch_str: str, search_space: Sequence[str] = OPERATIONS) -> Float[np.ndarray, "nodes nodes"]:
    """`(nodes, nodes)` the place in `search_space` of the operation from column to row; 0 too where there is no edge.

    Example:
        >>> from predictornas.compat.official_text import str2matrix
        >>> str2matrix("|none~0|+|skip_connect~0|nor_conv_3x3~1|").tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 3.0, 0.0]]

    Raises:
        OfficialQueryError: an entry that is not `operation~node`, or an operation outside `search_space`.
    """
    nodes = str2lists(arch_str)
    matrix = np.zeros((len(nodes) + 1, len(nodes) + 1))
    for row, inputs in enumerate(nodes, start=1):
        for operation, column in inputs:
            if operation not in search_space:
                raise OfficialQueryError(f"{operation!r} is not one of {', '.join(search_space)}.")
            matrix[row, column] = search_space.index(operation)
    return matrix


def information(results: ArchResults, extra_info: str | None, *, joint: str, tests_valid: bool) -> list[str]:
    """The architecture, its data sets, and two lines for each of these: costs and the last metrics.

    Args:
        results: of the architecture.
        extra_info: shown behind the data sets.
        joint: between loss and accuracy.
        tests_valid: whether "cifar10-valid" shows its test set too.

    Raises:
        OfficialQueryError: a set that is shown was not evaluated.
    """
    names = results.get_dataset_names()
    lines = [results.arch_str, f"datasets : {names}, extra-info : {extra_info}"]
    for name in names:
        cost = results.get_compute_costs(name)
        latency = cost["latency"]
        shown = f"{1000 * latency:.2f}" if latency is not None and latency > 0 else None
        lines.append(f"{name:14s} FLOP={cost['flops']:6.2f} M, Params={cost['params']:.3f} MB, latency={shown} ms.")
        sets = _SHOWN.get(name, ("x-valid", "x-test"))
        if name == "cifar10-valid" and tests_valid:
            sets = ("x-valid", "ori-test")
        metrics = [("train", results.get_metrics(name, "train"))]
        metrics += [(_title(name, evaluated), results.get_metrics(name, evaluated)) for evaluated in sets]
        parts = [
            f"{title} : [loss = {found['loss']:.3f}{joint}top1 = {found['accuracy']:.2f}%]" for title, found in metrics
        ]
        lines.append(f"{name:14s} {', '.join(parts)}")
    return lines


def _title(dataset: str, evaluated: str) -> str:
    return "test " if dataset == "cifar10" else _TITLES[evaluated]


def _inputs(node: str) -> Iterator[tuple[str, int]]:
    for entry in filter(None, node.split("|")):
        parts = entry.split("~")
        if len(parts) != 2 or not parts[1].isdigit():
            raise OfficialQueryError(f"{entry!r} is no input of a node; expected operation~node, like none~0.")
        yield parts[0], int(parts[1])
