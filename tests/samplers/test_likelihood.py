from __future__ import annotations

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.gcn import GCN
from predictornas.samplers.base import Sampler
from predictornas.samplers.likelihood import Likelihood
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.registry import get_space


def seen(space: SearchSpace, count: int) -> History:
    rng = np.random.default_rng(7)
    genes = space.sample(count, rng)
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(count), values=rng.random(count), iteration=0
    )


def fitted(space: SearchSpace, history: History) -> GCN:
    predictor = GCN(width=32, training_epochs=50)
    predictor.fit(space, history.genes, history.values, rng=np.random.default_rng(3))
    return predictor


class Target:
    """A predictor whose score is the number of genes that agree with a target, so its gradient is known."""

    def __init__(self, space: SearchSpace, genes: np.ndarray) -> None:
        self.wanted = torch.from_numpy(space.sequences(genes[None])[0])

    def fit(self, space, genes, values, *, epochs=None, rng):
        return self

    def predict(self, genes):
        return self.relaxed(torch.from_numpy(NASBench201().sequences(genes))).numpy()

    def relaxed(self, sequences):
        return (sequences * self.wanted).sum((1, 2))


def test_follows_the_protocol() -> None:
    assert isinstance(Likelihood(), Sampler)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
@pytest.mark.parametrize("count", [1, 100])
def test_the_pool_is_full_valid_distinct_unseen_and_a_function_of_the_seed(name: str, count: int) -> None:
    space = get_space(name)
    history = seen(space, 60)
    predictor = fitted(space, history)
    pools = [Likelihood().propose(space, count, history, predictor, np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(pools[0].genes, pools[1].genes)
    assert len(pools[0]) == len(np.unique(pools[0].keys)) == count
    assert not np.isin(pools[0].keys, history.keys).any()
    assert space.valid(pools[0].genes).all()
    np.testing.assert_array_equal(pools[0].keys, space.keys(pools[0].genes))


def test_each_step_moves_the_steepest_shadow_by_the_step_size() -> None:
    space = NASBench201()
    target = np.array([3, 3, 3, 3, 3, 3], np.int8)
    starts = np.array([[0, 1, 2, 4, 3, 0]], np.int8)
    sampler = Likelihood(step_size=0.6)
    # every wrong gene has slope 1 towards the target, its own shadow stays at 1: at a step size of 0.6 the wanted
    # shadow reaches 0.6, then 1.2, so all five flip in the second step, and stay
    path = [sampler._ends(space, starts, Target(space, target), steps) for steps in (1, 2, 3)]
    np.testing.assert_array_equal(np.concatenate(path), [starts[0], target, target])


def test_ascents_that_meet_or_rest_ask_for_their_gradient_once() -> None:
    space = NASBench201()
    target = np.full(6, 3, np.int8)
    asked = []

    class Counting(Target):
        def relaxed(self, sequences):
            asked.append(len(sequences))
            return super().relaxed(sequences)

    starts = np.array([[0] * 6, [0] * 6, [1] * 6, [3] * 6], np.int8)
    ends = Likelihood(step_size=0.4)._ends(space, starts, Counting(space, target), 6)
    assert (ends == target).all()
    # three distinct starts, one of them the target, where the others arrive together after three steps of 0.4
    assert asked == [3, 1]


class Recorded(Likelihood):
    """Keeps the starts and ends of all ascents, and how many steps each round has."""

    def __init__(self, **options: int) -> None:
        super().__init__(**options)
        object.__setattr__(self, "rounds", [])

    def _ends(self, space, starts, predictor, steps):
        ends = super()._ends(space, starts, predictor, steps)
        self.rounds.append((starts, ends, steps))
        return ends


def keys_of_ends(space: SearchSpace, sampler: Recorded) -> np.ndarray:
    ends = np.concatenate([ends for _, ends, _ in sampler.rounds])
    return space.keys(ends[space.valid(ends)])


@pytest.mark.slow
@pytest.mark.parametrize("count", [50, 300])
def test_a_pool_is_ends_of_ascents_but_for_what_it_counts_as_filled(count: int) -> None:
    space = get_space("nasbench101")
    history = seen(space, 60)
    sampler = Recorded()
    pool = sampler.propose(space, count, history, fitted(space, history), np.random.default_rng(5))
    at_ends = np.isin(pool.keys, keys_of_ends(space, sampler))
    assert pool.filled is not None
    assert at_ends[: count - pool.filled].all()
    assert pool.filled <= 0.1 * count  # half to two thirds before ascents were tried again


def test_an_untouched_start_is_never_taken_as_an_end() -> None:
    space = NASBench201()
    pool = Likelihood(steps=1, step_size=0.5).propose(
        space, 30, History.empty(6), Target(space, np.full(6, 3, np.int8)), np.random.default_rng(0)
    )
    assert pool.filled == 30  # one step changes nothing


def test_every_ascent_that_gives_nothing_is_tried_again_from_a_new_start() -> None:
    space = NASBench201()
    target = np.full(6, 3, np.int8)
    sampler = Recorded(steps=8, attempts=5)
    pool = sampler.propose(space, 30, History.empty(6), Target(space, target), np.random.default_rng(0))
    # all ascents end at the target, so the first round finds one end and each later one asks for the 29 others
    assert [len(starts) for starts, _, _ in sampler.rounds] == [30, 29, 29, 29, 29]
    assert len(np.unique(space.keys(np.concatenate([starts for starts, _, _ in sampler.rounds])))) > 140
    np.testing.assert_array_equal(pool.genes[0], target)
    assert pool.filled == 29
    assert not np.isin(pool.keys[1:], space.keys(target[None])).any()


def test_ascents_become_shorter_where_few_ends_are_new_but_never_too_short_to_change_anything() -> None:
    space = NASBench201()
    for options, expected in (
        ({"steps": 16, "step_size": 0.5, "attempts": 5}, [16, 8, 4, 3, 3]),
        ({"steps": 16, "step_size": 0.3, "attempts": 4}, [16, 8, 4, 4]),
        ({"steps": 2, "step_size": 0.3, "attempts": 3}, [2, 2, 2]),
    ):
        sampler = Recorded(**options)
        sampler.propose(space, 20, History.empty(6), Target(space, np.full(6, 3, np.int8)), np.random.default_rng(0))
        assert [steps for _, _, steps in sampler.rounds] == expected


def test_ascents_keep_their_length_while_most_ends_are_new() -> None:
    space = NASBench201()
    history = seen(space, 60)
    sampler = Recorded(steps=4)
    pool = sampler.propose(space, 20, history, fitted(space, history), np.random.default_rng(0))
    first, missing = sampler.rounds[0], len(sampler.rounds[1][0])
    assert missing <= 10
    assert [steps for _, _, steps in sampler.rounds[:2]] == [4, 4]
    assert len(first[0]) == 20
    assert pool.filled == 0


def test_an_evaluated_summit_is_not_proposed_again() -> None:
    space = NASBench201()
    target = np.array([3, 3, 3, 3, 3, 3], np.int8)
    history = History.empty(6).extended(
        keys=space.keys(target[None]), genes=target[None], epochs=np.zeros(1), values=np.ones(1), iteration=0
    )
    pool = Likelihood().propose(space, 20, history, Target(space, target), np.random.default_rng(0))
    assert pool.filled == len(pool) == 20
    assert not (pool.genes == target).all(axis=1).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_the_pool_scores_higher_than_the_uniform_draw_it_started_from(name: str) -> None:
    space = get_space(name)
    history = seen(space, 60)
    predictor = fitted(space, history)
    pool = Likelihood().propose(space, 100, history, predictor, np.random.default_rng(1))
    uniform = space.sample(2000, np.random.default_rng(2))
    assert predictor.predict(pool.genes).mean() > predictor.predict(uniform).mean() + predictor.predict(uniform).std()


def test_ascents_that_end_outside_the_space_are_counted() -> None:
    space = get_space("nasbench101")
    full = np.ones(26, np.int8)  # all 21 edges: more than the 9 allowed
    pool = Likelihood(attempts=3).propose(space, 50, History.empty(26), Target(space, full), np.random.default_rng(0))
    assert pool.discarded == 150
    assert pool.filled == len(pool) == 50
    assert space.valid(pool.genes).all()


@pytest.mark.slow
def test_a_subset_of_a_space_is_used_up_and_then_the_pool_is_empty() -> None:
    whole = get_space("nasbench201")
    space = whole.restricted_to(whole.enumerated_keys()[::500])
    history = seen(space, 20)
    predictor = fitted(space, history)
    pool = Likelihood().propose(space, 100, history, predictor, np.random.default_rng(0))
    assert len(pool) == len(space) - 20
    everything = seen(space, len(space))
    assert len(Likelihood().propose(space, 5, everything, predictor, np.random.default_rng(0))) == 0


def test_refuses_what_cannot_work() -> None:
    class Blind:
        def fit(self, space, genes, values, *, epochs=None, rng):
            return self

        def predict(self, genes):
            return np.zeros(len(genes))

    space = get_space("nasbench201")
    with pytest.raises(ConfigurationError, match="Blind has no `relaxed`"):
        Likelihood().propose(space, 5, seen(space, 5), Blind(), np.random.default_rng(0))
    for options in ({"steps": 0}, {"step_size": 0.0}, {"step_size": float("nan")}, {"attempts": 0}):
        with pytest.raises(ConfigurationError, match="steps >= 1, step_size > 0 and attempts >= 1"):
            Likelihood(**options)


def test_the_ends_of_the_ranges_are_allowed() -> None:
    least = Likelihood(steps=1, step_size=1e-3, attempts=1)
    assert (least.steps, least.attempts) == (1, 1)
    assert Likelihood() == Likelihood(steps=10, step_size=0.5, attempts=20, name="likelihood")


@pytest.mark.parametrize(("step_size", "fewest"), [(0.5, 3), (0.6, 2), (1.0, 2), (0.3, 4), (2.0, 1)])
def test_so_many_steps_lift_a_shadow_from_zero_above_one(step_size: float, fewest: int) -> None:
    assert Likelihood(step_size=step_size)._fewest_steps == fewest
    assert fewest * step_size > 1 >= (fewest - 1) * step_size
