from __future__ import annotations

from predictornas.architectures.writing import is_numbers, of, wide
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201


def test_numbers_are_whole_and_at_least_one() -> None:
    assert [is_numbers(value) for value in ([1, 2], [], [1.0], [True], (1,), 1)] == [True] + [False] * 5


def test_spaces_by_their_class_and_numbers_that_no_gene_can_be() -> None:
    fits = of(NASBench201)
    assert (fits(NASBench201()), fits(NASBench101())) == (True, False)
    assert wide([[3, 10**30, -(10**30)]]).tolist() == [[3, -1, -1]]
