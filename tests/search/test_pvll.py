from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.search import pvll
from predictornas.search.loop import Search, run
from predictornas.search.pvll import PVLLInOneRun, PVLLSearch, PVLLState, replay, states
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle

SPACE = get_space("nasbench201")
SMALL = PVLLSearch(estimator_rate=0.1, warm_up=12, memory=12, hidden=4, warm_up_steps=15, estimator_steps=2, tries=16)


def fresh(**changes: object) -> PVLLSearch:
    """The small configuration without anything in memory."""
    return replace(SMALL, **changes)  # type: ignore[arg-type]


def searched(budget: int, space: SearchSpace = SPACE, seed: int = 0, **changes: object) -> History:
    return run(Search(space, fresh(**changes), seed=seed), CountingOracle(), budget)


def test_follows_the_protocol_with_the_papers_sizes() -> None:
    assert isinstance(PVLLSearch(), Strategy)
    assert (PVLLSearch().initial, PVLLSearch().batch, PVLLSearch().memory) == (100, 1, 100)
    assert PVLLSearch(warm_up=0).initial == 1


@pytest.mark.slow
@settings(max_examples=4)
@given(
    name=st.sampled_from(["nasbench101", "nasbench201"]),
    seed=st.integers(0, 100),
    warm_up=st.integers(0, 12),
    gradient=st.booleans(),
)
def test_proposals_are_valid_distinct_unseen_and_reproducible(
    name: str, seed: int, warm_up: int, *, gradient: bool
) -> None:
    space = get_space(name)
    history, again = (searched(16, space, seed, warm_up=warm_up, gradient=gradient) for _ in range(2))
    assert len(np.unique(history.keys)) == len(history) == 16
    assert space.valid(history.genes).all()
    np.testing.assert_array_equal(history.keys, again.keys)


@pytest.mark.slow
def test_resuming_gives_exactly_the_same_proposals() -> None:
    history = searched(20)
    for iteration in (1, 6):
        resumed = Search(SPACE, fresh(), seed=0, history=history.before(iteration))
        np.testing.assert_array_equal(run(resumed, CountingOracle(), 20).keys, history.keys)


@pytest.mark.slow
def test_one_strategy_serves_several_runs_by_turns_and_proposes_twice_alike() -> None:
    strategy = fresh()
    alone = [searched(15, seed=seed) for seed in (0, 1)]
    together = [Search(SPACE, strategy, seed=seed) for seed in (0, 1)]
    for budget in range(12, 16):
        for search in together:
            run(search, CountingOracle(), budget)
            np.testing.assert_array_equal(search.propose().keys, search.propose().keys)
    for search, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(search.history.keys, expected.keys)


def test_p_is_fixed_by_the_estimator_before_it_learns_from_the_entry() -> None:
    history = searched(14)
    warm, first, second = states(fresh(), SPACE, history, seed=0)
    expected = np.clip(np.abs(np.diff(warm.estimator.losses(SPACE.sequences(history.genes[:12])))), 0.05, 1)
    np.testing.assert_allclose(warm.memory.p, [np.median(expected), *expected])
    for before, after in ((warm, first), (first, second)):
        latest = after.memory.sequences[-2:]
        length = abs(np.diff(before.estimator.losses(latest))[0])
        assert after.memory.p[-1] == pytest.approx(min(max(length, 0.05), 1.0))
    np.testing.assert_array_equal(second.memory.p[:-2], warm.memory.p[2:])


def test_the_memory_takes_the_soft_draw_and_forgets_the_oldest() -> None:
    history = searched(14)
    state = replay(fresh(), SPACE, history, seed=0)
    assert len(state.memory) == 12
    np.testing.assert_array_equal(state.memory.values, history.values[2:])
    soft = state.memory.sequences[-1]
    np.testing.assert_array_equal(soft.argmax(axis=1), history.genes[-1])
    assert 0 < soft.max(axis=1).min() < 1
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)


def test_architecture_parameters_first_move_is_against_the_gradient_of_the_trained_estimator() -> None:
    """By the chain rule from the soft draw H: dpsi/da_j = h_j (g_j - sum_k g_k h_k) / tau, and Adam's first step is
    its rate against the sign."""
    history = searched(13)
    state = replay(fresh(), SPACE, history, seed=0)
    soft = torch.from_numpy(state.memory.sequences[-1:]).requires_grad_()
    (slope,) = torch.autograd.grad(state.estimator(soft).sum(), soft)
    h, g = soft.detach().numpy()[0].astype(np.float64), slope.numpy()[0].astype(np.float64)
    gradient = h * (g - (g * h).sum(axis=1, keepdims=True)) / 0.1
    clear = np.abs(gradient) > 1e-5
    assert clear.sum() >= 4
    moved = state.architecture.logits.detach().numpy()
    np.testing.assert_allclose(moved[clear], -0.1 * np.sign(gradient[clear]), rtol=2e-3)


@pytest.mark.slow
def test_evaluations_from_elsewhere_enter_as_one_hot_sequences() -> None:
    history = searched(14)
    foreign = np.array([[0] * 6, [4] * 6, [0, 1, 2, 3, 4, 0]], np.int8)
    told = history.extended(
        keys=SPACE.keys(foreign), genes=foreign, epochs=[0] * 3, values=[0.1, 0.8, 0.3], iteration=3
    )
    state = replay(fresh(), SPACE, told, seed=0)
    np.testing.assert_array_equal(state.memory.sequences[-3:], SPACE.sequences(foreign))
    assert not torch.equal(state.architecture.logits, replay(fresh(), SPACE, history, seed=0).architecture.logits)
    assert len(fresh().propose(SPACE, told, 3, seed=0, iteration=4)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("gradient", [True, False])
def test_a_small_space_is_exhausted(gradient: bool) -> None:
    space = SPACE.restricted_to(SPACE.enumerated_keys()[:20])
    history = searched(50, space, gradient=gradient)
    assert sorted(history.keys.tolist()) == sorted(space.enumerated_keys().tolist())


@pytest.mark.slow
def test_a_draw_that_only_repeats_gives_way_to_a_uniform_one() -> None:
    seen = SPACE.restricted_to(SPACE.enumerated_keys()[:20])
    proposal = fresh(warm_up=3).propose(seen, searched(19, seen, warm_up=3), 1, seed=0, iteration=17)
    assert len(proposal) == 1
    assert proposal.proposed_by == "uniform"
    assert fresh().propose(SPACE, searched(12), 1, seed=0, iteration=1).proposed_by == "pvll"


@pytest.mark.slow
def test_the_search_finds_better_architectures_than_its_warm_up_on_average() -> None:
    """Values are mean genes, 2 on average over the space; the estimator learns that from 30 architectures."""
    history = searched(60, warm_up=30, memory=100, warm_up_steps=40, estimator_steps=3, estimator_rate=0.03)
    assert history.values[45:].mean() > history.values[:30].mean() + 0.5


@pytest.mark.slow
def test_switches_of_the_ablation() -> None:
    history = searched(16)
    weighted, equal = (replay(fresh(weighted=w), SPACE, history, seed=0) for w in (True, False))
    sequences = SPACE.sequences(history.genes)
    assert not np.allclose(weighted.estimator.losses(sequences), equal.estimator.losses(sequences))
    uniform = fresh(gradient=False)
    state = replay(uniform, SPACE, history, seed=0)
    assert not state.architecture.logits.any()
    np.testing.assert_array_equal(state.memory.sequences, sequences[-12:])
    assert uniform.propose(SPACE, history, 1, seed=0, iteration=5).proposed_by == "uniform"


def test_an_empty_history_has_no_state() -> None:
    with pytest.raises(ConfigurationError, match="before the first evaluation"):
        replay(fresh(), SPACE, History.empty(6), seed=0)
    assert len(fresh().propose(SPACE, History.empty(6), 2, seed=0, iteration=1)) == 2


@pytest.mark.parametrize(
    "options",
    [{"warm_up": -1}, {"memory": 0}, {"tries": 0}, {"smallest_p": 0.0}, {"estimator_rate": 0.0}, {"clip": 1.0}],
)
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="PVLL-NAS needs"):
        PVLLSearch(**options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_run_goes_on_from_its_latest_state_and_proposes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    history, advanced = searched(18), []
    original = pvll._advance

    def counting(*arguments: Any) -> PVLLState:
        advanced.append(arguments[-1])
        return original(*arguments)

    monkeypatch.setattr(pvll, "_advance", counting)
    remembering = SMALL.for_one_run()
    for iteration in (1, 2, 3, 4, 2):
        alone = SMALL.propose(SPACE, history.before(iteration), 1, seed=0, iteration=iteration)
        advanced.clear()
        again = remembering.propose(SPACE, history.before(iteration), 1, seed=0, iteration=iteration)
        assert advanced == ([1] if iteration == 2 else [iteration - 1] if iteration > 1 else [])
        np.testing.assert_array_equal(again.keys, alone.keys)
        np.testing.assert_array_equal(again.predicted, alone.predicted)


@pytest.mark.parametrize("gradient", [True, False])
def test_a_run_says_the_state_that_a_replay_of_its_history_gives(*, gradient: bool) -> None:
    search = fresh(gradient=gradient, warm_up=4, warm_up_steps=3)
    strategy = PVLLInOneRun(search)
    running = Search(SPACE, strategy, seed=1)
    for budget in (4, 6):
        history = run(running, CountingOracle(), budget)
        mine, again = strategy.state(SPACE, history, seed=1), replay(search, SPACE, history, seed=1)
        np.testing.assert_array_equal(mine.memory.sequences, again.memory.sequences)
        np.testing.assert_array_equal(mine.memory.p, again.memory.p)
        assert torch.equal(mine.architecture.logits, again.architecture.logits)
    np.testing.assert_array_equal(history.keys, run(Search(SPACE, search, seed=1), CountingOracle(), 6).keys)


def test_without_a_gradient_there_is_nothing_to_remember() -> None:
    uniform = fresh(gradient=False)
    assert uniform.for_one_run() is uniform
