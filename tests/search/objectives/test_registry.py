"""What is known of the methods before they are loaded."""

from __future__ import annotations

from predictornas.looks import styles_of
from predictornas.search.objectives.registry import OBJECTIVE_METHODS


def test_the_same_methods_have_the_looks_they_have_elsewhere() -> None:
    styles = styles_of(OBJECTIVE_METHODS)
    assert [styles[name].label for name in OBJECTIVE_METHODS] == ["random search", "NSGA-II", "Bayesian optimisation"]
    assert len({style.color for style in styles.values()}) == 3
