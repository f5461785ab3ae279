"""Methods for several objectives by name; kept apart from the others, for a name may be in both."""

from __future__ import annotations

from predictornas.registry import Look, Registered, Registry

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
