from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from predictornas.spaces.base import Graphs, SearchSpace
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.restricted import RestrictedSpace


def test_every_space_follows_the_protocol() -> None:
    space = NASBench201()
    restricted = RestrictedSpace(space, space.enumerated_keys()[:3])
    assert all(isinstance(candidate, SearchSpace) for candidate in (NASBench101(), space, restricted))
    assert not isinstance(object(), SearchSpace)


def test_graphs_count_their_rows_and_stay_as_they_are() -> None:
    graphs = Graphs(np.zeros((3, 2, 2), np.uint8), np.zeros((3, 2), np.int8), 5)
    assert len(graphs) == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        graphs.num_codes = 4  # type: ignore[misc]
