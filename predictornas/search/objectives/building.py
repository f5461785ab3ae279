"""The settings of the searches for several objectives that have a name."""

from __future__ import annotations

from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.search.objectives.front_search import FrontSearch
from predictornas.search.objectives.quantities import Goal, Reader


def front_search(quantities: tuple[Goal, ...], reader: Reader) -> FrontSearch:
    """The best search for several objectives; how its settings were chosen stands in `docs/results/objectives.md`."""
    return FrontSearch(
        quantities,
        reader,
        predictor=GaussianProcess(width=32, tuned_on=200, relevances=False, degrees_of_freedom=None),
        sampler=Evolutionary(mutants=1.0, rate=0.2),
    )
