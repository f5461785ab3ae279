"""NSGA-II: who survives, and that its children are theirs."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.search.loop import Search
from predictornas.search.objectives.nsga import NSGA2
from predictornas.search.objectives.quantities import Goal
from predictornas.spaces.registry import get_space

QUANTITIES = (Goal("one"), Goal("other"))


def told(costs: list[list[float]], iterations: list[int]) -> History:
    genes = get_space("nasbench201").enumerate()[: len(costs)]
    keys = get_space("nasbench201").keys(genes)
    values = np.zeros(len(costs))
    return History(keys, genes, np.zeros(len(costs), int), values, np.array(iterations), np.array(costs, float))


def test_the_population_is_selected_generation_by_generation() -> None:
    search = NSGA2(QUANTITIES, population=2, batch=2)
    history = told([[0, 9], [9, 0], [5, 5], [1, 1], [0.5, 2]], [0, 0, 0, 1, 1])
    # after T0 both ends live; then of (0, 9), (9, 0), (1, 1), (0.5, 2), all on one front, the ends again
    assert sorted(search.survivors(history).tolist()) == [0, 1]
    assert sorted(search.survivors(told([[0, 9], [9, 0], [0, 0]], [0, 0, 1])).tolist()) == [0, 2]


def test_children_are_new_and_near_their_parents() -> None:
    space = get_space("nasbench201")
    search = Search(space, NSGA2(QUANTITIES, population=4, batch=6, crossover=0.0, rate=0.2), seed=1)
    for _ in range(3):
        proposal = search.ask()
        costs = np.column_stack([proposal.genes.sum(axis=1), -proposal.genes.sum(axis=1)]).astype(float)
        search.tell(proposal.genes, np.zeros(len(proposal)), costs=costs)
    assert len(np.unique(search.history.keys)) == len(search.history) == 16
    before = search.history.before(2)
    parents = before.genes[search.strategy.survivors(before)]  # type: ignore[attr-defined]
    distance = (search.history.genes[-6:, None] != parents[None]).sum(axis=2).min(axis=1)
    assert distance.mean() < 2.5  # of six genes, of which random ones share a fifth
    assert proposal.proposed_by == "nsga-ii"


@pytest.mark.slow
def test_a_space_that_is_used_up_ends_it() -> None:
    space = get_space("nasbench201")
    few = space.restricted_to(space.enumerated_keys()[:5])
    search = Search(few, NSGA2(QUANTITIES, population=4, batch=6), seed=0)
    for size in (4, 1, 0):
        proposal = search.ask()
        assert len(proposal) == size
        search.tell(proposal.genes, np.zeros(size), costs=np.zeros((size, 2)))


@pytest.mark.parametrize("wrong", [{"population": 1}, {"batch": 0}, {"crossover": 1.5}, {"rate": 0.0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="NSGA-II needs"):
        NSGA2(QUANTITIES, **wrong)  # type: ignore[arg-type]
