from __future__ import annotations

import pytest

from predictornas.errors import UnknownNameError
from predictornas.papers.figure import SIZES
from predictornas.papers.named_figures import FIGURES, find_figures
from predictornas.search.methods import get_preset, get_strategy


def test_every_figure_is_listed_under_its_own_name_with_a_time_for_every_size() -> None:
    assert [name for name, figure in FIGURES.items() if name != figure.name] == []
    assert [name for name, figure in FIGURES.items() if set(figure.minutes) != set(SIZES)] == []


def test_every_method_of_the_mauch_figures_exists() -> None:
    figures = find_figures(["mauch-fig*"])
    assert len(figures) == 9
    for figure in figures:
        for method in figure.make.keywords["methods"]:
            get_strategy(method, get_preset("paper"))


def test_names_and_patterns_give_each_figure_once_in_the_order_asked_for() -> None:
    found = find_figures(["mauch-fig7", "mauch-fig[27]", "mauch-fig10"])
    assert [figure.name for figure in found] == ["mauch-fig7", "mauch-fig2", "mauch-fig10"]


@pytest.mark.parametrize(("name", "hint"), [("mauch-fig", "Did you mean 'mauch-fig"), ("nobody-*", "no figure named")])
def test_what_fits_nothing_is_refused(name: str, hint: str) -> None:
    with pytest.raises(UnknownNameError, match=hint):
        find_figures(["mauch-fig2", name])
