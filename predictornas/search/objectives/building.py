"""How searches for several objectives are put together: by name, and those with settings of their own."""

from __future__ import annotations

from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.registry import expect
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.search.objectives.front_search import FrontSearch
from predictornas.search.objectives.quantities import Goal, Reader
from predictornas.search.objectives.registry import OBJECTIVE_METHODS
from predictornas.search.strategies import Strategy


def front_search(quantities: tuple[Goal, ...], reader: Reader) -> FrontSearch:
    """The best search for several objectives; how its settings were chosen stands in `docs/results/objectives.md`."""
    return FrontSearch(
        quantities,
        reader,
        predictor=GaussianProcess(width=32, tuned_on=200, relevances=False, degrees_of_freedom=None),
        sampler=Evolutionary(mutants=1.0, rate=0.2),
    )


def get_objective_strategy(method: str, quantities: tuple[Goal, ...], reader: Reader) -> Strategy:
    """The strategy of a method.

    Raises:
        UnknownNameError: no method for several objectives has this name.
        ConfigurationError: a part of another package that cannot be loaded or made.
    """
    record = OBJECTIVE_METHODS[method]
    strategy: Strategy = expect(record.make(quantities=quantities, reader=reader), Strategy, record)
    return strategy
