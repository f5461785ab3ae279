"""Ranks against Demsar 2006 (JMLR 7, tables 5 and 6 and section 3.2.2), scipy, and examples worked out by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from predictornas.analysis.ranking import critical_difference, friedman_test, indistinct_groups, rank_table
from predictornas.errors import DataError

AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.975, 0.9749],  # printed 0.975, but ranked third, by more digits than are printed
        [0.957, 0.978, 0.946, 0.970],
    ]
)
"""Four classifiers on 14 data sets (Demsar 2006, table 6); higher is better."""

NAMES = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")


def _values(matrix: np.ndarray, names: tuple[str, ...]) -> pl.DataFrame:
    wide = pl.DataFrame(dict(zip(names, matrix.T, strict=True))).with_row_index("block")
    return wide.unpivot(index="block", variable_name="method", value_name="value")


def test_the_example_of_demsar() -> None:
    """The paper prints chi-square 9.28 and F 3.69, without the correction for its ties, one of four and three of two:
    9.28 / (1 - (60 + 3 6) / (14 4 15)) = 10.23, and F = 13 10.23 / (42 - 10.23)."""
    table = rank_table(_values(1 - AUC, NAMES))
    assert table["method"].to_list() == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    assert table["rank"].to_list() == pytest.approx([1.964, 2.000, 2.893, 3.143], abs=5e-4)
    assert table["blocks"].to_list() == [14] * 4
    assert table["critical_difference"][0] == pytest.approx(1.25, abs=0.005)
    assert table["groups"].to_list() == ["1"] * 4  # 3.143 - 1.964 < 1.25: "not powerful enough", as the paper finds
    assert table["chi_square"][0] == pytest.approx(9.28 / (1 - 78 / 840), abs=0.01)
    assert table["f"][0] == pytest.approx(13 * 10.23 / (42 - 10.23), abs=0.01)
    expected = stats.friedmanchisquare(*AUC.T)
    assert table["chi_square"][0] == pytest.approx(expected.statistic)
    assert table["chi_square_p"][0] == pytest.approx(expected.pvalue)


def test_iman_and_davenport_without_ties() -> None:
    """Rank sums 6, 12, 12, 20 over five blocks: chi2 = 12/(5 4 5) (36+144+144+400) - 3 5 5 = 11.88,
    F = 4 11.88 / (15 - 11.88)."""
    ranks = np.array([[1, 2, 3, 4], [1, 3, 2, 4], [2, 1, 3, 4], [1, 3, 2, 4], [1, 3, 2, 4]], float)
    test = friedman_test(ranks)
    assert ranks.sum(axis=0).tolist() == [6, 12, 12, 20]
    assert test.chi_square == pytest.approx(11.88)
    assert test.chi_square_p == pytest.approx(stats.friedmanchisquare(*ranks.T).pvalue)
    assert test.f == pytest.approx(4 * 11.88 / 3.12)
    assert test.f_p == pytest.approx(stats.f.sf(4 * 11.88 / 3.12, 3, 12))


def test_agreement_and_ties_are_no_division_by_zero() -> None:
    agreed = friedman_test(np.array([[1.0, 2.0, 3.0]] * 4))
    assert agreed.chi_square == pytest.approx(8)  # N (k - 1), its largest value
    assert (agreed.f, agreed.f_p) == (None, None)
    tied = friedman_test(np.full((4, 3), 2.0))
    assert (tied.chi_square, tied.chi_square_p, tied.f, tied.f_p) == (0, 1, 0, 1)


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_critical_values_of_the_papers_table_5(methods: int, q: float) -> None:
    assert critical_difference(methods, 14) == pytest.approx(q * (methods * (methods + 1) / 84) ** 0.5, rel=4e-4)


def test_runs_within_the_critical_difference() -> None:
    assert indistinct_groups([1.0, 1.8, 2.5, 4.0], 1.0) == [(0, 1), (1, 2), (3, 3)]
    assert indistinct_groups([1.0, 1.2, 1.4], 1.0) == [(0, 2)]
    assert indistinct_groups([1.0, 2.0], 1.0) == [(0, 0), (1, 1)]  # at the critical difference they differ


def test_a_method_between_two_belongs_to_both_groups() -> None:
    """Mean ranks by hand; CD = 2.343 sqrt(12 / 6 N), 0.605 at N = 30 and 0.511 at N = 42."""
    orders = [[1, 2, 3]] * 20 + [[2, 1, 3]] * 6 + [[3, 1, 2]] * 2 + [[1, 3, 2]] * 2
    table = rank_table(_values(np.array(orders, float), ("a", "b", "c")))
    assert table["rank"].to_list() == pytest.approx([40 / 30, 54 / 30, 86 / 30])
    assert table["critical_difference"][0] == pytest.approx(0.605, abs=1e-3)
    assert table["groups"].to_list() == ["1", "1", "2"]
    table = rank_table(_values(np.array(orders + [[1, 3, 2]] * 12, float), ("a", "b", "c")))
    assert table["rank"].to_list() == pytest.approx([52 / 42, 90 / 42, 110 / 42])
    assert table["groups"].to_list() == ["1", "2", "2"]
    table = rank_table(_values(np.array([[1, 2, 3]] * 3, float), ("a", "b", "c")))
    assert table["groups"].to_list() == ["1", "1 2", "2"]  # 1, 2, 3 at CD 1.91


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=8))
def test_ranks_and_statistic_agree_with_scipy(rows: list[list[int]]) -> None:
    values = np.array(rows, float)
    table = rank_table(_values(values, ("a", "b", "c", "d"))).sort("method")
    assert table["rank"].to_list() == pytest.approx(stats.rankdata(values, axis=1).mean(axis=0))
    if (values != values[:, :1]).any():
        assert table["chi_square"][0] == pytest.approx(stats.friedmanchisquare(*values.T).statistic)


def test_what_cannot_be_ranked() -> None:
    values = _values(AUC, NAMES)
    with pytest.raises(DataError, match="got 1 and 4"):
        rank_table(values.filter(pl.col("block") == 0))
    with pytest.raises(DataError, match="14 blocks and 4 methods need one value each, 56; got 55 of 55"):
        rank_table(values[1:])
    missing = values.with_columns(value=pl.when(pl.int_range(pl.len()) > 0).then("value"))
    with pytest.raises(DataError, match="got 55 of 56"):
        rank_table(missing)
    with pytest.raises(DataError, match="got 56 of 56"):
        rank_table(pl.concat([values[1:], values[-1:]]))
