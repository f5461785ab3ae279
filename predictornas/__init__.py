"""predictornas: predictor-based neural architecture search on tabular benchmarks.

The names below are loaded when first used, so that importing the package (and the command's `--help`) stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Benchmark": "predictornas.benchmarks.table",
    "ChainSpace": "predictornas.spaces.chains.space",
    "ChainStage": "predictornas.spaces.chains.stages",
    "Elsewhere": "predictornas.oracles.elsewhere",
    "Ensemble": "predictornas.predictors.ensemble",
    "Evolutionary": "predictornas.samplers.evolutionary",
    "Exhaustive": "predictornas.samplers.uniform",
    "Flow": "predictornas.predictors.flow",
    "GCN": "predictornas.predictors.gcn",
    "GaussianProcess": "predictornas.predictors.gaussian_process",
    "History": "predictornas.history",
    "Likelihood": "predictornas.samplers.likelihood",
    "JSONLines": "predictornas.observers",
    "Named": "predictornas.search.named",
    "Observer": "predictornas.observers",
    "Oracle": "predictornas.oracles.base",
    "PVLL": "predictornas.samplers.pvll",
    "PVLLSearch": "predictornas.search.pvll",
    "PredictorNASError": "predictornas.errors",
    "PredictorSearch": "predictornas.search.strategies",
    "ProgressLines": "predictornas.observers",
    "PyGPredictor": "predictornas.predictors.pyg",
    "RNN": "predictornas.predictors.rnn",
    "RandomSearch": "predictornas.search.strategies",
    "Search": "predictornas.search.loop",
    "SearchSpace": "predictornas.spaces.base",
    "SignalProcess": "predictornas.predictors.gaussian_process",
    "Study": "predictornas.studies.gain.study",
    "TabularOracle": "predictornas.oracles.tabular",
    "TensorBoard": "predictornas.observers",
    "Uniform": "predictornas.samplers.uniform",
    "gain_table": "predictornas.analysis.gain",
    "get_space": "predictornas.spaces.registry",
    "iterate": "predictornas.search.loop",
    "open_benchmark": "predictornas.benchmarks.catalog",
    "run_asynchronously": "predictornas.search.asynchronous",
    "run_study": "predictornas.studies.gain.execution",
    "sklearn_predictor": "predictornas.predictors.scikit",
}

__all__ = ["__version__", *_PUBLIC]


_MODULES = ("runs",)
"""Modules that are public as they are."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from predictornas import runs as runs
    from predictornas.analysis.gain import gain_table as gain_table
    from predictornas.benchmarks.catalog import open_benchmark as open_benchmark
    from predictornas.benchmarks.table import Benchmark as Benchmark
    from predictornas.errors import PredictorNASError as PredictorNASError
    from predictornas.history import History as History
    from predictornas.observers import JSONLines as JSONLines
    from predictornas.observers import Observer as Observer
    from predictornas.observers import ProgressLines as ProgressLines
    from predictornas.observers import TensorBoard as TensorBoard
    from predictornas.oracles.base import Oracle as Oracle
    from predictornas.oracles.elsewhere import Elsewhere as Elsewhere
    from predictornas.oracles.tabular import TabularOracle as TabularOracle
    from predictornas.predictors.ensemble import Ensemble as Ensemble
    from predictornas.predictors.flow import Flow as Flow
    from predictornas.predictors.gaussian_process import GaussianProcess as GaussianProcess
    from predictornas.predictors.gaussian_process import SignalProcess as SignalProcess
    from predictornas.predictors.gcn import GCN as GCN
    from predictornas.predictors.pyg import PyGPredictor as PyGPredictor
    from predictornas.predictors.rnn import RNN as RNN
    from predictornas.predictors.scikit import sklearn_predictor as sklearn_predictor
    from predictornas.samplers.evolutionary import Evolutionary as Evolutionary
    from predictornas.samplers.likelihood import Likelihood as Likelihood
    from predictornas.samplers.pvll import PVLL as PVLL
    from predictornas.samplers.uniform import Exhaustive as Exhaustive
    from predictornas.samplers.uniform import Uniform as Uniform
    from predictornas.search.asynchronous import run_asynchronously as run_asynchronously
    from predictornas.search.loop import Search as Search
    from predictornas.search.loop import iterate as iterate
    from predictornas.search.named import Named as Named
    from predictornas.search.pvll import PVLLSearch as PVLLSearch
    from predictornas.search.strategies import PredictorSearch as PredictorSearch
    from predictornas.search.strategies import RandomSearch as RandomSearch
    from predictornas.spaces.base import SearchSpace as SearchSpace
    from predictornas.spaces.chains.space import ChainSpace as ChainSpace
    from predictornas.spaces.chains.stages import ChainStage as ChainStage
    from predictornas.spaces.registry import get_space as get_space
    from predictornas.studies.gain.execution import run_study as run_study
    from predictornas.studies.gain.study import Study as Study
