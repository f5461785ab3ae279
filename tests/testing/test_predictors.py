from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from predictornas.predictors.base import Predictor
from predictornas.predictors.fitting import check_values
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.optimisers import Adam, GradientDescent
from predictornas.predictors.pyg import PyGPredictor
from predictornas.predictors.rnn import RNN
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.registry import get_space
from predictornas.testing import ConformanceError, check_predictor

SPACE = NASBench201()


def linear_of_pooled(width: int) -> Any:
    import torch
    from torch_geometric.nn import global_mean_pool

    class LinearOfPooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(width, 1)

        def forward(self, batch: Any) -> torch.Tensor:
            return self.linear(global_mean_pool(batch.x, batch.batch))

    return LinearOfPooled()


PREDICTORS: dict[str, Callable[[], Predictor]] = {
    "gcn": lambda: GCN(width=16, training_epochs=60),
    "gcn-dense": lambda: GCN(width=16, training_epochs=60, engine="dense"),
    "flow": lambda: Flow(width=16, layers=3, training_epochs=60),
    "flow-in-batches": lambda: Flow(width=16, layers=3, training_epochs=60, batch_size=16),
    "gp": GaussianProcess,
    "rnn": lambda: RNN(hidden=16, training_epochs=60, optimiser=Adam(learning_rate=0.05)),
    "pyg": lambda: PyGPredictor(linear_of_pooled, training_epochs=60, optimiser=GradientDescent(0.3)),
}
"""Every predictor of the package, small."""

TOLERANCES = {"gp": 1e-4}
"""A sum over hundreds of kernel values in single precision is less exact than a network."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
@pytest.mark.parametrize("what", PREDICTORS)
def test_our_predictors_keep_every_rule(what: str, name: str, rng: np.random.Generator) -> None:
    space = get_space(name)
    genes = space.sample(40, rng)
    operations = space.graphs(genes).operations
    values = (operations == 1).sum(axis=1) / (operations >= 0).sum(axis=1)
    check_predictor(
        PREDICTORS[what],
        space,
        genes=genes,
        values=values,
        rng=rng,
        tolerance=TOLERANCES.get(what, 1e-5),
        full_batch=what != "flow-in-batches",
    )


@dataclass
class Linear:
    """Ridge regression on one-hot genes, right in every rule."""

    ridge: float = 1.0
    training_epochs: int = 1
    start_: Any = field(default=None, init=False, repr=False, compare=False)

    def fit(self, space: Any, genes: Any, values: Any, *, epochs: Any = None, rng: np.random.Generator) -> Any:
        check_values(values)
        self.space_ = space
        if self.start_ is not None and self.training_epochs == 0:
            self.weights_, self.mean_ = self.start_
            return self
        features = space.sequences(genes).reshape(len(genes), 30).astype(np.float64)
        gram = features.T @ features + self.ridge * np.eye(features.shape[1])
        self.mean_ = float(values.mean())
        self.weights_ = np.linalg.solve(gram, features.T @ (values - self.mean_))
        return self

    def predict(self, genes: Any) -> Any:
        return self.space_.sequences(genes).reshape(len(genes), 30) @ self.weights_ + self.mean_

    def relaxed(self, sequences: Any) -> Any:
        import torch

        return sequences.flatten(1).double() @ torch.from_numpy(self.weights_) + self.mean_

    def starting_from(self, fitted: Any) -> Any:
        copy = type(self)(self.ridge, self.training_epochs)
        copy.start_ = fitted.weights_, fitted.mean_
        return copy


def check(make: Callable[[], Any], *, genes: np.ndarray | None = None) -> None:
    rng = np.random.default_rng(0)
    genes = SPACE.sample(60, rng) if genes is None else genes
    values = (genes == 3).sum(axis=1) / 6 + rng.normal(0, 0.01, len(genes))
    check_predictor(make, SPACE, genes=genes, values=values, rng=rng, full_batch=True)


def test_a_right_one_passes() -> None:
    check(Linear)


def stores_a_guess(self: Any) -> None:
    self.weights_ = np.zeros(30)


def doubles(self: Any) -> None:
    self.ridge *= 2


def negative(self: Any, genes: Any) -> Any:
    return -Linear.predict(self, genes)


def relative(self: Any, genes: Any) -> Any:
    scores = Linear.predict(self, genes)
    return scores - scores.mean() if len(scores) else scores


def whole_differs(self: Any, genes: Any) -> Any:
    return Linear.predict(self, genes) * (2 if genes is SPACE.enumerate() else 1)


def fit_with(change: Callable[..., Any]) -> Callable[..., Any]:
    """Fits as Linear does, on data or into a predictor that `change(self, genes, values, rng)` alters."""

    def fit(self: Any, space: Any, genes: Any, values: Any, *, epochs: Any = None, rng: Any) -> Any:
        changed = change(self, genes, values, rng)
        values = values if changed is None else changed
        return Linear.fit(self, space, genes, values, epochs=epochs, rng=rng)

    return fit


def alter_genes(self: Any, genes: Any, values: Any, rng: Any) -> None:
    genes[0] = (genes[0] + 1) % 5


def alter_configuration(self: Any, genes: Any, values: Any, rng: Any) -> None:
    self.ridge *= 2


def refuses_otherwise(self: Any, genes: Any, values: Any, rng: Any) -> None:
    if not np.isfinite(values).all():
        raise ArithmeticError("what is this?")


def fit_to_nothing(self: Any, space: Any, genes: Any, values: Any, *, epochs: Any = None, rng: Any) -> None:
    Linear.fit(self, space, genes, values, rng=rng)


def scaled_by_spread(self: Any, genes: Any) -> Any:
    return Linear.predict(self, genes) / np.abs(self.weights_).max()


def detached(self: Any, sequences: Any) -> Any:
    return Linear.relaxed(self, sequences.detach())


def without_slope(self: Any, sequences: Any) -> Any:
    return Linear.relaxed(self, sequences.detach()) + 0 * sequences.sum((1, 2))


def cold(self: Any, fitted: Any) -> Any:
    copy = Linear.starting_from(self, fitted)
    copy.start_ = copy.start_[0] * 2, copy.start_[1]
    return copy


def shared(self: Any, fitted: Any) -> Any:
    fitted.mean_ += 1 if self.training_epochs else 0
    return Linear.starting_from(self, fitted)


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "learned before fit": ("nothing is learned before", {"__post_init__": stores_a_guess}),
    "its constructor computes": (r"fresh\(predictor\) copies its configuration", {"__post_init__": doubles}),
    "fit returns nothing": ("returns a predictor", {"fit": fit_to_nothing}),
    "whole numbers": (r"predict\(\) is an array", {"predict": lambda self, genes: np.arange(len(genes))}),
    "two columns": (r"predict\(\) is an array", {"predict": lambda self, genes: Linear.predict(self, genes)[:, None]}),
    "not finite": ("scores are finite", {"predict": lambda self, genes: np.full(len(genes), np.nan)}),
    "lower is better": ("higher scores are better", {"predict": negative}),
    "constant": ("higher scores are better", {"predict": lambda self, genes: np.zeros(len(genes))}),
    "no rows break it": (
        r"predict\(\) takes no rows. Met: ValueError: .*zero-size array",
        {"predict": lambda self, genes: Linear.predict(self, genes) / max(1.0, genes.max())},
    ),
    "takes no epochs": (
        r"fit\(\) takes the epochs of each value. Met: TypeError",
        {"fit": lambda self, space, genes, values, *, rng: Linear.fit(self, space, genes, values, rng=rng)},
    ),
    "cannot be fitted": (
        r"fit\(\) takes 60 architectures. Met: IndexError",
        {"fit": fit_with(lambda self, genes, values, rng: values[1000:][0])},
    ),
    "one row breaks it": (
        r"fit\(\) takes one architecture. Met: IndexError",
        {"fit": fit_with(lambda self, genes, values, rng: values + 0 * values[1])},
    ),
    "another error for NaN": (
        "raises DataError for a value that is not finite. Met: ArithmeticError",
        {"fit": fit_with(refuses_otherwise)},
    ),
    "by batch": ("does not depend on the other rows", {"predict": relative}),
    "another score in the whole space": (r"scores of space.enumerate\(\)", {"predict": whole_differs}),
    "its own randomness": (
        "is a function of its arguments",
        {
            "fit": fit_with(
                lambda self, genes, values, rng: values + np.random.default_rng().normal(0, 0.1, len(values))
            )
        },
    ),
    "alters genes": ("leave their arguments", {"fit": fit_with(alter_genes)}),
    "alters its configuration": ("is described as the unfitted one", {"fit": fit_with(alter_configuration)}),
    "divides by the spread": ("takes one architecture", {"predict": scaled_by_spread}),
    "takes NaN": ("raises DataError", {"fit": fit_with(lambda self, genes, values, rng: np.nan_to_num(values))}),
    "order matters": (
        "order of the training data",
        {"fit": fit_with(lambda self, genes, values, rng: values * np.linspace(0.5, 1, len(values)))},
    ),
    "relaxed in two axes": (
        r"returns a tensor \(n,\)",
        {"relaxed": lambda self, sequences: Linear.relaxed(self, sequences)[:, None]},
    ),
    "relaxed differs": (
        "gives the scores of predict",
        {"relaxed": lambda self, sequences: 2 * Linear.relaxed(self, sequences)},
    ),
    "detached": ("is differentiable", {"relaxed": detached}),
    "no slope": ("finite and not zero", {"relaxed": without_slope}),
    "starts elsewhere": ("0 more epochs give", {"starting_from": cold}),
    "alters what it starts from": ("leaves the predictor that it starts from|0 more epochs", {"starting_from": shared}),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")
def test_each_broken_rule_is_found_and_named(what: str) -> None:
    message, members = BROKEN[what]
    broken = dataclass(type("Broken", (Linear,), {"__annotations__": {}, **members}))
    with pytest.raises(ConformanceError, match=message):
        check(broken)


class Plain:
    """The same as Linear without being a dataclass."""

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = ridge

    fit, predict = Linear.fit, Linear.predict
    start_, training_epochs = None, 1


def test_a_predictor_need_not_be_a_dataclass() -> None:
    check(Plain)
    check(lambda: Plain(0.5))


def holds_a_lambda() -> Plain:
    plain = Plain()
    plain.transform = lambda values: values  # type: ignore[attr-defined]
    return plain


class Forgetful(Plain):
    """Hands out another configuration than it was given."""

    def __deepcopy__(self, memo: Any) -> Any:
        return Forgetful(self.ridge + 1)


class Learner(Plain):
    """Keeps what it learned where configuration belongs."""

    def fit(self, *arguments: Any, **options: Any) -> Any:
        super().fit(*arguments, **options)
        self.weights = self.weights_
        return self


class Locked(Plain):
    """Cannot be copied at all."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("cannot copy")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (holds_a_lambda, r"a predictor can be described. Met: ConfigurationError: .*<lambda>"),
        (Forgetful, "a copy of a predictor is described as it is"),
        (Learner, "a fitted predictor is described as the unfitted one"),
        (Locked, "a predictor can be copied. Met: TypeError: cannot copy"),
        (dict, "a predictor has fit and predict. Met: dict"),
    ],
)
def test_configurations_that_cannot_be_copied_or_described(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        check(make)
