"""The scale of hypervolumes by hand."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.analysis.objectives.measure import measure_of
from predictornas.errors import DataError


def test_trivial_networks_do_not_stretch_the_scale() -> None:
    costs = np.array([[0.1, 4.0], [0.2, 2.0], [0.3, 3.0], [0.3, 3.0], [0.9, 1.0]])
    measure = measure_of(("error", "latency"), costs, trained=(True, False))
    # the median error is .3, so (.9, 1) is out; what is left spans .1 to .2 and 2 to 4
    assert measure.front.tolist() == [[0.1, 4.0], [0.2, 2.0]]
    assert measure.ideal.tolist() == [0.1, 2.0]
    assert measure.reference == pytest.approx([0.21, 4.2])
    assert measure.share(costs) == pytest.approx(1.0)
    # of 1.1 x 0.1 + 0.1 x 1.1 - 0.1 x 0.1 in ranges the first has 1.1 x 0.1
    assert measure.share(costs[:1]) == pytest.approx(0.11 / 0.21)
    assert measure.share(costs[2:4]) == 0


def test_in_one_objective_the_better_half_of_the_table_is_the_scale() -> None:
    measure = measure_of(("error",), np.array([[0.1], [0.2], [0.3]]), trained=(True,))
    assert measure.reference == pytest.approx([0.21])
    assert measure.share(np.array([[0.155]])) == pytest.approx(0.5)


def test_a_table_with_nothing_within_the_limits_is_refused() -> None:
    with pytest.raises(DataError, match="Loosen"):
        measure_of(("error",), np.empty((0, 1)), trained=(True,))
