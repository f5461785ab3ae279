from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from predictornas.errors import ConfigurationError, InvalidArchitectureError, UnknownNameError
from predictornas.history import History
from predictornas.predictors.gcn import GCN
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers import NOSH, Full
from predictornas.search import loop
from predictornas.search.evolution import RegularisedEvolution
from predictornas.search.local_search import LocalSearch
from predictornas.search.loop import Search, iterate, run
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, Proposal, RandomSearch, Strategy, propose_uniformly
from predictornas.search.trials import read_trials
from predictornas.search.with_trials import WithTrials
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle, CountingPredictor, DenoisingPredictor

SPACE = get_space("nasbench201")
STRATEGY = PredictorSearch(CountingPredictor(), Uniform(), pool_size=100, initial=8, batch=5)


def test_the_budget_counts_t0_and_cuts_the_last_batch() -> None:
    steps = list(iterate(Search(SPACE, STRATEGY, seed=0), CountingOracle(), 20))
    assert [len(step.proposal) for step in steps] == [8, 5, 5, 2]
    assert [step.iteration for step in steps] == [0, 1, 2, 3]
    assert steps[0].proposal.proposed_by == "initial"


def test_nothing_is_evaluated_twice() -> None:
    oracle = CountingOracle()
    history = run(Search(SPACE, STRATEGY, seed=1), oracle, 60)
    assert len(set(oracle.asked)) == len(oracle.asked) == len(history) == 60


def test_ask_and_tell_give_the_same_history_as_the_driven_loop() -> None:
    driven = run(Search(SPACE, STRATEGY, seed=2), CountingOracle(), 33)
    search = Search(SPACE, STRATEGY, seed=2)
    while len(search.history) < 33:
        ahead = search.propose(33 - len(search.history))
        proposal = search.ask(33 - len(search.history))
        np.testing.assert_array_equal(ahead.keys, proposal.keys)
        search.tell(proposal.genes, proposal.genes.mean(axis=1))
    np.testing.assert_array_equal(search.history.keys, driven.keys)
    np.testing.assert_array_equal(search.history.iterations, driven.iterations)


def test_the_initial_set_is_the_same_for_every_method_of_a_seed() -> None:
    first = Search(SPACE, STRATEGY, seed=5).ask()
    other = Search(SPACE, RandomSearch(initial=8), seed=5).ask()
    np.testing.assert_array_equal(first.keys, other.keys)


def test_it_goes_on_from_a_history() -> None:
    whole = run(Search(SPACE, STRATEGY, seed=3), CountingOracle(), 28)
    part = run(Search(SPACE, STRATEGY, seed=3), CountingOracle(), 18)
    rest = run(Search(SPACE, STRATEGY, seed=3, history=part), CountingOracle(), 28)
    np.testing.assert_array_equal(rest.keys, whole.keys)


def test_the_predictor_beats_random_search_on_an_easy_problem() -> None:
    guided = run(Search(SPACE, STRATEGY, seed=4), CountingOracle(), 60).values.max()
    blind = run(Search(SPACE, RandomSearch(), seed=4), CountingOracle(), 60).values.max()
    assert guided > blind


def test_it_ends_when_the_space_is_exhausted() -> None:
    small = SPACE.restricted_to(SPACE.enumerated_keys()[:12])
    assert len(run(Search(small, STRATEGY, seed=0), CountingOracle(), 100)) == 12


@pytest.mark.parametrize("strategy", [RandomSearch(), STRATEGY])
def test_without_an_opinion_it_recommends_by_the_signal(strategy: Strategy) -> None:
    by_signal = Search(SPACE, strategy, seed=0)
    with pytest.raises(ConfigurationError, match="Nothing was evaluated yet"):
        by_signal.recommend()
    run(by_signal, CountingOracle(), 30)
    assert by_signal.opinion() is None
    np.testing.assert_array_equal(by_signal.recommend()[0], by_signal.history.genes[by_signal.history.values.argmax()])


def test_by_the_signal_means_of_those_trained_longest() -> None:
    search = Search(SPACE, RandomSearch(), seed=0)
    genes = SPACE.enumerate()[:4]
    search.tell(genes, [0.1, 0.9, 0.2, 0.3], epochs=[1, 1, 1, 1])
    np.testing.assert_array_equal(search.recommend()[0], genes[1])
    search.tell(genes[2:], [0.5, 0.4], epochs=[3, 3])
    np.testing.assert_array_equal(search.recommend()[0], genes[2])


def test_where_every_training_failed_there_is_nothing_to_recommend() -> None:
    search = Search(SPACE, RandomSearch(), seed=0)
    search.tell(SPACE.enumerate()[:3], [0.0] * 3)
    with pytest.raises(ConfigurationError, match=r"Every training failed.* none but 0"):
        search.recommend()


def test_it_recommends_by_a_predictor_that_knows_the_noise() -> None:
    strategy = PredictorSearch(DenoisingPredictor(), Uniform(), pool_size=50, smoothed=True)
    own = Search(SPACE, strategy, seed=0)
    run(own, CountingOracle(), 30)
    row = strategy.recommend(SPACE, own.history, seed=0, iteration=own.iteration)
    assert row is not None
    assert own.opinion() == row
    np.testing.assert_array_equal(own.recommend(), own.history.genes[row : row + 1])


@pytest.mark.parametrize(
    ("row", "met"),
    [
        ([4, 3, 2, 5, 1, 5], r"Row 1 of 2: gene 3 is 5, outside 0\.\.4, .*nasbench201.*\[4, 3, 2, 5, 1, 5\]"),
        ([-1, 3, 2, 4, 1, 4], r"Row 1 of 2: gene 0 is -1, outside 0\.\.4"),
        ([0, 0, 0, 0, 0, 9], r"Row 1 of 2: gene 5 is 9, outside 0\.\.4"),
    ],
)
def test_what_is_told_is_about_architectures_of_the_space(row: list[int], met: str) -> None:
    search = Search(SPACE, STRATEGY, seed=0)
    with pytest.raises(InvalidArchitectureError, match=met):
        search.tell(np.array([[0] * 6, row], np.int8), [0.5, 0.6])
    assert len(search.history) == search.iteration == 0
    history = History.empty(6).extended(keys=[1], genes=np.array([row], np.int8), epochs=[0], values=[0.5], iteration=0)
    with pytest.raises(InvalidArchitectureError, match=met.replace("Row 1 of 2", "Row 0 of 1")):
        Search(SPACE, STRATEGY, seed=0, history=history)


def test_cells_that_break_a_rule_cannot_be_told() -> None:
    cells = get_space("nasbench101")
    genes = np.zeros((1, cells.num_genes), np.int8)
    with pytest.raises(InvalidArchitectureError, match=r"Row 0 of 1, .* breaks the rules of 'nasbench101'"):
        Search(cells, STRATEGY, seed=0).tell(genes, [0.5])


class Watching:
    """A strategy that notes how many threads there are while it computes."""

    initial, batch = 2, 2

    def __init__(self) -> None:
        self.seen: list[set[int]] = []

    def _watch(self) -> None:
        self.seen.append({torch.get_num_threads(), *(library["num_threads"] for library in threadpool_info())})

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        self._watch()
        return propose_uniformly(space, history, n, np.random.default_rng(0), by="watching")

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int | None:
        self._watch()
        return 0


def test_a_search_computes_on_one_thread_and_gives_the_others_back() -> None:
    strategy = Watching()
    search = Search(SPACE, strategy, seed=0)
    with threadpool_limits(limits=2):
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            search.tell(search.ask().genes, [0.5, 0.6])
            search.ask()
            search.recommend()
            after = {torch.get_num_threads(), *(library["num_threads"] for library in threadpool_info())}
        finally:
            torch.set_num_threads(before)
    assert strategy.seen == [{1}, {1}]
    assert after == {2}


def test_a_strategy_that_only_draws_and_compares_leaves_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "one_thread", lambda: pytest.fail("threads were pinned"))
    for strategy in (RandomSearch(), LocalSearch(), RegularisedEvolution(), Scheduled(RandomSearch(), Full((1,)))):
        Search(SPACE, strategy, seed=0).ask()


def test_a_name_is_the_method_of_the_command_line() -> None:
    by_name = Search(SPACE, "bayesian-optimisation")
    assert by_name.strategy == get_strategy("bayesian-optimisation", get_preset("default"))
    assert by_name.seed == 0
    with pytest.raises(UnknownNameError, match="Did you mean 'bayesian-optimisation'"):
        Search(SPACE, "bayesian-optimization")
    with pytest.raises(ConfigurationError, match="GCN is no strategy"):
        loop._strategy(GCN())  # what Search calls; the type check of these tests refuses it there


# ---- trials from elsewhere ----


def test_trials_from_elsewhere_count_to_t0_and_are_never_proposed() -> None:
    fresh = Search(SPACE, RandomSearch(initial=4, batch=2), seed=0)
    t0 = fresh.propose().genes
    search = Search(SPACE, RandomSearch(initial=4, batch=2), seed=0)
    assert search.add(t0[:2], [0.1, 0.9]) == 2
    assert (search.iteration, search.history.iterations.tolist()) == (0, [0, 0])
    rest = search.ask()
    assert rest.genes.tolist() == t0[2:].tolist()
    assert search.recommend().tolist() == t0[1:2].tolist()
    search.tell(rest.genes, [0.2, 0.3])
    assert search.iteration == 1
    assert search.ask().proposed_by == "random"


def test_as_many_trials_as_t0_let_the_strategy_choose_at_once() -> None:
    genes = SPACE.enumerate()[:6]
    search = Search(SPACE, RandomSearch(initial=4, batch=2), seed=0)
    assert search.add(genes, np.arange(6) / 10, [12] * 6) == 6
    proposal = search.ask()
    assert (search.iteration, proposal.proposed_by, len(proposal)) == (1, "random", 2)
    assert not np.isin(proposal.keys, SPACE.keys(genes)).any()
    search.tell(proposal.genes, [0.5, 0.6])
    assert search.history.before(2).epochs.tolist() == [12] * 6 + [0, 0]


def test_what_is_known_is_left_out_and_of_several_values_the_first_counts() -> None:
    genes = SPACE.enumerate()[:3]
    search = Search(SPACE, RandomSearch(initial=2), seed=0)
    assert search.add(genes[[0, 0, 1]], [0.1, 0.2, float("nan")]) == 2
    assert search.add(genes, [0.7, 0.8, 0.9]) == 2  # the failure is replaced
    assert search.add(genes, [0.7, 0.8, 0.9]) == 0
    assert dict(zip(search.history.keys.tolist(), search.history.values.tolist(), strict=True)) == dict(
        zip(SPACE.keys(genes).tolist(), [0.1, 0.8, 0.9], strict=True)
    )
    assert search.add(genes[:1], [0.4], [200]) == 1  # another length is another training
    assert search.add(SPACE.enumerate()[9:10], failed="out of memory") == 1
    assert list(search.history.failures.values()) == ["out of memory"]


def test_trials_that_were_added_in_a_folder_are_there_again(tmp_path: Path) -> None:
    genes = SPACE.enumerate()[:5]
    for proposed in (True, False):
        search = Search.open(tmp_path, SPACE, RandomSearch(initial=4, batch=2), seed=0)
        if proposed:
            search.add(genes, [0.1, 0.2, 0.3, 0.4, 0.5], [3] * 5)
        assert (search.iteration, search.history.values.tolist()) == (1, [0.1, 0.2, 0.3, 0.4, 0.5])
        found = search.propose().genes.tolist()
        search.close()
    assert found == Search(SPACE, RandomSearch(4, 2), seed=0, history=search.history).propose().genes.tolist()


@pytest.mark.parametrize(
    "wrong", [{"values": [0.1]}, {"values": [0.1, 0.2, 0.3]}, {"epochs": [1]}, {"failed": ["no"]}, {"costs": [[1.0]]}]
)
def test_trials_of_another_number_than_architectures_are_refused(wrong: dict[str, object]) -> None:
    search = Search(SPACE, RandomSearch(initial=4), seed=0)
    with pytest.raises(ConfigurationError, match="takes"):
        search.add(SPACE.enumerate()[:2], **{"values": [0.1, 0.2], **wrong})
    assert not len(search.history)


def test_a_trial_of_another_length_leaves_what_is_in_flight() -> None:
    genes = SPACE.enumerate()[:2]
    search = Search(SPACE, Scheduled(RandomSearch(initial=4, batch=4), NOSH((1, 3, 9))), seed=0)
    search.tell(search.ask().genes, [0.1, 0.2, 0.3, 0.4])
    promoted = search.ask(worker="gpu-0")
    search.add(promoted.genes[:1], [0.8], epochs=[9])
    assert [(each.worker, each.epochs) for each in search.history.pending] == [("gpu-0", 3), ("gpu-0", 3)]
    search.tell(promoted.genes, [0.5, 0.6])
    assert not search.history.pending
    assert search.history.epochs.tolist() == [1, 1, 1, 1, 9, 3, 3]
    assert len(search.ask()) > 0

    plain = Search(SPACE, RandomSearch(initial=4), seed=0)
    asked = plain.ask().genes
    plain.add(asked[:1], [0.3], epochs=[1])  # the worker was asked for no length
    assert len(plain.history.pending) == 3
    plain.tell(asked[2:3], [0.3], epochs=[108])  # the worker knows the length
    assert len(plain.history.pending) == 2
    plain.drop(asked[1:2])
    assert len(plain.history.pending) == 1
    assert plain.add(genes, [0.1, 0.2]) == 2


def test_a_late_result_of_what_somebody_else_told_does_not_end_t0() -> None:
    search = Search(SPACE, RandomSearch(initial=10, batch=2), seed=0)
    asked = search.ask(2).genes
    search.add(asked[:1], [0.9], [200])
    search.tell(asked[:1], [0.8])
    search.tell(asked[1:], [0.7])
    rest = search.ask()
    assert (len(rest), rest.proposed_by, search.iteration) == (7, "initial", 0)


def test_to_tell_nothing_ends_nothing() -> None:
    """As a loop does whose workers have not finished: T0 goes on."""
    search, same = (Search(SPACE, RandomSearch(initial=5, batch=2), seed=0) for _ in range(2))
    search.tell(search.ask(2).genes[:0], [])
    assert (search.iteration, len(search.history.pending)) == (0, 2)
    same.ask(2)
    rest = search.ask()
    assert (rest.proposed_by, len(rest)) == ("initial", 3)
    np.testing.assert_array_equal(rest.genes, same.ask().genes)


def test_all_trials_may_have_failed() -> None:
    search = Search(SPACE, RandomSearch(initial=4), seed=0)
    assert search.add(SPACE.enumerate()[:2], failed=True) == 2
    assert search.history.failures == {0: "failed", 1: "failed"}


def test_a_proposal_can_be_taken_in_part() -> None:
    """As by whoever can afford only the first of it; the rest of T0 is asked for later."""
    search = Search(SPACE, RandomSearch(initial=5, batch=2), seed=0)
    whole = search.propose()
    search.take(whole.first(2), worker="a")
    assert [(each.key, each.worker) for each in search.history.pending] == [(key, "a") for key in whole.keys[:2]]
    np.testing.assert_array_equal(search.ask().keys, whole.keys[2:])
    search.take(whole.first(0))
    assert len(search.history.pending) == 5


def test_of_an_overdrawn_budget_nothing_is_asked() -> None:
    search = Search(get_space("nasbench201"), RandomSearch(initial=4, batch=2), seed=0)
    assert len(search.ask(-3)) == len(search.ask(0)) == 0
    assert len(search.ask(3)) == 3
    assert len(search.history.pending) == 3


def test_a_space_may_be_named_and_a_seed_is_a_whole_number(tmp_path: Path) -> None:
    assert Search("nasbench201", "random", seed=np.int64(3)).space is SPACE
    assert Search.open(tmp_path, "nasbench201", "random").space is SPACE
    with pytest.raises(UnknownNameError, match="nasbench201"):
        Search("nasbench202", "random")
    for seed in (-1, None, 0.5):
        with pytest.raises(ConfigurationError, match="whole number from 0"):
            loop.Search(SPACE, "random", **{"seed": seed})


def test_what_no_scheduler_can_have_planned_is_refused_before_it_is_on_disk(tmp_path: Path) -> None:
    space, strategy = get_space("nasbench201"), Scheduled(RandomSearch(initial=4, batch=2), NOSH((1, 3, 9)))
    others = space.enumerate()[:3]
    with Search.open(tmp_path, space, strategy) as search:
        asked = search.ask()
        search.tell(asked.genes, [0.1, 0.2, 0.3, 0.4])
        for call in (search.tell, search.add):
            with pytest.raises(ConfigurationError, match=r"trains newcomers for 1 epochs.* after 5 epochs"):
                call(others, [0.9] * 3, epochs=[1, 5, 9])
        assert search.add(others[:1], [0.5]) == 1  # by default as long as newcomers are trained
        search.tell(others[1:2], [0.6])
        search.tell(others[2:], [0.7], epochs=[9])  # somebody has trained it to the end
        assert search.history.epochs.tolist() == [1] * 6 + [9]
    with Search.open(tmp_path, space, strategy) as again:
        assert again.history.epochs.tolist() == [1] * 6 + [9]
        promoted = again.ask()
        assert promoted.epochs == 3
        np.testing.assert_array_equal(np.sort(promoted.keys), np.sort(space.keys(others[:2])))


def test_costs_that_do_not_fit_are_refused_before_they_are_on_disk(tmp_path: Path) -> None:
    space = get_space("nasbench201")
    with Search.open(tmp_path, space, RandomSearch(initial=4, batch=2)) as search:
        asked = search.ask()
        search.tell(asked.genes, [0.1, 0.2, 0.3, 0.4], costs=np.ones((4, 2)))
        for call in (search.tell, search.add):
            with pytest.raises(ConfigurationError, match="2 in this search, not 3"):
                call(space.enumerate()[:1], [0.9], costs=[[0.05, 1, 2]])
            with pytest.raises(ConfigurationError, match="got no costs"):
                call(space.enumerate()[:1], [0.9])
    with Search.open(tmp_path, space, RandomSearch(initial=4, batch=2)) as again:
        assert len(again.history) == 4


def test_a_failure_that_is_added_again_changes_nothing() -> None:
    search = Search(get_space("nasbench201"), RandomSearch(initial=3), seed=0)
    genes = search.space.enumerate()[:3]
    assert [search.add(genes, [0.1, float("nan"), 0.3]) for _ in range(3)] == [3, 0, 0]
    assert search.add(genes, [0.1, 0.2, 0.3]) == 1


def test_a_scheduler_within_a_strategy_with_trials_refuses_the_same(tmp_path: Path) -> None:
    space = get_space("nasbench201")
    cells = space.enumerate()[:2]
    strategy = WithTrials(
        Scheduled(RandomSearch(initial=4, batch=2), NOSH((1, 3, 9))), cells, np.array([0.1, 0.2]), np.array([1, 1])
    )
    search = Search(space, strategy, seed=0)
    search.tell(search.ask().genes, [0.3, 0.4])
    with pytest.raises(ConfigurationError, match="trains newcomers for 1 epochs"):
        search.tell(space.enumerate()[5:6], [0.9], epochs=[5])
    search.tell(space.enumerate()[5:6], [0.9])
    assert search.history.epochs.tolist() == [1, 1, 1]
    assert len(search.ask()) > 0


def test_an_attribute_that_is_called_scheduler_is_the_strategys_own() -> None:
    @dataclass(frozen=True)
    class Mine(RandomSearch):
        scheduler: str = "cosine"

    search = Search(get_space("nasbench201"), Mine(initial=2), seed=0)
    search.tell(search.ask().genes, [0.1, 0.2])
    assert search.history.epochs.tolist() == [0, 0]


def test_a_file_without_lengths_goes_with_a_scheduler(tmp_path: Path) -> None:
    space = get_space("nasbench201")
    lines = ["architecture,value", *(f"{space.describe(row)},0.{row[0] + 1}" for row in space.enumerate()[:3])]
    (tmp_path / "theirs.csv").write_text("\n".join(lines))
    trials = read_trials(tmp_path / "theirs.csv", space)
    search = Search(space, Scheduled(RandomSearch(initial=4, batch=2), NOSH((1, 3, 9))), seed=0)
    assert search.add(trials.genes, trials.values, trials.epochs) == 3
    assert search.history.epochs.tolist() == [1, 1, 1]


def test_a_length_of_0_is_the_one_that_a_scheduler_asked_for() -> None:
    space = get_space("nasbench201")
    search = Search(space, Scheduled(RandomSearch(initial=4, batch=2), NOSH((1, 3, 9))), seed=0)
    search.tell(search.ask().genes, [0.1, 0.2, 0.3, 0.4], epochs=np.zeros(4))
    promoted = search.ask()
    search.tell(promoted.genes, [0.5, 0.6], epochs=np.zeros(2))
    assert search.history.epochs.tolist() == [1, 1, 1, 1, 3, 3]
