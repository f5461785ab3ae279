"""What a predictor study compares: predictors configured for the number of architectures that they are trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from predictornas.predictors.base import Predictor
from predictornas.predictors.boosted_trees import BoostedTrees, SignalTrees
from predictornas.predictors.engine.message_passing import Readout
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess, SignalProcess, SparseSignalProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import PairwiseCrossEntropy
from predictornas.predictors.optimisers import Adam, GradientDescent
from predictornas.predictors.registry import get_predictor
from predictornas.predictors.rnn import RNN
from predictornas.predictors.signal_network import SignalNetwork

_BATCH = 32
_PASSES = 200
_MOST_UPDATES = 6000

_USUAL = 100
"""Architectures that a predictor is configured for where a search asks for it, whose number of them grows."""


def gcn(size: int = _USUAL) -> GCN:
    """The network of Mauch et al. 2020; ten times their learning rate, which ranks better in fewer steps."""
    return GCN(optimiser=GradientDescent(0.1), training_epochs=500)


def fast_gp() -> GaussianProcess:
    """The process of `bayesian-optimisation`; see docs/results/search.md."""
    return GaussianProcess(width=32, tuned_on=200, relevances=False, degrees_of_freedom=None)


def signal_fast_gp() -> SignalProcess:
    """The same with how signals pass through the untrained cell."""
    return SignalProcess(**vars(fast_gp()))


def gp_and_trees() -> Ensemble:
    """A process and boosted trees, which err on different cells; a fraction of the time of `ensemble`."""
    return Ensemble((GaussianProcess(), BoostedTrees()))


def signal_gp_and_trees() -> Ensemble:
    """The same, both with how signals pass through a cell."""
    return Ensemble((SignalProcess(), SignalTrees()))


def signal_gp_and_networks() -> Ensemble:
    """The process and two networks that see the same of a cell, half and half; the best on thousands."""
    return Ensemble((SignalProcess(), Ensemble((SignalNetwork(), SignalNetwork()))))


def shallow_signal_network() -> SignalNetwork:
    """Three rounds of messages instead of four: the whole of NAS-Bench-101 in less than three seconds."""
    return SignalNetwork(layers=3)


def sparse_gp_and_networks() -> Ensemble:
    """As `signal_gp_and_networks`, of parts that stay fast where thousands were trained."""
    return Ensemble((SparseSignalProcess(), Ensemble((shallow_signal_network(), shallow_signal_network()))))


def symmetric_gcn() -> GCN:
    """The same with the normalisation that their footnote 2 advises against (Kipf and Welling 2017)."""
    return replace(gcn(), normalisation="symmetric")


def flow(size: int) -> Flow:
    """GATES (Ning et al. 2020) trained for 200 passes in batches of 32, at most 6000 updates."""
    return Flow(
        optimiser=Adam(0.001),
        training_epochs=_updates(size),
        batch_size=_BATCH,
    )


def bidirectional_gcn(size: int = _USUAL, readout: Readout = "mean") -> GCN:
    """Three convolutions both ways, as often updated as `flow`."""
    return GCN(
        readout=readout,
        width=128,
        bidirectional=True,
        optimiser=Adam(0.001, weight_decay=0.001),
        training_epochs=_updates(size),
        batch_size=_BATCH,
    )


def ensemble(size: int = _USUAL) -> Ensemble:
    """Processes with random networks of their own, and two trained ones, which see what these do not.

    The one that reads the output vertex alone ranks worse by itself, but better in company than a twin of the first.
    """
    processes = [GaussianProcess(flow_seed=seed) for seed in range(5)]
    return Ensemble((*processes, bidirectional_gcn(size), bidirectional_gcn(size, "output")))


def ensemble_with_flow(size: int = _USUAL) -> Ensemble:
    """The same and two flow networks: the costliest, and the best where there are some hundred to learn from."""
    return Ensemble((*ensemble(size).members, flow(size), flow(size)))


def rnn(size: int) -> RNN:
    """The network of PVLL-NAS with a loss for ranks."""
    return RNN(loss=PairwiseCrossEntropy(), training_epochs=500)


def _updates(size: int) -> int:
    return min(_PASSES * max(1, size // _BATCH), _MOST_UPDATES)


STUDIED: dict[str, Callable[[int], Predictor]] = {
    "gcn": gcn,
    "flow": flow,
    "rnn": rnn,
    "bidirectional-gcn": bidirectional_gcn,
    "ensemble": ensemble,
    "ensemble-with-flow": ensemble_with_flow,
}
"""Those that a size configures; a study takes all others as they are."""


def studied_predictor(name: str, size: int) -> Predictor:
    """What a name stands for at a training-set size.

    Args:
        name: of `predictornas.predictors.registry.PREDICTORS`, or `module:attribute`.
        size: architectures that it is trained on.

    Raises:
        UnknownNameError: no predictor has this name.
        ConfigurationError: a predictor of another package that cannot be loaded or made.
    """
    if name in STUDIED:
        return STUDIED[name](size)
    return get_predictor(name)
