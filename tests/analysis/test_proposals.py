import numpy as np
import polars as pl
import pytest

from predictornas.analysis.proposals import RunProposals, counts_of, proposals_of
from predictornas.errors import DataError

TABLE = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def test_initial_set_is_left_out_and_order_is_kept(make_history) -> None:
    history = make_history(TABLE, {"a": [[4, 2, 0, 1]]}, initial=1, per_iteration=2)
    (run,) = proposals_of(history.sample(fraction=1, shuffle=True, seed=3), TABLE)["a"]
    np.testing.assert_allclose(run.errors, [0.3, 0.1, 0.2])
    assert run.iterations.tolist() == [1, 1, 2]


def test_an_architecture_counts_once_a_run_and_never_from_the_initial_set(make_history) -> None:
    history = make_history(TABLE, {"a": [[4, 0, 0, 4, 1], [4, 0]]})
    first, second = proposals_of(history, TABLE)["a"]
    np.testing.assert_allclose(first.errors, [0.1, 0.2])
    np.testing.assert_allclose(second.errors, [0.1])


def test_float32_tables_and_float64_histories_agree(make_history) -> None:
    accuracies = np.array([0.9466146, 0.921174, 0.3219, 0.0995593], np.float32)
    history = make_history(1 - accuracies.astype(np.float64), {"a": [[1, 0, 2, 3]]})
    for table in (1 - accuracies, (1 - accuracies).astype(np.float64), 1 - accuracies.astype(np.float64)):
        (run,) = proposals_of(history, table)["a"]
        assert run.errors.tolist() == [float(table[0]), float(table[2]), float(table[3])]


def test_another_tables_values_are_refused(make_history) -> None:
    history = make_history(TABLE, {"a": [[0, 1]]})
    with pytest.raises(DataError, match=r"does not hold, such as 0\.200000"):
        proposals_of(history, np.array([0.1, 0.21]))


def test_a_failed_evaluation_is_a_proposal_that_never_hits(make_history) -> None:
    history = make_history(TABLE, {"a": [[4, 0, 1]]})
    failed = history.with_columns(value=pl.when(pl.col("order") == 1).then(None).otherwise(pl.col("value")))
    (run,) = proposals_of(failed, TABLE)["a"]
    np.testing.assert_allclose(run.errors, [np.inf, 0.2])
    assert counts_of([run], TABLE).hits[0, -1] == 1


def test_mixed_fidelities_and_runs_without_proposals_are_refused(make_history) -> None:
    history = make_history(TABLE, {"a": [[4, 0]]})
    mixed = pl.concat([history, history.with_columns(epochs=pl.lit(12, pl.Int64))])
    with pytest.raises(DataError, match=r"\[12, 108\]"):
        proposals_of(mixed, TABLE)
    with pytest.raises(DataError, match="initial set T0 only"):
        proposals_of(make_history(TABLE, {"a": [[4, 0], [4]]}), TABLE)


def test_counts_by_hand() -> None:
    runs = [
        RunProposals("0", np.array([0.3, 0.1, 0.2, 0.5]), np.array([1, 1, 2, 2])),
        RunProposals("1", np.array([0.4, 0.3, 0.2]), np.array([1, 1, 2])),
    ]
    counts = counts_of(runs, np.array([0.05, 0.1, 0.2, 0.3]))
    assert counts.proposals.tolist() == [4, 3]
    assert counts.hits.tolist() == [[0, 1, 2, 3], [0, 0, 1, 2]]
    assert counts.first_hit.tolist() == [[4, 2, 2, 1], [3, 3, 3, 2]]
    assert counts.iterations.tolist() == [2, 2]
    # Iterations of run 0 have two proposals each, those of run 1 two and one.
    np.testing.assert_allclose(counts.iteration_trials, [[6, 4.5, 3, 2.5], [5, 5, 4, 2.5]])


def test_counts_agree_with_loops() -> None:
    rng = np.random.default_rng(5)
    errors = rng.integers(0, 30, 50) / 30
    iterations = np.repeat(np.arange(1, 14), 4)[:50]
    targets = np.unique(rng.integers(0, 30, 12) / 30)
    counts = counts_of([RunProposals("0", errors, iterations)], targets)
    for column, target in enumerate(targets):
        hit = errors <= target
        assert counts.hits[0, column] == hit.sum()
        assert counts.first_hit[0, column] == (hit.argmax() + 1 if hit.any() else 50)
        trials = [((iterations == t).sum() + 1) / (hit[iterations == t].sum() + 1) for t in np.unique(iterations)]
        assert counts.iteration_trials[0, column] == pytest.approx(sum(trials))


def test_runs_and_methods_are_in_the_order_of_names_and_seeds(make_history) -> None:
    chosen = [[4, place % 4] for place in range(12)]
    history = make_history(TABLE, {"c": chosen, "a": chosen, "b": chosen})
    found = proposals_of(history.sample(fraction=1, shuffle=True, seed=3), TABLE)
    assert list(found) == ["a", "b", "c"]
    for method, runs in found.items():
        assert [run.run_id for run in runs] == [f"{method}/{seed}" for seed in range(12)]
        np.testing.assert_allclose([run.errors[0] for run in runs], [TABLE[place % 4] for place in range(12)])
