from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.analysis.bounds import (
    generalisation_gap,
    label_complexity,
    largest_informative_dimension,
    slack,
)
from predictornas.errors import ConfigurationError

# At delta = 0.05: ln(2/delta) = ln 40 = 3.688879454


def test_theorem_1_by_hand() -> None:
    # sqrt(2 * (10 + 3.688879454) / 100) = sqrt(0.27377759) = 0.5232376
    assert generalisation_gap(10, 100) == pytest.approx(0.5232376, abs=1e-7)
    # delta = 2/e makes the logarithm 1: sqrt(2 * (7 + 1) / 4) = 2
    assert generalisation_gap(7, 4, delta=2 / math.e) == pytest.approx(2.0)


def test_the_slack_by_hand() -> None:
    # sqrt(8 / 50 * (1 + 1)) = sqrt(0.32) = 0.5656854
    assert slack(1, 50, delta=2 / math.e) == pytest.approx(0.5656854, abs=1e-7)
    assert slack(30, 12, delta=0.1) == pytest.approx(2 * generalisation_gap(30, 12, delta=0.1))


def test_at_the_papers_100_steps_theorem_1_says_something_up_to_46() -> None:
    assert largest_informative_dimension(100) == 46  # 50 - 3.69 = 46.31
    assert largest_informative_dimension(7) is None  # 3.5 - 3.69 < 0
    assert largest_informative_dimension(8) == 0


@given(steps=st.integers(1, 10**6), delta=st.floats(1e-6, 0.999))
def test_one_dimension_more_says_nothing(steps: int, delta: float) -> None:
    largest = largest_informative_dimension(steps, delta=delta)
    if largest is None:
        assert generalisation_gap(0, steps, delta=delta) > 1
    else:
        assert generalisation_gap(largest, steps, delta=delta) <= 1 + 1e-9
        assert generalisation_gap(largest + 1, steps, delta=delta) > 1


def test_theorem_2_by_hand() -> None:
    # 15,625 = 125^2 architectures, d + ln(2/delta) = 3 + 1: 125 * 2
    assert label_complexity(3, 15_625, delta=2 / math.e) == pytest.approx(250.0)
    assert label_complexity(46, (8**14) ** 2) == pytest.approx(8**14 * math.sqrt(46 + math.log(40)))


def test_theorem_2_with_n_samples_is_their_number_times_the_slack() -> None:
    """The slides: an estimator within sqrt((8/N) (d + ln(2/delta))) takes sqrt(N (d + ln(2/delta))) labels."""
    assert label_complexity(5, 200) == pytest.approx(200 * slack(5, 200) / math.sqrt(8))


@pytest.mark.parametrize(
    "call",
    [
        lambda: generalisation_gap(-1, 100),
        lambda: generalisation_gap(1, 0),
        lambda: slack(1, 0),
        lambda: slack(1, 5, delta=0.0),
        lambda: largest_informative_dimension(0),
        lambda: label_complexity(1, 0),
        lambda: label_complexity(1, 10, delta=1.0),
    ],
)
def test_values_out_of_range_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match="A bound needs"):
        call()


def test_bounds_fail_once_in_twenty_unless_it_is_said() -> None:
    assert generalisation_gap(3, 20) == generalisation_gap(3, 20, delta=0.05)
    assert slack(3, 20) == slack(3, 20, delta=0.05)
    assert label_complexity(3, 20) == label_complexity(3, 20, delta=0.05)
    assert largest_informative_dimension(21) == largest_informative_dimension(21, delta=0.05) == 6  # 10.5 - 3.69


def test_the_ends_of_the_ranges_are_allowed() -> None:
    assert generalisation_gap(0, 1, delta=2 / math.e) == pytest.approx(math.sqrt(2))
    assert slack(0, 1, delta=2 / math.e) == pytest.approx(math.sqrt(8))
    assert label_complexity(0, 1, delta=2 / math.e) == pytest.approx(1)
