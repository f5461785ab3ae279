from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from predictornas.description import describe
from predictornas.errors import ConfigurationError, DataError, UnknownNameError
from predictornas.predictors.scikit import sklearn_predictor
from predictornas.samplers.uniform import Uniform
from predictornas.search.strategies import PredictorSearch
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.testing import check_predictor, check_strategy
from tests.extras import needed

needed("sklearn")
SPACE = NASBench201()


def share_of_convolutions(genes: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 + (genes == 3).mean(axis=1) / 3 + (genes == 2).mean(axis=1) / 6)


def gene_sums(space: Any, genes: np.ndarray) -> np.ndarray:
    """Features of one's own."""
    return np.stack([(genes == code).sum(axis=1) for code in range(5)], axis=1)


def estimators() -> dict[str, Any]:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    return {
        "forest": RandomForestRegressor(n_estimators=10, random_state=3),
        "ridge": Ridge(),
        "pipeline": make_pipeline(StandardScaler(), SVR()),
    }


@pytest.mark.parametrize("features", ["one-hot", "structure", gene_sums])
@pytest.mark.parametrize("name", ["forest", "ridge", "pipeline"])
def test_regressors_keep_every_rule(name: str, features: Any, rng: np.random.Generator) -> None:
    predictor = sklearn_predictor(estimators()[name], features)
    genes = SPACE.sample(40, rng)
    check_predictor(lambda: predictor, SPACE, genes=genes, values=share_of_convolutions(genes), rng=rng, tolerance=1e-9)


def test_least_squares_on_counts_is_exact(rng: np.random.Generator) -> None:
    from sklearn.linear_model import LinearRegression

    genes = SPACE.sample(50, rng)
    fitted = sklearn_predictor(LinearRegression(), gene_sums).fit(SPACE, genes, share_of_convolutions(genes), rng=rng)
    whole = SPACE.enumerate()
    assert fitted.predict(whole) == pytest.approx(share_of_convolutions(whole), abs=1e-12)
    assert fitted.predict(whole[:0]).shape == (0,)


def test_what_is_random_follows_the_generator_and_not_the_estimator(rng: np.random.Generator) -> None:
    genes = SPACE.sample(30, rng)
    values = share_of_convolutions(genes)
    forest = sklearn_predictor(estimators()["forest"])
    one, same, other = (
        forest.fit(SPACE, genes, values, rng=np.random.default_rng(seed)).predict(genes) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert forest.estimator.random_state == 3
    assert not hasattr(forest.estimator, "estimators_")


def test_a_search_with_a_forest_keeps_every_rule(rng: np.random.Generator) -> None:
    search = PredictorSearch(sklearn_predictor(estimators()["forest"]), Uniform(), 50, 10, 5)
    check_strategy(search, SPACE, score=share_of_convolutions, rng=rng, iterations=2)
    described = describe(search)["predictor"]
    assert described["features"] == "one-hot"
    assert (described["estimator"]["type"], described["estimator"]["n_estimators"]) == ("RandomForestRegressor", 10)


def test_longer_trainings_are_compared_with_shorter_ones(rng: np.random.Generator) -> None:
    from sklearn.linear_model import Ridge

    genes = np.concatenate([SPACE.enumerate()[:6]] * 2)
    epochs = np.repeat([1, 9], 6)
    values = np.linspace(0.1, 0.9, 6)
    shares = sklearn_predictor(Ridge(1e-9)).fit(
        SPACE, genes, np.concatenate([values[::-1], values]), epochs=epochs, rng=rng
    )
    assert np.all(np.diff(shares.predict(genes[:6])) > 0)


def test_what_cannot_be_an_estimator_is_refused() -> None:
    from sklearn.linear_model import Ridge

    with pytest.raises(ConfigurationError, match="this is the class Ridge; call it"):
        sklearn_predictor(Ridge)
    with pytest.raises(ConfigurationError, match="set_params; this is dict"):
        sklearn_predictor({})
    with pytest.raises(UnknownNameError, match=r"no features named 'onehot'. Did you mean 'one-hot'\?"):
        sklearn_predictor(Ridge(), "onehot")
    with pytest.raises(DataError):
        sklearn_predictor(Ridge()).fit(SPACE, SPACE.enumerate()[:2], np.array([1, np.nan]), rng=np.random.default_rng())


def test_scikit_learn_itself_is_not_loaded() -> None:
    code = "import sys; from predictornas import sklearn_predictor; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
