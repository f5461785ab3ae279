from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.samplers.base import Pool
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.schedulers.full import Full
from predictornas.search.bananas import BANANAS
from predictornas.search.evolution import RegularisedEvolution
from predictornas.search.local_search import LocalSearch
from predictornas.search.loop import Search, run
from predictornas.search.nas_bowl import NASBOWL
from predictornas.search.one_shot import OneShot
from predictornas.search.pvll import PVLLSearch
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import (
    PredictorSearch,
    Proposal,
    RandomSearch,
    Recommending,
    Remembering,
    Starting,
    Strategy,
    compared,
    for_one_run,
)
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle, CountingPredictor, DenoisingPredictor

SPACE = get_space("nasbench201")


def evaluated(count: int, seed: int = 0) -> History:
    rng = np.random.default_rng(seed)
    genes = SPACE.sample(count, rng)
    values = CountingOracle().evaluate(genes, None, rng).value
    return History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=np.zeros(count), values=values, iteration=0
    )


@pytest.mark.parametrize("strategy", [RandomSearch(), PredictorSearch(CountingPredictor(), Uniform())])
def test_follow_the_protocol(strategy: Strategy) -> None:
    assert isinstance(strategy, Strategy)


def test_random_search_never_repeats_and_is_a_function_of_seed_and_iteration() -> None:
    history = evaluated(30)
    first, again, other = (
        RandomSearch().propose(SPACE, history, 10, seed=1, iteration=iteration) for iteration in (1, 1, 2)
    )
    assert not np.isin(first.keys, history.keys).any()
    np.testing.assert_array_equal(first.keys, again.keys)
    assert not np.array_equal(first.keys, other.keys)
    assert first.pool is None
    assert first.predicted is None


def test_predictor_search_takes_the_best_of_its_pool_by_an_independent_sort() -> None:
    history = evaluated(60)
    strategy = PredictorSearch(CountingPredictor(), Uniform(), pool_size=200)
    proposal = strategy.propose(SPACE, history, 7, seed=0, iteration=3)
    assert proposal.pool is not None
    assert proposal.predicted is not None
    scores = (
        CountingPredictor()
        .fit(SPACE, history.genes, history.values, rng=np.random.default_rng(0))
        .predict(proposal.pool.genes)
    )
    np.testing.assert_allclose(np.sort(scores)[::-1][:7], proposal.predicted)
    assert len(proposal.pool) == 200
    assert proposal.proposed_by == "uniform"


def test_the_whole_space_finds_the_best_cell_that_was_not_seen() -> None:
    history = evaluated(200)
    proposal = PredictorSearch(CountingPredictor(), Exhaustive()).propose(SPACE, history, 1, seed=0, iteration=1)
    assert proposal.genes.tolist() == [[4, 4, 4, 4, 4, 4]]
    assert int(proposal.keys[0]) not in history


def test_the_configured_predictor_stays_unfitted() -> None:
    predictor = CountingPredictor()
    PredictorSearch(predictor, Uniform()).propose(SPACE, evaluated(30), 3, seed=0, iteration=1)
    assert not hasattr(predictor, "weights_")


@dataclass
class UnsurePredictor(CountingPredictor):
    """As sure of a cell as its last gene is small."""

    def predict_std(self, genes: np.ndarray) -> np.ndarray:
        return genes[:, -1].astype(np.float64)


def test_exploration_adds_standard_deviations_to_the_score() -> None:
    history = evaluated(60)
    strategy = PredictorSearch(UnsurePredictor(), Uniform(), pool_size=200, exploration=3.0)
    proposal = strategy.propose(SPACE, history, 7, seed=0, iteration=3)
    assert proposal.pool is not None
    predictor = UnsurePredictor().fit(SPACE, history.genes, history.values, rng=np.random.default_rng(0))
    scores = predictor.predict(proposal.pool.genes)
    hopes = scores + 3 * proposal.pool.genes[:, -1]
    best = np.argsort(-hopes, kind="stable")[:7]
    np.testing.assert_array_equal(proposal.genes, proposal.pool.genes[best])
    np.testing.assert_allclose(proposal.predicted, scores[best])  # what is kept is the score, not the hope
    assert not np.array_equal(best, np.argsort(-scores, kind="stable")[:7])


def test_exploration_needs_a_predictor_that_knows_how_unsure_it_is() -> None:
    with pytest.raises(ConfigurationError, match="CountingPredictor cannot tell how unsure it is"):
        PredictorSearch(CountingPredictor(), Uniform(), exploration=1.0)


@dataclass(frozen=True)
class ParentsShown:
    """Proposes the architecture that the history shows as the best, mutated, and remembers what it was shown."""

    shown: list[History]
    name: str = "parents-shown"

    def propose(self, space: object, n: int, history: History, predictor: object, rng: np.random.Generator) -> Pool:
        self.shown.append(history)
        return Uniform().propose(SPACE, n, history, None, rng)


@pytest.mark.parametrize("smoothed", [False, True])
def test_a_smoothed_search_shows_its_sampler_predictions_instead_of_the_signal(smoothed: bool) -> None:
    history, sampler = evaluated(60), ParentsShown([])
    PredictorSearch(CountingPredictor(), sampler, 50, smoothed=smoothed).propose(SPACE, history, 5, seed=0, iteration=1)
    predictor = CountingPredictor().fit(SPACE, history.genes, history.values, rng=np.random.default_rng(0))
    (shown,) = sampler.shown
    np.testing.assert_allclose(shown.values, predictor.predict(history.genes) if smoothed else history.values)
    np.testing.assert_array_equal(shown.keys, history.keys)


def with_a_lucky_training() -> History:
    """60 cells, the worst of which was trained with far more luck than it deserves."""
    history = evaluated(60)
    lucky = history.values.argmin()
    return replace(history, values=np.where(np.arange(60) == lucky, history.values.max() + 0.1, history.values))


def test_a_predictor_that_knows_the_noise_recommends_what_it_likes_best() -> None:
    noisy = with_a_lucky_training()
    strategy = PredictorSearch(DenoisingPredictor(), Uniform(), pool_size=50, smoothed=True)
    row = strategy.recommend(SPACE, noisy, seed=0, iteration=6)
    predictor = CountingPredictor().fit(SPACE, noisy.genes, noisy.values, rng=np.random.default_rng(0))
    assert row == predictor.predict(noisy.genes).argmax()
    assert row != noisy.values.argmax()
    proposal = strategy.propose(SPACE, noisy, 3, seed=0, iteration=6)
    assert row is not None
    assert proposal.recommended == int(noisy.keys[row])


@pytest.mark.parametrize(
    ("predictor", "smoothed"),
    [(CountingPredictor(), True), (DenoisingPredictor(knows_noise=False), True), (DenoisingPredictor(), False)],
)
def test_who_does_not_know_the_noise_or_goes_by_the_signal_has_no_opinion(predictor: Predictor, smoothed: bool) -> None:
    noisy = with_a_lucky_training()
    strategy = PredictorSearch(predictor, Uniform(), pool_size=50, smoothed=smoothed)
    assert strategy.recommend(SPACE, noisy, seed=0, iteration=6) is None
    assert strategy.propose(SPACE, noisy, 3, seed=0, iteration=6).recommended is None


@dataclass
class ChainedPredictor(DenoisingPredictor):
    """Counts how many fits it builds on."""

    def starting_from(self, fitted: ChainedPredictor) -> ChainedPredictor:
        chained = ChainedPredictor()
        chained.links_ = fitted.links_ + 1
        return chained

    def fit(self, *arguments: object, **options: object) -> ChainedPredictor:
        self.links_ = getattr(self, "links_", 0)
        FITS.append((self.links_, len(arguments[1])))  # type: ignore[arg-type]
        super().fit(*arguments, **options)  # type: ignore[arg-type]
        return self


FITS: list[tuple[int, int]] = []


def test_a_warm_start_is_a_function_of_the_history() -> None:
    strategy = PredictorSearch(
        ChainedPredictor(), Uniform(), pool_size=50, initial=8, batch=5, warm_start=True, smoothed=True
    )
    FITS.clear()
    history = run(Search(SPACE, strategy, seed=0), CountingOracle(), 28)
    assert FITS == [(0, 8), (1, 13), (2, 18), (3, 23)]
    FITS.clear()
    resumed = PredictorSearch(
        ChainedPredictor(), Uniform(), pool_size=50, initial=8, batch=5, warm_start=True, smoothed=True
    )
    again = run(Search(SPACE, resumed, seed=0, history=history.before(4)), CountingOracle(), 28)
    assert FITS == [(0, 8), (1, 13), (2, 18), (3, 23)]
    np.testing.assert_array_equal(again.keys, history.keys)


def test_a_predictor_that_cannot_go_on_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot start from the iteration before"):
        PredictorSearch(CountingPredictor(), Uniform(), warm_start=True)


def test_the_first_of_a_proposal_are_a_proposal() -> None:
    whole = Proposal(
        np.arange(18).reshape(3, 6).astype(np.int8),
        np.array([7, 8, 9], np.uint64),
        "test",
        predicted=np.array([0.3, 0.2, 0.1]),
        recommended=5,
        epochs=4,
    )
    parts = [whole.first(count) for count in range(5)]
    assert [len(part) for part in parts] == [0, 1, 2, 3, 3]
    assert parts[2].genes.tolist() == whole.genes[:2].tolist()
    assert parts[2].keys.tolist() == [7, 8]
    assert parts[2].predicted is not None
    assert parts[2].predicted.tolist() == [0.3, 0.2]
    assert (parts[2].proposed_by, parts[2].recommended, parts[2].epochs) == ("test", 5, 4)


def test_who_starts_uniformly_says_nothing_about_it() -> None:
    assert not isinstance(RandomSearch(), Starting)
    assert not isinstance(PredictorSearch(CountingPredictor(), Uniform()), Starting)


def rescored(history: History, count: int, values: list[float], epochs: int, iteration: int) -> History:
    """The first architectures of a history evaluated once more, after more epochs."""
    return history.extended(
        keys=history.keys[:count],
        genes=history.genes[:count],
        epochs=np.full(count, epochs),
        values=values,
        iteration=iteration,
    )


def test_a_sampler_sees_each_architecture_once_with_values_that_can_be_compared() -> None:
    genes = SPACE.enumerate()[[10, 20, 30]]
    short = History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=[1, 1, 1], values=[0.5, 0.4, 0.2], iteration=0
    )
    history, sampler = rescored(short, 2, [0.60, 0.65], 3, iteration=1), ParentsShown([])
    PredictorSearch(CountingPredictor(), sampler, 50).propose(SPACE, history, 5, seed=0, iteration=2)
    (shown,) = sampler.shown
    np.testing.assert_array_equal(shown.genes, genes)
    assert shown.epochs.tolist() == [3, 3, 1]
    # the second beats the first after 3 epochs, and both beat the third after 1
    assert shown.values.tolist() == [0.5, 1.0, 0.0]


ISOMORPHIC = np.array(
    [
        [1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 2, 1, 1, 0, 0],
        [1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 2, 1, 0, 1, 0],
    ],
    np.int8,
)
"""Two ways to write one cell of NAS-Bench-101."""


def test_isomorphic_genes_are_one_architecture_whatever_they_were_trained_for() -> None:
    cells = get_space("nasbench101")
    others = cells.enumerate()[1000:6000:1000]
    assert len(set(cells.keys(ISOMORPHIC).tolist())) == 1
    search = Search(cells, PredictorSearch(CountingPredictor(), Uniform(), pool_size=20, initial=5, batch=2), seed=0)
    search.add(np.vstack([ISOMORPHIC[:1], others]), [0.9, 0.1, 0.2, 0.3, 0.4, 0.5], epochs=[36] * 6)
    search.add(ISOMORPHIC[1:], [0.2], epochs=[108])
    shown = compared(search.history)
    assert shown.values.tolist() == [1.0, 0.0, 0.2, 0.4, 0.6, 0.8]  # all six at 36 epochs
    np.testing.assert_array_equal(search.history.genes_by_key[-1], ISOMORPHIC[0])
    assert len(search.ask()) == 2


@pytest.mark.parametrize(
    "strategy", [LocalSearch(), RegularisedEvolution(population=9, tournament=9), BANANAS(), NASBOWL()]
)
def test_whoever_goes_by_values_compares_those_of_one_fidelity(strategy: Strategy) -> None:
    """How high values after 3 epochs lie says nothing beside those after 1: only their order counts."""
    genes = SPACE.enumerate()[[0, 3000, 9000]]
    short = History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=[1, 1, 1], values=[0.5, 0.4, 0.2], iteration=0
    )
    proposal = strategy.propose(SPACE, rescored(short, 2, [0.1, 0.2], 3, iteration=1), 3, seed=0, iteration=2)
    swapped = strategy.propose(SPACE, rescored(short, 2, [0.91, 0.92], 3, iteration=1), 3, seed=0, iteration=2)
    pools = [each.genes if each.pool is None else each.pool.genes for each in (proposal, swapped)]
    np.testing.assert_array_equal(*pools)


def test_a_cell_that_was_told_twice_is_shown_twice_as_before() -> None:
    history, sampler = rescored(evaluated(20), 5, [0.9] * 5, 0, iteration=1), ParentsShown([])
    PredictorSearch(CountingPredictor(), sampler, 50).propose(SPACE, history, 5, seed=0, iteration=2)
    (shown,) = sampler.shown
    assert shown is history


def test_smoothed_values_are_shown_once_an_architecture() -> None:
    history, sampler = rescored(evaluated(20), 5, [0.9] * 5, 3, iteration=1), ParentsShown([])
    search = PredictorSearch(CountingPredictor(), sampler, 50, smoothed=True)
    search.propose(SPACE, history, 5, seed=0, iteration=2)
    (shown,) = sampler.shown
    predictor = CountingPredictor().fit(SPACE, history.genes, history.values, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(shown.keys, history.keys[:20])
    np.testing.assert_allclose(shown.values, predictor.predict(history.genes[:20]))


def test_what_is_recommended_was_trained_longest() -> None:
    history = rescored(evaluated(60), 4, [0.9, 0.8, 0.7, 0.6], 3, iteration=1)
    strategy = PredictorSearch(DenoisingPredictor(), Uniform(), pool_size=50, smoothed=True)
    predictor = CountingPredictor().fit(SPACE, history.genes, history.values, rng=np.random.default_rng(0))
    scores = predictor.predict(history.genes)
    row = strategy.recommend(SPACE, history, seed=0, iteration=2)
    assert row == 60 + scores[60:].argmax()
    assert scores[row] < scores.max()
    assert strategy.propose(SPACE, history, 3, seed=0, iteration=2).recommended == int(history.keys[row])


def test_a_warm_start_tells_fidelities_apart() -> None:
    search = PredictorSearch(ChainedPredictor(), Uniform(), pool_size=50, warm_start=True, smoothed=True)
    strategy = for_one_run(search)
    assert isinstance(strategy, Recommending)
    short = evaluated(20)
    FITS.clear()
    strategy.recommend(SPACE, short, seed=0, iteration=1)
    strategy.recommend(SPACE, short, seed=0, iteration=1)
    assert len(FITS) == 1
    strategy.recommend(SPACE, replace(short, epochs=short.epochs + 3), seed=0, iteration=1)
    assert len(FITS) == 2


WARM = PredictorSearch(ChainedPredictor(), Uniform(), pool_size=50, initial=8, batch=5, warm_start=True, smoothed=True)


def test_a_strategy_keeps_nothing_between_two_calls() -> None:
    history = run(Search(SPACE, WARM, seed=0), CountingOracle(), 23)
    before = dict(vars(WARM))
    for _ in range(2):
        FITS.clear()
        WARM.propose(SPACE, history, 5, seed=0, iteration=4)
        assert FITS == [(0, 8), (1, 13), (2, 18), (3, 23)]
    assert vars(WARM) == before


def test_a_run_remembers_the_latest_fit_and_proposes_the_same() -> None:
    history = run(Search(SPACE, WARM, seed=0), CountingOracle(), 23)
    remembering = for_one_run(WARM)
    for iteration in (1, 2, 3, 4):
        so_far = history.before(iteration)
        FITS.clear()
        again = remembering.propose(SPACE, so_far, 5, seed=0, iteration=iteration)
        assert [(iteration - 1, len(so_far))] == FITS
        alone = WARM.propose(SPACE, so_far, 5, seed=0, iteration=iteration)
        np.testing.assert_array_equal(again.keys, alone.keys)


def test_another_history_than_the_one_that_led_here_is_learned_from_its_beginning() -> None:
    history = run(Search(SPACE, WARM, seed=0), CountingOracle(), 23)
    other = replace(history, values=history.values[::-1].copy())
    remembering = for_one_run(WARM)
    remembering.propose(SPACE, history.before(3), 5, seed=0, iteration=3)
    FITS.clear()
    proposal = remembering.propose(SPACE, other, 5, seed=0, iteration=4)
    assert FITS == [(0, 8), (1, 13), (2, 18), (3, 23)]
    np.testing.assert_array_equal(proposal.keys, WARM.propose(SPACE, other, 5, seed=0, iteration=4).keys)


def test_who_has_nothing_to_remember_runs_as_it_is() -> None:
    cold = replace(WARM, warm_start=False)
    assert for_one_run(cold) is cold
    assert for_one_run(RandomSearch()) == RandomSearch()
    assert isinstance(WARM, Remembering)
    assert not isinstance(RandomSearch(), Remembering)


@pytest.mark.parametrize(
    "strategy",
    [RandomSearch(), WARM, PVLLSearch(), OneShot(), LocalSearch(), RegularisedEvolution(), BANANAS()],
    ids=lambda strategy: type(strategy).__name__,
)
def test_whatever_a_strategy_holds_is_configuration(strategy: Any) -> None:
    """A field that no constructor takes would be a state, which neither a run's identity nor a resume knows."""
    for held in (strategy, Scheduled(strategy, Full((1, 3))), getattr(strategy, "sampler", Uniform())):
        assert vars(held).keys() == {field.name for field in fields(held) if field.init}
