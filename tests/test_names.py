"""One name, one meaning: a public class is found by its name at the first try."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1] / "predictornas"


def classes_by_name(files: dict[str, str]) -> dict[str, list[str]]:
    """The files that define each public class, by its name; classes within functions and classes are their own."""
    found: dict[str, list[str]] = defaultdict(list)
    for file, source in files.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(file)
    return found


def test_the_search_finds_a_name_that_is_given_twice() -> None:
    found = classes_by_name({"a.py": "class Run: ...\nclass _Own: ...", "b.py": "class Run(int): ..."})
    assert found == {"Run": ["a.py", "b.py"]}


def test_no_two_public_classes_have_one_name() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
    found = classes_by_name(sources)
    assert len(found) > 200
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
