"""Figures as they are printed: colours that are told apart without green cones and in grey, letters to be read."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from predictornas.analysis.distribution import distribution_table
from predictornas.analysis.gain import gain_table
from predictornas.analysis.regret import convergence_table, incumbent_curves, oracle_errors
from predictornas.analysis.split import split_table
from predictornas.analysis.targets import targets_for
from predictornas.cli.studies import DEFAULT_METHODS
from predictornas.looks import styles_of
from predictornas.papers.mauch import CHOSEN, UNIFORM
from predictornas.plots.agreement import draw_agreement
from predictornas.plots.cells import draw_genotype
from predictornas.plots.convergence import draw_convergence
from predictornas.plots.distribution import draw_distribution
from predictornas.plots.estimator import draw_curves
from predictornas.plots.gain import draw_gain, draw_split
from predictornas.plots.learning_curves import draw_learning_curves
from predictornas.plots.milenas import _LOOKS
from predictornas.plots.predictors import draw_predictors
from predictornas.plots.ranks import draw_ranks
from predictornas.plots.style import COLORS, MUTED, SMALLEST, STYLES, drawing
from predictornas.plots.supernet import draw_search
from predictornas.plots.training_course import draw_training
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from tests.colour_vision import apart, closest, deuteranopic, lab, lightness, linear
from tests.plots import test_ranks, test_supernet

LEAST = 15.0
"""Distance in CIELAB that two colours of one figure keep; 2.3 is just noticeable side by side."""

LEAST_GREY = 15.0
"""Difference in lightness below which lines have to differ in more than colour."""

BASELINES = ("random", "regularised-evolution", "local-search", "bananas", "one-shot", "bayesian-optimisation")
SCHEDULERS = ("random", "rank-full", "rank-nosh-30", "nosh-30", "successive-halving-30", "asha-30")
PREDICTORS = ("neural-predictor", "gp", "gcn", "flow", "rnn", "paths")

OPERATIONS = (
    "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3",
    "dil_conv_5x5",
)  # fmt: skip

SETS = {
    "gain by default": tuple(DEFAULT_METHODS.split(",")),
    "uniform pools": UNIFORM,
    "chosen pools": CHOSEN,
    "baselines": BASELINES,
    "schedulers": SCHEDULERS,
    "predictors": PREDICTORS,
    "operations": OPERATIONS,
    "others": tuple(f"method {number}" for number in range(12)),
}


def test_the_simulation_gives_published_values() -> None:
    """White stays white; CIELAB of the primaries of sRGB (Lindbloom); red and green come close, blue and yellow not."""
    np.testing.assert_allclose(deuteranopic(linear("#FFFFFF")), 1, atol=1e-5)
    np.testing.assert_allclose(lab(linear("#FF0000")), [53.2408, 80.0925, 67.2032], atol=2e-3)
    np.testing.assert_allclose(lab(linear("#0000FF")), [32.2970, 79.1875, -107.8602], atol=2e-3)
    assert lightness("#777777") == pytest.approx(50.03, abs=0.01)
    assert apart("#CC4444", "#888800") > 60
    assert apart("#CC4444", "#888800", blind=True) < 25
    assert apart("#0000FF", "#FFFF00", blind=True) > 150


@pytest.mark.parametrize("name", SETS)
def test_methods_of_one_figure_are_told_apart_without_green_cones(name: str) -> None:
    colours = [style.color for style in styles_of(SETS[name]).values()]
    assert closest(colours, blind=False)[0] > LEAST
    assert closest(colours, blind=True)[0] > LEAST


@pytest.mark.parametrize("name", SETS)
def test_methods_that_are_alike_in_grey_have_other_marks(name: str) -> None:
    for one, other in combinations(styles_of(SETS[name]).values(), 2):
        if abs(lightness(one.color) - lightness(other.color)) < LEAST_GREY:
            assert one.marker != other.marker


def test_colours_of_what_is_no_method_are_apart_too() -> None:
    assert closest([*COLORS, MUTED], blind=True)[0] > LEAST
    lambdas = ("single-level", "mixed-0.1", "mixed-1", "mixed-999", "darts-2", "bilevel-to-mixed")
    assert closest([_LOOKS[name][1] for name in lambdas], blind=True)[0] > LEAST
    assert closest([_LOOKS[name][1] for name in ("gdas", "gdas-mixed", "milenas-gumbel")], blind=True)[0] > LEAST


@pytest.fixture(scope="module")
def drawn(searches, table_errors: np.ndarray, evaluation_errors: np.ndarray) -> dict[str, Callable[[], Figure]]:
    """What draws each kind of figure with its default content."""
    history, pools = searches({"random": 1.0, "uniform-1000": 0.05, "bayesian-optimisation": 0.02})
    rng = np.random.default_rng(0)
    targets = targets_for(table_errors, count=9)
    gain = gain_table(history, table_errors, targets, rng=rng)
    split = split_table(history, pools, table_errors, rng=rng)
    oracles = oracle_errors(1 - table_errors, 1 - evaluation_errors)
    convergence = convergence_table(incumbent_curves(history), oracles)
    shares = distribution_table(history, table_errors)
    qualities = pl.DataFrame(
        {"predictor": name, "size": size, "quantity": quantity, "mean": 0.1 * place, "low": 0.0, "high": 0.3}
        for place, name in enumerate(("gp", "gcn", "rnn"))
        for size in (78, 156)
        for quantity in ("tau", "hits", "regret")
    )
    course = {"epoch": [1, 2, 3], "train_loss": [2.0, 1.5, 1.0], "train_accuracy": [0.1, 0.2, 0.4]}
    course |= {"validation_accuracy": [0.1, 0.2, 0.3], "test_accuracy": [0.1, 0.2, 0.35]}
    curves = {"key": [1, 1, 2, 3], "epochs": [1, 3, 1, 1], "validation": [0.2, 0.5, 0.1, 0.15]}
    estimator = pl.DataFrame(
        {"curve": curve, "split": part, "evaluations": x, "mean": 1 / x, "low": None, "high": None, "runs": 1}
        for curve in ("gradient sampling", "uniform sampling")
        for part in ("test", "training")
        for x in (50, 100, 200)
    )
    names = [f"valid_accuracy_{number}" for number in range(5)]
    pairs = pl.DataFrame({"first": one, "second": other, "tau": 0.5} for one, other in combinations(names, 2))
    pairs = pl.concat([pairs, pl.DataFrame({"first": [names[-1]], "second": [names[-1]], "tau": [1.0]})])
    words = {"title": "Title", "caption": "Caption"}
    return {
        "gain": lambda: draw_gain(gain),
        "split": lambda: draw_split(split),
        "convergence": lambda: draw_convergence(convergence, oracles),
        "distribution": lambda: draw_distribution(shares),
        "predictors": lambda: draw_predictors(qualities, **words),
        "training": lambda: draw_training(pl.DataFrame(course), **words),
        "learning curves": lambda: draw_learning_curves(pl.DataFrame(curves), recommended=1, **words),
        "estimator": lambda: draw_curves(estimator, quantity="mean squared error of accuracy", **words),
        "ranks": lambda: draw_ranks(test_ranks._table({"abcd": 10})),
        "agreement": lambda: draw_agreement(pairs, **words),
        "super-network": lambda: draw_search(
            test_supernet.EPOCHS,
            test_supernet.CELLS.filter(cell="normal"),
            test_supernet.OPERATIONS,
            title="Title",
        ),
        "cells": lambda: draw_genotype(NAMED_GENOTYPES["DARTS-V2"]),
    }


KINDS = (
    "gain", "split", "convergence", "distribution", "predictors", "training", "learning curves", "estimator", "ranks",
    "agreement", "super-network", "cells",
)  # fmt: skip


def test_every_kind_is_tried(drawn: dict[str, Callable[[], Figure]]) -> None:
    assert tuple(drawn) == KINDS


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_one_panel_differ_without_green_cones_and_in_grey(drawn, kind: str) -> None:
    for axes in drawn[kind]().axes:
        lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
        for one, other in combinations(lines, 2):
            colours = to_hex(one.get_color()).upper(), to_hex(other.get_color()).upper()
            assert apart(*colours, blind=True) > LEAST or _look(one) != _look(other), (
                one.get_label(),
                other.get_label(),
            )
            if abs(lightness(colours[0]) - lightness(colours[1])) < LEAST_GREY:
                assert _look(one) != _look(other), (one.get_label(), other.get_label())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "style"),
    [*((kind, "paper") for kind in KINDS), *((kind, "paper-wide") for kind in ("gain", "predictors", "super-network"))],
)
def test_letters_are_large_enough_and_within_the_figure(drawn, kind: str, style: str) -> None:
    with drawing(style):
        figure = drawn[kind]()
        figure.draw_without_rendering()
    assert figure.get_figwidth() in (STYLES[style].width, 6.9)
    assert figure.get_figheight() < 9.5
    covered = figure.get_tightbbox()  # of everything that is drawn, in inches
    assert covered.x0 > -0.02
    assert covered.y0 > -0.02
    assert covered.x1 < figure.get_figwidth() + 0.02
    assert covered.y1 < figure.get_figheight() + 0.02
    least = 5.5 if kind == "cells" else SMALLEST
    words = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible() and artist.get_text())
    assert min(text.get_fontsize() for text in words) >= least - 1e-6


def _look(line: Line2D) -> tuple[object, object]:
    return line.get_marker(), line.get_linestyle()
