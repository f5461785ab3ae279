"""Methods for several objectives by name; kept apart from the others, for a name may be in both."""

from __future__ import annotations

from predictornas.registry import Look, Registered, Registry, expect
from predictornas.search.objectives.quantities import Goal, Reader
from predictornas.search.strategies import Strategy

OBJECTIVE_METHODS = Registry(
    "method for several objectives",
    (
        Registered(
            name="random",
            target="predictornas.search.strategies:RandomSearch",
            help="uniform draws, what gain is measured against",
            label="random search",
        ),
        Registered(
            name="nsga-ii",
            target="predictornas.search.objectives.nsga:NSGA2",
            help="evolution by front and crowding (Deb et al. 2002)",
            label="NSGA-II",
            takes=("quantities",),
            look=Look("#2F8F4E", "P"),
        ),
        Registered(
            name="bayesian-optimisation",
            target="predictornas.search.objectives.building:front_search",
            help="a Gaussian process for each objective, and what may add most to the front",
            label="Bayesian optimisation",
            takes=("quantities", "reader"),
        ),
    ),
    group="predictornas.objective_methods",
)
"""Settings for the targets: `quantities`, what is searched for, and `reader`, which reads those that are known."""


def get_objective_strategy(method: str, quantities: tuple[Goal, ...], reader: Reader) -> Strategy:
    """The strategy of a method.

    Raises:
        UnknownNameError: no method for several objectives has this name.
        ConfigurationError: a part of another package that cannot be loaded or made.
    """
    record = OBJECTIVE_METHODS[method]
    strategy: Strategy = expect(record.make(quantities=quantities, reader=reader), Strategy, record)
    return strategy
