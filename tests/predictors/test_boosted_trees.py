from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.stats import kendalltau

from predictornas.errors import DataError, MissingDependencyError
from predictornas.predictors.boosted_trees import BoostedTrees, SignalTrees
from predictornas.predictors.process.graph_views import signals_of
from predictornas.spaces.registry import get_space
from predictornas.testing import check_predictor
from predictornas.threads import one_thread
from tests.extras import needed

SPACE = get_space("nasbench201")
GENES = SPACE.sample(120, np.random.default_rng(1))
VALUES = 0.5 + 0.06 * (GENES == 3).sum(axis=1) - 0.05 * (GENES == 0).sum(axis=1)


def fitted(values: np.ndarray = VALUES, seed: int = 0) -> BoostedTrees:
    needed("lightgbm")
    rng = np.random.default_rng(seed)
    return BoostedTrees(trees=40, learning_rate=0.1).fit(SPACE, GENES[:80], values[:80], rng=rng)


def test_without_lightgbm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingDependencyError, match=r"predictornas\[lightgbm\]"):
        BoostedTrees().fit(SPACE, GENES[:4], VALUES[:4], rng=np.random.default_rng(0))


@pytest.mark.slow
def test_it_keeps_the_rules_of_predictors() -> None:
    needed("lightgbm")
    check_predictor(
        lambda: BoostedTrees(trees=20),
        SPACE,
        genes=GENES,
        values=VALUES,
        rng=np.random.default_rng(0),
    )


def test_it_ranks_what_it_did_not_see() -> None:
    assert kendalltau(fitted().predict(GENES[80:]), VALUES[80:]).statistic > 0.6


def test_the_same_seed_gives_the_same_trees_and_another_one_others() -> None:
    scores = fitted().predict(GENES)
    np.testing.assert_array_equal(fitted().predict(GENES), scores)
    assert not np.array_equal(fitted(seed=1).predict(GENES), scores)


def test_only_the_order_of_values_matters() -> None:
    np.testing.assert_allclose(fitted(VALUES**3).predict(GENES), fitted().predict(GENES))


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DataError, match="Value 3 of 80 is nan"):
        fitted(np.where(np.arange(120) == 3, np.nan, VALUES))


def test_features_are_counts_genes_and_paths() -> None:
    made = fitted()
    features = made._features(GENES[:7], made._counts(GENES[:7]))
    kinds = SPACE.graphs(GENES[:1]).num_codes - 2
    longest = 4  # one more would have more kinds of paths than are counted
    paths = sum(kinds**length for length in range(longest + 1))
    choices = SPACE.sequences(GENES[:7]).reshape(7, -1).shape[1]
    assert features.shape == (7, 9 + 6 * kinds + kinds**2 + choices + paths)


@pytest.mark.slow
def test_all_of_a_space_is_scored_as_a_part_of_it_is_on_one_thread_or_more() -> None:
    made, genes = fitted(), SPACE.enumerate()
    scores = made.predict(genes)
    np.testing.assert_array_equal(scores[::500], made.predict(genes[::500]))
    with one_thread():
        np.testing.assert_array_equal(scores[::500], made.predict(genes[::500]))


def test_signals_are_features_where_a_space_says_how_they_pass() -> None:
    needed("lightgbm")
    space = get_space("nasbench101")
    genes = space.sample(60, np.random.default_rng(0))
    values = (genes[:, 21:] == 0).mean(axis=1)
    plain, ours = (
        trees(trees=20, fits=1).fit(space, genes, values, rng=np.random.default_rng(0))
        for trees in (BoostedTrees, SignalTrees)
    )
    seen, more = (made._features(genes, made._counts(genes)) for made in (plain, ours))
    np.testing.assert_array_equal(more[:, : seen.shape[1]], seen)
    added = more[:, seen.shape[1] :]
    np.testing.assert_array_equal(added, signals_of(space, genes))
    assert kendalltau(ours.predict(genes), values).statistic > 0.6
    other = get_space("nasbench-graph")
    genes = other.sample(60, np.random.default_rng(0))
    plain, ours = (
        trees(trees=20, fits=1).fit(other, genes, (genes == 3).mean(axis=1), rng=np.random.default_rng(0))
        for trees in (BoostedTrees, SignalTrees)
    )
    np.testing.assert_array_equal(ours.predict(genes), plain.predict(genes))
