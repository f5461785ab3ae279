"""Any regressor of scikit-learn, or one that follows its conventions, as a predictor."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.fidelity import FidelityRule, comparable
from predictornas.predictors.fitting import checked_values
from predictornas.predictors.process.graph_features import structure_features
from predictornas.spaces.base import Genes, SearchSpace

Features = Callable[[SearchSpace, Genes], Any]
"""`(n, f)` numbers of `(n, g)` genes of a space, each row by itself."""

_AT_ONCE = 1 << 16
"""Rows of features in memory at once: a whole space has half a million."""


def one_hot(space: SearchSpace, genes: Genes) -> Float[np.ndarray, "n f"]:
    """One column for each choice of each gene."""
    return space.sequences(genes).reshape(len(genes), -1).astype(np.float64)


def structure(space: SearchSpace, genes: Genes) -> Float[np.ndarray, "n f"]:
    """Counts of vertices, edges, operations and paths: see `predictornas.predictors.process.graph_features`."""
    return structure_features(space.graphs(genes)).astype(np.float64)


FEATURES: dict[str, Features] = {"one-hot": one_hot, "structure": structure}
"""What an estimator sees of an architecture, by name."""


@dataclass
class ScikitPredictor:
    """An estimator that is fitted on features of architectures; see `sklearn_predictor`, which makes it.

    Attributes:
        estimator: a regressor, never fitted itself: each fit begins with a copy.
        features: a name in `FEATURES`, or a function.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs.
        estimator_: the fitted copy.
    """

    estimator: Any
    features: str | Features = "one-hot"
    fidelity_pairs: FidelityRule = "common"

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> ScikitPredictor:
        """Fits a copy of the estimator; every `random_state` of it, however deep, is drawn from `rng`.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value; where they differ, Borda shares of their order are learned.
            rng: the only source of randomness.

        Raises:
            DataError: a value is not finite.
        """
        values = checked_values(genes, values)
        genes, values = comparable(genes, values, epochs, self.fidelity_pairs)
        self._space = space
        self.estimator_ = copy.deepcopy(self.estimator)
        states = [name for name in self.estimator_.get_params(deep=True) if name.split("__")[-1] == "random_state"]
        self.estimator_.set_params(**{name: int(rng.integers(2**31)) for name in sorted(states)})
        self.estimator_.fit(self._features(genes), values)
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """What the estimator predicts."""
        parts = [genes[begin : begin + _AT_ONCE] for begin in range(0, len(genes), _AT_ONCE)]
        scores = [np.asarray(self.estimator_.predict(self._features(part)), np.float64).reshape(-1) for part in parts]
        return np.concatenate(scores) if scores else np.empty(0)  # estimators refuse to predict nothing

    def _features(self, genes: Genes) -> Any:
        function = FEATURES[self.features] if isinstance(self.features, str) else self.features
        return function(self._space, genes)


def sklearn_predictor(
    estimator: Any, features: str | Features = "one-hot", *, fidelity_pairs: FidelityRule = "common"
) -> ScikitPredictor:
    """A predictor of any regressor that follows the conventions of scikit-learn, which itself need not be installed.

    Example:
        >>> from sklearn.ensemble import RandomForestRegressor
        >>> from predictornas import PredictorSearch, Uniform, sklearn_predictor
        >>> forest = sklearn_predictor(RandomForestRegressor(n_estimators=50), features="structure")
        >>> search = PredictorSearch(forest, Uniform(), pool_size=300)

    Args:
        estimator: with `fit(X, y)`, `predict(X)`, `get_params` and `set_params`; pipelines and grid searches too.
        features: "one-hot" genes, "structure" of the graph (counts of operations, edges and paths), or a function of a
            space and `(n, g)` genes that gives `(n, f)` numbers, each row by itself. A run is resumed by the name of a
            function, so it needs one: no lambda.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs.

    Raises:
        UnknownNameError: no features have this name.
        ConfigurationError: something that is no estimator.
    """
    lacking = [name for name in ("fit", "predict", "get_params", "set_params") if not hasattr(estimator, name)]
    if lacking or isinstance(estimator, type):
        what = f"the class {estimator.__name__}; call it" if isinstance(estimator, type) else type(estimator).__name__
        raise ConfigurationError(f"An estimator has fit, predict, get_params and set_params; this is {what}.")
    if isinstance(features, str) and features not in FEATURES:
        raise UnknownNameError("features", features, FEATURES)
    return ScikitPredictor(estimator, features, fidelity_pairs)
