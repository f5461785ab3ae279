from __future__ import annotations

import pytest

from predictornas.errors import ConfigurationError
from predictornas.supernet.adjusting import with_anchor, with_mixed_weight
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.updates import Bilevel, Mixed, Switch
from predictornas.supernet.published import METHODS, get_method


def test_lambda_wherever_it_stands() -> None:
    assert with_mixed_weight(METHODS["milenas"], 0.1).update == Mixed(0.1)
    switch = with_mixed_weight(METHODS["bilevel-to-mixed"], 7.0).update
    assert switch == Switch(Bilevel(order=2), Mixed(7.0), epoch=35)
    anchored = with_anchor(METHODS["milenas"], "weight-decay")
    assert with_mixed_weight(anchored, 0.0).update == Anchored(Mixed(0.0), DirichletAnchor("weight-decay"))


@pytest.mark.parametrize("name", ["darts-1", "drnas", "pvll"])
def test_no_lambda(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no lambda"):
        with_mixed_weight(METHODS[name], 1.0)


def test_an_anchor_is_exchanged_and_taken_away() -> None:
    drnas = METHODS["drnas"]
    assert with_anchor(drnas, "kl").update == Anchored(Bilevel(), DirichletAnchor("kl", 1e-3))
    assert with_anchor(drnas, "none").update == Bilevel()
    assert with_anchor(with_anchor(drnas, "none"), "l2") == drnas


def test_an_anchor_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="'kl' or 'weight-decay'"):
        with_anchor(METHODS["drnas"], "l1")
    with pytest.raises(ConfigurationError, match="Dirichlet concentrations"):
        with_anchor(METHODS["darts-1"], "l2")
    with pytest.raises(ConfigurationError, match="Regression of the loss"):
        with_anchor(METHODS["pvll"], "l2")


def test_another_anchor_takes_the_place_of_the_decay_that_the_released_code_anchors_by() -> None:
    released = get_method("drnas", preset="released")
    assert released.architecture.weight_decay == 1e-3
    for distance, update in (
        ("none", Bilevel()),
        ("weight-decay", Anchored(Bilevel(), DirichletAnchor("weight-decay", 1e-3))),
        ("l2", Anchored(Bilevel(), DirichletAnchor("l2", 1e-3))),
    ):
        found = with_anchor(released, distance)
        assert (found.update, found.architecture.weight_decay) == (update, 0.0)
    darts = with_anchor(METHODS["darts-1"], "none")  # whose decay is a regulariser and no anchor
    assert darts.architecture == METHODS["darts-1"].architecture
