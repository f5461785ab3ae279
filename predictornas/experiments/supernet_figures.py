"""The figures of super-networks by name; what makes them imports torch, so it is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from predictornas.experiments.figure import FigureRequest, Made, NamedFigure

_HE, _WANG, _CHEN = "He et al. 2020", "Wang 2021", "Chen et al. 2021"


def maker(place: str, title: str) -> Callable[[FigureRequest], Made]:
    """What makes a figure, loaded at the first call.

    Args:
        place: `module:function` in `predictornas.experiments`.
        title: handed to the function.
    """
    module, function = place.split(":")

    def make(request: FigureRequest) -> Made:
        made: Made = getattr(import_module(f"predictornas.experiments.{module}"), function)(request, title=title)
        return made

    return make


def _figure(name: str, title: str, source: str, needs: str, small: float, full: float, place: str) -> NamedFigure:
    """A figure with what it takes on two cores: measured at size small, estimated at full, in minutes."""
    return NamedFigure(
        name=name,
        title=title,
        source=source,
        needs=needs,
        minutes={"small": small, "full": full},
        make=maker(place, title),
        benchmark=None,
    )


SUPERNET_FIGURES = (
    _figure(
        "milenas-fig2",
        "Gap between training and validation accuracy: single-level, mixed-level, bilevel",
        f"{_HE}, figure 2",
        "images; 5 searches a seed",
        8,
        40_000,
        "milenas_figures:gap_figure",
    ),
    _figure(
        "milenas-fig3",
        "Validation accuracy and cost of single-level, mixed-level and bilevel searches",
        f"{_HE}, figure 3",
        "images; 6 searches a seed, 5 of them those of figure 2",
        10,
        50_000,
        "milenas_figures:validation_figure",
    ),
    _figure(
        "milenas-fig5",
        "GDAS with bilevel and with mixed-level optimisation",
        f"{_HE}, figure 5",
        "images, a table of NAS-Bench-201; 3 searches a seed",
        4,
        60_000,
        "milenas_figures:sampling_figure",
    ),
    _figure(
        "milenas-fig6",
        "Accuracy by the number of convolutions: mixed-level against bilevel searches",
        f"{_HE}, figure 6",
        "images, a table of NAS-Bench-201; 2 searches a seed",
        4,
        80_000,
        "milenas_figures:sizes_figure",
    ),
)
"""In the order of the papers."""
