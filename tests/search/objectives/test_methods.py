"""Methods for several objectives by name."""

from __future__ import annotations

import pytest

from predictornas.description import describe
from predictornas.errors import UnknownNameError
from predictornas.search.objectives.methods import get_objective_strategy
from predictornas.search.objectives.quantities import Goal
from predictornas.search.objectives.registry import OBJECTIVE_METHODS

QUANTITIES = (Goal("error"), Goal("parameters", known=True))


class Nothing:
    """Knows nothing."""

    def read(self, genes: object) -> object:
        return genes


@pytest.mark.parametrize("name", list(OBJECTIVE_METHODS))
def test_every_method_is_made_and_described(name: str) -> None:
    strategy = get_objective_strategy(name, QUANTITIES, Nothing())  # type: ignore[arg-type]
    described = describe(strategy)
    assert strategy.initial >= 1
    assert name == "random" or [one["name"] for one in described["quantities"]] == ["error", "parameters"]


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="nsga-ii"):
        get_objective_strategy("nsga2", QUANTITIES, Nothing())  # type: ignore[arg-type]
