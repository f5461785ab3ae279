import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers.base import Sampler
from predictornas.samplers.mutants_of_best import MutantsOfBest
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")


def seen(count: int) -> History:
    genes = SPACE.sample(count, np.random.default_rng(7))
    values = np.random.default_rng(8).random(count)
    return History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=np.zeros(count), values=values, iteration=0
    )


def distances(history: History, rank: int, genes: np.ndarray) -> np.ndarray:
    """Genes that differ from the architecture of this rank, 0 the best."""
    return np.asarray((genes != history.genes[history.best(rank + 1)[rank]]).sum(axis=1))


def test_it_is_a_sampler_that_leaves_out_what_was_seen() -> None:
    history = seen(40)
    pool = MutantsOfBest().propose(SPACE, 150, history, None, np.random.default_rng(0))
    assert isinstance(MutantsOfBest(), Sampler)
    assert len(pool) == len(np.unique(pool.keys)) == 150
    assert not np.isin(pool.keys, history.keys).any()


def test_each_of_the_best_has_its_share_of_children() -> None:
    history = seen(40)
    sampler = MutantsOfBest(mutants=20, parents=4, each=5, rate=0.15)
    pool = sampler.propose(SPACE, 20, history, None, np.random.default_rng(0))
    assert pool.filled == 0
    for rank in range(4):
        assert distances(history, rank, pool.genes[5 * rank : 5 * rank + 5]).mean() < 2  # of 6 genes at 15 %
    assert distances(history, 0, pool.genes[5:]).mean() > 3


def test_without_a_share_the_next_best_follow_where_the_best_has_no_more_children() -> None:
    history = seen(40)
    # at this rate 100 children hold at most 24 cells that differ in one gene, and few that differ in two
    pool = MutantsOfBest(mutants=100, parents=3, rate=0.03).propose(SPACE, 100, history, None, np.random.default_rng(0))
    mutants = pool.genes[: 100 - (pool.filled or 0)]
    nearest = np.stack([distances(history, rank, mutants) for rank in range(3)]).argmin(axis=0)
    assert (np.diff(nearest) >= 0).mean() > 0.9
    assert set(nearest) == {0, 1, 2}
    assert pool.filled == 100 - len(mutants) > 0


def test_uniform_draws_that_are_wanted_are_not_counted_as_filled() -> None:
    pool = MutantsOfBest(mutants=0).propose(SPACE, 30, seen(10), None, np.random.default_rng(0))
    assert (len(pool), pool.filled) == (30, 0)


@pytest.mark.parametrize("options", [{"mutants": -1}, {"parents": 0}, {"each": 0}, {"rate": 0.0}, {"rate": 1.1}])
def test_values_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="Mutants of the best need"):
        MutantsOfBest(**options)
