import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from predictornas.history import History
from predictornas.predictors.weisfeiler_lehman import WeisfeilerLehmanProcess
from predictornas.search.nas_bowl import NASBOWL, expected_improvement
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench101")


def seen(count: int, space: SearchSpace = SPACE) -> History:
    genes = space.sample(count, np.random.default_rng(7))
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes),
        genes=genes,
        epochs=np.zeros(count),
        values=0.9 + 0.05 * np.random.default_rng(8).random(count),
        iteration=0,
    )


def test_the_expected_improvement_is_the_integral_that_it_stands_for() -> None:
    for mean, std, best in ((0.0, 1.0, 0.5), (-2.0, 0.3, -2.1), (1.0, 2.0, 1.0)):
        expected, _ = quad(lambda y, m=mean, s=std, b=best: (y - b) * norm.pdf(y, m, s), best, best + 20)
        found = expected_improvement(np.array([mean]), np.array([std]), best)
        np.testing.assert_allclose(found, [expected], rtol=1e-8)


def test_those_from_which_most_improvement_is_expected_are_proposed() -> None:
    history = seen(30)
    proposal = NASBOWL().propose(SPACE, history, 5, seed=0, iteration=1)
    assert proposal.pool is not None
    assert len(proposal.pool) == 100
    process = WeisfeilerLehmanProcess().fit(SPACE, history.genes, history.values, rng=np.random.default_rng(0))
    incumbent = process.targets_[process.predict(history.genes).argmax()]
    pool = proposal.pool.genes
    hopes = expected_improvement(process.predict(pool), process.predict_std(pool), incumbent)
    np.testing.assert_array_equal(proposal.keys, proposal.pool.keys[np.argsort(-hopes, kind="stable")[:5]])
    assert not np.isin(proposal.keys, history.keys).any()


def test_it_is_a_strategy_of_the_settings_of_its_code() -> None:
    assert isinstance(NASBOWL(), Strategy)
    assert (NASBOWL().initial, NASBOWL().batch, NASBOWL().pool_size) == (30, 5, 100)


def test_a_small_space_is_walked_to_its_end() -> None:
    whole = get_space("nasbench201")
    space = whole.restricted_to(whole.enumerated_keys()[::400])
    proposal = NASBOWL().propose(space, seen(20, space), 50, seed=0, iteration=1)
    assert len(proposal) == len(space) - 20
    assert len(NASBOWL().propose(space, seen(len(space), space), 5, seed=0, iteration=1)) == 0
