"""The predictors that a predictor study compares, by name, each configured for the number of architectures it gets."""

from __future__ import annotations

from collections.abc import Callable

from predictornas.predictors.base import Predictor
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
        training_epochs=min(_PASSES * max(1, size // _BATCH), _MOST_UPDATES),
        batch_size=_BATCH,
    )


STUDIED: dict[str, Callable[[int], Predictor]] = {
    "gp": lambda size: GaussianProcess(),
    "gcn": _gcn,
    "flow": _flow,
    "rnn": lambda size: RNN(loss=PairwiseCrossEntropy(), training_epochs=500),
    "neural-predictor": lambda size: NeuralPredictor(),
    "paths": lambda size: PathEnsemble(),
    "gp+flow": lambda size: Ensemble((GaussianProcess(), _flow(size))),
    "gp+2-flows": lambda size: Ensemble((GaussianProcess(), _flow(size), _flow(size))),
}
"""What each name stands for at a training-set size."""
