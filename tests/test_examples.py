"""The examples in docstrings run and give what they show; everything public has one."""

from __future__ import annotations

import ast
import doctest
from importlib import import_module
from pathlib import Path

import pytest

import predictornas
from tests.extras import needed

ROOT = Path(__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

WITHOUT = {"__version__": "a string"}
"""Public names without an example, and why."""

NEEDS = {
    "predictornas.predictors.pyg.PyGPredictor": "torch_geometric",
    "predictornas.extras.extra": "matplotlib",
    "predictornas.predictors.scikit.sklearn_predictor": "sklearn",
}
"""What belongs to an extra."""


def examples() -> dict[str, doctest.DocTest]:
    """The examples of the package, by the dotted name of what they belong to.

    They are read from the source: what decorators make of a function may hide its docstring.
    """
    found = {}
    parser = doctest.DocTestParser()
    for path in sorted((ROOT / "predictornas").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if ">>> " not in source:
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(source)):
            text = ast.get_docstring(node) if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.Module)) else None
            if text and ">>> " in text:
                name = f"{module}.{getattr(node, 'name', '')}"
                found[name] = parser.get_doctest(text, {}, name, str(path), getattr(node, "lineno", 1))
    return found


EXAMPLES = examples()


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_what_it_shows(name: str) -> None:
    if name in NEEDS:
        needed(NEEDS[name])
    module = import_module(name.rpartition(".")[0])
    EXAMPLES[name].globs = dict(vars(module))  # as doctest itself does: an example may use what stands in its module
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(EXAMPLES[name], out=failures.append)
    assert failures == []


@pytest.mark.parametrize("name", [name for name in predictornas.__all__ if name not in WITHOUT])
def test_everything_public_shows_an_example(name: str) -> None:
    module = predictornas._PUBLIC[name]
    assert hasattr(import_module(module), name)
    assert f"{module}.{name}" in EXAMPLES
