from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.recipes import Architecture, Combination, ImportRecipe, MeanOfPresent, Measured
from predictornas.benchmarks.tabular import read_table
from predictornas.errors import ConfigurationError, DataError, UnknownNameError
from predictornas.spaces.nasbench201 import NASBench201, to_string

GENES = np.array([[4, 2, 1, 2, 1, 1], [3, 3, 4, 1, 3, 1], [0, 0, 0, 0, 0, 0]], np.int8)
ARCH = [to_string(row) for row in GENES]


def column(
    run: str | None = None, *, metric: str = "accuracy", split: str | None = "valid", nullable: bool = False
) -> Column:
    return Column.named(metric=metric, split=split, run=run, nullable=nullable)


def recipe(*columns: Measured, **parts: Any) -> ImportRecipe:
    return ImportRecipe("nasbench201", Architecture(string="arch"), columns, columns[0].column.name, **parts)


def read(
    tmp_path: Path, data: dict[str, Any], how: ImportRecipe, suffix: str = "parquet", **options: Any
) -> dict[str, np.ndarray]:
    file = tmp_path / f"table.{suffix}"
    frame = pl.DataFrame({"arch": ARCH, **data})
    if suffix == "csv":
        frame.write_csv(file)
    else:
        frame.write_parquet(file)
    genes, columns = read_table(file, how, **options)
    np.testing.assert_array_equal(genes, GENES)
    return {column.name: values for column, values in columns.items()}


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize(
    ("unit", "given_values", "expected"),
    [
        ("one", [0.82, 0.9, 0.1], [0.82, 0.9, 0.1]),
        ("percent", [82.0, 90.0, 100.0], [0.82, 0.9, 1.0]),
        ("milli", [82.0, 90.0, 10.0], [0.082, 0.09, 0.01]),
        ("millions", [0.12930600345134735, 0.8024259805679321, 1.0], [129_306, 802_426, 1_000_000]),
    ],
)
def test_units(tmp_path: Path, suffix: str, unit: str, given_values: list[float], expected: list[float]) -> None:
    how = recipe(Measured("a", column(metric="quantity"), unit))
    np.testing.assert_allclose(read(tmp_path, {"a": given_values}, how, suffix)["valid_quantity"], expected, rtol=1e-15)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_missing_values_before_units(tmp_path: Path, suffix: str) -> None:
    how = recipe(
        Measured("a", column(nullable=True), "percent", missing=(-1.0,)), Measured("b", column("1", nullable=True))
    )
    values = read(tmp_path, {"a": [-1.0, 50.0, 1.0], "b": [None, float("nan"), 0.5]}, how, suffix)
    np.testing.assert_array_equal(values["valid_accuracy"], [np.nan, 0.5, 0.01])
    np.testing.assert_array_equal(values["valid_accuracy_run1"], [np.nan, np.nan, 0.5])


def test_missing_values_of_a_file_that_holds_float32(tmp_path: Path) -> None:
    how = recipe(Measured("a", column(metric="score", nullable=True), missing=(99.9, "-0.1", 1e39)))
    values = read(tmp_path, {"a": pl.Series([99.9, -0.1, 0.5], dtype=pl.Float32)}, how)
    np.testing.assert_array_equal(values["valid_score"], [np.nan, np.nan, 0.5])


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_texts_may_stand_for_missing_values(tmp_path: Path, suffix: str) -> None:
    """As a failed training in a colleague's file."""
    how = recipe(Measured("a", column(nullable=True), "percent", missing=("FAILED", -1.0)))
    values = read(tmp_path, {"a": ["FAILED", "50", "-1"]}, how, suffix)
    np.testing.assert_array_equal(values["valid_accuracy"], [np.nan, 0.5, np.nan])
    with pytest.raises(DataError, match=r"row 0: 'OOM' is no number\. Leave missing values empty, or name what"):
        read(tmp_path, {"a": ["OOM", "50", "-1"]}, how, suffix)


def test_json_holds_numbers_and_markers_in_any_order(tmp_path: Path) -> None:
    how = recipe(
        Measured("a", column(nullable=True), "percent", missing=("FAILED",)),
        Measured("b", column("1", nullable=True), "percent", missing=(-1.0,)),
    )
    data = {"arch": ARCH, "a": [91, "FAILED", 90.1], "b": [-1, 4.5, 91]}
    (tmp_path / "table.json").write_text(json.dumps(data), encoding="utf-8-sig")
    _, columns = read_table(tmp_path / "table.json", how)
    first, second = columns.values()
    np.testing.assert_allclose(first, [0.91, np.nan, 0.901])
    np.testing.assert_allclose(second, [np.nan, 0.045, 0.91])
    data["a"] = [91, True, 90.1]
    (tmp_path / "table.json").write_text(json.dumps(data))
    with pytest.raises(DataError, match="cannot be read as a parquet, CSV or JSON table"):
        read_table(tmp_path / "table.json", how)


def test_matrices_keep_their_zeros_in_csv(tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    file.write_text('operations,adjacency,value\n"input,output",0100,0.25\n"input,maxpool3x3,output",010001000,0.5\n')
    architecture = Architecture(adjacency="adjacency", operations="operations")
    how = ImportRecipe("nasbench101", architecture, (Measured("value", column()),), "valid_accuracy")
    genes, columns = read_table(file, how)
    assert genes.shape == (2, 26)
    assert genes.sum(axis=1).tolist() == [1 + 5 * 3, 2 + 2 + 4 * 3]  # edges, and operations with absent as 3
    np.testing.assert_array_equal(columns[column()], [0.25, 0.5])


@pytest.mark.slow
@settings(max_examples=25)
@given(rows=st.dictionaries(st.tuples(*[st.integers(0, 4)] * 6), st.floats(0, 1), min_size=1, max_size=20))
def test_csv_and_parquet_give_every_value_back(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[tuple[int, ...], float]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    genes = np.array(list(rows), np.int8)
    frame = pl.DataFrame(
        {"other": ["x"] * len(rows), "a": list(rows.values()), "arch": [to_string(row) for row in genes]}
    )
    frame.write_csv(folder / "table.csv")
    frame.write_parquet(folder / "table.parquet")
    for file in ("table.csv", "table.parquet"):
        found, columns = read_table(folder / file, recipe(Measured("a", column())))
        np.testing.assert_array_equal(found, genes)
        np.testing.assert_array_equal(columns[column()], list(rows.values()))


def test_a_combination_by_hand(tmp_path: Path) -> None:
    rest = Combination(column("rest"), {"valid_accuracy_mean": 1.5, "valid_accuracy_run0": -0.5})
    how = recipe(Measured("m", column("mean"), "percent"), Measured("a", column("0"), "percent"), derived=(rest,))
    runs = np.array([[80.0, 70.0, 90.0], [50.0, 50.0, 50.0], [1.0, 2.0, 3.0]])
    values = read(tmp_path, {"m": runs.mean(axis=1), "a": runs[:, 0]}, how)
    np.testing.assert_allclose(values["valid_accuracy_rest"], [0.80, 0.50, 0.025], atol=1e-15)


def test_steps_make_equal_counts_equal(tmp_path: Path) -> None:
    rest = Combination(column("rest"), {"valid_accuracy_mean": 1.5, "valid_accuracy_run0": -0.5}, steps=2 * 9984)
    how = recipe(Measured("m", column("mean")), Measured("a", column("0")), derived=(rest,))
    correct = np.array(
        [[9001, 9200, 9105], [9102, 9100, 9205], [8888, 9300, 9005]]
    )  # of 9984 images; the rest sums agree
    given_values = {
        "m": (correct.mean(axis=1) / 9984).astype(np.float32),
        "a": (correct[:, 0] / 9984).astype(np.float32),
    }
    unrounded = read(tmp_path, given_values, replace(how, derived=(replace(rest, steps=None),)))["valid_accuracy_rest"]
    assert len(set(unrounded.tolist())) > 1
    assert read(tmp_path, given_values, how)["valid_accuracy_rest"].tolist() == [18_305 / 19_968] * 3
    with pytest.raises(DataError, match=r"'valid_accuracy_rest', row 0: .* is no multiple of 1/19968"):
        read(tmp_path, given_values | {"m": given_values["m"] - np.float32(1e-5)}, how)


def test_the_mean_of_what_is_there(tmp_path: Path) -> None:
    rest = MeanOfPresent(column("rest"), ("valid_accuracy_run1", "valid_accuracy_run2"))
    how = recipe(Measured("a", column("1")), Measured("b", column("2", nullable=True)), derived=(rest,))
    values = read(tmp_path, {"a": [0.2, 0.4, None], "b": [0.6, None, None]}, how)["valid_accuracy_rest"]
    np.testing.assert_allclose(values, [0.4, 0.4, np.nan], atol=1e-15)


def test_derived_columns_may_use_each_other(tmp_path: Path) -> None:
    first = Combination(column("1"), {"valid_accuracy_run0": 0.5})
    second = Combination(column("2"), {"valid_accuracy_run1": 0.5})
    how = recipe(Measured("a", column("0")), derived=(first, second))
    np.testing.assert_array_equal(
        read(tmp_path, {"a": [0.5, 1.0, 0.0]}, how)["valid_accuracy_run2"], [0.125, 0.25, 0.0]
    )
    with pytest.raises(UnknownNameError, match="no column named 'valid_accuracy_run1'"):
        read(tmp_path, {"a": [0.5, 1.0, 0.0]}, replace(how, derived=(second, first)))


def test_rounding_is_clipped_and_errors_are_not(tmp_path: Path) -> None:
    how = recipe(Measured("a", column()), Measured("b", column(metric="quantity")))
    values = read(tmp_path, {"a": [1 + 9e-7, -9e-7, -2e-6], "b": [1 + 9e-7, -9e-7, 7.0]}, how)
    assert values["valid_accuracy"].tolist() == [1.0, 0.0, -2e-6]
    assert values["valid_quantity"].tolist() == [1 + 9e-7, -9e-7, 7.0]
    with pytest.raises(DataError, match=r"row 0: 1\.000002 is no fraction"):
        read(tmp_path, {"a": [1 + 2e-6, 0.5, 0.5], "b": [1.0, 1.0, 1.0]}, how)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_missing_columns_and_the_nearest(tmp_path: Path, suffix: str) -> None:
    how = recipe(Measured("valid_seed0", column("0")), Measured("latency", column(metric="latency")))
    message = r"lacks the columns 'valid_seed0' \(nearest: 'valid_seed_0'\), 'latency'. It has: arch, valid_seed_0"
    with pytest.raises(DataError, match=message):
        read(tmp_path, {"valid_seed_0": [0.1, 0.2, 0.3]}, how, suffix)


def test_text_where_a_number_belongs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Column 'a', row 1: 'n/a' is no number"):
        read(tmp_path, {"a": ["0.5", "n/a", "0.1"]}, recipe(Measured("a", column())), "csv")


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + b"\0" * 40 + b"PAR1", b"\xff\xfe\x00binary\n\n", b'a,b\n"open']
)
def test_files_that_are_no_table(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"table\.csv (cannot be read|lacks)"):
        read_table(file, recipe(Measured("a", column())))


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([[0.5], [0.6]]),
        pl.Series([{"x": 0.5}, {"x": 0.6}]),
        pl.Series([b"0.5", b"\xff"]),
        pl.Series([True, False]),
        pl.Series([datetime.date(2020, 1, 1)] * 2),
    ],
)
def test_only_numbers_and_texts_are_values(tmp_path: Path, values: pl.Series) -> None:
    pl.DataFrame({"arch": ARCH[:2], "a": values}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"column 'a' holds .*only numbers and texts are read"):
        read_table(tmp_path / "t.parquet", recipe(Measured("a", column("0"))))


def test_the_text_of_a_category_is_its_value(tmp_path: Path) -> None:
    values = pl.Series(["0.5", "0.25"], dtype=pl.Categorical)
    pl.DataFrame({"arch": ARCH[:2], "a": values}).write_parquet(tmp_path / "t.parquet")
    columns = read_table(tmp_path / "t.parquet", recipe(Measured("a", column("0"))))[1]
    assert next(iter(columns.values())).tolist() == [0.5, 0.25]


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    pl.DataFrame({"arch": ARCH, "a": [0.1, 0.2, 0.3]}).write_parquet(file)
    content = file.read_bytes()
    for size in range(4, len(content), 37):
        file.write_bytes(content[:size])
        with pytest.raises(DataError, match="cannot be read"):
            read_table(file, recipe(Measured("a", column())))


def write_other(tmp_path: Path, rows: list[int], name: str = "b") -> Path:
    file = tmp_path / "other.parquet"
    pl.DataFrame({"arch": [ARCH[row] for row in rows], name: [row / 10 for row in rows]}).write_parquet(file)
    return file


def test_a_second_table_is_joined_by_architecture(tmp_path: Path) -> None:
    how = recipe(Measured("a", column()), join=recipe(Measured("b", column(split="test"))))
    values = read(tmp_path, {"a": [0.5, 0.6, 0.7]}, how, join=write_other(tmp_path, [2, 0, 1]))
    assert values["valid_accuracy"].tolist() == [0.5, 0.6, 0.7]
    assert values["test_accuracy"].tolist() == [0.0, 0.1, 0.2]


def test_a_second_table_with_gaps_or_repeats(tmp_path: Path) -> None:
    how = recipe(Measured("a", column()), join=recipe(Measured("b", column(split="test"))))
    data = {"a": [0.5, 0.6, 0.7]}
    with pytest.raises(DataError, match=r"has no row for 1 of 3 architectures; the first is row 1, \|nor_conv_3x3~0\|"):
        read(tmp_path, data, how, join=write_other(tmp_path, [2, 0]))
    with pytest.raises(DataError, match="Rows 0 and 2 are the same architecture"):
        read(tmp_path, data, how, join=write_other(tmp_path, [2, 0, 2, 1]))


def test_a_second_table_with_the_same_column(tmp_path: Path) -> None:
    how = recipe(Measured("a", column()), join=recipe(Measured("b", column(nullable=True))))
    with pytest.raises(ConfigurationError, match="Both tables have a column valid_accuracy"):
        read(tmp_path, {"a": [0.5, 0.6, 0.7]}, how, join=write_other(tmp_path, [0, 1, 2]))


def test_a_second_table_is_given_exactly_when_it_is_joined(tmp_path: Path) -> None:
    plain = recipe(Measured("a", column()))
    data = {"a": [0.5, 0.6, 0.7]}
    with pytest.raises(ConfigurationError, match="no second file was given; add it with --join"):
        read(tmp_path, data, replace(plain, join=plain))
    with pytest.raises(ConfigurationError, match="it joins no second file"):
        read(tmp_path, data, plain, join=write_other(tmp_path, [0, 1, 2]))


def test_rows_keep_their_order(tmp_path: Path) -> None:
    genes = NASBench201().enumerate()[::-7]
    pl.DataFrame({"arch": [to_string(row) for row in genes], "a": np.arange(len(genes)) / len(genes)}).write_csv(
        tmp_path / "t.csv"
    )
    found, columns = read_table(tmp_path / "t.csv", recipe(Measured("a", column())))
    np.testing.assert_array_equal(found, genes)
    np.testing.assert_array_equal(columns[column()], np.arange(len(genes)) / len(genes))
