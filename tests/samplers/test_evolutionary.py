from __future__ import annotations

import hashlib

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers.base import Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.registry import get_space


def history_of(space: SearchSpace, genes: Genes, values: object) -> History:
    n = len(genes)
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(n), values=values, iteration=0
    )


def seen(space: SearchSpace, count: int) -> History:
    rng = np.random.default_rng(7)
    return history_of(space, space.sample(count, rng), rng.random(count))


def test_follows_the_protocol() -> None:
    assert isinstance(Evolutionary(), Sampler)


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
@pytest.mark.parametrize("count", [4, 50, 300])
def test_the_pool_is_full_valid_distinct_and_unseen(name: str, count: int) -> None:
    space = get_space(name)
    history = seen(space, count)
    pool = Evolutionary().propose(space, 1000, history, None, np.random.default_rng(0))
    assert len(pool) == len(np.unique(pool.keys)) == 1000
    assert not np.isin(pool.keys, history.keys).any()
    assert space.valid(pool.genes).all()
    np.testing.assert_array_equal(pool.keys, space.keys(pool.genes))


def test_only_the_best_by_true_value_are_parents() -> None:
    space = get_space("nasbench201")
    genes = np.array([[0] * 6, [4] * 6, [3, 3, 3, 4, 4, 4]], np.int8)
    history = history_of(space, genes, [0.1, 0.9, 0.8])
    pool = Evolutionary(parents=2, mutants=0.0).propose(space, 3, history, None, np.random.default_rng(0))
    assert len(pool) == 3
    assert set(np.unique(pool.genes).tolist()) == {3, 4}
    assert (pool.genes[:, 3:] == 4).all()


def test_mutants_lie_near_their_parents() -> None:
    space = get_space("nasbench201")
    history = history_of(space, np.array([[2] * 6], np.int8), [0.5])
    pool = Evolutionary(mutants=1.0, rate=0.05).propose(space, 20, history, None, np.random.default_rng(0))
    assert (pool.genes != 2).sum(axis=1).mean() < 2


@pytest.mark.slow
def test_an_exhausted_neighbourhood_widens_and_an_exhausted_space_ends() -> None:
    whole = get_space("nasbench201")
    space = whole.restricted_to(whole.enumerated_keys()[:40])
    genes = space.enumerate()
    history = history_of(space, np.asarray(genes[:30]), np.linspace(0, 1, 30))
    pool = Evolutionary(rate=0.01).propose(space, 20, history, None, np.random.default_rng(0))
    assert sorted(pool.keys.tolist()) == sorted(space.keys(genes[30:]).tolist())
    full = history_of(space, np.asarray(genes), np.zeros(40))
    assert len(Evolutionary().propose(space, 20, full, None, np.random.default_rng(0))) == 0


def test_without_a_history_the_pool_is_uniform() -> None:
    space = get_space("nasbench201")
    pool = Evolutionary().propose(space, 30, History.empty(6), None, np.random.default_rng(0))
    assert len(pool) == pool.filled == 30
    assert Evolutionary().propose(space, 30, seen(space, 20), None, np.random.default_rng(0)).filled == 0


def test_it_is_reproducible_from_its_generator() -> None:
    space = get_space("nasbench101")
    pools = [Evolutionary().propose(space, 200, seen(space, 20), None, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(pools[0].genes, pools[1].genes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "n", "rate", "digest"),
    [
        ("nasbench101", 4, 100, 0.1, "7e452751045a42e1ebc19de5"),
        ("nasbench101", 100, 1000, 0.1, "7b2f9f8d372cf2b73431e895"),
        ("nasbench101", 100, 3000, 0.02, "77ad04acdb92a3c024e7ea70"),
        ("nasbench201", 4, 100, 0.1, "c337641b02aaebd627a70f19"),
        ("nasbench201", 100, 1000, 0.1, "05d8e9a2c17f1f60990b15a1"),
        ("nasbench201", 100, 3000, 0.02, "6d6c253bc1e0b68a54e9ab3e"),
    ],
)
def test_pools_stay_the_same_in_every_version(name: str, count: int, n: int, rate: float, digest: str) -> None:
    """Recorded; a change means that histories of earlier versions cannot be continued."""
    space = get_space(name)
    pool = Evolutionary(rate=rate).propose(space, n, seen(space, count), None, np.random.default_rng(count))
    assert hashlib.sha256(pool.genes.tobytes() + pool.keys.tobytes()).hexdigest()[:24] == digest


@pytest.mark.parametrize("options", [{"parents": 0}, {"mutants": 1.5}, {"rate": 0.0}, {"rate": 0.6}])
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="Evolutionary sampling needs"):
        Evolutionary(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"parents": 1, "mutants": 0.0}, {"mutants": 1.0, "rate": 0.5}])
def test_the_ends_of_the_ranges_are_allowed(options: dict[str, float]) -> None:
    space = get_space("nasbench201")
    pool = Evolutionary(**options).propose(space, 5, seen(space, 9), None, np.random.default_rng(0))  # type: ignore[arg-type]
    assert len(pool) == 5


def test_the_settings_of_every_published_pool() -> None:
    assert Evolutionary() == Evolutionary(parents=10, mutants=0.5, rate=0.1, name="evolutionary")
