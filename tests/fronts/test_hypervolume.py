"""The hypervolume by hand, and against an independent library."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import MissingDependencyError
from predictornas.fronts.hypervolume import hypervolume, improvements
from tests.extras import needed


def test_hypervolume_of_two_boxes_counts_what_they_share_once() -> None:
    # boxes 3 x 1 and 2 x 3 share 2 x 1
    assert hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([4.0, 4.0])) == 3 + 6 - 2


def test_points_beyond_the_reference_and_failures_add_nothing() -> None:
    costs = np.array([[5.0, 0.0], [0.0, 4.0], [np.nan, 0.0]])
    assert hypervolume(costs, np.array([4.0, 4.0])) == 0
    assert hypervolume(costs[:0], np.array([4.0, 4.0])) == 0


def test_in_one_objective_it_is_the_distance_of_the_best() -> None:
    costs, reference = np.array([[0.3], [0.2], [0.9]]), np.array([1.0])
    assert hypervolume(costs, reference) == pytest.approx(0.8)
    assert improvements(np.array([[0.1], [0.4]]), costs, reference) == pytest.approx([0.1, 0.0])
    assert improvements(np.array([[0.1], [2.0]]), costs[:0], reference) == pytest.approx([0.9, 0.0])


def test_hypervolume_in_two_objectives_is_that_of_moocore(rng: np.random.Generator) -> None:
    moocore = needed("moocore")
    for size in (1, 5, 60, 400):
        costs = np.round(rng.normal(size=(size, 2)), 1)  # with ties
        reference = np.array([0.7, 1.1])
        assert hypervolume(costs, reference) == pytest.approx(moocore.hypervolume(costs, ref=reference), rel=1e-12)


@pytest.mark.parametrize("objectives", [2, 3])
def test_an_improvement_is_the_difference_of_two_hypervolumes(objectives: int, rng: np.random.Generator) -> None:
    if objectives > 2:
        needed("moocore")
    costs, candidates = rng.random((20, objectives)), rng.random((30, objectives)) - 0.2
    reference = np.full(objectives, 0.9)
    before = hypervolume(costs, reference)
    expected = [hypervolume(np.vstack([costs, row]), reference) - before for row in candidates]
    assert improvements(candidates, costs, reference) == pytest.approx(expected, abs=1e-12)


def test_three_objectives_without_moocore_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "moocore", None)
    with pytest.raises(MissingDependencyError, match=r"predictornas\[objectives\]"):
        hypervolume(np.zeros((1, 3)), np.ones(3))
