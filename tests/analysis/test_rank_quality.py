from __future__ import annotations

import numpy as np
import pytest

from predictornas.analysis.rank_quality import rank_quality
from predictornas.errors import DataError

VALUES = np.array([0.90, 0.94, 0.92, 0.80, 0.91])


def test_five_architectures_by_hand() -> None:
    # of the 10 pairs, scores invert (0, 1), (0, 2) and (0, 4): tau = (7 - 3) / 10
    quality = rank_quality(np.array([9.0, 8.0, 7.0, 1.0, 2.0]), VALUES, top=0.4)
    assert quality.tau == pytest.approx(0.4)
    assert quality.hits == 0.5  # picks 0 and 1, the best are 1 and 2
    assert quality.regret == pytest.approx(0.04)


def test_the_perfect_order_and_its_reverse() -> None:
    assert rank_quality(VALUES, VALUES) == rank_quality(3 * VALUES + 1, VALUES)
    perfect, reverse = rank_quality(VALUES, VALUES), rank_quality(-VALUES, VALUES)
    assert (perfect.tau, perfect.hits, perfect.regret) == pytest.approx((1, 1, 0))
    assert (reverse.tau, reverse.hits) == pytest.approx((-1, 0))
    assert reverse.regret == pytest.approx(0.14)


@pytest.mark.parametrize("values", [np.array([0.5]), np.array([0.5, np.nan])])
def test_what_cannot_be_ranked_is_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least two architectures with finite"):
        rank_quality(np.zeros(len(values)), values)


def test_the_top_is_a_hundredth_rounded_and_at_least_one_architecture() -> None:
    """Of ten the first counts, of 150 two do: the scores have the best one first and the second best third."""
    ten = np.linspace(1.0, 0.1, 10)
    assert rank_quality(ten, ten).hits == 1
    assert rank_quality(ten[::-1].copy(), ten).hits == 0
    values, scores = np.linspace(1.0, 0.0, 150), np.linspace(1.0, 0.0, 150)
    scores[[1, 2]] = scores[[2, 1]]
    assert rank_quality(scores, values).hits == 0.5


def test_two_architectures_are_enough() -> None:
    assert rank_quality(np.array([1.0, 2.0]), np.array([0.5, 0.25])).tau == -1
