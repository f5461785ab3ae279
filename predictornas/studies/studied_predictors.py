"""The predictors that a predictor study compares, by name, each configured for the number of architectures it gets."""

from __future__ import annotations

from collections.abc import Callable

from predictornas.predictors.base import Predictor
from predictornas.predictors.engine.message_passing import Readout
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import PairwiseCrossEntropy
from predictornas.predictors.neural_predictor import NeuralPredictor
from predictornas.predictors.optimisers import Adam, GradientDescent
from predictornas.predictors.path_network import PathEnsemble
from predictornas.predictors.rnn import RNN

_BATCH = 32
_PASSES = 200
_MOST_UPDATES = 6000


def _gcn(size: int) -> GCN:
    """The network of Mauch et al. 2020; ten times their learning rate, which ranks better in fewer steps."""
    return GCN(optimiser=GradientDescent(0.1), training_epochs=500)


def _flow(size: int) -> Flow:
    """GATES (Ning et al. 2020) trained for 200 passes in batches of 32, at most 6000 updates."""
    return Flow(
        optimiser=Adam(0.001),
        training_epochs=_updates(size),
        batch_size=_BATCH,
    )


def _bidirectional(size: int, readout: Readout = "mean") -> GCN:
    """Three convolutions both ways, as often updated as `_flow`."""
    return GCN(
        readout=readout,
        width=128,
        bidirectional=True,
        optimiser=Adam(0.001, weight_decay=0.001),
        training_epochs=_updates(size),
        batch_size=_BATCH,
    )


def _ensemble(size: int) -> Ensemble:
    """Processes with random networks of their own, and two trained ones, which see what these do not.

    The one that reads the output vertex alone ranks worse by itself, but better in company than a twin of the first.
    """
    processes = [GaussianProcess(flow_seed=seed) for seed in range(5)]
    return Ensemble((*processes, _bidirectional(size), _bidirectional(size, "output")))


def _ensemble_with_flow(size: int) -> Ensemble:
    """The same and two flow networks: the costliest, and the best where there are some hundred to learn from."""
    return Ensemble((*_ensemble(size).members, _flow(size), _flow(size)))


def _updates(size: int) -> int:
    return min(_PASSES * max(1, size // _BATCH), _MOST_UPDATES)


STUDIED: dict[str, Callable[[int], Predictor]] = {
    "gp": lambda size: GaussianProcess(),
    "gcn": _gcn,
    "flow": _flow,
    "rnn": lambda size: RNN(loss=PairwiseCrossEntropy(), training_epochs=500),
    "neural-predictor": lambda size: NeuralPredictor(),
    "paths": lambda size: PathEnsemble(),
    "bidirectional-gcn": _bidirectional,
    "ensemble": _ensemble,
    "ensemble-with-flow": _ensemble_with_flow,
}
"""What each name stands for at a training-set size."""
