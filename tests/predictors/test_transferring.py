"""What a process learns from the ranks of other sources, with slopes worked out by hand."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from predictornas.errors import DataError
from predictornas.predictors import transferring
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.process.matern import Regression
from predictornas.predictors.studied import fast_gp
from predictornas.predictors.transferring import Prior, TransferProcess, fitted, shrunken_slope
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")


class White:
    """A covariance that is a multiple of the identity."""

    def __init__(self, variance: float) -> None:
        self.variance = variance

    def solve(self, vector: np.ndarray) -> np.ndarray:
        return vector / self.variance


def slope(predicted: list[float], targets: list[float], variance: float) -> float:
    return shrunken_slope(np.array(predicted), np.array(targets), cast("Regression", White(variance)))


def cells(count: int, seed: int) -> Genes:
    return SPACE.sample(count, np.random.default_rng(seed))


def worth(genes: Genes) -> np.ndarray:
    """3 x 3 convolutions are best, and zeros worst."""
    return np.asarray((genes == 3).sum(axis=1) - 2.0 * (genes == 0).sum(axis=1))


def fit(values: np.ndarray, genes: Genes, *sources: Prior) -> TransferProcess:
    process = TransferProcess.of(fast_gp(), sources)
    return process.fit(SPACE, genes, values, rng=np.random.default_rng(0))


def test_a_slope_loses_what_chance_would_make_of_it() -> None:
    """x' C^-1 x = 2 / v. b = 2 with variance 1/2: 2 (1 - 1/2 / 4) = 1.75; with variance 4, as large as b^2: nothing."""
    assert slope([-1, 0, 1], [-2, 0, 2], 1.0) == 1.75
    assert slope([-1, 0, 1], [-2, 0, 2], 8.0) == 0.0


def test_a_source_of_the_opposite_opinion_or_of_none_has_no_slope() -> None:
    assert slope([-1, 0, 1], [2, 0, -2], 0.01) == 0.0
    assert slope([0, 0, 0], [-2, 0, 2], 0.01) == 0.0


@pytest.mark.slow
def test_only_ranks_within_each_source_count() -> None:
    """Whatever rises with the values of a source, and two sources on scales of their own, give the same predictions."""
    genes, other, seen = cells(30, 1), cells(40, 2), cells(20, 3)
    known = worth(other) + np.random.default_rng(0).normal(size=40)
    plain = fit(worth(seen), seen, Prior(other, known), Prior(genes, worth(genes)))
    bent = fit(worth(seen), seen, Prior(other, 1000 * np.exp(known) - 7), Prior(genes, worth(genes) / 1e6))
    assert bent.slopes_.tolist() == plain.slopes_.tolist()
    assert bent.predict(genes).tolist() == plain.predict(genes).tolist()


@pytest.mark.slow
def test_a_source_of_the_same_order_ranks_what_ten_evaluations_cannot() -> None:
    """Over 200 other cells the correlation with the truth rises."""
    seen, others, unseen = cells(10, 1), cells(100, 2), cells(200, 3)
    alone = fast_gp().fit(SPACE, seen, worth(seen), rng=np.random.default_rng(0))
    informed = fit(worth(seen), seen, Prior(others, worth(others)))
    truth = worth(unseen)
    assert informed.slopes_[0] > 0.5
    helped, before = (float(np.corrcoef(each.predict(unseen), truth)[0, 1]) for each in (informed, alone))
    assert helped > 0.8
    assert helped > before + 0.1


@pytest.mark.slow
def test_shuffled_sources_have_hardly_any_slope_and_without_one_nothing_changes() -> None:
    seen, others = cells(40, 1), cells(60, 2)
    alone = fast_gp().fit(SPACE, seen, worth(seen), rng=np.random.default_rng(0))
    slopes = []
    for seed in range(8):
        values = np.random.default_rng(seed).permutation(worth(others))
        informed = fit(worth(seen), seen, Prior(others, values))
        slopes.append(float(informed.slopes_[0]))
        if not informed.slopes_.any():
            assert informed.predict(others).tolist() == alone.predict(others).tolist()
            assert informed.predict_std(others).tolist() == alone.predict_std(others).tolist()
    assert slopes.count(0.0) >= 4
    assert fit(worth(seen), seen, Prior(others, worth(others))).slopes_[0] > 0.5


def test_failures_of_a_source_and_all_beyond_the_most_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transferring, "MOST", 30)
    genes = cells(50, 1)
    values = worth(genes)
    values[:15] = np.nan
    of_all, of_few = (fitted(Prior(genes[:size], values[:size]), SPACE, fast_gp()) for size in (50, 40))
    assert len(of_all.regression_.solve(np.ones(30))) == 30
    assert len(of_few.regression_.solve(np.ones(25))) == 25


def test_a_source_is_fitted_once() -> None:
    genes = cells(20, 1)
    source = Prior(genes, worth(genes))
    assert fitted(source, SPACE, fast_gp()) is fitted(source, SPACE, fast_gp())
    assert fitted(source, SPACE, GaussianProcess(width=8)) is not fitted(source, SPACE, fast_gp())


@pytest.mark.parametrize("values", [[0.5, 0.5, 0.5, 0.5], [0.1, np.nan, np.nan, 0.2], [0.1, 0.2, 0.3]])
def test_a_source_with_nothing_to_rank_is_refused(values: list[float]) -> None:
    with pytest.raises(DataError, match="at least three that are not all equal"):
        Prior(cells(4, 1), np.array(values))
