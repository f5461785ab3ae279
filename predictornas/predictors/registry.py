"""Predictors by name: what stands behind the `@` of a method, and what a predictor study compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictornas.registry import Look, Registered, Registry, expect

if TYPE_CHECKING:
    from predictornas.predictors.base import Predictor

PREDICTORS = Registry(
    "predictor",
    (
        Registered(
            name="neural-predictor",
            target="predictornas.predictors.neural_predictor:NeuralPredictor",
            help="a classifier and a regressor in cascade (Wen et al. 2020)",
            label="Neural Predictor (Wen et al.)",
            takes=("engine",),
            look=Look("#111111", "*"),
        ),
        Registered(
            name="gp",
            target="predictornas.predictors.gaussian_process:GaussianProcess",
            help="a Gaussian process on graph features that need no training",
            label="Gaussian process",
            look=Look("#B3001B", "d"),
        ),
        Registered(
            name="fast-gp",
            target="predictornas.predictors.studied:fast_gp",
            help="the process of `bayesian-optimisation`, which is tuned on fewer architectures",
            label="Gaussian process, tuned on 200",
        ),
        Registered(
            name="gcn",
            target="predictornas.predictors.gcn:GCN",
            help="graph convolutions, as in Mauch et al. 2020; what a method takes where none is named",
            label="GCN (Mauch et al.)",
            takes=("training_epochs", "engine"),
            look=Look("#0B4F9E", "s"),
        ),
        Registered(
            name="fast-gcn",
            target="predictornas.predictors.studied:gcn",
            help="the same for 500 steps at ten times the learning rate, whatever the preset",
            label="GCN, ten times the learning rate",
        ),
        Registered(
            name="flow",
            target="predictornas.predictors.flow:Flow",
            help="a network that follows the flow of information (GATES: Ning et al. 2020)",
            label="flow network (GATES)",
            takes=("training_epochs", "engine"),
            look=Look("#1497A8", "^"),
        ),
        Registered(
            name="rnn",
            target="predictornas.predictors.rnn:RNN",
            help="a recurrent network that reads genes in turn",
            label="RNN",
            takes=("training_epochs",),
            look=Look("#9A9A00", "H"),
        ),
        Registered(
            name="paths",
            target="predictornas.predictors.path_network:PathEnsemble",
            help="an ensemble of networks on path encodings (BANANAS: White et al. 2021)",
            label="path networks (BANANAS)",
            look=Look("#E0B000", "8"),
        ),
        Registered(
            name="gin",
            target="predictornas.predictors.gin:GIN",
            help="a graph isomorphism network (NPENAS-NP: Wei et al. 2022)",
        ),
        Registered(
            name="wl-gp",
            target="predictornas.predictors.weisfeiler_lehman:WeisfeilerLehmanProcess",
            help="a Gaussian process with a Weisfeiler-Lehman kernel (NAS-BOWL: Ru et al. 2021)",
        ),
        Registered(
            name="boosted-trees",
            target="predictornas.predictors.boosted_trees:BoostedTrees",
            help="LightGBM on counts of a cell's graph, genes and paths (extra `lightgbm`)",
            label="boosted trees (LightGBM)",
        ),
        Registered(
            name="bidirectional-gcn",
            target="predictornas.predictors.studied:bidirectional_gcn",
            help="graph convolutions both ways, trained in batches",
        ),
        Registered(
            name="ensemble",
            target="predictornas.predictors.studied:ensemble",
            help="five Gaussian processes and two graph networks",
        ),
        Registered(
            name="gp-and-trees",
            target="predictornas.predictors.studied:gp_and_trees",
            help="a Gaussian process and boosted trees, half and half (extra `lightgbm`)",
        ),
        Registered(
            name="signal-gp",
            target="predictornas.predictors.gaussian_process:SignalProcess",
            help="the process, which also sees how signals pass through the untrained cell",
            label="Gaussian process with signals",
            look=Look("#7A0177", "d"),
        ),
        Registered(
            name="signal-trees",
            target="predictornas.predictors.boosted_trees:SignalTrees",
            help="boosted trees that see it too (extra `lightgbm`)",
            label="boosted trees with signals",
        ),
        Registered(
            name="signal-gp-and-trees",
            target="predictornas.predictors.studied:signal_gp_and_trees",
            help="both, half and half (extra `lightgbm`)",
        ),
        Registered(
            name="signal-network",
            target="predictornas.predictors.signal_network:SignalNetwork",
            help="a graph network both ways that also reads how signals pass",
            label="graph network with signals",
            look=Look("#C51B8A", "P"),
        ),
        Registered(
            name="signal-gp-and-networks",
            target="predictornas.predictors.studied:signal_gp_and_networks",
            help="the process with signals and two of these, half and half: the best on thousands",
            label="process and networks with signals",
        ),
        Registered(
            name="sparse-signal-gp",
            target="predictornas.predictors.gaussian_process:SparseSignalProcess",
            help="the process with signals, its scores made of 1500 kernels: fast where thousands were trained",
            label="sparse process with signals",
        ),
        Registered(
            name="shallow-signal-network",
            target="predictornas.predictors.studied:shallow_signal_network",
            help="`signal-network` with three rounds of messages: two thirds of its time",
            label="shallow network with signals",
        ),
        Registered(
            name="sparse-gp-and-networks",
            target="predictornas.predictors.studied:sparse_gp_and_networks",
            help="that process and two of these, half and half: the best on thousands that scores a space in seconds",
            label="sparse process and shallow networks",
        ),
        Registered(
            name="ensemble-with-flow",
            target="predictornas.predictors.studied:ensemble_with_flow",
            help="the same and two flow networks: the costliest, and the best on some hundred architectures",
        ),
    ),
    group="predictornas.predictors",
)
"""Settings for the targets: `training_epochs` (full-batch steps of one fit) and `engine`, both of a preset."""


def get_predictor(name: str, *, training_epochs: int = 500, engine: str = "indexed") -> Predictor:
    """The predictor of this name, unfitted.

    Args:
        name: of `PREDICTORS`, of another package, or `module:attribute`.
        training_epochs: full-batch steps of one fit, for those that count them.
        engine: how the predictor computes, for those that have two; see `predictornas.predictors.graph_predictor`.

    Raises:
        UnknownNameError: no predictor has this name.
        ConfigurationError: a predictor of another package that cannot be loaded or made.
    """
    from predictornas.predictors.base import Predictor

    record = PREDICTORS[name]
    made: Predictor = expect(record.make(training_epochs=training_epochs, engine=engine), Predictor, record)
    return made
