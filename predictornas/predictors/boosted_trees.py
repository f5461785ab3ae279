"""Gradient-boosted trees on counts of a cell's graph, its genes and its paths, by LightGBM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Float32, Int

from predictornas.extras import extra
from predictornas.normal_scores import normal_scores
from predictornas.plain_help import PlainHelp
from predictornas.predictors.fidelity import FidelityRule, comparable
from predictornas.predictors.fitting import checked_values
from predictornas.predictors.path_encoding import num_paths, path_counts
from predictornas.predictors.process.description import structure_of
from predictornas.predictors.process.graph_views import signals_of
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.threads import side_by_side

_MOST_PATHS = 400
"""Paths are counted up to the length at which there are this many kinds."""
_AT_ONCE = 1 << 11
"""Architectures described at once: while paths are counted each has hundreds of numbers a vertex."""


@dataclass(kw_only=True)
class BoostedTrees(metaclass=PlainHelp):
    """The mean of several fits of LightGBM (Ke et al. 2017) to normal scores (ours); needs the extra `lightgbm`.

    A tree sees the counts of `process.graph_features.structure_features`, one column for each choice of each gene, and
    how many paths there are of each sequence of operations. Values are replaced by the normal quantiles of their
    ranks, as in `GaussianProcess`. Fits differ in the rows and columns that their trees draw.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.boosted_trees import BoostedTrees
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(60, rng)
        >>> values = (genes == 3).mean(axis=1)  # more 3 x 3 convolutions are better
        >>> predictor = BoostedTrees().fit(space, genes, values, rng=rng)
        >>> best, worst = np.array([[3] * 6], np.int8), np.array([[0] * 6], np.int8)
        >>> bool(predictor.predict(best)[0] > predictor.predict(worst)[0])
        True

    Attributes:
        trees: of a fit, >= 1.
        learning_rate: how much each tree counts, > 0.
        leaves: of a tree at most, >= 2.
        least: architectures in a leaf, >= 1.
        columns: the share of the features that each tree may use.
        rows: the share of the architectures that each tree learns from.
        shrinkage: L2 penalty of what leaves add, >= 0.
        fits: >= 1.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        fitted_: LightGBM's boosters.
    """

    trees: int = 400
    learning_rate: float = 0.03
    leaves: int = 15
    least: int = 5
    columns: float = 0.3
    rows: float = 0.8
    shrinkage: float = 1.0
    fits: int = 3
    fidelity_pairs: FidelityRule = "common"

    _signals: ClassVar[bool] = False

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> BoostedTrees:
        """Fits all boosters on all architectures.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value; where they differ, each architecture's Borda share is learned.
            rng: seeds the boosters.

        Raises:
            DataError: a value is not finite.
            MissingDependencyError: LightGBM is not installed.
            UnknownNameError: no such rule for pairs across fidelities.
        """
        with extra("lightgbm", "Boosting trees"):
            import lightgbm

        values = checked_values(genes, values)
        genes, values = comparable(genes, values, epochs, self.fidelity_pairs)
        self._space = space
        features, targets = self._features(genes, self._counts(genes)), normal_scores(values)
        # a feature that is constant here would still take part in the draw of columns
        self._varying = np.flatnonzero(features.std(axis=0) > 0)
        shared = {"verbose": -1, "num_threads": 1, "min_data_in_bin": 1}
        self.fitted_: list[Any] = []
        # where nothing varies there is nothing to split, which LightGBM refuses: all scores are equal then
        for seed in rng.integers(2**31, size=self.fits).tolist() if len(self._varying) else ():
            data = lightgbm.Dataset(features[:, self._varying], targets, params=shared, free_raw_data=True)
            settings = shared | {
                "objective": "l2",
                "learning_rate": self.learning_rate,
                "num_leaves": self.leaves,
                "min_data_in_leaf": self.least,
                "feature_fraction": self.columns,
                "bagging_fraction": self.rows,
                "bagging_freq": 1,
                "lambda_l2": self.shrinkage,
                "deterministic": True,
                "force_row_wise": True,
                "seed": seed,
            }
            self.fitted_.append(lightgbm.train(settings, data, self.trees))
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Mean of the fits' normal scores, higher is better.

        Handed `space.enumerate()` itself, counts and signals come from the cache folder.
        """
        scores, counts = np.zeros(len(genes)), self._counts(genes)

        def score(start: int) -> None:
            rows = slice(start, start + _AT_ONCE)
            part = self._features(genes[rows], [of_all[rows] for of_all in counts])[:, self._varying]
            for booster in self.fitted_:
                scores[rows] += booster.predict(part, num_threads=1)

        side_by_side(score, range(0, len(genes), _AT_ONCE))
        return scores / self.fits

    def _counts(self, genes: Genes) -> list[Float32[np.ndarray, "n _"]]:
        """What a cell is made of, and how signals pass through it where that is seen."""
        signals = [signals_of(self._space, genes)] if self._signals else []
        return [structure_of(self._space, genes), *signals]

    def _features(self, genes: Genes, counts: Sequence[Float32[np.ndarray, "n _"]]) -> Float32[np.ndarray, "n f"]:
        graphs = self._space.graphs(genes)
        kinds, longest = graphs.num_codes - 2, 0
        while longest < graphs.operations.shape[1] - 2 and num_paths(kinds, longest + 1) <= _MOST_PATHS:
            longest += 1
        starts = range(0, max(1, len(genes)), _AT_ONCE)
        paths = [path_counts(graphs.rows(start, start + _AT_ONCE), longest=longest) for start in starts]
        chosen = self._space.sequences(genes).reshape(len(genes), -1).astype(np.float32)
        structure, *signals = counts
        return np.concatenate([structure, chosen, np.concatenate(paths), *signals], axis=1)


@dataclass(kw_only=True)
class SignalTrees(BoostedTrees):
    """The same with how signals pass through the untrained cell among the features: see `SignalProcess`.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.boosted_trees import SignalTrees
        >>> space, rng = get_space("nasbench101"), np.random.default_rng(0)
        >>> genes = space.enumerate()[::9000]
        >>> quality = (genes[:, 21:] == 0).mean(axis=1)  # more 3 x 3 convolutions are better
        >>> predictor = SignalTrees().fit(space, genes, quality, rng=rng)
        >>> bool(np.corrcoef(predictor.predict(genes), quality)[0, 1] > 0.9)
        True
    """

    _signals: ClassVar[bool] = True
