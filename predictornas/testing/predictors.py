"""Checks that a predictor keeps every rule of the `Predictor` protocols."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import kendalltau

from predictornas.description import describe
from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.base import DifferentiablePredictor, Predictor, WarmStartPredictor, fresh
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.testing.conformance import attempt, require, require_array, require_described, twice
from predictornas.testing.views import relaxation_or_none

ENUMERATED = 20_000
"""Size of a space up to which the scores of all of `enumerate()` are compared with those of a part (ours)."""


def check_predictor(
    make_predictor: Callable[[], Predictor],
    space: SearchSpace,
    *,
    genes: Genes,
    values: Float[np.ndarray, " n"],
    rng: np.random.Generator,
    tolerance: float = 1e-5,
    full_batch: bool = False,
) -> None:
    """Checks every rule of `Predictor`, and of `DifferentiablePredictor` and `WarmStartPredictor` where they apply.

    Args:
        make_predictor: makes a new, unfitted predictor; configure it to train for a second or less.
        space: the space the genes belong to.
        genes: `(n, g)` distinct valid rows, n >= 8.
        values: `(n,)` a target that the predictor can learn, higher is better, not all equal.
        rng: the only source of randomness.
        tolerance: how far two scores of one architecture may differ, as a share of the largest score (1e-5 is float32).
        full_batch: whether the order of the training data must not matter, up to 100 times the tolerance.

    Raises:
        ConformanceError: a rule is broken; names the rule and the remedy.
    """
    check_construction(make_predictor)
    fit = _Fit(make_predictor, space, genes, values)
    fitted, again = twice(fit, rng)
    require(isinstance(fitted, Predictor), "fit() returns a predictor", type(fitted).__name__, "return self")
    check_scores(fitted, space, genes, values, tolerance)
    check_fit(fit, fitted, again, rng)
    check_hard_data(make_predictor, space, genes, values, rng)
    if full_batch:
        check_order(fit, fitted, genes, values, rng, tolerance=100 * tolerance)
    check_gradient(fitted, space, genes, tolerance=10 * tolerance)
    check_warm_start(fit, fitted, rng, tolerance)


@dataclasses.dataclass(frozen=True)
class _Fit:
    """Fits a new predictor with the generator it is called with."""

    make: Callable[[], Predictor]
    space: SearchSpace
    genes: Genes
    values: Float[np.ndarray, " n"]

    def __call__(self, rng: np.random.Generator) -> Any:
        genes, values = np.array(self.genes), np.array(self.values)
        rule = f"fit() takes {len(genes)} architectures"
        return attempt(rule, "see Predictor.fit", self.make().fit, self.space, genes, values, rng=rng)


def check_construction(make_predictor: Callable[[], Predictor]) -> None:
    """A configuration can be copied and described, so that searches can fit a fresh copy and be resumed."""
    predictor: Any = make_predictor()
    require(isinstance(predictor, Predictor), "a predictor has fit and predict", type(predictor).__name__, "add them")
    require_described(predictor, "a predictor")
    rule, remedy = "predictors.base.fresh(predictor) copies its configuration", "let the constructor only store"
    copy: Any = attempt(rule, remedy, fresh, predictor)
    require(describe(copy) == describe(predictor), rule, f"{describe(copy)} beside {describe(predictor)}", remedy)
    learned = _learned(predictor)
    rule = "nothing is learned before fit(): attributes that end in _ are missing or None"
    require(not learned, rule, ", ".join(learned), "set them in fit()")


def check_scores(
    fitted: Predictor, space: SearchSpace, genes: Genes, values: Float[np.ndarray, " n"], tolerance: float
) -> None:
    """Scores: one finite float a row, higher for better, the same alone as in company."""
    scores = fitted.predict(genes)
    require_array(scores, np.floating, (len(genes),), "predict()")
    wrong = int(np.argmin(np.isfinite(scores)))
    met = f"{scores[wrong]} for {space.describe(genes[wrong])}"
    require(bool(np.isfinite(scores).all()), "scores are finite", met, "lower the learning rate or scale the inputs")
    tau = float(kendalltau(scores, values).statistic) if len(np.unique(scores)) > 1 else 0.0
    rule = "higher scores are better: Kendall's tau with the values fitted on is above 0"
    require(tau > 0, rule, f"tau = {tau:.2f}", "check the sign of the loss, and that fit() learns")
    half = len(genes) // 2
    parts = np.concatenate([fitted.predict(genes[:half]), fitted.predict(genes[half:])])
    rule = "the score of a row does not depend on the other rows"
    _require_close(parts, scores, tolerance, rule, "switch off batch statistics and dropout in predict()")
    none = attempt("predict() takes no rows", "return an empty array for them", fitted.predict, genes[:0])
    require_array(none, np.floating, (0,), "predict() of no rows")
    if len(space) <= ENUMERATED:
        whole = space.enumerate()
        rows = np.arange(min(len(whole), 100))
        rule = "scores of space.enumerate() are those of its rows"
        remedy = "check what predict() keeps for the whole space"
        _require_close(fitted.predict(whole)[rows], fitted.predict(whole[rows]), tolerance, rule, remedy)


def check_fit(fit: _Fit, fitted: Predictor, again: Predictor, rng: np.random.Generator) -> None:
    """Fitting is a function of data and generator, changes neither data nor configuration, and takes fidelities."""
    scores = fitted.predict(fit.genes)
    rule = "fit() is a function of its arguments and the generator"
    same = np.array_equal(scores, again.predict(fit.genes))
    require(same, rule, "two predictors from one state", "draw every random number, weights too, from `rng`")
    genes, values = np.array(fit.genes), np.array(fit.values)
    epochs, rule = np.full(len(values), 12), "fit() takes the epochs of each value"
    used: Any = attempt(
        rule, "accept `epochs`, or ignore it", fit.make().fit, fit.space, genes, values, epochs=epochs, rng=rng
    )
    used.predict(genes)
    same = np.array_equal(genes, fit.genes) and np.array_equal(values, fit.values)
    require(same, "fit() and predict() leave their arguments as they are", "altered genes or values", "work on copies")
    same = describe(used) == describe(fit.make())
    rule = "a fitted predictor is described as the unfitted one"
    require(same, rule, describe(used), "keep what is learned in attributes that end in _ and are no fields")


def check_hard_data(
    make_predictor: Callable[[], Predictor],
    space: SearchSpace,
    genes: Genes,
    values: Float[np.ndarray, " n"],
    rng: np.random.Generator,
) -> None:
    """One architecture and equal values are fitted without complaint; NaN is refused."""
    for what, rows, given in (
        ("one architecture", genes[:1], values[:1]),
        ("values that are all equal", genes, np.full(len(genes), 0.5)),
    ):
        rule, remedy = f"fit() takes {what}", "guard divisions by spread or count"
        fitted = attempt(rule, remedy, make_predictor().fit, space, rows, given, rng=rng)
        finite = bool(np.isfinite(fitted.predict(genes)).all())
        require(finite, rule, "scores that are not finite", remedy)
    missing = np.array(values)
    missing[-1] = np.nan
    try:
        make_predictor().fit(space, genes, missing, rng=rng)
        met = "a fitted predictor"
    except DataError:
        return
    except Exception as error:
        met = f"{type(error).__name__}: {error}"
    rule = "fit() raises DataError for a value that is not finite"
    require(False, rule, met, "call predictornas.predictors.fitting.check_values first")


def check_order(
    fit: _Fit,
    fitted: Predictor,
    genes: Genes,
    values: Float[np.ndarray, " n"],
    rng: np.random.Generator,
    tolerance: float,
) -> None:
    """The order of the training data does not matter to a predictor trained on the full batch."""
    order = rng.permutation(len(genes))
    straight, shuffled = (
        run(np.random.default_rng(0)).predict(genes)
        for run in (fit, dataclasses.replace(fit, genes=genes[order], values=values[order]))
    )
    rule = "scores do not depend on the order of the training data"
    _require_close(shuffled, straight, tolerance, rule, "train on the full batch, or check without `full_batch`")


def check_gradient(fitted: Predictor, space: SearchSpace, genes: Genes, tolerance: float) -> None:
    """Relaxed scores are those of `predict` where genes are one-hot, and have a gradient there.

    A predictor may refuse a space without `relaxation` with ConfigurationError.
    """
    if not isinstance(fitted, DifferentiablePredictor):
        return
    import torch

    sequences = torch.from_numpy(space.sequences(genes)).requires_grad_()
    try:
        scores = fitted.relaxed(sequences)
    except ConfigurationError:
        if relaxation_or_none(space) is not None:
            raise
        return
    rule = "relaxed() returns a tensor (n,)"
    require(scores.shape == (len(genes),), rule, tuple(scores.shape), "drop further axes")
    rule = "relaxed() of one-hot sequences gives the scores of predict()"
    remedy = "compute both with the same network in the same mode"
    _require_close(scores.detach().cpu().numpy(), fitted.predict(genes), tolerance, rule, remedy)
    met = "a result without history"
    require(scores.requires_grad, "relaxed() is differentiable in the sequences", met, "leave inference_mode")
    (slope,) = torch.autograd.grad(scores.sum(), sequences, allow_unused=True)
    good = slope is not None and bool(slope.isfinite().all()) and bool(slope.abs().sum() > 0)
    remedy = "do not round or detach the sequences"
    require(good, "the gradient of relaxed() is finite and not zero everywhere", slope, remedy)


def check_warm_start(fit: _Fit, fitted: Predictor, rng: np.random.Generator, tolerance: float) -> None:
    """A warm start begins with what was learned (the same scores after 0 more epochs) and does not alter it."""
    if not isinstance(fitted, WarmStartPredictor):
        return
    before = np.array(fitted.predict(fit.genes))
    warm: Any = fit.make()
    if hasattr(warm, "training_epochs"):
        idle = dataclasses.replace(warm, training_epochs=0).starting_from(fitted)
        same = idle.fit(fit.space, fit.genes, fit.values, rng=rng).predict(fit.genes)
        rule = "starting_from(fitted) and 0 more epochs give the scores of `fitted`"
        _require_close(same, before, tolerance, rule, "copy all learned weights at the start of fit()")
    warm.starting_from(fitted).fit(fit.space, fit.genes, fit.values, rng=rng)
    rule = "a warm start leaves the predictor that it starts from as it is"
    same = np.array_equal(fitted.predict(fit.genes), before)
    require(same, rule, "other scores than before", "train a copy of the weights")


def _learned(predictor: object) -> list[str]:
    """Attributes with the mark of what is learned that hold something."""
    return [
        name
        for name, value in vars(predictor).items()
        if name.endswith("_") and not name.endswith("__") and value is not None
    ]


def _require_close(
    scores: Float[np.ndarray, " n"], expected: Float[np.ndarray, " n"], tolerance: float, rule: str, remedy: str
) -> None:
    scale = float(np.abs(expected).max(initial=0.0))
    off = float(np.abs(scores - expected).max(initial=0.0))
    require(off <= tolerance * max(scale, 1e-12), rule, f"scores that differ by {off:.1e} of {scale:.1e}", remedy)
