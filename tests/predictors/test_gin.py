import numpy as np
import pytest

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.base import Predictor
from predictornas.predictors.gin import GIN, _errors
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench101")


@pytest.mark.slow
def test_it_learns_to_rank() -> None:
    rng = np.random.default_rng(0)
    genes, new = SPACE.sample(60, rng), SPACE.sample(200, rng)

    def quality(rows: np.ndarray) -> np.ndarray:  # more 3 x 3 convolutions are better
        return np.asarray((SPACE.graphs(rows).operations == 0).sum(axis=1))

    fitted = GIN(passes=40).fit(SPACE, genes, 0.8 + 0.03 * quality(genes), rng=rng)
    assert np.corrcoef(fitted.predict(new), quality(new))[0, 1] > 0.8


def test_a_fit_is_a_function_of_the_generator_and_changes_no_configuration() -> None:
    genes = SPACE.sample(12, np.random.default_rng(0))
    values = np.linspace(0.8, 0.95, 12)
    small = GIN(width=4, hidden=3, passes=2)
    first, again, other = (
        GIN(width=4, hidden=3, passes=2).fit(SPACE, genes, values, rng=np.random.default_rng(seed)).predict(genes)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert isinstance(small, Predictor)
    assert not hasattr(small, "network_")


def test_errors_are_parts_of_a_multiple_of_their_median() -> None:
    np.testing.assert_allclose(_errors(np.array([0.9, 0.8, 0.6]), 1.5), [1 / 3, 2 / 3, 1.0])  # 0.4 of at most 0.3
    np.testing.assert_allclose(_errors(np.array([-1.0, -3.0, -9.0]), 2.0), [0.0, 0.5, 1.0])  # no accuracies
    np.testing.assert_array_equal(_errors(np.full(3, -2.0), 1.5), np.zeros(3))
    assert len(_errors(np.empty(0), 1.5)) == 0


def test_equal_values_one_architecture_and_none() -> None:
    genes = SPACE.sample(5, np.random.default_rng(0))
    for count in (5, 1, 0):
        fitted = GIN(width=4, passes=2).fit(SPACE, genes[:count], np.full(count, 0.9), rng=np.random.default_rng(0))
        assert np.isfinite(fitted.predict(genes)).all()


@pytest.mark.parametrize("options", [{"layers": 0}, {"batch_size": 0}, {"dropout": 1.0}, {"limit": 0.0}])
def test_settings_out_of_range_are_refused(options: dict[str, float]) -> None:
    genes = SPACE.sample(3, np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="GIN needs"):
        GIN(**options).fit(SPACE, genes, np.arange(3) / 4, rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_what_is_not_finite_is_refused() -> None:
    genes = SPACE.sample(2, np.random.default_rng(0))
    with pytest.raises(DataError, match="finite"):
        GIN().fit(SPACE, genes, np.array([0.9, np.inf]), rng=np.random.default_rng(0))
