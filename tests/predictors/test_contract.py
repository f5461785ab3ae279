"""What a predictor of somebody else may give, and what is said of the rest."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.predictors.contract import fitted_on, scores_of, spread_of
from predictornas.samplers.uniform import Uniform
from predictornas.search.loop import Search
from predictornas.search.strategies import PredictorSearch
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
GENES = SPACE.enumerate()[:3]


class Giving:
    """Gives back what it was made with, for so many architectures."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def fit(self, *_: Any, **__: Any) -> Giving:
        return self

    def predict(self, genes: np.ndarray) -> Any:
        return self.given

    predict_std = predict


@pytest.mark.parametrize(
    "given",
    [
        [0.5, 1, 2.0],
        np.array([0.5, 1, 2]),
        torch.tensor([0.5, 1.0, 2.0], requires_grad=True),
        torch.tensor([0.5, 1.0, 2.0], dtype=torch.bfloat16),
        np.array([0.5, 1, 2], np.float32),
    ],
)
def test_what_holds_one_number_each_is_taken(given: Any) -> None:
    for asked in (scores_of, spread_of):
        numbers = asked(Giving(given), GENES)
        assert isinstance(numbers, np.ndarray)
        assert numbers.tolist() == [0.5, 1, 2]


def test_arrays_stay_what_they_are_so_that_searches_stay_the_same() -> None:
    given = np.array([1, 2, 3], np.float32)
    assert scores_of(Giving(given), GENES) is given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([0.1, 0.2], r"Giving\.predict gave float64 of shape \(2,\) for 3 architectures"),
        (np.ones((3, 1)), r"shape \(3, 1\) for 3"),
        (None, "gave NoneType for 3"),
        (["a", "b", "c"], "gave <U1 of shape"),
        ([0.1, float("nan"), float("inf")], "gave nan for 2 of 3 architectures: scores have to be finite"),
        (np.ma.array([0.1, 0.2, 0.3], mask=[0, 1, 0]), "gave nan for 1 of 3"),
        (np.ma.array([1, 2, 3], mask=[0, 1, 0]), "gave nan for 1 of 3"),
        ([[0.1], [0.2, 0.3], []], "of which no array of numbers can be made"),
        ([torch.ones(1, requires_grad=True)] * 3, "of which no array of numbers can be made|shape"),
    ],
)
def test_anything_else_is_named(given: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        scores_of(Giving(given), GENES)


def test_a_standard_deviation_is_not_negative() -> None:
    with pytest.raises(ConfigurationError, match="predict_std gave -1: a standard deviation"):
        spread_of(Giving([0.1, -1.0, 0.3]), GENES)


def test_a_fit_of_which_nobody_knows_what_it_takes_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of an extension in C, which has no signature in words."""

    def unknown(_: Any) -> inspect.Signature:
        raise ValueError("no signature found")

    monkeypatch.setattr(inspect, "signature", unknown)
    predictor = Giving([])
    assert fitted_on(predictor, SPACE, GENES, np.zeros(3), rng=np.random.default_rng(0)) is predictor


def test_a_search_stops_at_scores_that_are_no_numbers_instead_of_asking_for_nothing_for_ever() -> None:
    class Lost(Giving):
        def predict(self, genes: np.ndarray) -> Any:
            return np.full(len(genes), np.nan)

    search = Search(SPACE, PredictorSearch(Lost(None), Uniform(), 50, initial=4, batch=2), seed=0)
    search.tell(search.ask().genes, [0.1, 0.2, 0.3, 0.4])
    with pytest.raises(ConfigurationError, match=r"Lost\.predict gave nan"):
        search.ask()


def test_fit_takes_what_a_search_hands_it_and_gives_back_a_predictor() -> None:
    class Old(Giving):
        def fit(self, space: Any, genes: Any, values: Any) -> Old:
            return self

    class Forgetful(Giving):
        def fit(self, *_: Any, **__: Any) -> None:
            return None

    for predictor, said in ((Old([]), "Old.fit does not take .* 'epochs'"), (Forgetful([]), "end it with `return sel")):
        with pytest.raises(ConfigurationError, match=said):
            fitted_on(predictor, SPACE, GENES, np.zeros(3), rng=np.random.default_rng(0))
    assert fitted_on(Giving([]), SPACE, GENES, np.zeros(3), rng=np.random.default_rng(0)).given == []
