"""Strategies that know trials of others: the same as searches that took them in, but for what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers.nosh import NOSH
from predictornas.search.loop import Search
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, RandomSearch
from predictornas.search.with_trials import WithTrials
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingPredictor, DenoisingPredictor

SPACE = get_space("nasbench201")
CELLS = SPACE.sample(12, np.random.default_rng(4))
LEARNING = PredictorSearch(CountingPredictor(), Uniform(), 50, initial=4, batch=3)


def worth(genes: Genes) -> np.ndarray:
    return np.asarray(genes.mean(axis=1))


def knowing(count: int, strategy: PredictorSearch | RandomSearch = LEARNING) -> WithTrials:
    return WithTrials(strategy, CELLS[:count], worth(CELLS[:count]), np.zeros(count, np.int64))


def test_trials_stand_for_as_many_of_the_initial_set() -> None:
    """Those that are left are the ones that a search has left which took the trials in."""
    taken = Search(SPACE, LEARNING, seed=0)
    taken.add(CELLS[:3], worth(CELLS[:3]))
    knows = Search(SPACE, knowing(3), seed=0)
    assert knows.ask().keys.tolist() == taken.ask().keys.tolist()
    assert len(knows.history.pending) == 1
    assert len(knows.history) == 0


def test_with_enough_trials_the_strategy_chooses_at_once() -> None:
    """The first batch is what the strategy proposes from the trials, all better than an average cell."""
    first = Search(SPACE, knowing(12), seed=0).ask()
    assert first.proposed_by == "uniform"
    assert len(first) == 3
    assert worth(first.genes).min() > worth(SPACE.enumerate()).mean()


def test_later_proposals_know_trials_and_history() -> None:
    """As of a search that has both in its history, where the iteration is the same."""
    knows, taken = Search(SPACE, knowing(5), seed=0), Search(SPACE, LEARNING, seed=0)
    genes = knows.ask().genes
    knows.tell(genes, worth(genes))
    taken.add(CELLS[:5], worth(CELLS[:5]))
    taken.add(genes, worth(genes))
    proposal = knows.propose()
    assert proposal.keys.tolist() == taken.propose().keys.tolist()
    assert not np.isin(proposal.keys, SPACE.keys(CELLS[:5])).any()


def test_a_trial_is_never_the_row_that_is_recommended() -> None:
    denoising = PredictorSearch(DenoisingPredictor(), Uniform(), 50, initial=4, batch=3, smoothed=True)
    best = SPACE.enumerate()[worth(SPACE.enumerate()).argmax()][None]
    cells = np.concatenate([CELLS[:5], best])
    search = Search(SPACE, WithTrials(denoising, cells, worth(cells), np.zeros(6, np.int64)), seed=0)
    genes = search.ask().genes
    search.tell(genes, worth(genes))
    assert search.opinion() is None  # the best by prediction is a trial
    assert search.ask().recommended is None
    assert search.recommend().tolist() == genes[[worth(genes).argmax()]].tolist()


def test_failed_trials_are_the_worst_and_not_proposed() -> None:
    values = worth(CELLS)
    values[[0, 1]] = np.nan
    strategy = WithTrials(LEARNING, CELLS, values, np.zeros(12, np.int64))
    first = Search(SPACE, strategy, seed=0).ask()
    assert not np.isin(first.keys, SPACE.keys(CELLS)).any()
    nothing = WithTrials(LEARNING, CELLS, np.full(12, np.nan), np.zeros(12, np.int64))
    assert Search(SPACE, nothing, seed=0).ask().proposed_by == "uniform"


def test_a_run_is_known_by_its_trials() -> None:
    assert describe(knowing(3)) == describe(knowing(3))
    assert describe(knowing(3)) != describe(knowing(4))
    assert not knowing(3, RandomSearch()).computes


def test_trials_go_with_a_scheduler_or_are_refused_before_anything_is_trained() -> None:
    space = get_space("nasbench201")
    cells, scheduled = space.enumerate()[:3], Scheduled(RandomSearch(initial=6, batch=2), NOSH((1, 3, 9)))
    without = Search(space, WithTrials(scheduled, cells, np.arange(3) / 10, np.zeros(3, np.int64)), seed=0)
    first = without.ask()
    without.tell(first.genes, [0.4, 0.5, 0.6])
    assert without.history.epochs.tolist() == [1, 1, 1]
    assert without.ask().epochs == 3
    assert without.add(cells[:1], [0.5]) == 0  # a trial is known already
    odd = Search(space, WithTrials(scheduled, cells, np.arange(3) / 10, np.full(3, 200)), seed=0)
    with pytest.raises(ConfigurationError, match=r"The trials do not go with the scheduler .* after 200 epochs"):
        odd.ask()
