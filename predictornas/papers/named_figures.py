"""Every figure that `predictornas reproduce` knows, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from predictornas.errors import UnknownNameError
from predictornas.papers.figure import SIZES, Made, NamedFigure
from predictornas.papers.mauch import (
    CHOSEN,
    EVOLUTIONARY,
    STATED_CHOSEN,
    STATED_CONVERGED,
    STATED_UNIFORM,
    UNIFORM,
    convergence_figure,
    gain_figure,
    proposals_figure,
    split_figure,
)
from predictornas.papers.near_pools import near_pools_figure
from predictornas.papers.pvll_figures import (
    DEFAULT_BENCHMARK,
    ablation_figure,
    learning_curves_figure,
    populations_figure,
    space_sizes_figure,
)
from predictornas.papers.smoothness import smoothness_figure
from predictornas.papers.supernet.supernet_figures import SUPERNET_FIGURES, maker


def _mauch(number: int, title: str, methods: Sequence[str], make: Callable[..., Made], **options: Any) -> NamedFigure:
    predicting = len([method for method in methods if method != "random"])
    return NamedFigure(
        name=f"mauch-fig{number}",
        title=title,
        source=f"Mauch et al. 2020, figure {number}",
        needs=f"any table; {len(methods)} methods",
        # Two cores; a run of 1,400 evaluations takes about 100 minutes on NAS-Bench-101, one of 100 about 4 seconds.
        minutes={"small": 1 + predicting * 5 * 4 / 60 / 2, "full": predicting * 20 * 100 / 2},
        make=partial(make, methods=methods, title=title, **options),
    )


def _pvll(place: str, title: str, make: Callable[..., Made], supernet: str, *, seconds: float) -> NamedFigure:
    """A figure of Li, Dong et al. 2020, and what makes its super-network form.

    `seconds`: one seed of all its settings on one core, in the form with a table.
    """
    return NamedFigure(
        name=f"pvll-{place}",
        title=title,
        source=f"Li, Dong et al. 2020, {place.replace('fig', 'figure ').replace('table', 'table ')}",
        needs="a table of NAS-Bench-201" if place == "fig3b" else "any table, NAS-Bench-201 by default",
        minutes={size: SIZES[size].seeds * seconds / 60 / 2 for size in SIZES},
        make=partial(make, title=title),
        benchmark=lambda: DEFAULT_BENCHMARK,
        supernet=maker(f"pvll_ablations:{supernet}", title),
    )


_UNIFORM, _CHOSEN = "uniform pools", "likelihood and evolutionary pools"

FIGURES: dict[str, NamedFigure] = {
    figure.name: figure
    for figure in (
        _mauch(2, f"Error of proposals (signal), {_UNIFORM}", UNIFORM, proposals_figure),
        _mauch(3, f"Gain over random search, {_UNIFORM}", UNIFORM, gain_figure, stated=STATED_UNIFORM),
        _mauch(4, f"Validation error, {_UNIFORM}", UNIFORM, convergence_figure, trace="searched"),
        _mauch(5, f"Test error, {_UNIFORM}", UNIFORM, convergence_figure, trace="chosen"),
        _mauch(6, f"Error of proposals (signal), {_CHOSEN}", CHOSEN, proposals_figure),
        _mauch(7, f"Gain over random search, {_CHOSEN}", CHOSEN, gain_figure, stated=STATED_CHOSEN),
        _mauch(8, "Gain of sampler and predictor, evolutionary pools", EVOLUTIONARY, split_figure),
        _mauch(
            9, f"Validation error, {_CHOSEN}", CHOSEN, convergence_figure, trace="searched", stated=STATED_CONVERGED
        ),
        _mauch(10, f"Test error, {_CHOSEN}", CHOSEN, convergence_figure, trace="chosen", stated=STATED_CONVERGED),
        NamedFigure(
            name="mauch-smoothness",
            title="Accuracies of architectures that are a few edits apart",
            source="Mauch et al. 2020, section 3.2",
            needs="any table of NAS-Bench-101 or NAS-Bench-201; nothing is trained",
            minutes={"small": 1.5, "full": 4.0},
            make=partial(smoothness_figure, title="Accuracies of architectures that are a few edits apart"),
            benchmark=None,
        ),
        NamedFigure(
            name="mauch-near-pools",
            title="Ranking the whole space, and pools near the best",
            source="Mauch et al. 2020, figures 7 and 9",
            needs="any table; 5 methods",
            minutes={"small": 4.0, "full": 400.0},
            make=partial(near_pools_figure, title="Ranking the whole space, and pools near the best"),
        ),
        _pvll(
            "fig3a",
            "Loss of the estimator, gradient and uniform sampling",
            learning_curves_figure,
            "sampling_curves_figure",
            seconds=8.0,
        ),
        _pvll(
            "fig3b",
            "Loss of the estimator in spaces of four sizes",
            space_sizes_figure,
            "space_sizes_figure",
            seconds=16.0,
        ),
        _pvll(
            "table3",
            "Loss of the estimator by warm-up population",
            populations_figure,
            "populations_figure",
            seconds=12.0,
        ),
        _pvll("table5", "Parts of PVLL-NAS left out", ablation_figure, "supernet_ablation_figure", seconds=30.0),
        *SUPERNET_FIGURES,
    )
}
"""The registry: a figure of another module is one more entry."""


def find_figures(names: Sequence[str]) -> list[NamedFigure]:
    """The figures of these names, each once, in the order of the names.

    Args:
        names: names, or patterns such as `mauch-fig*`.

    Raises:
        UnknownNameError: a name, or a pattern, that fits no figure.
    """
    found: dict[str, NamedFigure] = {}
    for name in names:
        fitting = {known: figure for known, figure in FIGURES.items() if fnmatchcase(known, name)}
        if not fitting:
            raise UnknownNameError("figure", name, FIGURES)
        found |= fitting
    return list(found.values())
