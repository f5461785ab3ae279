"""Text is UTF-8 whatever the locale: in the source, and in a process whose locale knows ASCII alone."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from predictornas.spaces.nasbench201 import NASBench201, to_string

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("predictornas", "perf", "docs") for path in (ROOT / folder).rglob("*.py"))

ASCII_ONLY = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def texts_without_encoding(source: str) -> list[int]:
    """Lines of calls that open, read, write or exchange text in the encoding of the locale.

    The linter's rule sees only what it knows to be a path; this one goes by names alone.
    """
    lines = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        named = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        mode = call.args[0] if isinstance(call.func, ast.Attribute) and call.args else (call.args[1:] or [None])[0]
        mode = given.get("mode", mode)
        opens_text = isinstance(mode, ast.Constant) and isinstance(mode.value, str) and "b" not in mode.value
        opens_text &= named == "open" or named == "fdopen"
        is_text = named == "write_text" or (named == "read_text" and "remedy" not in given)
        asks_for_text = "text" in given or "universal_newlines" in given
        if (opens_text or is_text or (asks_for_text and named in ("run", "Popen", "check_output"))) and (
            "encoding" not in given
        ):
            lines.append(call.lineno)
    return lines


def test_the_search_for_texts_finds_them() -> None:
    wrong = [
        "path.read_text()",
        "path.write_text('x')",
        "open(path, 'w')",
        "path.open('r')",
        "path.open(mode='a')",
        "subprocess.run(command, text=True)",
        "subprocess.Popen(command, universal_newlines=True)",
    ]
    right = [
        "path.read_text(encoding='utf-8')",
        "read_text(path, remedy='')",
        "open(path, 'wb')",
        "path.open('rb')",
        "Benchmark.open(folder)",
        "Image.open(stream)",
        "subprocess.run(command)",
    ]
    assert texts_without_encoding("\n".join(wrong)) == list(range(1, len(wrong) + 1))
    assert texts_without_encoding("\n".join(right)) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES])
def test_every_text_says_its_encoding(path: Path) -> None:
    assert texts_without_encoding(path.read_text(encoding="utf-8")) == []


def cli(arguments: list[str], tmp_path: Path) -> subprocess.CompletedProcess[bytes]:
    """A command in a process whose locale knows ASCII alone."""
    environment = {**os.environ, **ASCII_ONLY, "PREDICTORNAS_DATA": str(tmp_path / "store")}
    command = [sys.executable, "-c", "from predictornas.cli import main; main()", *arguments]
    return subprocess.run([os.fsencode(part) for part in command], env=environment, capture_output=True, cwd=tmp_path)


@pytest.mark.slow
def test_a_table_with_names_beyond_ascii_goes_in_and_out(tmp_path: Path) -> None:
    """Recipe, columns, file name, licence: written and read back in a process that knows no UTF-8."""
    genes = NASBench201().enumerate()[:4]
    table = pl.DataFrame({"Größe": [to_string(row) for row in genes], "Übung": [0.1, 0.2, 0.3, 0.4]})
    table.write_csv(tmp_path / "Tabelle-é.csv")
    recipe = {
        "space": "nasbench201",
        "architecture": {"string": "Größe"},
        "columns": [{"source": "Übung", "metric": "accuracy", "split": "valid", "epochs": 9, "run": "0"}],
        "signal": "valid_accuracy_9_run0",
        "licence": "für alle ≤ 2026",
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe, ensure_ascii=False), encoding="utf-8")
    done = cli(["data", "import", "mine", "Tabelle-é.csv", "--recipe", "recipe.json"], tmp_path)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    manifest = json.loads((tmp_path / "store" / "mine" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["licence"] == "für alle ≤ 2026"
    assert manifest["source"]["file"] == "Tabelle-é.csv"
    listed = cli(["data", "list"], tmp_path)
    assert (listed.returncode, listed.stderr.decode()) == (0, "")
    assert "Tabelle-é.csv" in listed.stdout.decode()
    missing = cli(["data", "import", "other", "fehlt-ß.csv", "--recipe", "recipe.json"], tmp_path)
    assert missing.returncode == 2
    assert "Error: fehlt-ß.csv cannot be read" in missing.stderr.decode()


NO_ENGLISH = re.compile(
    r"\b(go(es)? on with|the same (command|call) goes on|leaves? away|takes? so many|besides still|in the place of "
    r"(a|an|the) (name|table)|what that saves|it is only said|beside each (method|other))\b"
)
"""Turns of phrase that were found in the documents or in help texts, and that no native editor would leave."""

READ = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "templates"),
    *sorted((ROOT / "predictornas" / "cli").glob("*.py")),
]


def test_the_search_for_turns_of_phrase_finds_them() -> None:
    wrong = ["It goes on with the next.", "takes so many images", "Leave away what", "the same command goes on"]
    assert all(NO_ENGLISH.search(text.lower()) for text in wrong)
    assert not NO_ENGLISH.search("it continues with the next, beside its table; so many takes")


@pytest.mark.parametrize("path", READ, ids=[str(path.relative_to(ROOT)) for path in READ])
def test_what_people_read_is_idiomatic(path: Path) -> None:
    found = NO_ENGLISH.search(" ".join(path.read_text(encoding="utf-8").lower().split()))
    assert found is None, found
