from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.errors import ConfigurationError, DataError
from predictornas.history import POOL_SCHEMA, SCHEMA, History, Pending


@pytest.fixture
def history() -> History:
    first = History.empty(2).extended(
        keys=[5, 2**64 - 1], genes=[[0, 1], [1, 1]], epochs=[108, 108], values=[0.5, 0.9], iteration=0
    )
    return first.extended(keys=[7, 8], genes=[[0, 0], [1, 0]], epochs=[108, 36], values=[0.9, 0.7], iteration=1)


def test_an_empty_history_has_no_rows() -> None:
    history = History.empty(26)
    assert len(history) == 0
    assert history.genes.shape == (0, 26)
    assert 0 not in history
    assert history.best(4).tolist() == []


def test_extending_appends_in_order(history: History) -> None:
    assert len(history) == 4
    assert history.keys.tolist() == [5, 2**64 - 1, 7, 8]
    assert history.genes.tolist() == [[0, 1], [1, 1], [0, 0], [1, 0]]
    assert history.epochs.tolist() == [108, 108, 108, 36]
    assert history.values.tolist() == [0.5, 0.9, 0.9, 0.7]
    assert history.iterations.tolist() == [0, 0, 1, 1]


def test_the_longest_trainings_are_those_that_succeeded(history: History) -> None:
    assert history.longest().tolist() == [0, 1, 2]
    failed = history.extended(keys=[7, 8], genes=[[0, 0], [1, 0]], epochs=[200, 200], values=[0.0, np.nan], iteration=2)
    assert failed.succeeded.tolist() == [True] * 4 + [False] * 2
    assert failed.longest().tolist() == [0, 1, 2]
    assert History.empty(2).longest().tolist() == []


def test_types_stay_those_of_the_schema(history: History) -> None:
    columns = (history.keys, history.genes, history.epochs, history.values, history.iterations)
    assert [column.dtype.name for column in columns] == ["uint64", "int8", "int64", "float64", "int64"]


def test_extending_leaves_the_old_history_alone(history: History) -> None:
    longer = history.extended(keys=[9], genes=[[1, 1]], epochs=[4], values=[1.0], iteration=2)
    assert len(history) == 4
    assert 9 in longer
    assert 9 not in history


def test_an_iteration_sees_only_what_came_before_it(history: History) -> None:
    assert len(history.before(0)) == 0
    first = history.before(1)
    assert first.keys.tolist() == [5, 2**64 - 1]
    assert (first.genes.tolist(), first.epochs.tolist(), first.values.tolist()) == (
        [[0, 1], [1, 1]],
        [108, 108],
        [0.5, 0.9],
    )
    assert 7 not in first
    assert history.before(2).keys.tolist() == history.keys.tolist()


def test_membership_is_by_key(history: History) -> None:
    assert np.uint64(2**64 - 1) in history
    assert 5 in history
    assert 6 not in history


def test_the_best_come_first_and_ties_stay_in_order(history: History) -> None:
    assert history.best(1).tolist() == [1]
    assert history.best(3).tolist() == [1, 2, 3]
    assert history.best(100).tolist() == [1, 2, 3, 0]


def test_missing_values_are_never_the_best(history: History) -> None:
    longer = history.extended(keys=[9], genes=[[1, 1]], epochs=[4], values=[np.nan], iteration=2)
    assert longer.best(5).tolist() == [1, 2, 3, 0, 4]


def test_schemas_share_what_identifies_a_run() -> None:
    shared = [name for name in POOL_SCHEMA if name in SCHEMA]
    assert shared == ["run_id", "method", "seed", "iteration"]
    assert all(POOL_SCHEMA[name] == SCHEMA[name] for name in shared)


def test_the_latest_evaluation_of_each_architecture_in_order_of_the_first(history: History) -> None:
    longer = history.extended(
        keys=[7, 5, 9], genes=[[0, 0], [0, 1], [1, 1]], epochs=[200, 200, 4], values=[0.1, 0.2, 0.3], iteration=2
    )
    latest = longer.extended(keys=[5], genes=[[0, 1]], epochs=[300], values=[0.4], iteration=3).latest()
    assert latest.keys.tolist() == [5, 2**64 - 1, 7, 8, 9]
    assert latest.genes.tolist() == [[0, 1], [1, 1], [0, 0], [1, 0], [1, 1]]
    assert latest.epochs.tolist() == [300, 108, 200, 36, 4]
    assert latest.values.tolist() == [0.4, 0.9, 0.1, 0.7, 0.3]
    assert latest.iterations.tolist() == [3, 0, 2, 1, 2]


def test_a_history_without_repetitions_is_its_own_latest(history: History) -> None:
    assert history.latest() is history
    assert len(History.empty(2).latest()) == 0


def test_two_histories_that_grow_from_one_do_not_see_each_other(history: History) -> None:
    def grown(key: int) -> History:
        return history.extended(keys=[key], genes=[[1, 1]], epochs=[4], values=[key / 100], iteration=2)

    first, second = grown(11), grown(12)
    longer = first.extended(keys=[13], genes=[[0, 1]], epochs=[4], values=[0.13], iteration=3)
    assert [len(each) for each in (history, first, second, longer)] == [4, 5, 5, 6]
    assert (first.keys.tolist()[4:], second.keys.tolist()[4:], longer.keys.tolist()[4:]) == ([11], [12], [11, 13])
    assert (first.values[4], second.values[4], longer.values.tolist()[4:]) == (0.11, 0.12, [0.11, 0.13])
    seen = {key: [key in each for each in (history, first, second, longer)] for key in (11, 12, 13)}
    assert seen == {11: [False, True, False, True], 12: [False, False, True, False], 13: [False, False, False, True]}


def test_a_history_grows_without_copying_what_it_has() -> None:
    """1,000 tells copy each row but a few times (room doubles), not 500 times."""
    history, copied, before = History.empty(2), 0, None
    for iteration in range(1000):
        history = history.extended(
            keys=[iteration], genes=[[0, 1]], epochs=[1], values=[iteration / 1000], iteration=iteration
        )
        if before is not None and not np.shares_memory(before.values, history.values):
            copied += len(before)
        before = history
    assert history.values.tolist() == [iteration / 1000 for iteration in range(1000)]
    assert copied < 2000


def test_columns_of_different_lengths_are_refused(history: History) -> None:
    with pytest.raises(ValueError, match="1 rows in one of the columns, 2 in another"):
        history.extended(keys=[1, 2], genes=[[0, 1]], epochs=[1, 1], values=[0.1, 0.2], iteration=2)
    assert len(history.extended(keys=[1], genes=[[0, 1]], epochs=[1], values=[0.1], iteration=2)) == 5


def test_costs_grow_with_the_history_and_are_unknown_where_none_are_told() -> None:
    told = History.empty(2)
    for iteration, costs in enumerate(([[1.0, 2.0]], [[3.0, 4.0]], None)):
        told = told.extended(
            keys=[iteration], genes=[[0, 0]], epochs=[0], values=[0.5], iteration=iteration, costs=costs
        )
    assert told.costs is not None
    assert told.costs[:2].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert np.isnan(told.costs[2]).all()
    assert told.before(1).costs is not None
    assert told.before(1).costs.tolist() == [[1.0, 2.0]]  # type: ignore[union-attr]


def test_costs_from_the_middle_on_are_refused() -> None:
    told = History.empty(2).extended(keys=[1], genes=[[0, 0]], epochs=[0], values=[0.5], iteration=0)
    with pytest.raises(ValueError, match="none of the 1 before"):
        told.extended(keys=[2], genes=[[0, 0]], epochs=[0], values=[0.5], iteration=1, costs=[[1.0]])


def with_everything() -> History:
    told = History.empty(2).extended(
        keys=[5, 6, 2**64 - 1],
        genes=[[0, 1], [1, 1], [0, 0]],
        epochs=[4, 4, 12],
        values=[0.5, np.nan, 0.25],
        iteration=[0, 2, 1],
        costs=[[1.0, 7.0], [np.nan, 3.0], [2.0, 5.0]],
        failures={1: "no memory"},
    )
    return told.with_pending([Pending(9, (1, 0), 3, 12, "gpu", 1.5), Pending(10, (1, 1), 4)])


def test_failures_and_what_is_in_flight_go_along() -> None:
    told = with_everything()
    grown = told.extended(keys=[7], genes=[[1, 0]], epochs=[4], values=[np.nan], iteration=5, failures={0: "killed"})
    assert (told.failures, grown.failures) == ({1: "no memory"}, {1: "no memory", 3: "killed"})
    assert grown.pending == told.pending
    assert grown.rows(np.array([3, 0, 1])).failures == {0: "killed", 2: "no memory"}
    assert grown.before(2).failures == {}
    assert grown.failed.tolist() == [False, True, False, True]
    assert grown.longest().tolist() == [2]
    assert (told.pending_keys.tolist(), told.pending_genes.tolist()) == ([9, 10], [[1, 0], [1, 1]])
    assert told.with_pending([]).pending_genes.shape == (0, 2)


def test_failures_are_last_for_whoever_learns() -> None:
    learned = with_everything().with_failures_last()
    assert learned.values.tolist() == [0.5, 0.25, 0.25]
    assert learned.costs is not None
    assert learned.costs.tolist() == [[1.0, 7.0], [2.0, 3.0], [2.0, 5.0]]
    assert learned.failed.tolist() == [False, True, False]
    assert learned.longest().tolist() == [2]
    unnamed = History.empty(1).extended(keys=[1], genes=[[0]], epochs=[1], values=[np.nan], iteration=0)
    assert (unnamed.with_failures_last().values.tolist(), unnamed.with_failures_last().failed.tolist()) == ([0], [True])


def test_a_history_without_failures_is_what_is_learned_from(history: History) -> None:
    assert history.with_failures_last() is history


def test_costs_may_begin_after_failures_that_had_none() -> None:
    failed = History.empty(1).extended(keys=[1], genes=[[0]], epochs=[1], values=[np.nan], iteration=0)
    told = failed.extended(keys=[2], genes=[[1]], epochs=[1], values=[0.5], iteration=1, costs=[[3.0]])
    np.testing.assert_array_equal(told.costs, [[np.nan], [3.0]])


@pytest.mark.parametrize("told", [with_everything(), with_everything().before(0), History.empty(26)])
def test_what_is_saved_is_loaded(told: History, tmp_path: Path) -> None:
    told.save(tmp_path / "history.parquet")
    loaded = History.load(tmp_path / "history.parquet")
    for name in ("keys", "genes", "epochs", "values", "iterations", "costs"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(told, name))
    assert (loaded.failures, loaded.pending) == (told.failures, told.pending)
    assert loaded.genes.dtype == np.int8


def test_other_files_are_no_histories(tmp_path: Path) -> None:
    pl.DataFrame({"key": [1], "value": [0.5]}).write_parquet(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(DataError, match=r"no saved history: it lacks .*state"):
        History.load(tmp_path / "other.parquet")
    with pytest.raises(DataError, match="cannot be read"):
        History.load(tmp_path / "text.parquet")


def test_a_name_does_not_promise_another_kind_of_file(history: History, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"call the file h\.parquet"):
        history.save(tmp_path / "h.csv")
    assert not list(tmp_path.iterdir())
