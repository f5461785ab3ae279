from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.table import Benchmark, Column, write_benchmark
from predictornas.errors import UnknownNameError
from predictornas.history import History
from predictornas.oracles.tabular import TabularOracle
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers import NOSH, Full, SuccessiveHalving
from predictornas.search.loop import Search, run
from predictornas.search.methods import PRESETS, get_strategy
from predictornas.search.one_shot import OneShot
from predictornas.search.scheduled import FromLevelZero, Scheduled, ZeroCost
from predictornas.search.strategies import (
    PredictorSearch,
    RandomSearch,
    Recommending,
    Starting,
    Strategy,
    propose_uniformly,
)
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingPredictor, CurveOracle, DenoisingPredictor, curve_value

SPACE = get_space("nasbench201")
LEVELS = (1, 3, 9)
RANDOM = Scheduled(RandomSearch(initial=8, batch=8), NOSH(LEVELS))


def after_t0(values: list[float], epochs: int = 1) -> History:
    genes = SPACE.enumerate()[: len(values)]
    return History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=np.full(len(values), epochs), values=values, iteration=0
    )


def counts(history: History) -> list[int]:
    """Architectures that ever reached each level."""
    return [int((history.epochs == level).sum()) for level in LEVELS]


def test_it_is_a_strategy_that_starts_and_recommends() -> None:
    assert isinstance(RANDOM, Starting)
    assert isinstance(RANDOM, Recommending)
    assert (RANDOM.initial, RANDOM.batch) == (8, 8)


def test_t0_is_that_of_every_other_method_at_the_first_level() -> None:
    started = Search(SPACE, RANDOM, seed=4).ask()
    plain = Search(SPACE, RandomSearch(initial=8), seed=4).ask()
    np.testing.assert_array_equal(started.keys, plain.keys)
    assert (started.epochs, started.proposed_by) == (1, "initial")
    assert plain.epochs is None
    everything = Search(SPACE, replace(RANDOM, scheduler=Full(LEVELS)), seed=4).ask()
    np.testing.assert_array_equal(everything.keys, plain.keys)
    assert everything.epochs == 9


def test_promotions_come_before_newcomers() -> None:
    history = after_t0([0.1, 0.4, 0.2, 0.3])
    proposal = RANDOM.propose(SPACE, history, 8, seed=0, iteration=1)
    assert proposal.keys.tolist() == history.keys[[1, 3]].tolist()
    assert proposal.genes.tolist() == history.genes[[1, 3]].tolist()
    assert (proposal.epochs, proposal.proposed_by, proposal.predicted, proposal.pool) == (3, "promotion", None, None)
    settled = replace(RANDOM, scheduler=NOSH(LEVELS, Fraction(1, 5)))  # floor(4 / 5) = 0 go on
    newcomers = settled.propose(SPACE, history, 8, seed=0, iteration=1)
    plain = RANDOM.strategy.propose(SPACE, history, 8, seed=0, iteration=1)
    np.testing.assert_array_equal(newcomers.keys, plain.keys)
    assert (newcomers.epochs, newcomers.proposed_by) == (1, "random")


def test_more_promotions_than_are_left_are_cut_to_the_best() -> None:
    search = Search(SPACE, RANDOM, seed=0, history=after_t0([0.1, 0.4, 0.2, 0.3, 0.6, 0.5]))
    assert len(search.propose()) == 3
    np.testing.assert_array_equal(search.ask(2).keys, search.history.keys[[4, 5]])


@pytest.mark.parametrize("budget", [7, 9, 11, 12, 30, 31])
def test_a_budget_of_evaluations_is_kept_by_the_plain_loop(budget: int) -> None:
    oracle = CurveOracle(resumes=False)
    history = run(Search(SPACE, RANDOM, seed=0), oracle, budget)
    assert len(history) == len(oracle.asked) == budget


def test_with_one_level_it_is_the_strategy_alone() -> None:
    strategy = PredictorSearch(CountingPredictor(), Uniform(), pool_size=50, initial=8, batch=5)
    searches = [Search(SPACE, each, seed=1) for each in (strategy, Scheduled(strategy, Full((9,))))]
    plain, scheduled = (run(search, _AlwaysNine(), 33) for search in searches)
    np.testing.assert_array_equal(plain.keys, scheduled.keys)
    np.testing.assert_array_equal(*(search.recommend() for search in searches))


class _AlwaysNine(CurveOracle):
    def __init__(self) -> None:
        super().__init__(resumes=False)

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator):  # type: ignore[no-untyped-def]
        assert epochs in (None, 9)
        return super().evaluate(genes, 9, rng)


@pytest.mark.parametrize("strategy", [RandomSearch(), PredictorSearch(CountingPredictor(), Uniform())])
def test_it_has_no_opinion_where_its_strategy_has_none(strategy: Strategy) -> None:
    scheduled, history = Scheduled(strategy, NOSH(LEVELS)), after_t0([0.1, 0.9, 0.2, 0.3])
    assert scheduled.recommend(SPACE, history, seed=0, iteration=1) is None
    assert scheduled.propose(SPACE, history, 4, seed=0, iteration=1).recommended is None


def test_it_recommends_what_its_strategy_does_with_promotions_too() -> None:
    strategy = PredictorSearch(DenoisingPredictor(), Uniform(), pool_size=50, smoothed=True)
    history, scheduled = after_t0(curve_value(SPACE.enumerate()[:40], 1).tolist()), Scheduled(strategy, NOSH(LEVELS))
    row = scheduled.recommend(SPACE, history, seed=0, iteration=1)
    assert row is not None
    assert row == strategy.recommend(SPACE, history, seed=0, iteration=1)
    assert row != history.values.argmax()
    promotion = scheduled.propose(SPACE, history, 8, seed=0, iteration=1)
    assert (promotion.proposed_by, promotion.recommended) == ("promotion", int(history.keys[row]))


@dataclass(frozen=True)
class LastGene(ZeroCost):
    """Likes cells whose last gene is large."""

    def scores(self, space: SearchSpace, genes: Genes, rng: np.random.Generator) -> np.ndarray:
        return genes[:, -1] + genes[:, 0] / 10


def test_zero_cost_scores_choose_t0_from_a_random_pool() -> None:
    strategy = replace(RANDOM, zero_cost=LastGene(proxy="weight_norm", pool=6))
    started = Search(SPACE, strategy, seed=4).ask()
    pool = propose_uniformly(SPACE, History.empty(6), 48, rng_for(4, 0, "initial"), by="initial").genes
    best = sorted(range(48), key=lambda row: (-pool[row, -1] - pool[row, 0] / 10, row))[:8]
    assert started.genes.tolist() == pool[best].tolist()
    np.testing.assert_array_equal(started.keys, SPACE.keys(started.genes))
    assert (started.epochs, started.proposed_by) == (1, "weight_norm")


@dataclass
class Remembers(CountingPredictor):
    """Keeps what it was fitted on."""

    def fit(
        self, space: SearchSpace, genes: Genes, values: np.ndarray, *, epochs: object = None, rng: np.random.Generator
    ) -> CountingPredictor:
        self.seen_ = genes, values, epochs
        return super().fit(space, genes, values, epochs=epochs, rng=rng)


def test_the_predictor_learns_from_level_zero_what_was_not_trained() -> None:
    zero_cost = LastGene(pool=3)
    search = FromLevelZero(Remembers(), Uniform(), 20, initial=4, batch=4, zero_cost=zero_cost)
    strategy = Scheduled(search, NOSH(LEVELS), zero_cost)
    started = Search(SPACE, strategy, seed=4).ask()
    pool, scores = zero_cost.level_zero(SPACE, 4, seed=4)
    assert len(pool) == 12
    np.testing.assert_array_equal(started.keys, pool.keys[:4])  # the best of level 0 are trained
    assert (np.diff(scores) <= 0).all()
    # of the others one was proposed meanwhile, the worst of all
    trained = np.append(pool.keys[:4], pool.keys[11:])
    genes = np.append(pool.genes[:4], pool.genes[11:], axis=0)
    history = History.empty(6).extended(
        keys=trained, genes=genes, epochs=[1] * 5, values=[0.1, 0.2, 0.3, 0.4, 0.5], iteration=0
    )
    fitted = search.fitted(SPACE, history, seed=4, iteration=1)
    assert isinstance(fitted, Remembers)
    seen, values, epochs = fitted.seen_
    np.testing.assert_array_equal(seen, np.concatenate([genes, pool.genes[4:11]]))
    np.testing.assert_array_equal(values, [0.1, 0.2, 0.3, 0.4, 0.5, *scores[4:11]])
    np.testing.assert_array_equal(epochs, [1] * 5 + [0] * 7)
    assert len(history) == 5  # nothing was added to what was evaluated, and level 0 may still be proposed
    promoted = strategy.propose(SPACE, history, 4, seed=4, iteration=1)
    assert promoted.keys.tolist() == trained[[4, 3]].tolist()


@pytest.mark.slow
def test_zero_cost_scores_are_those_of_networks_with_fresh_weights() -> None:
    nothing, pointwise, convolutions = (np.full(6, operation, np.int8) for operation in (0, 2, 3))
    genes = np.stack([pointwise, nothing, convolutions])
    zero_cost = ZeroCost(proxy="weight_norm", channels=4)
    scores = zero_cost.scores(SPACE, genes, np.random.default_rng(0))
    # n inputs give weights uniform in +-1/sqrt(n), so a convolution into c channels has a norm of about sqrt(c / 3)
    expected = 6 * (np.sqrt(4 / 3) + np.sqrt(8 / 3) + np.sqrt(16 / 3))
    np.testing.assert_allclose(scores[[0, 2]] - scores[1], expected, rtol=0.05)
    again, other = (zero_cost.scores(SPACE, genes, np.random.default_rng(seed)) for seed in (0, 1))
    np.testing.assert_array_equal(scores, again)
    assert (scores != other).all()
    assert len(zero_cost.scores(SPACE, genes[:0], np.random.default_rng(0))) == 0
    flow = ZeroCost(channels=4).scores(SPACE, genes, np.random.default_rng(0))
    assert np.argsort(flow).tolist() == [1, 0, 2]
    with pytest.raises(UnknownNameError, match="Did you mean 'synflow'"):
        ZeroCost(proxy="sinflow").scores(SPACE, genes, np.random.default_rng(0))


def test_zero_cost_scores_of_noise_depend_on_the_seed_alone() -> None:
    space = get_space("darts-s4")
    genes = space.sample(2, np.random.default_rng(0))
    first, again = (ZeroCost(channels=2).scores(space, genes, np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.fixture
def table(tmp_path: Path) -> Benchmark:
    """400 cells on learning curves of three levels."""
    genes = SPACE.enumerate()[::39][:400]
    value = {level: (1 + np.tanh(curve_value(genes, level) - 3)) / 2.1 for level in LEVELS}
    columns = {Column.named(metric="accuracy", split="valid", epochs=e, run="0"): value[e] for e in LEVELS}
    return write_benchmark(
        tmp_path / "table",
        name="table",
        space=SPACE,
        genes=genes,
        columns=columns,
        signal="valid_accuracy_9_run0",
        evaluation=None,
        source={"learning_curves": True},
        licence="MIT",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "ratio"),
    [("rank-nosh", Fraction(1, 2)), ("rank-nosh-level-40", Fraction(2, 5)), ("rank-nosh-zero-70", Fraction(7, 10))],
)
def test_rank_nosh_keeps_the_pyramid(table: Benchmark, method: str, ratio: Fraction) -> None:
    preset = replace(PRESETS["quick"], training_epochs=5, batch=7, levels=TabularOracle(table).levels)
    strategy = get_strategy(method, preset)
    assert isinstance(strategy, Scheduled)
    assert isinstance(strategy.strategy, PredictorSearch)
    zero_cost = ZeroCost("weight_norm", channels=5, pool=2)
    inner = replace(strategy.strategy, pool_size=40)
    inner = replace(inner, zero_cost=zero_cost) if isinstance(inner, FromLevelZero) else inner
    strategy = replace(strategy, strategy=inner, zero_cost=zero_cost)
    history = run(Search(table.space, strategy, seed=0), TabularOracle(table), 60)
    came_in = {int(t) for t in history.iterations[history.epochs == 1]}
    assert len(came_in) >= 4
    for iteration in came_in - {0}:
        n = counts(history.before(iteration))
        assert n[1:] == [floor(ratio * n[0]), floor(ratio * floor(ratio * n[0]))]
    for level, above in ((1, 3), (3, 9)):
        assert set(history.keys[history.epochs == above]) <= set(history.keys[history.epochs == level])
    assert len({*zip(history.keys.tolist(), history.epochs.tolist(), strict=True)}) == 60


def test_successive_halving_promotes_within_each_bracket() -> None:
    strategy = Scheduled(RandomSearch(initial=8, batch=8), SuccessiveHalving(LEVELS))
    history = run(Search(SPACE, strategy, seed=0), CurveOracle(resumes=True), 28)
    assert counts(history) == [16, 8, 4]
    brackets = {int(key): int(t) for key, t in zip(history.keys[:8], history.iterations[:8], strict=True)}
    for level, share in ((3, 4), (9, 2)):
        reached = history.keys[history.epochs == level]
        assert sum(int(key) in brackets for key in reached) == share


def test_a_run_of_a_scheduled_strategy_lets_the_strategy_remember() -> None:
    plain = Scheduled(RandomSearch(), RANDOM.scheduler)
    assert plain.for_one_run() == plain
    one_shot = Scheduled(OneShot(CountingPredictor()), RANDOM.scheduler)
    in_a_run = one_shot.for_one_run()
    assert in_a_run.strategy is not one_shot.strategy
    assert (in_a_run.initial, in_a_run.scheduler) == (one_shot.initial, one_shot.scheduler)
