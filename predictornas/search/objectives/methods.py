"""The strategy of a method for several objectives, by name."""

from __future__ import annotations

from predictornas.registry import expect
from predictornas.search.objectives.quantities import Goal, Reader
from predictornas.search.objectives.registry import OBJECTIVE_METHODS
from predictornas.search.strategies import Strategy


def get_objective_strategy(method: str, quantities: tuple[Goal, ...], reader: Reader) -> Strategy:
    """The strategy of a method.

    Raises:
        UnknownNameError: no method for several objectives has this name.
        ConfigurationError: a part of another package that cannot be loaded or made.
    """
    record = OBJECTIVE_METHODS[method]
    strategy: Strategy = expect(record.make(quantities=quantities, reader=reader), Strategy, record)
    return strategy
