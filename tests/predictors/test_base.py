from __future__ import annotations

from dataclasses import dataclass

import pytest

from predictornas.predictors.base import knows_noise
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.neural_predictor import NeuralPredictor
from predictornas.predictors.rnn import RNN
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
