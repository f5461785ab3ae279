from __future__ import annotations

from dataclasses import replace

import pytest

from predictornas.predictors.base import Predictor
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess, SignalProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import PairwiseCrossEntropy
from predictornas.predictors.optimisers import Adam, GradientDescent
from predictornas.predictors.registry import PREDICTORS
from predictornas.predictors.rnn import RNN
from predictornas.predictors.signal_network import SignalNetwork
from predictornas.predictors.studied import studied_predictor


@pytest.mark.parametrize("name", PREDICTORS)
def test_every_name_makes_a_fresh_predictor(name: str) -> None:
    first, second = studied_predictor(name, 100), studied_predictor(name, 100)
    assert isinstance(first, Predictor)
    assert first is not second
    assert first == second


def test_budgets_count_updates_and_end() -> None:
    updates = []
    for size in (10, 100, 424, 4236):
        flow = studied_predictor("flow", size)
        assert isinstance(flow, Flow)
        updates.append(flow.training_epochs)
    assert updates == [200, 600, 2600, 6000]


def test_the_published_rows_were_made_with_these_settings() -> None:
    """What the tables of predictors in the documents were measured with; another setting needs another row."""
    assert studied_predictor("gcn", 100) == GCN(optimiser=GradientDescent(0.1), training_epochs=500)
    assert studied_predictor("rnn", 100) == RNN(loss=PairwiseCrossEntropy(), training_epochs=500)
    flow = Flow(optimiser=Adam(0.001), training_epochs=600, batch_size=32)
    assert studied_predictor("flow", 100) == flow
    both = GCN(
        readout="mean",
        width=128,
        bidirectional=True,
        optimiser=Adam(0.001, weight_decay=0.001),
        training_epochs=600,
        batch_size=32,
    )
    assert studied_predictor("bidirectional-gcn", 100) == both
    ensemble, larger = studied_predictor("ensemble", 100), studied_predictor("ensemble-with-flow", 100)
    assert isinstance(ensemble, Ensemble)
    assert isinstance(larger, Ensemble)
    processes = tuple(GaussianProcess(flow_seed=seed) for seed in (0, 1, 2, 3, 4))
    assert ensemble.members == (*processes, both, replace(both, readout="output"))
    assert larger.members == (*ensemble.members, flow, flow)
    network, mixed = (studied_predictor(f"signal-{name}", 424) for name in ("network", "gp-and-networks"))
    assert network == SignalNetwork(passes=200, most_updates=6000, batch_size=32)
    assert isinstance(mixed, Ensemble)
    assert mixed.members == (SignalProcess(), Ensemble((network, network)))
