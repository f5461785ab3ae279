"""The figures of super-networks by name; what makes them imports torch, so it is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from predictornas.papers.figure import FigureRequest, Made, NamedFigure

_HE, _WANG = "He et al. 2020", "Wang 2021 (thesis)"


def maker(place: str, title: str) -> Callable[[FigureRequest], Made]:
    """What makes a figure, loaded at the first call.

    Args:
        place: `module:function` in this package.
        title: handed to the function.
    """
    module, function = place.split(":")

    def make(request: FigureRequest) -> Made:
        loaded = import_module(f"predictornas.papers.supernet.{module}")
        made: Made = getattr(loaded, function)(request, title=title)
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
        "images; 5 searches a seed; --size medium takes an hour a seed on a core",
        8.0,
        40_000.0,
        "milenas_figures:gap_figure",
    ),
    _figure(
        "milenas-fig3",
        "Validation accuracy and cost of single-level, mixed-level and bilevel searches",
        f"{_HE}, figure 3",
        "images; 6 searches a seed, 5 of them those of figure 2; also --size medium",
        10.0,
        50_000.0,
        "milenas_figures:validation_figure",
    ),
    _figure(
        "milenas-fig5",
        "GDAS with bilevel and with mixed-level optimisation",
        f"{_HE}, figure 5",
        "images, a table of NAS-Bench-201; 3 searches a seed",
        4.0,
        60_000.0,
        "milenas_figures:sampling_figure",
    ),
    _figure(
        "milenas-fig6",
        "Accuracy by the number of convolutions: mixed-level against bilevel searches",
        f"{_HE}, figure 6",
        "images, a table of NAS-Bench-201; 2 searches a seed",
        4.0,
        80_000.0,
        "milenas_figures:sizes_figure",
    ),
    _figure(
        "pt-table2.1",
        "Swapping layers of plain networks, or edges of a super-network",
        f"{_WANG}, table 2.1",
        "images; darts-1 searches; a VGG and a ResNet a seed",
        8.0,
        2_000.0,
        "layer_shuffling:shuffling_figure",
    ),
    _figure(
        "pt-fig2.1",
        "Importance and strength of operations on three edges",
        f"{_WANG}, figure 2.1",
        "images; darts-1 searches; a fine-tuning an operation",
        6.0,
        10_000.0,
        "operation_strength:strengths_figure",
    ),
    _figure(
        "pt-fig2.2",
        "Most important and strongest operations in S2",
        f"{_WANG}, figure 2.2",
        "images; searches in darts-s2; a fine-tuning an operation",
        35.0,
        10_000.0,
        "operation_strength:chosen_operations_figure",
    ),
    _figure(
        "pt-fig2.3",
        "The lead of skip connections as the super-network learns",
        f"{_WANG}, figure 2.3",
        "images; darts-1 searches",
        3.0,
        2_000.0,
        "perturbation_figures:skip_gap_figure",
    ),
    _figure(
        "pt-fig3.1",
        "Cells selected by magnitude and by perturbation along a search",
        f"{_WANG}, figure 3.1",
        "images, a table of NAS-Bench-201; darts-1 searches that are looked at on the way",
        8.0,
        6_000.0,
        "perturbation_figures:selections_figure",
    ),
    _figure(
        "darts-collapse",
        "DARTS's collapse, and what reads better cells off the same super-networks",
        f"{_WANG}, figures 2.1 and 3.1, equation 2.2",
        "images such as CIFAR-10's, a table of NAS-Bench-201; --size smoke takes a minute",
        60.0,
        300.0,
        "collapse_figure:collapse_figure",
    ),
    _figure(
        "pt-proposition1",
        "Skip connections as predicted from variances and as learnt",
        f"{_WANG}, proposition 1",
        "images; darts-1 searches",
        2.0,
        2_000.0,
        "unrolled_estimation:proposition_figure",
    ),
    _figure(
        "supernet-nasbench201",
        "Every super-network method in NAS-Bench-201",
        f"{_WANG}, figure 3.1, for every method",
        "images, a table of NAS-Bench-201; every method, and four with perturbation",
        120.0,
        120_000.0,
        "nasbench201_study:trajectories_figure",
    ),
    _figure(
        "drnas-hessian",
        "Curvature of the validation loss: DARTS and DrNAS, and the bound of proposition 2",
        f"{_WANG}, section 3.2 and proposition 2",
        "images; darts-1 and drnas searches with the Hessian measured",
        20.0,
        6_000.0,
        "hessian_figures:hessian_figure",
    ),
    _figure(
        "pvll-table4",
        "PVLL-NAS: paths evaluated as they are, or trained before",
        "Li, Dong et al. 2020, table 4",
        "images, a table of NAS-Bench-201",
        10.0,
        6_000.0,
        "pvll_ablations:orders_figure",
    ),
)
"""In the order of the papers."""
