import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.analysis.targets import targets_for
from predictornas.errors import ConfigurationError, DataError


def test_ties_count_together_and_a_target_counts_itself() -> None:
    targets = targets_for(np.array([0.3, 0.1, 0.2, 0.1, 0.9]), count=20)
    assert targets["target_error"].to_list() == [0.1, 0.2, 0.3, 0.9]
    assert targets["table_hits"].to_list() == [2, 3, 4, 5]
    assert targets["quantile"].to_list() == [0.4, 0.6, 0.8, 1.0]


def test_targets_of_your_own_may_be_unreachable() -> None:
    targets = targets_for(np.array([0.1, 0.2]), count=0, errors=[0.15, 0.05])
    assert targets.rows() == [(0.05, 0, 0.0), (0.15, 1, 0.5)]


@pytest.mark.slow
@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60),
    st.integers(1, 70),
    st.sampled_from([np.float32, np.float64]),
)
def test_hits_are_counted_as_a_loop_counts_them(errors: list[float], count: int, precision: type) -> None:
    table = np.array(errors, precision)
    for target, hits, _ in targets_for(table, count=count).iter_rows():
        assert hits == sum(float(error) <= target for error in table)
        assert any(float(error) == target for error in table)


def test_ranks_reach_from_the_best_to_all() -> None:
    targets = targets_for(np.linspace(0.05, 0.9, 10_000), count=60)
    assert targets["table_hits"][0] == 1
    assert targets["table_hits"][-1] == 10_000
    steps = np.diff(np.log(targets["table_hits"].to_numpy()))[-20:]
    np.testing.assert_allclose(steps, np.log(10_000) / 59, rtol=0.02)


def test_missing_errors_and_missing_targets_are_refused() -> None:
    with pytest.raises(DataError, match="1 of them not finite"):
        targets_for(np.array([0.1, np.nan]))
    with pytest.raises(DataError, match="0 errors"):
        targets_for(np.array([]))
    with pytest.raises(ConfigurationError, match="count >= 1"):
        targets_for(np.array([0.1]), count=0)


def test_known_ranks_of_the_real_table(test_tables) -> None:
    table = pl.read_parquet(test_tables / "nasbench101_test108.parquet", columns=["test_accuracy_run0"])
    targets = targets_for(1 - table["test_accuracy_run0"].to_numpy(), errors=[0.05])
    assert targets["table_hits"][0] == 0  # nothing below 5 % on this column
    assert targets["target_error"][1] == pytest.approx(0.0534, abs=5e-5)
    assert targets["table_hits"][-1] == 423_624
