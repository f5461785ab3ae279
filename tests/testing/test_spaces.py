from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from predictornas.spaces.base import Keys, SearchSpace
from predictornas.spaces.darts import DARTS
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.registry import SPACES, get_space
from predictornas.spaces.restricted import RestrictedSpace
from predictornas.spaces.variation import one_hot_genes
from predictornas.testing import ConformanceError, check_space


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_our_spaces_keep_every_rule(name: str, rng: np.random.Generator) -> None:
    check_space(get_space(name), rng=rng, samples=100)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"), [("nasbench201", 1), ("nasbench201", 2), ("nasbench201", 150), ("nasbench101", 30)]
)
def test_restricted_spaces_keep_every_rule(name: str, size: int, rng: np.random.Generator) -> None:
    space = get_space(name)
    check_space(space.restricted_to(space.keys(space.sample(size, rng))), rng=rng, samples=10)


def test_a_space_too_large_to_list_has_to_say_so(rng: np.random.Generator) -> None:
    class Endless(DARTS):
        def restricted_to(self, keys: Keys) -> SearchSpace:
            return self

    with pytest.raises(ConformanceError, match=r"restricted_to\(\) of a space with more than 16,777,216"):
        check_space(Endless(), rng=rng, samples=10)


class Plain(NASBench201):
    """All that is broken below is one method of this; it lets a restricted space keep the broken method."""

    def enumerate(self) -> np.ndarray:
        return WHOLE.enumerate()

    def enumerated_keys(self) -> np.ndarray:
        return WHOLE.enumerated_keys()

    def __len__(self) -> int:
        return len(WHOLE)

    def restricted_to(self, keys: np.ndarray) -> SearchSpace:
        return RestrictedSpace(self, keys)


WHOLE = NASBench201()


def read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


TWO_TWINS = read_only(np.concatenate([WHOLE.enumerate()[:-1], WHOLE.enumerate()[:1]]))
OUT_OF_RANGE = read_only(np.where(np.arange(15_625)[:, None] == 7, np.int8(5), WHOLE.enumerate()))


def drawn_around_the_first(self: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """Five times as likely in the first half of the space; all of S where asked for it."""
    if n >= 15_625:
        return WHOLE.enumerate()
    half = rng.choice(7812, n - n // 6, replace=False)
    return WHOLE.enumerate()[np.concatenate([half, 7812 + rng.choice(7813, n // 6, replace=False)])]


def graphs_with(change: Callable[[Any], None]) -> Callable[..., Any]:
    def graphs(self: Any, genes: np.ndarray) -> Any:
        result = WHOLE.graphs(genes)
        change(result)
        return result

    return graphs


def set_edge(i: int, j: int, value: int) -> Callable[[Any], None]:
    def change(graphs: Any) -> None:
        graphs.adjacency[:, i, j] = value

    return change


def set_code(vertex: int, code: int) -> Callable[[Any], None]:
    def change(graphs: Any) -> None:
        graphs.operations[:, vertex] = code

    return change


def first_code_is_the_input(graphs: Any) -> None:
    graphs.operations[graphs.operations == 0] = graphs.num_codes - 2


def edge_at_padding(graphs: Any) -> None:
    graphs.adjacency[graphs.operations[:, -1] < 0, 0, -1] = 1


def valid_without_range(self: Any, genes: np.ndarray) -> np.ndarray:
    return np.ones(len(genes), bool)


def valid_where_not_negative(self: Any, genes: np.ndarray) -> np.ndarray:
    return (genes >= 0).all(axis=1)


def reversed_keys(self: Any, genes: np.ndarray) -> np.ndarray:
    """Right for the whole space; for others it looks at the order of the rows."""
    keys = WHOLE.keys(genes)
    return keys if len(genes) in (0, 15_625) else keys + np.arange(len(keys), dtype=np.uint64)


def written(method: str) -> Callable[..., Any]:
    """A method that overwrites its first argument after use, where it can."""

    def call(self: Any, genes: np.ndarray, *rest: Any, **options: Any) -> Any:
        result = getattr(WHOLE, method)(np.array(genes), *rest, **options)
        if len(genes) and genes.flags.writeable:
            genes[0] = (genes[0] + 1) % 5
        return result

    return call


def relaxation_without_joints(self: Any) -> Any:
    relaxation = WHOLE.relaxation()
    relaxation.fixed_edges[1, 3] = 0
    return relaxation


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "num_choices of another length": ("num_choices is a tuple", {"num_choices": (5,) * 5, "num_genes": 6}),
    "num_choices as a list": ("num_choices is a tuple", {"num_choices": [5] * 6}),
    "too many choices for int8": ("num_choices is a tuple", {"num_choices": (200,) * 6}),
    "no architecture": ("at least one architecture", {"__len__": lambda self: 0}),
    "another length": (r"enumerate\(\) is an array", {"__len__": lambda self: 15_626}),
    "enumerate as int64": (r"enumerate\(\) is an array", {"enumerate": lambda self: WHOLE.enumerate().astype(int)}),
    "enumerate anew": (r"enumerate\(\) is the same object", {"enumerate": lambda self: np.array(WHOLE.enumerate())}),
    "keys anew": (
        r"enumerated_keys\(\) is the same object",
        {"enumerated_keys": lambda self: np.array(WHOLE.enumerated_keys())},
    ),
    "out of range": ("gene i takes 0", {"enumerate": lambda self: OUT_OF_RANGE}),
    "an architecture twice": (
        "each architecture once",
        {"enumerate": lambda self: TWO_TWINS, "enumerated_keys": lambda self: TWIN_KEYS},
    ),
    "keys of other rows": (
        r"enumerated_keys\(\) is keys\(enumerate\(\)\)",
        {"enumerated_keys": lambda self: REVERSED_KEYS},
    ),
    "valid refuses some": (
        r"enumerate\(\) gives valid rows",
        {"valid": lambda self, genes: WHOLE.valid(genes) & (genes[:, 0] != 2)},
    ),
    "valid as numbers": (r"valid\(\) is an array", {"valid": lambda self, genes: WHOLE.valid(genes).astype(int)}),
    "keys as int64": (
        r"keys\(\) is an array",
        {"keys": lambda self, genes: WHOLE.keys(genes).astype(np.int64)},
    ),
    "keys by position": ("keys of a row do not depend", {"keys": reversed_keys}),
    "graph_keys by position": (
        "graph_keys of a row do not depend",
        {"graph_keys": lambda self, genes: np.arange(len(genes), dtype=np.uint64)},
    ),
    "sample with replacement": (
        "draws distinct",
        {"sample": lambda self, n, rng: WHOLE.enumerate()[rng.integers(0, 500, n)]},
    ),
    "sample of another size": (
        r"sample\(\d+\) is an array",
        {"sample": lambda self, n, rng: WHOLE.sample(n + 1, rng)},
    ),
    "sample never gives everything": (
        r"sample\(15625\) is an array",
        {"sample": lambda self, n, rng: WHOLE.sample(min(n, 15_000), rng)},
    ),
    "sample from its own generator": (
        r"sample\(\) is a function",
        {"sample": lambda self, n, rng: WHOLE.sample(n, np.random.default_rng())},
    ),
    "sample not uniformly": ("is uniform", {"sample": drawn_around_the_first}),
    "valid beyond the space": ("with a gene outside", {"valid": valid_where_not_negative}),
    "valid whatever comes": ("with a gene outside", {"valid": valid_without_range}),
    "normalise changes members": (
        "leaves valid rows as they are",
        {"normalise": lambda self, genes: np.sort(genes, axis=1)},
    ),
    "normalise widens": (r"normalise\(\) is an array", {"normalise": lambda self, genes: genes.astype(np.int64)}),
    "mutate leaves the space": (
        r"mutate\(\) gives valid",
        {"mutate": lambda self, genes, rng, *, rate: genes + np.int8(1)},
    ),
    "mutate drops rows": (r"mutate\(\) is an array", {"mutate": lambda self, genes, rng, *, rate: genes[1:]}),
    "mutate does nothing": (r"mutate\(\) changes", {"mutate": lambda self, genes, rng, *, rate: genes}),
    "mutate ignores the rate": (
        "rate near 0",
        {"mutate": lambda self, genes, rng, *, rate: WHOLE.mutate(genes, rng, rate=0.5)},
    ),
    "mutate shuffles": (
        "rate near 0",
        {"mutate": lambda self, genes, rng, *, rate: WHOLE.mutate(rng.permutation(genes), rng, rate=rate)},
    ),
    "mutate from its own generator": (
        r"mutate\(\) is a function",
        {"mutate": lambda self, genes, rng, *, rate: WHOLE.mutate(genes, np.random.default_rng(), rate=rate)},
    ),
    "crossover returns the first": (r"crossover\(\) changes", {"crossover": lambda self, a, b, rng: a}),
    "crossover mutates": (
        "twins is the twin",
        {"crossover": lambda self, a, b, rng: WHOLE.mutate(a, rng, rate=0.5)},
    ),
    "crossover from its own generator": (
        r"crossover\(\) is a function",
        {"crossover": lambda self, a, b, rng: WHOLE.crossover(a, b, np.random.default_rng())},
    ),
    "graphs of another type": (r"graphs\(\) returns Graphs", {"graphs": lambda self, genes: genes}),
    "edges backwards": ("strictly upper triangular", {"graphs": graphs_with(set_edge(2, 1, 1))}),
    "loops": ("strictly upper triangular", {"graphs": graphs_with(set_edge(0, 0, 1))}),
    "edges counted": ("edges are 0 or 1", {"graphs": graphs_with(set_edge(0, 1, 2))}),
    "input elsewhere": ("is vertex 0", {"graphs": graphs_with(set_code(0, 5))}),
    "output missing": ("is the last real vertex", {"graphs": graphs_with(set_code(7, 0))}),
    "padding inside": ("behind the output|last real vertex", {"graphs": graphs_with(set_code(1, -1))}),
    "codes below -1": (
        "operations have codes",
        {"graphs": graphs_with(lambda g: np.copyto(g.operations, -2, where=g.operations < 0))},
    ),
    "two inputs": ("operations have codes", {"graphs": graphs_with(first_code_is_the_input)}),
    "padding with edges": ("padding has no edges", {"graphs": graphs_with(edge_at_padding)}),
    "V by batch": ("do not depend on the batch", {"graphs": lambda self, genes: cut(WHOLE.graphs(genes))}),
    "sequences flat": (r"is \(n, steps, k\)", {"sequences": lambda self, genes: genes.astype(np.float32)}),
    "sequences of whole numbers": (
        r"sequences\(\) is an array",
        {"sequences": lambda self, genes: WHOLE.sequences(genes).astype(int)},
    ),
    "sequences not one-hot": ("is one-hot", {"sequences": lambda self, genes: WHOLE.sequences(genes) / 2}),
    "sequences that look alike": (
        "have different sequences",
        {"sequences": lambda self, genes: WHOLE.sequences(np.minimum(genes, 3))},
    ),
    "sequences by batch": (
        "sequence does not depend",
        {
            "sequences": lambda self, genes: (
                np.roll(WHOLE.sequences(genes), 1, axis=0) if len(genes) > 1 else WHOLE.sequences(genes)
            )
        },
    ),
    "sequences in another order": (
        "step i of a sequence is gene i",
        {"sequences": lambda self, genes: one_hot_genes(genes[:, ::-1], 5)},
    ),
    "relaxation without joints": ("is the graph that", {"relaxation": relaxation_without_joints}),
    "describe as bytes": ("describe\\(\\) returns text", {"describe": lambda self, genes: genes.tobytes()}),
    "describe too briefly": ("tells architectures apart", {"describe": lambda self, genes: str(genes[:3].tolist())}),
    "restricted to nothing": ("holds the architectures with", {"restricted_to": lambda self, keys: self}),
    **{
        f"{method} writes": (rf"{method}\(\) leaves its argument", {method: written(method)})
        for method in ("keys", "graph_keys", "valid", "normalise", "graphs", "sequences", "mutate")
    },
}
TWIN_KEYS = read_only(WHOLE.keys(TWO_TWINS))
REVERSED_KEYS = read_only(np.array(WHOLE.enumerated_keys()[::-1]))


def cut(graphs: Any) -> Any:
    """The batch without the columns that are padding in all of it."""
    most = int((graphs.operations >= 0).sum(axis=1).max(initial=2))
    return type(graphs)(graphs.adjacency[:, :most, :most], graphs.operations[:, :most], graphs.num_codes)


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_rule_is_found_and_named(what: str, rng: np.random.Generator) -> None:
    message, members = BROKEN[what]
    with pytest.raises(ConformanceError, match=message):
        check_space(type("Broken", (Plain,), members)(), rng=rng, samples=300)


@pytest.mark.slow
def test_a_missing_method_is_named_without_pytest_and_torch() -> None:
    code = """
import sys, numpy as np
from predictornas.testing import ConformanceError, check_space
try:
    check_space(object(), rng=np.random.default_rng(0))
except ConformanceError as error:
    print(error, {"torch", "pytest"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Met: object without crossover, describe, " in done.stdout
    assert done.stdout.strip().endswith("set()")


def test_writeable_rows_are_refused(rng: np.random.Generator) -> None:
    rows = np.array(WHOLE.enumerate())
    broken = type("Broken", (Plain,), {"enumerate": lambda self: rows})()
    with pytest.raises(ConformanceError, match="is read-only"):
        check_space(broken, rng=rng)
