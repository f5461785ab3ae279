from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.spaces.variation import ATTEMPTS, one_hot_genes, require_rate, retry_until_valid


def column(*values: int) -> np.ndarray:
    return np.array(values, np.int8)[:, None]


def test_only_rows_without_a_valid_child_are_tried_again() -> None:
    seen: list[list[int]] = []

    def attempt(parents: np.ndarray) -> np.ndarray:
        seen.append(parents[:, 0].tolist())
        return parents + np.int8(len(seen) - 1)

    # row by row, a child is valid once it has reached ten
    children = retry_until_valid(attempt, (column(10, 8, 9),), lambda genes: genes[:, 0] >= 10)
    assert seen == [[10, 8, 9], [8, 9], [8]]
    assert children[:, 0].tolist() == [10, 10, 10]


def test_a_row_that_never_succeeds_keeps_its_first_parent() -> None:
    calls = []

    def attempt(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        calls.append(len(first))
        return second

    children = retry_until_valid(attempt, (column(1, 2), column(3, 4)), lambda genes: genes[:, 0] == 3)
    assert children[:, 0].tolist() == [3, 2]
    assert calls == [2] + [1] * (ATTEMPTS - 1)


def test_parents_are_not_written_to() -> None:
    parents = column(1, 2)
    parents.setflags(write=False)
    children = retry_until_valid(lambda rows: rows + np.int8(1), (parents,), lambda genes: genes[:, 0] > 0)
    assert children[:, 0].tolist() == [2, 3]
    assert parents[:, 0].tolist() == [1, 2]


def test_no_rows_are_no_attempts() -> None:
    children = retry_until_valid(lambda rows: 1 / 0, (column(),), lambda genes: genes[:, 0] > 0)
    assert children.shape == (0, 1)


def test_one_hot_by_hand() -> None:
    rows = one_hot_genes(np.array([[0, 2], [1, 1]], np.int8), 3)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]]


def test_a_child_that_must_change_is_tried_again_until_it_does() -> None:
    steps = iter([np.array([[0], [1]], np.int8), np.array([[0]], np.int8), np.array([[2]], np.int8)])
    children = retry_until_valid(
        lambda rows: rows + next(steps), (column(5, 5),), lambda genes: genes[:, 0] > 0, changed=True
    )
    assert children[:, 0].tolist() == [7, 6]
    assert next(steps, None) is None


@pytest.mark.parametrize("rate", [1e-9, 0.5, 1.0])
def test_rates_are_probabilities_above_zero(rate: float) -> None:
    require_rate(rate)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.01, float("nan")])
def test_other_rates_are_refused_by_value(rate: float) -> None:
    with pytest.raises(ConfigurationError, match=f"above 0 and at most 1, not {rate};"):
        require_rate(rate)
