"""Methods made of parts of other people: by entry point, and by `module:attribute`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from predictornas import registry
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.registry import Registered
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers.full import Full
from predictornas.schedulers.nosh import NOSH
from predictornas.search.local_search import LocalSearch
from predictornas.search.methods import PRESETS, get_strategy
from predictornas.search.scheduled import Scheduled, ZeroCost
from predictornas.search.strategies import PredictorSearch, RandomSearch

HERE = "tests.search.test_building"
PRESET = replace(PRESETS["quick"], levels=(4, 12))


class Forest:
    """A predictor that is no dataclass."""

    def fit(self, *args: Any, **settings: Any) -> Forest:
        return self

    def predict(self, genes: Any) -> Any:
        return genes.mean(axis=1)


@dataclass(frozen=True)
class Half:
    """A scheduler that has no ratio to choose."""

    levels: tuple[int, ...]
    ratio: Fraction
    entry = 4

    def promotions(self, history: Any) -> Any:
        raise NotImplementedError


PATIENT = Registered("other", RandomSearch, takes=("initial", "batch"), help="with the preset's sizes")
GREEDY = LocalSearch()


def make_half() -> Half:
    return Half((4, 12), Fraction(1, 2))


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """`install(kind, name, value)` stands for a package with that entry point."""
    points: dict[str, tuple[EntryPoint, ...]] = {}
    monkeypatch.setattr(registry, "points_of", lambda group: points.get(group, ()))

    def announce(kind: str, name: str, value: str) -> None:
        group = f"predictornas.{kind}"
        points[group] = (*points.get(group, ()), EntryPoint(name, value, group))

    return announce


def test_a_predictor_of_your_own_ranks_any_pool(install: Callable[[str, str, str], None]) -> None:
    install("predictors", "forest", f"{HERE}:Forest")
    for name in ("forest", f"{HERE}:Forest"):
        strategy = get_strategy(f"uniform-50@{name}", PRESET)
        assert isinstance(strategy, PredictorSearch)
        assert type(strategy.predictor).__name__ == "Forest"
        assert strategy.pool_size == 50


def test_a_sampler_of_your_own_is_a_method_with_a_size(install: Callable[[str, str, str], None]) -> None:
    install("samplers", "my-pool", "predictornas.samplers.uniform:Uniform")
    for name in ("my-pool", "predictornas.samplers.uniform:Uniform"):
        assert get_strategy(f"{name}-50", PRESET) == get_strategy("uniform-50", PRESET)
        assert get_strategy(f"{name}-50@gp", PRESET) == PredictorSearch(GaussianProcess(), Uniform(), 50)
        with pytest.raises(ConfigurationError, match=f"Give it as '{name}-1000'"):
            get_strategy(name, PRESET)


def test_a_scheduler_of_your_own_is_two_methods(install: Callable[[str, str, str], None]) -> None:
    install("schedulers", "half", f"{HERE}:Half")
    for name in ("half", f"{HERE}:Half"):
        plain = get_strategy(f"{name}-40", PRESET)
        assert isinstance(plain, Scheduled)
        assert plain.strategy == RandomSearch()
        assert (plain.scheduler.levels, plain.scheduler.ratio) == ((4, 12), Fraction(2, 5))  # type: ignore[attr-defined]
        ranked = get_strategy(f"rank-{name}@gp", PRESET)
        assert isinstance(ranked, Scheduled)
        assert type(ranked.scheduler).__name__ == "Half"
        assert ranked.scheduler.ratio == Fraction(1, 2)  # type: ignore[attr-defined]
        assert isinstance(ranked.strategy, PredictorSearch)
        assert ranked.strategy.predictor == GaussianProcess()


def test_every_scheduler_of_ours_goes_with_a_predictor_too() -> None:
    assert get_strategy("rank-asha-30", PRESET).zero_cost == ZeroCost()  # type: ignore[attr-defined]
    assert get_strategy("full", PRESET) == Scheduled(RandomSearch(), Full((4, 12)))
    assert get_strategy("nosh", PRESET) == Scheduled(RandomSearch(), NOSH((4, 12)))


def test_a_strategy_of_your_own_is_a_method(install: Callable[[str, str, str], None]) -> None:
    install("methods", "greedy", "predictornas.search.local_search:LocalSearch")
    install("methods", "patient", f"{HERE}:PATIENT")
    for name in ("greedy", "predictornas.search.local_search:LocalSearch", f"{HERE}:GREEDY"):
        assert type(get_strategy(name, PRESET)).__name__ == "LocalSearch"
        for wrong in (f"{name}-10", f"{name}@gp"):
            with pytest.raises(ConfigurationError, match="takes no"):
                get_strategy(wrong, PRESET)
    for name in ("patient", f"{HERE}:PATIENT"):
        assert get_strategy(name, PRESETS["paper"]) == RandomSearch(4, 4)


def test_what_is_no_part_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"\(of your own\) is no Strategy: OrderedDict lacks batch, initial"):
        get_strategy("collections:OrderedDict", PRESET)
    with pytest.raises(ConfigurationError, match=r"makes a scheduler without levels. Name its class, Half"):
        get_strategy(f"{HERE}:make_half", PRESET)
    with pytest.raises(ConfigurationError, match=r"'predictornas.samplers.uniform:Uniform' is no scheduler"):
        get_strategy("rank-predictornas.samplers.uniform:Uniform", PRESET)
    with pytest.raises(ConfigurationError, match="nowhere cannot be imported"):
        get_strategy("nowhere:Part-100", PRESET)
    with pytest.raises(UnknownNameError, match="no attribute of collections named 'Ordered'"):
        get_strategy("collections:Ordered", PRESET)
    with pytest.raises(UnknownNameError, match="no method named 'what is:this'"):
        get_strategy("what is:this", PRESET)
