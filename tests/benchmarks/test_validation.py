from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.validation import (
    check_no_row_is_empty,
    check_unit,
    checked_keys,
    checked_table,
    checked_values,
    doubts,
)
from predictornas.errors import DataError
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201

ACCURACY = Column.named(metric="accuracy", split="test", epochs=108)
NULLABLE = Column.named(metric="accuracy", split="test", epochs=108, nullable=True)
PARAMETERS = Column.named(metric="parameters")


def describe(row: int) -> str:
    return f"cell-{row}"


def test_accuracies_are_stored_in_float32() -> None:
    stored = checked_values(ACCURACY, np.array([0.0, 0.9431757330894470, 1.0]), 3, describe)
    assert stored.dtype == np.float32
    assert stored[1] == np.float32(0.9431757330894470)


def test_counts_beyond_float32_keep_every_unit() -> None:
    stored = checked_values(PARAMETERS, np.array([32_426_634 - 1, 32_426_634]), 2, describe)
    assert stored.dtype == np.float64
    np.testing.assert_array_equal(stored, [32_426_633, 32_426_634])
    assert checked_values(PARAMETERS, np.array([227_274, 2**24]), 2, describe).dtype == np.float32


def test_sizes_beyond_float32_stay_finite() -> None:
    perplexity = Column.named(metric="perplexity", nullable=True)
    stored = checked_values(perplexity, np.array([1e39, -1e300, np.nan, 20.1]), 4, describe)
    np.testing.assert_array_equal(stored, [1e39, -1e300, np.nan, 20.1])
    assert checked_values(perplexity, np.array([3e38, 20.1]), 2, describe).dtype == np.float32


def test_missing_values_of_a_nullable_column_stay_missing() -> None:
    stored = checked_values(NULLABLE, np.array([0.5, np.nan]), 2, describe)
    np.testing.assert_array_equal(stored, np.array([0.5, np.nan], np.float32))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (
            ACCURACY,
            [0.5, np.nan, np.nan],
            r"'test_accuracy_108', row 1 \(cell-1\): nan \(2 of 3 values\); declare .*nullable",
        ),
        (NULLABLE, [0.5, np.nan, np.inf], r"row 2 \(cell-2\): inf .*must be finite"),
        (ACCURACY, [0.5, 0.6, 93.2], r"row 2 \(cell-2\): 93.2 .*fractions"),
        (ACCURACY, [-1.0, 0.6, 0.7], r"row 0 \(cell-0\): -1.0 .*fractions"),
        (ACCURACY, [0.5, 0.6], "has 2 values for 3 rows"),
    ],
)
def test_values_that_break_the_rules(column: Column, values: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        checked_values(column, np.array(values), 3, describe)


def test_quantities_that_are_no_accuracy_have_no_range() -> None:
    np.testing.assert_array_equal(checked_values(PARAMETERS, np.array([-3.5, 70.0]), 2, describe), [-3.5, 70.0])


def test_keys_and_their_order() -> None:
    genes = np.array([[4, 2, 1, 2, 1, 1], [0, 0, 0, 0, 0, 0], [3, 3, 3, 3, 3, 3]], np.int8)
    keys, order = checked_keys(NASBench201(), genes)
    np.testing.assert_array_equal(keys, NASBench201().keys(genes))
    assert [int(keys[row]) for row in order] == sorted(keys.tolist())


def test_isomorphic_cells_are_one_architecture() -> None:
    space = NASBench101()
    adjacency = np.zeros((2, 4, 4), np.uint8)
    adjacency[:, 0, 1:3] = adjacency[:, 1:3, 3] = 1
    operations = np.array([[3, 0, 1, 4], [3, 1, 0, 4]], np.int8)  # the same two branches in another order
    with pytest.raises(DataError, match="Rows 0 and 1 are the same architecture, 0110/0001/0001/0000 input,conv"):
        checked_keys(space, space.from_matrices(adjacency, operations))


@pytest.mark.parametrize(
    ("genes", "message"),
    [
        (
            [[0] * 6, [5, 0, 0, 0, 0, 0]],
            r"Row 1 is no architecture of nasbench201: genes \[5, 0, 0, 0, 0, 0\] \(1 of 2",
        ),
        ([[0] * 5], "have 5 genes, those of nasbench201 6"),
        ([[0] * 6, [1] * 6, [0] * 6], r"Rows 0 and 2 are the same architecture, \|none~0\|"),
    ],
)
def test_rows_that_break_the_rules(genes: list[list[int]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        checked_keys(NASBench201(), np.array(genes, np.int8))


def test_a_table_needs_rows() -> None:
    with pytest.raises(DataError, match="no architecture"):
        checked_keys(NASBench201(), np.empty((0, 6), np.int8))


def test_columns_are_checked_as_they_are_taken() -> None:
    columns = {ACCURACY: np.array([0.25, 0.5]), PARAMETERS: np.array([1.0])}
    genes = NASBench201().enumerate()[:2]
    keys, order, checked = checked_table(NASBench201(), genes, columns, ACCURACY.name, None)
    assert keys[order].tolist() == sorted(NASBench201().keys(genes).tolist())
    column, stored = next(checked)
    assert (column, stored.tolist()) == (ACCURACY, [0.25, 0.5])
    with pytest.raises(DataError, match="'parameters' has 1 values for 2 rows"):
        next(checked)


def test_a_row_needs_a_value() -> None:
    check_no_row_is_empty(np.array([True, True]), describe)
    with pytest.raises(DataError, match=r"Row 1 \(cell-1\) has no value in any column"):
        check_no_row_is_empty(np.array([True, False]), describe)


ERROR = Column.named(metric="error", split="valid")


@pytest.mark.parametrize(
    ("column", "unit", "values", "message"),
    [
        (ACCURACY, "percent", [0.11, 0.9944, np.nan], r"no value exceeds 0.9944: .*\"unit\": \"fraction\""),
        (ACCURACY, "fraction", [0.9, 93.2], r"row 1: 93.2 is no fraction .*\"unit\": \"percent\""),
        (ERROR, "one", [0.9, 7.5], "row 1: 7.5 is no fraction"),
    ],
)
def test_a_unit_that_the_numbers_contradict_is_refused(
    column: Column, unit: str, values: list[float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        check_unit(column, unit, np.array(values))


def test_units_that_may_be() -> None:
    check_unit(ACCURACY, "percent", np.array([0.5, 93.2]))
    check_unit(ACCURACY, "percent", np.array([0.0, np.nan]))
    check_unit(ACCURACY, "fraction", np.array([0.5, 1 + 1e-7]))
    check_unit(PARAMETERS, "one", np.array([0.5, 93.2]))


def test_doubts_about_a_direction_and_about_nothing_to_search() -> None:
    columns = {column.name: column for column in (ERROR, ACCURACY, PARAMETERS)}
    values = {ERROR.name: np.array([0.9944, 0.999]), ACCURACY.name: np.array([0.5, 0.5])}
    wrong, equal = doubts(columns, values.__getitem__, ERROR.name, ACCURACY.name)
    assert "valid_error: the best architecture has an error of 99.44 %" in wrong
    assert "test_accuracy_108: all values are equal" in equal
    fine = {ERROR.name: np.array([0.05, 0.9]), PARAMETERS.name: np.array([1.0, 2.0])}
    assert doubts(columns, fine.__getitem__, ERROR.name, PARAMETERS.name) == []
