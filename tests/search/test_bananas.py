from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.path_network import PathEnsemble
from predictornas.search.bananas import BANANAS
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")


@dataclass
class Certain(PathEnsemble):
    """Every member says the mean gene, so that the draws are certain."""

    spread: float = 0.0

    def fit(self, space: SearchSpace, genes: Genes, values: np.ndarray, **_: object) -> Certain:
        return self

    def predict_members(self, genes: Genes) -> np.ndarray:
        mean = genes.mean(axis=1)
        return np.stack([mean - self.spread, mean + self.spread])


def seen(count: int, space: SearchSpace = SPACE) -> History:
    genes = space.sample(count, np.random.default_rng(7))
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes),
        genes=genes,
        epochs=np.zeros(count),
        values=0.5 + 0.4 * np.random.default_rng(8).random(count),
        iteration=0,
    )


def test_follows_the_protocol() -> None:
    assert isinstance(BANANAS(), Strategy)
    assert (BANANAS().initial, BANANAS().batch) == (10, 10)


def test_without_disagreement_the_best_ranked_of_the_pool_are_proposed() -> None:
    history = seen(30)
    proposal = BANANAS(Certain()).propose(SPACE, history, 7, seed=0, iteration=1)
    assert proposal.pool is not None
    assert len(proposal.pool) == 200
    best = np.sort(proposal.pool.genes.mean(axis=1))[::-1][:7]
    np.testing.assert_array_equal(proposal.predicted, best)
    assert not np.isin(proposal.pool.keys, history.keys).any()


def test_draws_are_independent_and_as_wide_as_the_members_disagree() -> None:
    # members at mean +- 100: ranks are all but those of pure noise, so the mean of the chosen is that of the pool
    proposal = BANANAS(Certain(spread=100.0)).propose(SPACE, seen(30), 100, seed=0, iteration=1)
    assert proposal.pool is not None
    assert proposal.predicted is not None
    everyone = proposal.pool.genes.mean(axis=1)
    assert abs(proposal.predicted.mean() - everyone.mean()) < 4 * everyone.std() / np.sqrt(100)
    assert not (np.diff(proposal.predicted) <= 0).all()


def test_mutants_of_the_best_come_first_and_uniform_draws_fill_the_pool_up() -> None:
    # of 60 children at most some 27 % (1 - 0.96^6 of them change at all) are new
    history = seen(30)
    strategy = BANANAS(Certain(), mutants=60, uniform=0, parents=1, rate=0.05)
    pool = strategy.propose(SPACE, history, 1, seed=0, iteration=1).pool
    assert pool is not None
    assert len(pool) == 60
    changed = (pool.genes != history.genes[history.values.argmax()]).sum(axis=1)
    assert changed[:8].max() <= 2
    assert changed[20:].mean() > 4
    assert pool.filled is not None
    assert changed[: 60 - pool.filled].max() <= 3
    assert changed[60 - pool.filled :].mean() > 4


def test_uniform_draws_that_are_wanted_do_not_count_as_filled() -> None:
    for options, filled in (({"mutants": 0, "uniform": 50}, 0), ({"mutants": 50, "rate": 1.0}, 0)):
        pool = BANANAS(Certain(), **options).propose(SPACE, seen(30), 1, seed=0, iteration=1).pool
        assert pool is not None
        assert pool.filled == filled


def test_a_small_space_is_walked_to_its_end() -> None:
    space = SPACE.restricted_to(SPACE.enumerated_keys()[::400])
    proposal = BANANAS(Certain()).propose(space, seen(20, space), 50, seed=0, iteration=1)
    assert len(proposal) == len(space) - 20
    none_left = BANANAS(Certain()).propose(space, seen(len(space), space), 5, seed=0, iteration=1)
    assert len(none_left) == 0


def test_it_is_a_function_of_history_seed_and_iteration() -> None:
    space = get_space("nasbench101")
    strategy = BANANAS(PathEnsemble(training_epochs=3))
    first, again, other = (
        strategy.propose(space, seen(20, space), 10, seed=1, iteration=iteration) for iteration in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.keys, again.keys)
    assert not np.array_equal(first.keys, other.keys)
    assert not hasattr(strategy.predictor, "weights_")


@pytest.mark.parametrize("options", [{"mutants": -1}, {"parents": 0}, {"rate": 0.0}])
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="BANANAS needs"):
        BANANAS(**options)  # type: ignore[arg-type]
