"""What a halving saves, against halvings of what is drawn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from predictornas.analysis.early_stopping import boundary, expected_saving, halving_saving, survival
from predictornas.errors import ConfigurationError

THIRD = Fraction(3, 10)


def table(*correlations: float, size: int = 6000) -> np.ndarray:
    """Levels that have these correlations with the last."""
    rng = np.random.default_rng(0)
    final = rng.normal(size=size)
    lower = [rho * final + np.sqrt(1 - rho**2) * rng.normal(size=size) for rho in correlations]
    return np.stack([*lower, final], axis=1)


@pytest.mark.parametrize("correlations", [(0.9,), (0.6,), (0.3,), (0.5, 0.8)])
def test_halvings_save_what_is_expected(correlations: tuple[float, ...]) -> None:
    values, levels = table(*correlations), (*(1, 3, 9)[: len(correlations)], 27)
    rng = np.random.default_rng(1)
    measured = halving_saving(values, levels, ratio=THIRD, candidates=300, runs=400, rng=rng)
    found = expected_saving(values, levels, ratio=THIRD, candidates=300)
    assert found.factor == pytest.approx(measured, rel=0.15)


def test_levels_that_agree_save_the_nominal_bound_and_others_nothing() -> None:
    same = np.repeat(table()[:, :1], 3, axis=1)
    found = expected_saving(same, (1, 3, 9), ratio=THIRD, candidates=200)
    assert found.survival == 1.0
    assert found.factor == found.nominal == pytest.approx(9 / (1 + 0.3 * 2 + 0.09 * 6))
    separate = expected_saving(same, (1, 3, 9), ratio=THIRD, candidates=200, resumes=False)
    assert separate.nominal == pytest.approx(9 / (1 + 0.3 * 3 + 0.09 * 9))
    useless = table(0.0, size=60_000)  # as if candidates had been dropped at random
    assert expected_saving(useless, (3, 9), ratio=THIRD, candidates=60).survival == pytest.approx(0.3, abs=0.03)


def test_who_survives_is_ranked_among_survivors() -> None:
    values = np.array([[4.0, 1.0, 9.0], [3.0, 4.0, 8.0], [2.0, 9.0, 7.0], [1.0, 9.0, 6.0]])
    # the first rung keeps rows 0 and 1, the second row 1 of these
    assert survival(values, np.array([False, True, False, False]), Fraction(1, 2)) == 1.0
    assert survival(values, np.array([True, True, True, True]), Fraction(1, 2)) == 0.25


def test_the_boundary_lies_between_the_shares_around_it() -> None:
    assert boundary([0.2, 0.4, 0.6, 0.8], [3.0, 2.0, 1.75, 1.25]) == pytest.approx(0.7)
    assert boundary([0.2, 0.4], [1.0, 1.2]) == 0.0
    assert boundary([0.2, 0.4], [1.0, 1.6]) == 0.4


def test_what_cannot_be_halved_is_refused() -> None:
    values = table(0.5, size=100)
    with pytest.raises(ConfigurationError, match="at each of the 3 levels"):
        expected_saving(values, (1, 3, 9), ratio=THIRD, candidates=50)
    with pytest.raises(ConfigurationError, match="none is left"):
        expected_saving(values, (1, 9), ratio=THIRD, candidates=2)
    with pytest.raises(ConfigurationError, match="the table has 100"):
        halving_saving(values, (1, 9), ratio=THIRD, candidates=101, rng=np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="has to be exact"):
        expected_saving(values, (1, 9), ratio=0.3, candidates=50)  # type: ignore[arg-type]
