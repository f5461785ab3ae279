from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.errors import DataError
from predictornas.frames import (
    column_names,
    is_parquet,
    read_all,
    read_bytes,
    read_columns,
    read_metadata,
    readable,
)


def parquet(folder: Path, table: pl.DataFrame) -> bytes:
    table.write_parquet(folder / "table.parquet", metadata={"note": "by hand"})
    return (folder / "table.parquet").read_bytes()


def test_parquet_keeps_its_types_and_csv_is_text(tmp_path: Path) -> None:
    content = parquet(tmp_path, pl.DataFrame({"a": ["01"], "b": [0.5], "c": [7]}))
    assert is_parquet(content)
    assert column_names(content, "it") == ["a", "b", "c"]
    assert read_columns(content, "it", ["b", "a"]).to_dicts() == [{"b": 0.5, "a": "01"}]
    assert read_all(content, "it").width == 3
    assert read_metadata(content, "it")["note"] == "by hand"
    text = b"a,b\n01,0.5\n"
    assert not is_parquet(text)
    assert column_names(text, "it") == ["a", "b"]
    assert read_columns(text, "it", ["a"]).to_dicts() == [{"a": "01"}]


def test_a_json_object_of_lists_is_a_table() -> None:
    content = b' {"a": [0.5, 1], "b": ["x", "y"], "c": [[1], [2]]}'
    assert column_names(content, "it") == ["a", "b", "c"]
    assert read_columns(content, "it", ["b", "a"]).to_dicts() == [{"b": "x", "a": 0.5}, {"b": "y", "a": 1.0}]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ("[91, 90.1, null]", pl.Float64, [91.0, 90.1, None]),
        ("[null, -1, 4.5]", pl.Float64, [None, -1.0, 4.5]),
        ("[9007199254740993, null]", pl.Int64, [2**53 + 1, None]),
        ('[4.5, "FAILED", null, 91]', pl.String, ["4.5", "FAILED", None, "91"]),
        ('["FAILED", 1e-7]', pl.String, ["FAILED", "1e-07"]),
        ("[null, null]", pl.Null, [None, None]),
        ("[true, false]", pl.Boolean, [True, False]),
        ("[[0, 1], [2, 3]]", pl.List(pl.Int64), [[0, 1], [2, 3]]),
    ],
)
def test_a_list_of_json_is_read_whole_whatever_it_begins_with(
    values: str, kind: type[pl.DataType], expected: list[object]
) -> None:
    for start in (b"", b"\xef\xbb\xbf"):
        content = start + f'{{"a": {values}}}'.encode()
        assert column_names(content, "it") == ["a"]
        column = read_columns(content, "it", ["a"])["a"]
        assert (column.dtype, column.to_list()) == (kind, expected)


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": [1',
        b'{"a": 7}',
        b'{"a": [1], "b": [1, 2]}',
        b'{"a": [1, [2]]}',
        b'{"a": [1, true]}',
        b'{"a": ["x", {}]}',
        b'{"a":' * 100_000,
        b"{\xff}",
    ],
)
def test_json_that_is_no_table_is_one_error(content: bytes) -> None:
    with pytest.raises(DataError, match="x cannot be read as a parquet, CSV or JSON table"):
        read_columns(content, "x", column_names(content, "x"))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"PAR1" + b"\xff" * 99 + b"PAR1", b"a,b\n\xff\xfe,1\n"])
def test_what_is_no_table_is_one_error(content: bytes) -> None:
    with pytest.raises(DataError, match=r"x cannot be read as a parquet, CSV or JSON table: .*export it again"):
        read_columns(content, "the file x", column_names(content, "the file x"))


def test_a_panic_of_polars_is_caught() -> None:
    panic = pl.exceptions.PanicException
    assert not issubclass(panic, Exception)
    with (
        pytest.raises(DataError, match=r"x cannot be read as a parquet, CSV or JSON table: index out of bounds\."),
        readable("x"),
    ):
        raise panic("index out of bounds\nand a trace")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone", tmp_path / ("long" * 100), Path("a\0b")):
        with pytest.raises(DataError, match=r"cannot be read: .* Give the path of a file"):
            read_bytes(path)
