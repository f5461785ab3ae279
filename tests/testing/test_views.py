from __future__ import annotations

import numpy as np
import pytest

from predictornas.spaces.base import Graphs
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.product import ProductSpace
from predictornas.testing import ConformanceError
from predictornas.testing.views import check_description, check_relaxation, check_sequences, relaxation_or_none


class Pair(ProductSpace):
    """Two genes, no relaxation."""

    name = "pair"
    num_choices = (2, 2)

    def graphs(self, genes: np.ndarray) -> Graphs:
        labels = np.concatenate([np.full((len(genes), 1), 2), genes, np.full((len(genes), 1), 3)], axis=1)
        adjacency = np.triu(np.ones((len(genes), 4, 4), np.uint8), 1)
        return Graphs(adjacency, labels.astype(np.int8), num_codes=4)


def test_a_space_or_the_one_that_it_restricts_may_have_no_relaxation() -> None:
    part = Pair().restricted_to(Pair().enumerated_keys()[:2])
    assert relaxation_or_none(Pair()) is None
    assert relaxation_or_none(part) is None
    assert relaxation_or_none(NASBench201().restricted_to(NASBench201().enumerated_keys()[:9])) is not None
    check_relaxation(part, part.enumerate())


def test_views_of_right_spaces_pass() -> None:
    genes = NASBench201().enumerate()[::400]
    for check in (check_relaxation, check_sequences, check_description):
        check(NASBench201(), genes)


def test_equal_words_for_two_architectures_are_named() -> None:
    class Mute(Pair):
        def describe(self, genes: np.ndarray) -> str:
            return str(genes[0])

    with pytest.raises(ConformanceError, match="tells architectures apart"):
        check_description(Mute(), Mute().enumerate())
