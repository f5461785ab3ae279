"""One name, one meaning: a public class is found by its name at the first try."""

from __future__ import annotations

import ast
import re
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


FILES = {"csv", "gz", "html", "jpg", "json", "jsonl", "md", "npz", "parquet", "pkl", "png", "pth", "py", "txt", "zip"}


def members(tree: ast.Module) -> set[str]:
    """What the classes of a module have: methods, fields, and what they set of themselves."""
    found = set[str]()
    for parent in ast.walk(tree):
        for node in ast.walk(parent) if isinstance(parent, ast.ClassDef) else ():
            if isinstance(node, ast.FunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.AnnAssign | ast.Attribute):
                target = node.target if isinstance(node, ast.AnnAssign) else node
                found.add(target.id if isinstance(target, ast.Name) else getattr(target, "attr", ""))
    return found


def lost_references(files: dict[str, str]) -> list[str]:
    """What is called `module.name` where a module of that name has no such name, and no class such a member."""
    names, of_classes = defaultdict[str, set[str]](set), set[str]()
    for file, source in files.items():
        path, tree = Path(file), ast.parse(source)
        module = path.parent.name if path.stem == "__init__" else path.stem
        of_classes |= members(tree)
        names[path.parent.name].add(module)
        for node in tree.body:
            names[module] |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            names[module] |= {node.name} if isinstance(node, ast.ClassDef | ast.FunctionDef) else set()
    lost = []
    for file, source in files.items():
        for module, name in re.findall(r"`(?:\w+\.)*([a-z_]\w*)\.(\w+)(?:\(\))?`", source):
            if module in names and name not in names[module] | of_classes | FILES:
                lost.append(f"{file}: {module}.{name}")
    return lost


def test_the_search_finds_a_reference_that_leads_nowhere() -> None:
    files = {"a/passes.py": "def train(): ...", "a/epochs.py": "class Course: epoch: int", "b.py": ""}
    files["b.py"] = '"""See `passes.train`, `predictornas.a.passes.train`, `np.sum`, `a.passes`, `epochs.epoch`."""'
    assert lost_references(files) == []
    files["b.py"] = '"""See `epochs.train`."""'  # where it was before
    assert lost_references(files) == ["b.py: epochs.train"]


def test_what_docstrings_refer_to_is_there() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
    assert sum(len(re.findall(r"`[a-z_]\w*\.\w+`", source)) for source in sources.values()) > 100
    assert set(lost_references(sources)) <= {"compat/nasbench.py: nasbench.api"}  # the package that it stands for
