"""The fast loop, `pytest -m "not slow"`, leaves no module out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

OTHERS_TEST_THEM = {
    "__main__.py": "two lines around the command; tests/test_extras.py and tests/cli run it",
    "executors/base.py": "protocols, records and one loop; the test of each executor holds it to them",
}
"""Modules without a test file of their own, and what tests them."""

MODULES = sorted(
    str(path.relative_to(ROOT / "predictornas"))
    for path in (ROOT / "predictornas").rglob("*.py")
    if path.name != "__init__.py"
)


def quick_tests(source: str) -> list[str]:
    """The test functions of a file that are not marked as slow."""
    tree = ast.parse(source)
    if any(isinstance(node, ast.Assign) and _names_slow(node.value) for node in tree.body):
        return []
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return [node.name for node in functions if not any(map(_names_slow, node.decorator_list))]


def _names_slow(node: ast.AST) -> bool:
    marks = (inner for inner in ast.walk(node) if isinstance(inner, ast.Attribute))
    return any(mark.attr in {"slow", "thorough"} for mark in marks)


def test_marks_are_seen_on_functions_and_on_files() -> None:
    functions = (
        "@pytest.mark.slow\ndef test_a(): ...\n@pytest.mark.parametrize('x', [1])\ndef test_b(x): ...\ndef c(): ..."
    )
    assert quick_tests(functions) == ["test_b"]
    assert quick_tests(f"pytestmark = pytest.mark.slow\n{functions}") == []
    assert quick_tests(f"pytestmark = [pytest.mark.slow]\n{functions}") == []


@pytest.mark.parametrize("module", [module for module in MODULES if module not in OTHERS_TEST_THEM])
def test_every_module_has_a_test_in_the_fast_loop(module: str) -> None:
    path = Path(module)
    test_file = ROOT / "tests" / path.parent / f"test_{path.name}"
    assert test_file.is_file()
    assert quick_tests(test_file.read_text(encoding="utf-8")) != []


def test_who_has_no_test_file_is_there() -> None:
    assert set(OTHERS_TEST_THEM) <= set(MODULES)
