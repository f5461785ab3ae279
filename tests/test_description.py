from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.description import describe, differences
from predictornas.errors import ConfigurationError
from predictornas.search.strategies import RandomSearch


@dataclass
class Leaf:
    """A dataclass that learns."""

    size: int = 3
    shape: tuple[float, ...] = (0.5, 1.0)
    learned_: Any = field(default=None, init=False)


class Tree:
    """An object that is no dataclass, and learns."""

    def __init__(self, height: float, leaf: Any) -> None:
        self.height, self.leaf = height, leaf
        self.rings_, self._age = [1, 2, 3], 40


class Estimator:
    """What scikit-learn's conventions are."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.secret = object()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"depth": self.depth}


class Colour(Enum):
    RED = 1


def grow(by: int) -> int:
    return by


def test_objects_say_what_their_constructors_took_and_nothing_learned() -> None:
    assert describe(Tree(2.5, Leaf(4))) == {
        "type": "Tree",
        "height": 2.5,
        "leaf": {"type": "Leaf", "size": 4, "shape": [0.5, 1.0]},
    }
    assert describe([Estimator(3)]) == [{"type": "Estimator", "depth": 3}]


def test_plain_values() -> None:
    values = {
        "a": (1, True, None, "x", 0.25),
        "b": Fraction(1, 3),
        "c": np.float32(0.5),
        "d": Path("x/y"),
        "e": Colour.RED,
    }
    assert describe(values) == {"a": [1, True, None, "x", 0.25], "b": "1/3", "c": 0.5, "d": "x/y", "e": "RED"}
    assert describe({"b", "a"}) == ["a", "b"]


def test_what_is_not_a_number_equals_itself_when_it_is_read_again() -> None:
    described = describe({"missing": float("nan"), "most": np.float64("nan")})
    assert described == json.loads(json.dumps(described)) == {"missing": "nan", "most": "nan"}


def test_functions_and_classes_are_named() -> None:
    assert describe(grow) == f"{__name__}:grow"
    assert describe(Leaf) == f"{__name__}:Leaf"
    assert describe(partial(grow, by=2)) == {
        "type": "partial",
        "function": f"{__name__}:grow",
        "arguments": [],
        "keywords": {"by": 2},
    }


def test_arrays_are_told_apart_by_what_they_hold() -> None:
    one, same, other = np.arange(3), np.arange(6)[::2] // 2, np.arange(1, 4)
    assert describe(one)["shape"] == [3]
    assert describe(one) == describe(same)
    assert describe(one)["sha256"] != describe(other)["sha256"]


def test_what_cannot_be_told_from_another_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has no name by which a run that holds it could be resumed"):
        describe(lambda: 1)
    with pytest.raises(ConfigurationError, match=r"^One object cannot be told from another, so"):
        describe(object())
    ring = Tree(1.0, None)
    ring.leaf = ring
    with pytest.raises(ConfigurationError, match="Tree holds itself"):
        describe(ring)


def test_differences_are_named_by_where_they_are() -> None:
    one, other = (describe(RandomSearch(initial=initial)) for initial in (4, 5))
    assert differences(one, one, ("a", "b")) == []
    assert differences({"x": one, "y": [1]}, {"x": other, "z": [1]}, ("a", "b")) == [
        "x.initial is 4 a and 5 b",
        "y is [1] a and None b",
        "z is None a and [1] b",
    ]
    assert differences({"type": "A", "k": 1}, {"type": "B", "k": 2}, ("a", "b")) == ["it is 'A' a and 'B' b"]


def test_modules_of_torch_are_told_apart_by_what_they_are_made_of() -> None:
    """Which they keep apart from their attributes: two widths are two runs."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.ReLU(), torch.nn.Dropout(0.1))
            self.scale = torch.nn.Parameter(torch.rand(width))
            self.bias = None

    two, again, three = describe(Net(2)), describe(Net(2)), describe(Net(3))
    assert two == again, "initial weights are drawn by chance"
    assert two != three
    assert json.loads(json.dumps(two)) == two
    assert two["scale"] == [2]
    assert two["net"]["0"]["weight"] == [2, 3]
    assert describe(torch.nn.Dropout(0.2)) != describe(torch.nn.Dropout(0.1))

    class Masked(torch.nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.register_buffer("mask", torch.zeros(size))
            self.odd = Odd()
            self.late = torch.nn.LazyLinear(3)

    class Odd(torch.nn.Module):
        def get_params(self, name: str) -> str:
            """Of another package, with a meaning of its own."""
            return name

    assert describe(Masked(2)) == describe(Masked(2))
    assert describe(Masked(2)) != describe(Masked(5))
    encoder = torch.nn.TransformerEncoderLayer  # shows neither heads nor order
    assert describe(encoder(16, 1)) != describe(encoder(16, 4))
    assert describe(encoder(16, 4)) != describe(encoder(16, 4, norm_first=True))
    odd = torch.nn.Sequential(Odd())
    odd[0].act = lambda x: x
    with pytest.raises(ConfigurationError, match="no name"):
        describe(odd)
    learned = Masked(2)
    learned.fitted_ = torch.nn.Linear(2, 2)
    assert describe(learned) == describe(Masked(2))
