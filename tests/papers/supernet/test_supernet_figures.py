from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.papers.figure import FigureRequest
from predictornas.papers.named_figures import FIGURES
from predictornas.papers.supernet.supernet_figures import SUPERNET_FIGURES

BOTH_FORMS = [figure for figure in FIGURES.values() if figure.supernet is not None]


def test_they_can_be_asked_for_by_name() -> None:
    assert {figure.name for figure in SUPERNET_FIGURES} < set(FIGURES)
    assert {figure.name for figure in BOTH_FORMS} == {"pvll-fig3a", "pvll-fig3b", "pvll-table3", "pvll-table5"}


@pytest.mark.parametrize("figure", [*SUPERNET_FIGURES, *BOTH_FORMS], ids=lambda figure: figure.name)
def test_each_finds_its_maker_which_refuses_what_only_tables_have(figure, tmp_path: Path) -> None:
    request = FigureRequest(tmp_path, form="supernet")
    with pytest.raises(UnknownNameError, match="no size named 'huge'"):
        figure.made(replace(request, size="huge"))
    with pytest.raises(ConfigurationError, match="Leave out --study"):
        figure.made(replace(request, preset="paper"))
    assert list(tmp_path.iterdir()) == []


def test_a_form_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'supernet'"):
        FIGURES["pvll-fig3a"].made(FigureRequest(tmp_path, form="supernett"))
