from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from predictornas.predictors.base import FidelityPredictor, fresh, knows_noise
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.neural_predictor import NeuralPredictor
from predictornas.predictors.rnn import RNN
from predictornas.spaces.base import Genes
from tests.search.examples import CountingPredictor


@dataclass
class Asked(CountingPredictor):
    """Knows the noise or not, as its configuration says."""

    knows_noise: bool = True


@pytest.mark.parametrize("predictor", [GCN(), Flow(), RNN(), NeuralPredictor(), CountingPredictor(), Asked(1.0, False)])
def test_who_does_not_say_that_it_knows_the_noise_does_not(predictor: CountingPredictor) -> None:
    assert not knows_noise(predictor)


def test_who_knows_the_noise_says_so_whatever_its_class() -> None:
    assert knows_noise(GaussianProcess())
    assert knows_noise(Asked())


def test_an_ensemble_knows_what_all_its_members_know() -> None:
    assert knows_noise(Ensemble((GaussianProcess(), GaussianProcess(flow_seed=1), Asked())))
    assert not knows_noise(Ensemble((GaussianProcess(), GCN())))


def test_a_fresh_predictor_is_the_configuration_without_what_it_learned() -> None:
    fitted = Asked(2.0, knows_noise=False)
    fitted.weights_ = np.ones(3)
    again = fresh(fitted)
    assert again == fitted is not again
    assert not hasattr(again, "weights_")


class Plain:
    """A predictor that is no dataclass."""

    def __init__(self, settings: list[int]) -> None:
        self.settings = settings

    def fit(self, *_: object, **__: object) -> Plain:
        self.settings.append(1)
        return self

    def predict(self, genes: Genes) -> np.ndarray:
        return np.zeros(len(genes))


def test_a_fresh_predictor_of_any_class_shares_nothing_with_the_configuration() -> None:
    configured = Plain([7])
    fresh(configured).fit()
    assert configured.settings == [7]


def test_who_orders_pairs_across_fidelities_has_a_rule_for_them() -> None:
    assert all(isinstance(one, FidelityPredictor) for one in (GCN(), Flow(), RNN(), NeuralPredictor()))
    assert not isinstance(CountingPredictor(), FidelityPredictor)
