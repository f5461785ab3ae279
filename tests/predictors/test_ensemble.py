from __future__ import annotations

import numpy as np
import pytest

from predictornas.analysis.rank_quality import calibration
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError
from predictornas.predictors.base import UncertainPredictor
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.spaces.registry import get_space
from predictornas.testing import check_predictor

SPACE = get_space("nasbench201")
GENES = SPACE.sample(50, np.random.default_rng(1))
VALUES = 0.5 + 0.06 * (GENES == 3).sum(axis=1)
SMALL = GCN(layers=1, width=8, training_epochs=20)


def fitted(*members: object) -> Ensemble:
    return Ensemble(members).fit(SPACE, GENES, VALUES, rng=np.random.default_rng(0))  # type: ignore[arg-type]


@pytest.mark.slow
def test_it_keeps_the_rules_of_predictors() -> None:
    ensemble = Ensemble((SMALL, GaussianProcess()))
    assert isinstance(ensemble, UncertainPredictor)
    check_predictor(
        lambda: Ensemble((SMALL, GaussianProcess())), SPACE, genes=GENES, values=VALUES, rng=np.random.default_rng(0)
    )


def test_members_of_one_kind_differ_and_the_score_is_their_mean() -> None:
    ensemble = fitted(SMALL, SMALL, SMALL)
    of_members = ensemble.predict_members(GENES)
    assert of_members.shape == (3, 50)
    assert np.ptp(of_members, axis=0).min() > 0
    np.testing.assert_allclose(ensemble.predict(GENES), sum(of_members) / 3)
    np.testing.assert_allclose(ensemble.predict_std(GENES) ** 2, (of_members**2).mean(0) - of_members.mean(0) ** 2)


def test_what_members_know_of_their_own_error_is_part_of_how_unsure_they_are() -> None:
    process = GaussianProcess(width=4)
    ensemble = fitted(SMALL, process, Ensemble((SMALL, SMALL)))
    alone, scale = ensemble.fitted_[1], ensemble._scales[1]
    assert isinstance(alone, GaussianProcess)
    expected = ensemble.predict_members(GENES).var(axis=0) + (alone.predict_std(GENES) / scale.std) ** 2
    np.testing.assert_allclose(ensemble.predict_std(GENES) ** 2, expected)
    both = fitted(process, GaussianProcess(width=4, flow_seed=1))
    own = [(m.predict_std(GENES) / s.std) ** 2 for m, s in zip(both.fitted_, both._scales, strict=True)]  # type: ignore[attr-defined]
    disagreement = both.predict_members(GENES).var(axis=0)
    np.testing.assert_allclose(both.predict_std(GENES) ** 2, disagreement + (own[0] + own[1]) / 2)


def test_a_process_in_company_is_no_surer_of_what_nobody_has_seen() -> None:
    table = open_benchmark("nasbench201-cifar10")
    genes = table.space.enumerate()
    values = -table.costs("valid_accuracy_200_run0")[table.rows(table.space.enumerated_keys())]
    rows = np.random.default_rng(0).permutation(len(genes))[:1100]
    learned, others = rows[:100], rows[100:]
    tuned = Ensemble((GaussianProcess(width=8), GaussianProcess(width=8, flow_seed=1)))
    ensemble = tuned.fit(table.space, genes[learned], values[learned], rng=np.random.default_rng(0))
    found = calibration(ensemble.predict(genes[others]), ensemble.predict_std(genes[others]), values[others])
    assert 0.7 < found.coverage < 0.98
    disagreement = ensemble.predict_members(genes[others]).std(axis=0)
    assert calibration(ensemble.predict(genes[others]), disagreement, values[others]).coverage < 0.5


@pytest.mark.slow
def test_no_member_speaks_louder_than_another() -> None:
    of_members = fitted(SMALL, GaussianProcess()).predict_members(SPACE.sample(3000, np.random.default_rng(5)))
    np.testing.assert_allclose(of_members.std(axis=1), 1, atol=0.1)
    np.testing.assert_allclose(of_members.mean(axis=1), 0, atol=0.1)


def test_the_configurations_stay_unfitted() -> None:
    member = GCN(layers=1, width=8, training_epochs=1)
    fitted(member)
    assert not hasattr(member, "network_")


def test_nobody_cannot_vote() -> None:
    with pytest.raises(ConfigurationError, match="at least one member"):
        Ensemble(())
