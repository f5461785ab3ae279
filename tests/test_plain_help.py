"""What `help()` says of the public names: what they take, with an example, without the machinery of Python."""

from __future__ import annotations

import ast
import builtins
import doctest
import inspect
import pickle
import pydoc
import re
import types
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import pytest
import torch
from sklearn.base import BaseEstimator

import predictornas
from predictornas.plain_help import PlainHelp

NAMES = [name for name in predictornas.__all__ if name != "__version__"]

T = TypeVar("T")

MADE_BY_NOBODY = {"Oracle", "PredictorNASError", "SearchSpace"}
"""Protocols and the base of the errors: nobody calls them, so they take no arguments."""


@pytest.mark.parametrize("name", NAMES)
def test_no_page_shows_addresses_or_wrappers(name: str) -> None:
    page = pydoc.plain(pydoc.render_doc(getattr(predictornas, name)))
    assert "<function " not in page
    assert "_lru_cache_wrapper" not in page


@dataclass
class Plain(metaclass=PlainHelp):
    """A class."""

    size: int = 3

    def __len__(self) -> int:
        return self.size


@runtime_checkable
class Sized(Protocol, metaclass=PlainHelp):
    """A protocol."""

    def length(self) -> int:
        """How long."""
        ...


def described(text: str) -> set[str]:
    """The names that a docstring has an entry for, as in `    width: features of every layer.`"""
    return set(re.findall(r"^ {4}(?: {4})?(\w+): \S", text, re.MULTILINE))


def test_a_plain_class_shows_no_special_names_and_works_as_any_other() -> None:
    assert {name for name in dir(Plain) if name.startswith("__")} == set()
    assert "size" in dir(Plain)
    assert (len(Plain(2)), Plain(2) == Plain(2)) == (2, True)
    assert pickle.loads(pickle.dumps(Plain(4))) == Plain(4)
    assert "__eq__" in dir(Plain())  # an object is as it always was


def test_a_plain_protocol_is_still_fulfilled_by_who_has_its_methods() -> None:
    class Long:
        def length(self) -> int:
            return 3

    assert isinstance(Long(), Sized)
    assert not isinstance(3, Sized)
    assert "length" in dir(Sized)
    assert [name for name in dir(Sized) if name.startswith("__")] == []


def test_a_plain_abstract_class_cannot_be_made() -> None:
    class Base(metaclass=PlainHelp):
        @abstractmethod
        def go(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Base()  # type: ignore[abstract]


class Measuring(Protocol):
    """Somebody else's protocol."""

    def measure(self) -> int: ...


MIXED = [ABC, Generic[T], Measuring, BaseEstimator, torch.nn.Module]


@pytest.mark.parametrize("other", MIXED, ids=["abstract", "generic", "protocol", "estimator", "module"])
@pytest.mark.parametrize("name", ["GCN", "Study", "SearchSpace", "Oracle", "PredictorSearch", "Benchmark"])
def test_whoever_inherits_from_a_public_class_may_inherit_from_others_too(name: str, other: Any) -> None:
    ours = getattr(predictornas, name)
    mixed = types.new_class("Mixed", (ours, other))
    assert ours in mixed.__mro__
    assert "__eq__" not in dir(mixed)
    assert not isinstance(3, mixed)


def test_a_dataclass_may_be_of_a_public_class_and_of_two_protocols() -> None:
    @dataclass(frozen=True)
    class Both(predictornas.Study, predictornas.Oracle, Measuring):
        depth: int = 3

        def measure(self) -> int:
            return self.depth

    assert Both(depth=5).measure() == 5
    assert isinstance(Both(), predictornas.Study)


def test_public_objects_are_pickled_and_show_everything() -> None:
    study = predictornas.Study(budget=30)
    assert pickle.loads(pickle.dumps(study)) == study
    assert {"__eq__", "__dataclass_fields__", "budget"} <= set(dir(study))


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_no_special_names(name: str) -> None:
    shown = pydoc.plain(pydoc.render_doc(getattr(predictornas, name)))
    listed = re.findall(r"^ \|  (__\w+__)", shown, re.MULTILINE)
    assert listed == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MADE_BY_NOBODY])
def test_help_says_what_each_argument_is(name: str) -> None:
    value = getattr(predictornas, name)
    assert set(inspect.signature(value).parameters) - described(inspect.getdoc(value) or "") == set()


@pytest.mark.parametrize("name", [name for name in NAMES if inspect.isclass(getattr(predictornas, name))])
def test_help_says_what_each_method_is_for(name: str) -> None:
    value = getattr(predictornas, name)
    members = {member: inspect.getattr_static(value, member) for member in dir(value) if not member.startswith("_")}
    called = {member: found for member, found in members.items() if callable(found) or hasattr(found, "fget")}
    assert [member for member, found in called.items() if not inspect.getdoc(found)] == []


def borrowed(text: str) -> set[str]:
    """The names that the examples of a docstring use without saying where they come from."""
    source = "".join(example.source for example in doctest.DocTestParser().get_examples(text))
    nodes = list(ast.walk(ast.parse(source)))
    made = {alias.asname or alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    made |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    made |= {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    made |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    made |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    made |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names} - made - set(dir(builtins))


def test_what_an_example_borrows_is_found() -> None:
    assert borrowed(">>> import numpy as np\n>>> x = np.ones(GCN().layers)\n>>> len(x)\n3") == {"GCN"}


@pytest.mark.parametrize("name", NAMES)
def test_the_example_in_help_can_be_pasted_as_it_is(name: str) -> None:
    text = inspect.getdoc(getattr(predictornas, name)) or ""
    assert ">>> " in text
    assert borrowed(text) == set()
