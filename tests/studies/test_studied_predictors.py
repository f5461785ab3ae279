from __future__ import annotations

from dataclasses import replace

import pytest

from predictornas.predictors.base import Predictor
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import PairwiseCrossEntropy
from predictornas.predictors.optimisers import Adam, GradientDescent
from predictornas.predictors.rnn import RNN
from predictornas.studies.studied_predictors import STUDIED


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


def test_the_published_rows_were_made_with_these_settings() -> None:
    """What the tables of predictors in the documents were measured with; another setting needs another row."""
    assert STUDIED["gcn"](100) == GCN(optimiser=GradientDescent(0.1), training_epochs=500)
    assert STUDIED["rnn"](100) == RNN(loss=PairwiseCrossEntropy(), training_epochs=500)
    flow = Flow(optimiser=Adam(0.001), training_epochs=600, batch_size=32)
    assert STUDIED["flow"](100) == flow
    both = GCN(
        readout="mean",
        width=128,
        bidirectional=True,
        optimiser=Adam(0.001, weight_decay=0.001),
        training_epochs=600,
        batch_size=32,
    )
    assert STUDIED["bidirectional-gcn"](100) == both
    ensemble, larger = STUDIED["ensemble"](100), STUDIED["ensemble-with-flow"](100)
    assert isinstance(ensemble, Ensemble)
    assert isinstance(larger, Ensemble)
    processes = tuple(GaussianProcess(flow_seed=seed) for seed in (0, 1, 2, 3, 4))
    assert ensemble.members == (*processes, both, replace(both, readout="output"))
    assert larger.members == (*ensemble.members, flow, flow)
