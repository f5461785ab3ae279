from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from predictornas.architectures import contents
from predictornas.architectures.contents import is_path, is_result, of_file, plain, printed_in, taken_apart, words_of
from predictornas.errors import DataError, InvalidArchitectureError


def test_values_become_lists_numbers_and_texts() -> None:
    assert plain(np.arange(3)) == [0, 1, 2]
    assert plain({"ops": (np.int64(4), {7})}) == {"ops": [4, [7]]}
    assert plain(SimpleNamespace(matrix=np.eye(2, dtype=int), ops=("a", "b"))) == {
        "matrix": [[1, 0], [0, 1]],
        "ops": ["a", "b"],
    }
    assert plain("\ufeff '3,0,1' \n") == "3,0,1"


@pytest.mark.parametrize(
    ("value", "named", "content"),
    [
        ("3,0,1", None, [3, 0, 1]),
        ("genes: 5", "genes", 5),
        ("string: 3,0,1", "string", "3,0,1"),
        ("1030570820162767215", None, "1030570820162767215"),
        ("[[0, 1], [0, 0]]", None, [[0, 1], [0, 0]]),
        ("[0 1 2]", None, [0, 1, 2]),
        ({"genes": "1,1,2"}, "genes", [1, 1, 2]),
        ('{"genes": "1,1,2"}', "genes", [1, 1, 2]),
        ({"recommended": {"genes": [1, 2]}}, None, [1, 2]),
        ("nobody: 3", None, "nobody: 3"),
    ],
)
def test_a_text_names_a_notation_and_prints_something(value: object, named: str | None, content: object) -> None:
    assert taken_apart(plain(value)) == (named, content)


def test_what_cannot_be_read_is_quoted() -> None:
    with pytest.raises(InvalidArchitectureError, match="cannot be read as an architecture"):
        taken_apart("[3, 0,")


def test_words_are_asked_for_as_they_stand_and_then_without_what_is_around_them() -> None:
    assert words_of(" 3 , 1 ", None, [3, 1]) == [" 3 , 1 ", "3 , 1", "3,1"]
    assert words_of("string: a + b", "string", "a + b") == ["a + b", "a+b"]
    assert words_of("genes: 1,2", "genes", [1, 2]) == words_of([1, 2], None, [1, 2]) == []


def test_what_a_text_prints_is_looked_at_where_it_was_said_to_be_words() -> None:
    assert printed_in("string", "8,16") == [8, 16]
    assert printed_in("string", "[8,") == "[8,"
    assert printed_in("genes", "8,16") == "8,16"


def test_files_and_folders_of_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"holds none of recommended\.txt, genotype\.txt, architecture\.txt"):
        of_file(tmp_path)
    file = tmp_path / "recommended.txt"
    file.write_text("3,0,1\n", encoding="utf-8")
    assert of_file(tmp_path) == of_file(file) == "3,0,1"
    assert [is_result(tmp_path), is_result(file), is_result(tmp_path / "theirs.txt")] == [True, True, False]
    assert is_path(str(file))
    assert not is_path("3,0,1")
    with pytest.raises(DataError, match="There is no file"):
        is_path("missing.txt")
    monkeypatch.setattr(contents, "MOST_BYTES", 3)
    with pytest.raises(DataError, match="has more than"):
        of_file(file)
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="is empty"):
        of_file(file)
