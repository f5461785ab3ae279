"""Dominance against its definition, and the crowding distance by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.fronts.dominance import crowding, non_dominated, ranks

POINTS = st.integers(1, 4).flatmap(
    lambda m: st.lists(st.lists(st.integers(0, 5), min_size=m, max_size=m), min_size=1, max_size=25)
)


def dominates(a: list[int], b: list[int]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@given(POINTS)
def test_a_point_is_non_dominated_when_no_other_dominates_it(points: list[list[int]]) -> None:
    expected = [not any(dominates(other, point) for other in points) for point in points]
    assert non_dominated(np.array(points, float)).tolist() == expected


@given(POINTS)
def test_ranks_are_those_of_fronts_taken_away_one_by_one(points: list[list[int]]) -> None:
    expected, left, front = [0] * len(points), list(range(len(points))), 0
    while left:
        best = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        for i in best:
            expected[i] = front
        left, front = [i for i in left if i not in best], front + 1
    assert ranks(np.array(points, float)).tolist() == expected


@pytest.mark.parametrize("objectives", [2, 3])
def test_failures_are_never_on_a_front_and_come_last(objectives: int) -> None:
    costs = np.ones((3, objectives))
    costs[1, 0] = np.nan
    assert non_dominated(costs).tolist() == [True, False, True]
    assert ranks(costs).tolist() == [0, 1, 0]


def test_nothing_has_no_front() -> None:
    assert non_dominated(np.empty((0, 2))).shape == ranks(np.empty((0, 2))).shape == crowding(np.empty((0, 2))).shape


def test_crowding_is_the_share_of_the_range_between_the_neighbours() -> None:
    front = np.array([[0.0, 10.0], [1.0, 6.0], [2.0, 5.0], [4.0, 0.0]])
    # the second: (2 - 0) / 4 + (10 - 5) / 10; the third: (4 - 1) / 4 + (6 - 0) / 10
    assert crowding(front) == pytest.approx([np.inf, 1.0, 1.35, np.inf])


def test_an_objective_in_which_all_are_equal_adds_no_distance() -> None:
    assert crowding(np.array([[0.0, 1.0], [1.0, 1.0], [4.0, 1.0]])).tolist() == [np.inf, 1.0, np.inf]
