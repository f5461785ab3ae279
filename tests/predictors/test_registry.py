from __future__ import annotations

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.predictors.neural_predictor import NeuralPredictor
from predictornas.predictors.registry import PREDICTORS, get_predictor
from predictornas.predictors.rnn import RNN


def test_the_settings_of_a_preset_reach_those_that_have_them() -> None:
    assert get_predictor("gcn", training_epochs=7, engine="dense") == GCN(training_epochs=7, engine="dense")
    assert get_predictor("flow", training_epochs=7, engine="dense") == Flow(training_epochs=7, engine="dense")
    assert get_predictor("rnn", training_epochs=7, engine="dense") == RNN(training_epochs=7)
    assert get_predictor("neural-predictor", training_epochs=7, engine="dense") == NeuralPredictor(engine="dense")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no predictor named 'rn'. Did you mean 'rnn'\?"):
        get_predictor("rn")
    assert "rn" not in PREDICTORS


def test_a_class_of_anybody_is_called_without_arguments() -> None:
    assert get_predictor("predictornas.predictors.rnn:RNN") == RNN()
    with pytest.raises(ConfigurationError, match="is no Predictor: Adam lacks fit, predict"):
        get_predictor("predictornas.predictors.optimisers:Adam")
