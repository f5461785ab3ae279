from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError
from predictornas.supernet.method import Method
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.greedy import Greedy
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.perturbation import PerturbationSelection
from predictornas.supernet.parts.relaxations import Dirichlet
from predictornas.supernet.parts.updates import Bilevel, Mixed, Switch
from predictornas.supernet.published import METHODS, get_method
from predictornas.supernet.shortening import with_epochs


@example("drnas-progressive", 3)
@example("pc-darts", 1)
@given(st.sampled_from(sorted(METHODS)), st.integers(2, 700))
def test_as_many_epochs_as_asked_for(name: str, epochs: int) -> None:
    short = with_epochs(METHODS[name], epochs)
    assert short.epochs == epochs
    assert all(stage.epochs >= 1 for stage in short.stages)
    # alpha moves in every stage
    assert all(0 <= stage.warm_up < stage.epochs for stage in short.stages)
    assert 0 <= short.warm_up < epochs


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_papers_length_changes_nothing(name: str) -> None:
    method = METHODS[name]
    restored = with_epochs(method, method.epochs)
    # the length of the weights' recipe is that of the visits in PVLL-NAS
    assert restored == method or name == "pvll"
    assert restored.update == method.update


def test_a_fifth_of_the_search() -> None:
    assert with_epochs(METHODS["pc-darts"], 10).warm_up == 3
    assert with_epochs(METHODS["sgas-1"], 10).selection == Greedy(warm_up=2, interval=1)
    assert with_epochs(get_method("darts-1+pt"), 10).selection == PerturbationSelection(interval=1)
    switch = with_epochs(METHODS["bilevel-to-mixed"], 10).update
    assert switch == Switch(Bilevel(order=2), Mixed(weight=1.0), epoch=7)
    stages = with_epochs(METHODS["drnas-progressive"], 10).stages
    assert [(stage.epochs, stage.warm_up) for stage in stages] == [(5, 2), (5, 2)]


@pytest.mark.parametrize("epochs", [8, 9, 10, 15, 16, 20, 26, 49])
def test_greedy_decisions_have_the_time_for_every_edge_that_a_cell_keeps(epochs: int) -> None:
    selection = with_epochs(METHODS["sgas-1"], epochs).selection
    assert isinstance(selection, Greedy)
    assert sum(selection.decides_at(epoch) for epoch in range(epochs)) >= 8


def test_intervals_have_an_epoch_even_where_their_share_of_the_search_has_none() -> None:
    """A twenty-fifth of 5 epochs and a seventh of 3 are less than one; decisions then begin with the search."""
    assert with_epochs(get_method("darts-1+pt"), 2).selection == PerturbationSelection(interval=1)
    assert with_epochs(METHODS["sgas-1"], 4).selection == Greedy(warm_up=0, interval=1)
    assert with_epochs(METHODS["sgas-1"], 9).selection == Greedy(warm_up=1, interval=1)
    assert with_epochs(METHODS["sgas-1"], 50).selection == Greedy(warm_up=9, interval=5)
    # 7 intervals of 2 epochs after a warm-up of 4 end with epoch 18, and 11 epochs are too few for two each
    assert with_epochs(METHODS["sgas-1"], 20).selection == Greedy(warm_up=4, interval=2)
    assert with_epochs(METHODS["sgas-1"], 12).selection == Greedy(warm_up=2, interval=1)


def test_switches_inside_of_anchors() -> None:
    update = Anchored(Switch(Bilevel(), Mixed(), epoch=35), DirichletAnchor())
    short = with_epochs(Method(relaxation=Dirichlet(), update=update), 10).update
    assert isinstance(short, Anchored)
    assert short.update == Switch(Bilevel(), Mixed(), epoch=7)


def test_visits_keep_their_proportions() -> None:
    short = with_epochs(METHODS["pvll"], 30).update
    assert isinstance(short, LossSpaceRegression)
    assert (short.warm_up, short.steps) == (10, 10)
    shortest = with_epochs(METHODS["pvll"], 1).update
    assert isinstance(shortest, LossSpaceRegression)
    assert (shortest.warm_up, shortest.steps) == (0, 1)


def test_too_short() -> None:
    with pytest.raises(ConfigurationError, match="needs 2 or more"):
        with_epochs(METHODS["drnas-progressive"], 1)
    with pytest.raises(ConfigurationError, match="0 epochs is too short"):
        with_epochs(METHODS["darts-1"], 0)


def test_the_warm_up_of_the_weights_keeps_its_share() -> None:
    method = METHODS["darts-1"]
    slow = replace(method, weights=replace(method.weights, warm_up_epochs=10))
    assert with_epochs(slow, 5).weights.warm_up_epochs == 1
    assert with_epochs(slow, method.epochs) == slow
