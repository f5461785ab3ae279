import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from predictornas.analysis.regret import anytime_regret, convergence_table, incumbent_curves, oracle_errors
from predictornas.errors import ConfigurationError, DataError

SIGNAL = np.array([0.30, 0.20, 0.20, 0.10, 0.40])
EVALUATION = np.array([0.31, 0.25, 0.15, 0.22, 0.05])


@pytest.fixture
def history(make_history) -> pl.DataFrame:
    """Cells 1 and 2 are tied on the signal; cell 4 is the best by evaluation and the worst by signal."""
    return make_history(SIGNAL, {"a": [[0, 1, 2, 4, 3]]}, evaluation_errors=EVALUATION)


def test_traces_by_hand(history: pl.DataFrame) -> None:
    curves = incumbent_curves(history.sample(fraction=1, shuffle=True, seed=1))
    assert curves["evaluations"].to_list() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(curves["searched"], [0.30, 0.20, 0.20, 0.20, 0.10])
    np.testing.assert_allclose(curves["chosen"], [0.31, 0.25, 0.25, 0.25, 0.22])  # the tie stays with the earlier cell
    np.testing.assert_allclose(curves["best"], [0.31, 0.25, 0.15, 0.05, 0.05])
    assert curves["cost_seconds"].to_list() == [10, 20, 30, 40, 50]
    assert curves["cost_epochs"].to_list() == [108 * i for i in range(1, 6)]


def test_what_is_recommended_is_read_on_the_evaluation_column(history: pl.DataFrame) -> None:
    key = dict(zip(history["order"], history["key"], strict=True))
    opinions = pl.Series("recommended", [None, key[0], key[2], key[2], key[1]], dtype=pl.UInt64)
    curves = incumbent_curves(history.sort("order").with_columns(opinions))
    assert curves["recommended"].to_list() == pytest.approx([0.31, 0.31, 0.15, 0.15, 0.25])  # at first by the signal


def test_who_has_no_opinion_recommends_by_the_signal_beside_those_who_have(make_history) -> None:
    history = make_history(SIGNAL, {"a": [[0, 3, 4]], "b": [[0, 1, 2]]}, evaluation_errors=EVALUATION)
    first = history.filter(pl.col("method") == "b")["key"][0]
    opinion = pl.when((pl.col("method") == "b") & (pl.col("order") == 2)).then(pl.lit(first, pl.UInt64))
    curves = incumbent_curves(history.with_columns(recommended=opinion))
    of = {name: rows["recommended"].to_list() for (name,), rows in curves.partition_by("method", as_dict=True).items()}
    assert of["a"] == pytest.approx([0.31, 0.22, 0.22])
    assert of["b"] == pytest.approx([0.31, 0.25, 0.31])


def test_where_all_go_by_the_signal_there_is_no_second_trace_of_it(history: pl.DataFrame) -> None:
    for silent in (
        history.drop("recommended", strict=False),
        history.with_columns(recommended=pl.lit(None, pl.UInt64)),
    ):
        curves = incumbent_curves(silent)
        assert curves["recommended"].null_count() == 5
        assert "recommended" not in set(convergence_table(curves)["trace"])


def test_the_incumbent_stands_at_the_highest_fidelity(history: pl.DataFrame) -> None:
    """The third evaluation is the first at 108 epochs: it takes over although lower fidelities look better."""
    epochs = pl.Series("epochs", [4, 4, 108, 4, 108])
    mixed = history.with_columns(epochs, value=pl.Series([0.99, 0.9, 0.6, 0.95, 0.7]))
    np.testing.assert_allclose(incumbent_curves(mixed)["searched"], [0.01, 0.01, 0.4, 0.4, 0.3])


@pytest.mark.parametrize("failure", [None, float("nan"), 0.0])
def test_a_training_that_failed_is_no_incumbent_at_any_fidelity(history: pl.DataFrame, failure: float | None) -> None:
    """As `predictornas.schedulers.base.incumbent`; 0 is the accuracy of a training that diverged."""
    epochs = pl.Series("epochs", [1, 1, 3, 1, 3])
    mixed = history.with_columns(epochs, value=pl.Series([0.5, 0.6, failure, 0.4, 0.3]))
    np.testing.assert_allclose(incumbent_curves(mixed)["searched"], [0.5, 0.4, 0.4, 0.4, 0.7])


def test_a_failure_does_not_make_accuracies_of_zero_count(history: pl.DataFrame) -> None:
    """Nothing is negative because something is missing."""
    epochs = pl.Series("epochs", [3, 9, 3, 3, 3])
    mixed = history.with_columns(epochs, value=pl.Series([0.9, 0.0, None, 0.5, 0.5]))
    np.testing.assert_allclose(incumbent_curves(mixed)["searched"], [0.1] * 5)


def test_a_trace_has_means_where_every_run_has_a_value(make_history) -> None:
    history = make_history(SIGNAL, {"a": [[0, 1, 2], [0, 3, 1]], "b": [[4, 1, 0]]}, evaluation_errors=EVALUATION)
    first = history.filter(pl.col("method") == "a")["run_id"][0]
    gap = (pl.col("run_id") == first) & (pl.col("order") == 1)
    lacking = history.with_columns(evaluation=pl.when(gap).then(None).otherwise(pl.col("evaluation")))
    table = convergence_table(incumbent_curves(lacking)).filter(method="a")
    assert table.filter(trace="searched")["evaluations"].to_list() == [1, 2, 3]
    assert table.filter(trace="chosen")["evaluations"].to_list() == [1]  # then the choice of one run has no value
    assert set(table["runs"]) == {2}


def test_where_values_are_negative_nothing_is_best_like_zero(history: pl.DataFrame) -> None:
    losses = history.with_columns(value=pl.Series([-0.5, -0.6, 0.0, -0.4, -0.3]))
    np.testing.assert_allclose(incumbent_curves(losses)["searched"], [1.5, 1.5, 1.0, 1.0, 1.0])


def test_missing_values(history: pl.DataFrame) -> None:
    failed = history.with_columns(
        value=pl.Series([None, float("nan"), 0.6, None, 0.7]),
        evaluation=pl.lit(None, pl.Float64),
        cost_seconds=pl.Series([1.0, None, 1.0, 1.0, 1.0]),
    )
    curves = incumbent_curves(failed)
    assert curves["searched"].to_list() == pytest.approx([None, None, 0.4, 0.4, 0.3])
    assert curves["chosen"].null_count() == curves["best"].null_count() == 5
    assert curves["cost_seconds"].to_list() == [1, None, None, None, None]
    table = convergence_table(curves)
    assert set(table["trace"]) == {"searched"}
    assert table["cost_seconds"].to_list() == [None, None, None]


def test_oracles_read_both_columns() -> None:
    oracles = oracle_errors(SIGNAL, EVALUATION)
    assert oracles.signal_on_signal == pytest.approx(0.10)
    assert oracles.signal_on_evaluation == pytest.approx(0.22)
    assert oracles.evaluation_on_evaluation == pytest.approx(0.05)
    assert oracles.evaluation_on_signal == pytest.approx(0.40)
    assert [oracles.best_possible(trace) for trace in ("searched", "chosen", "best")] == pytest.approx(
        [0.1, 0.05, 0.05]
    )


def test_oracles_need_both_values() -> None:
    with pytest.raises(DataError, match="both a signal and an evaluation"):
        oracle_errors(np.array([0.1, np.nan]), np.array([np.nan, 0.1]))
    kept = oracle_errors(np.array([0.01, 0.2]), np.array([np.nan, 0.3]))
    assert kept.signal_on_signal == pytest.approx(0.2)


def test_convergence_by_hand(make_history) -> None:
    history = make_history(SIGNAL, {"a": [[0, 1, 3], [4, 0]]}, evaluation_errors=EVALUATION)
    table = convergence_table(incumbent_curves(history), oracle_errors(SIGNAL, EVALUATION))
    searched = table.filter(pl.col("trace") == "searched")
    assert searched["evaluations"].to_list() == [1, 2]  # the third evaluation is of one run only
    np.testing.assert_allclose(searched["mean"], [0.35, 0.25])
    np.testing.assert_allclose(searched["std"], np.sqrt(2) * np.array([0.05, 0.05]))
    np.testing.assert_allclose(searched["regret"], [0.25, 0.15])
    steps = 12.7062 * 0.05 / (searched["mean"] * (1 - searched["mean"]))  # t of one degree, on the scale of the logit
    np.testing.assert_allclose(searched["high"], expit(logit(searched["mean"]) + steps), rtol=1e-5)
    assert searched["runs"].to_list() == [2, 2]
    assert searched["cost_seconds"].to_list() == [10, 20]
    best = table.filter((pl.col("trace") == "best") & (pl.col("evaluations") == 2))
    assert best["regret"][0] == pytest.approx((0.25 + 0.05) / 2 - 0.05)


def test_convergence_without_oracles_has_no_regret(history: pl.DataFrame) -> None:
    table = convergence_table(incumbent_curves(history))
    assert table["regret"].null_count() == len(table) == 15
    assert table["low"].null_count() == len(table)  # a single run


def test_anytime_regret_by_hand(history: pl.DataFrame) -> None:
    oracles = oracle_errors(SIGNAL, EVALUATION)
    rows = anytime_regret(incumbent_curves(history), oracles, evaluations=4)
    regret = dict(rows.select("trace", "regret").iter_rows())
    assert regret["searched"] == pytest.approx(0.225 - 0.1)
    assert regret["chosen"] == pytest.approx(0.265 - 0.05)
    assert regret["best"] == pytest.approx(0.19 - 0.05)
    assert rows["evaluations"].to_list() == [4, 4, 4]
    assert anytime_regret(incumbent_curves(history), oracles)["evaluations"][0] == 5


@pytest.mark.parametrize("evaluations", [0, 6])
def test_anytime_regret_refuses_what_runs_have_not_reached(history: pl.DataFrame, evaluations: int) -> None:
    oracles = oracle_errors(SIGNAL, EVALUATION)
    with pytest.raises(ConfigurationError, match="shortest run has 5"):
        anytime_regret(incumbent_curves(history), oracles, evaluations=evaluations)


def test_costs_are_means_where_every_run_knows_its_own(make_history) -> None:
    """Ten seconds an evaluation, and thirty in the second run; unknown in one run, it is unknown in the mean."""
    history = make_history(np.array([0.1, 0.2, 0.3]), {"a": [[2, 1], [2, 0]]})
    dear = history.with_columns(cost_seconds=pl.when(pl.col("seed") == 1).then(30.0).otherwise(10.0))
    ends = convergence_table(incumbent_curves(dear)).filter(pl.col("trace") == "searched")
    assert ends["cost_seconds"].to_list() == [20.0, 40.0]
    unknown = dear.with_columns(cost_seconds=pl.when(pl.col("seed") == 1).then(None).otherwise(10.0))
    assert convergence_table(incumbent_curves(unknown))["cost_seconds"].null_count() == 2
