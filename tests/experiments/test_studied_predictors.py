from __future__ import annotations

import pytest

from predictornas.experiments.studied_predictors import STUDIED
from predictornas.predictors.base import Predictor
from predictornas.predictors.flow import Flow


@pytest.mark.parametrize("name", STUDIED)
def test_every_name_makes_a_fresh_predictor(name: str) -> None:
    first, second = STUDIED[name](100), STUDIED[name](100)
    assert isinstance(first, Predictor)
    assert first is not second
    assert first == second


def test_budgets_count_updates_and_end() -> None:
    updates = []
    for size in (10, 100, 424, 4236):
        flow = STUDIED["flow"](size)
        assert isinstance(flow, Flow)
        updates.append(flow.training_epochs)
    assert updates == [200, 600, 2600, 6000]
