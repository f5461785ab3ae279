from __future__ import annotations

import numpy as np
import pytest

from predictornas import RandomSearch
from predictornas.errors import ConfigurationError
from predictornas.search.named import Named
from predictornas.studies.expected.rehearsal import Effort, Rehearsal, rehearsable
from predictornas.studies.gain.opened import OpenedStudy, open_study
from predictornas.studies.gain.study import Study
from tests.studies.expected.parts import TABLE, search

EFFORT = Effort(draws=2, sizes=2, runs=4)


def nothing(_: int) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def opened() -> OpenedStudy:
    return open_study(Study(benchmark=TABLE, methods=(Named("noisy", search(3.0)),), budget=50))


def rehearsal(opened: OpenedStudy, seed: int = 0) -> Rehearsal:
    return Rehearsal(opened, search(3.0), 50, EFFORT, seed)


def test_training_sets_of_a_round_are_as_good_as_what_was_evaluated(opened: OpenedStudy) -> None:
    ours = rehearsal(opened)
    first = ours.shared_rounds(nothing)
    second = ours.next_round(first, nothing)
    costs = opened.benchmark.costs(opened.benchmark.signal)
    assert [[len(fit.rows) for fit in draw] for draw in (*first, *second)] == [[10, 40]] * 4
    assert all(len(set(fit.rows.tolist())) == len(fit.rows) for draw in second for fit in draw)
    history, _ = ours.histories(first, "noisy")
    proposed = -history.filter(iteration=1, run_id="noisy 0")["value"].median()  # type: ignore[operator]
    learned = np.median(costs[second[0][1].rows[10:20]] - 1)
    assert learned == pytest.approx(proposed, abs=0.05)
    assert learned < np.median(costs) - 1 - 0.1


def test_the_same_seed_rehearses_the_same(opened: OpenedStudy) -> None:
    def once(seed: int) -> list[float]:
        ours = rehearsal(opened, seed)
        return ours.histories(ours.next_round(ours.shared_rounds(nothing), nothing), "noisy")[0]["value"].to_list()

    assert once(0) == once(0) != once(1)


def test_a_rehearsed_search_is_a_search(opened: OpenedStudy) -> None:
    ours = rehearsal(opened)
    history, pools = ours.histories(ours.shared_rounds(nothing), "noisy")
    assert history["run_id"].n_unique() == EFFORT.runs
    for (_,), run in history.group_by("run_id"):
        assert len(run) == run["key"].n_unique() == 50
        assert run["iteration"].to_list() == [iteration for iteration in range(5) for _ in range(10)]
    assert pools.select("run_id", "iteration").unique().height == EFFORT.runs * 4
    assert set(pools["pool_size"]) == {200}


def test_what_fits_no_predictor_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'random' fits no predictor"):
        rehearsable("random", RandomSearch())
    with pytest.raises(ConfigurationError, match="at least 2 draws"):
        Effort(draws=1)
