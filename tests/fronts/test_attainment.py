"""Attainment surfaces by counting runs, and against an independent library."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.fronts.attainment import attained
from tests.extras import needed


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_surfaces_are_those_of_moocore(share: float, rng: np.random.Generator) -> None:
    moocore = needed("moocore")
    runs = [np.round(rng.random((6, 2)), 2) for _ in range(8)]
    sets = np.repeat(np.arange(8), 6)
    theirs = moocore.eaf(np.vstack(runs), sets=sets, percentiles=[100 * share])[:, :2]
    assert np.array_equal(attained(runs, share), theirs[np.argsort(theirs[:, 0])])


def test_a_run_without_points_attains_nothing() -> None:
    runs = [np.array([[1.0, 1.0]]), np.empty((0, 2)), np.array([[np.nan, 0.0]])]
    assert attained(runs, 0.3).tolist() == [[1.0, 1.0]]
    assert attained(runs, 0.5).shape == (0, 2)


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="share in"):
        attained([np.zeros((1, 2))], share)
