from __future__ import annotations

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.search.methods import PRESETS, get_preset, get_strategy
from predictornas.search.strategies import PredictorSearch, RandomSearch


def test_the_paper_preset_is_the_papers() -> None:
    strategy = get_strategy("uniform-100", get_preset("paper"))
    assert isinstance(strategy, PredictorSearch)
    assert (strategy.initial, strategy.batch, strategy.pool_size) == (4, 4, 100)
    predictor = strategy.predictor
    assert (predictor.layers, predictor.width, predictor.training_epochs) == (3, 256, 2000)  # type: ignore[attr-defined]
    assert (predictor.optimiser.learning_rate, predictor.optimiser.momentum) == (0.01, 0.9)  # type: ignore[attr-defined]


def test_names_lead_to_samplers() -> None:
    preset = PRESETS["quick"]
    assert get_strategy("random", preset) == RandomSearch(initial=10, batch=10)
    assert isinstance(get_strategy("exhaustive", preset).sampler, Exhaustive)  # type: ignore[attr-defined]
    assert isinstance(get_strategy("uniform-7", preset).sampler, Uniform)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "suggestion"), [("exhaustiv", "exhaustive"), ("unifrom-100", "uniform"), ("randm", "random")]
)
def test_an_unknown_method_names_the_nearest(name: str, suggestion: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{suggestion}"):
        get_strategy(name, PRESETS["quick"])


@pytest.mark.parametrize("name", ["random-10", "exhaustive-5", "uniform", "uniform-0"])
def test_pool_sizes_that_make_no_sense(name: str) -> None:
    with pytest.raises(ConfigurationError, match="pool"):
        get_strategy(name, PRESETS["quick"])


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'paper'"):
        get_preset("papr")
