from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.base import DenoisingPredictor, UncertainPredictor
from predictornas.predictors.gaussian_process import GaussianProcess, SignalProcess, SparseSignalProcess
from predictornas.predictors.process.graph_views import raw_views
from predictornas.spaces.registry import get_space
from predictornas.testing import check_predictor

SPACE = get_space("nasbench201")
GENES = SPACE.sample(90, np.random.default_rng(1))
VALUES = 0.5 + 0.06 * (GENES == 3).sum(axis=1) - 0.05 * (GENES == 0).sum(axis=1)


def fitted(values: np.ndarray = VALUES, **options: int) -> GaussianProcess:
    return GaussianProcess(**options).fit(SPACE, GENES[:60], values[:60], rng=np.random.default_rng(0))


@pytest.mark.slow
def test_it_keeps_the_rules_of_predictors() -> None:
    assert isinstance(GaussianProcess(), UncertainPredictor)
    assert isinstance(GaussianProcess(), DenoisingPredictor)
    check_predictor(
        GaussianProcess,
        SPACE,
        genes=GENES,
        values=VALUES,
        rng=np.random.default_rng(0),
        full_batch=True,
        tolerance=1e-4,
    )


def test_only_the_order_of_values_matters_so_a_training_that_blew_up_is_just_the_last() -> None:
    blown = VALUES.copy()
    blown[VALUES.argmin()] = 0.0
    np.testing.assert_allclose(fitted(blown).predict(GENES), fitted().predict(GENES))


def test_it_knows_what_it_saw_better_than_what_it_did_not() -> None:
    predictor = fitted()
    known, unknown = predictor.predict_std(GENES[:60]), predictor.predict_std(GENES[60:])
    assert known.mean() < 0.7 * unknown.mean()
    assert kendalltau(predictor.predict(GENES[60:]), VALUES[60:]).statistic > 0.6


def test_it_is_surer_of_what_is_in_flight_and_thinks_no_better_of_it() -> None:
    predictor = GaussianProcess(width=8).fit(SPACE, GENES[:60], VALUES[:60], rng=np.random.default_rng(0))
    flying, others = GENES[60:64], GENES[64:]
    expecting = predictor.expecting(flying)
    np.testing.assert_array_equal(expecting.predict(GENES), predictor.predict(GENES))
    assert (expecting.predict_std(flying) < predictor.predict_std(flying)).all()
    shrunk = predictor.predict_std(others) - expecting.predict_std(others)
    assert shrunk.min() > -1e-9
    assert shrunk.max() > 1e-6


def test_hyperparameters_come_from_a_sample_where_there_is_more_than_enough() -> None:
    few, all_of_them = fitted(tuned_on=20), fitted(tuned_on=60)
    assert few.regression_.hyperparameters.noise != all_of_them.regression_.hyperparameters.noise
    assert kendalltau(few.predict(GENES), all_of_them.predict(GENES)).statistic > 0.6


def test_another_random_network_gives_another_opinion_of_the_same_worth() -> None:
    first, second = fitted().predict(GENES[60:]), fitted(flow_seed=1).predict(GENES[60:])
    assert not np.allclose(first, second)
    assert kendalltau(first, second).statistic > 0.8


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DataError, match="Value 3 of 60 is nan"):
        fitted(np.where(np.arange(90) == 3, np.nan, VALUES))


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_hundred_trainings_rank_the_rest_of_a_real_table() -> None:
    benchmark = open_benchmark("nasbench201-cifar10")
    genes, values = benchmark.genes, benchmark.values(benchmark.signal)
    rows = np.random.default_rng(0).permutation(len(genes))
    predictor = GaussianProcess().fit(
        benchmark.space, genes[rows[:100]], values[rows[:100]].astype(float), rng=np.random.default_rng(0)
    )
    assert kendalltau(predictor.predict(genes[rows[100:2100]]), values[rows[100:2100]]).statistic > 0.55


def test_pools_are_scored_the_clear_way_that_searches_of_a_seed_rest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = fitted(width=8)
    inputs = predictor._scaled(raw_views(SPACE, GENES, width=8, seed=predictor.flow_seed))
    few = predictor.predict(GENES)
    assert few.tolist() == predictor.regression_.mean(inputs).tolist()
    monkeypatch.setattr("predictornas.predictors.gaussian_process._BLOCK", 10)
    many = predictor.predict(GENES)
    assert many.tolist() != few.tolist()  # it rounds in another way
    assert many == pytest.approx(few, abs=1e-4)


def test_signals_are_told_of_spaces_that_say_how_they_pass() -> None:
    """In parts too, which is how a whole space is scored, and in a table that has part of a space."""
    space = get_space("nasbench101")
    genes = space.sample(60, np.random.default_rng(0))
    part = space.restricted_to(space.keys(genes))
    values = (genes[:, 21:] == 0).mean(axis=1)
    ours = SignalProcess(width=4).fit(space, genes, values, rng=np.random.default_rng(0))
    of_part = SignalProcess(width=4).fit(part, genes, values, rng=np.random.default_rng(0))
    plain = GaussianProcess(width=4).fit(space, genes, values, rng=np.random.default_rng(0))
    others = space.enumerate()[:9000]
    scores = ours.predict(others)
    np.testing.assert_allclose(scores[::500], ours.predict(others[::500]), atol=1e-4)
    np.testing.assert_array_equal(of_part.predict(genes), ours.predict(genes))
    assert not np.allclose(plain.predict(others[::500]), scores[::500], atol=0.01)


def test_without_signals_it_is_the_plain_process() -> None:
    space = get_space("nasbench-graph")
    genes = space.sample(60, np.random.default_rng(0))
    values = (genes == 3).mean(axis=1)
    ours = SignalProcess(width=8).fit(space, genes[:40], values[:40], rng=np.random.default_rng(0))
    plain = GaussianProcess(width=8).fit(space, genes[:40], values[:40], rng=np.random.default_rng(0))
    np.testing.assert_array_equal(ours.predict(genes[40:]), plain.predict(genes[40:]))


def test_cells_of_nasbench201_are_ranked_better_once_identities_are_wires() -> None:
    table = open_benchmark("nasbench201-cifar10")
    genes = table.space.enumerate()
    values = -table.costs("valid_accuracy_200_run0")[table.rows(table.space.enumerated_keys())]
    rows = np.random.default_rng(0).permutation(len(genes))[:2200]
    learned, others = rows[:200], rows[200:]

    def tau(process: GaussianProcess) -> float:
        fitted = process.fit(table.space, genes[learned], values[learned], rng=np.random.default_rng(0))
        return float(kendalltau(fitted.predict(genes[others]), values[others]).statistic)

    assert tau(SignalProcess(width=8)) > tau(GaussianProcess(width=8)) + 0.01


@pytest.mark.parametrize("process", [GaussianProcess, SignalProcess, SparseSignalProcess])
def test_a_large_pool_of_a_space_that_nobody_can_list_is_scored(process: type[GaussianProcess]) -> None:
    space, rng = get_space("darts"), np.random.default_rng(0)
    genes = space.sample(20, rng)
    ranked = process(width=2).fit(space, genes, (genes == 1).mean(axis=1), rng=rng)
    pool = space.sample(8200, rng)
    np.testing.assert_allclose(ranked.predict(pool)[-50:], ranked.predict(pool[-50:]), atol=1e-4)


def test_scores_of_fewer_kernels_are_nearly_those_of_all_and_as_sure() -> None:
    space = get_space("nasbench101")
    genes, others = space.enumerate()[::2000], space.enumerate()[1000::2000]
    values = (genes[:, 21:] == 0).mean(axis=1) + 0.1 * np.random.default_rng(1).normal(size=len(genes))
    whole, sparse, same = (
        process.fit(space, genes, values, rng=np.random.default_rng(0))
        for process in (
            SignalProcess(width=16),
            SparseSignalProcess(inducing=len(genes) // 2),
            SparseSignalProcess(inducing=len(genes)),
        )
    )
    assert kendalltau(sparse.predict(others), whole.predict(others)).statistic > 0.9
    np.testing.assert_array_equal(sparse.predict_std(others), whole.predict_std(others))
    np.testing.assert_array_equal(same.predict(others), whole.predict(others))
    assert not np.array_equal(sparse.predict(others), whole.predict(others))
    with pytest.raises(ConfigurationError, match="inducing >= 1"):
        SparseSignalProcess(inducing=0)
